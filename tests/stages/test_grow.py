"""A report grows: the case rises with it, never falls, and whoever must now know is told. All people are invented."""

import pytest
from sqlalchemy import delete, select, update

from hotline.casework.acknowledge import acknowledge
from hotline.models import Assessed, Case, Contact, Duty, Lane, Message, Officer, Reading, Referral, ReferralState, table
from hotline.routing.grow import reread, words_of
from tests.line import Line

CALLER = "+250780000101"
UNPAID = "My boss has not paid me for three months"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


def alerted(line: Line) -> list[str]:
    return [text.to for text in line.carriers["simulator"].sent]


def agencies(line: Line) -> set[str]:
    of = {row["id"]: row["agency_id"] for row in line.rows(Contact)}
    return {of[row["contact_id"]] for row in line.rows(Referral)}


def test_a_second_text_that_is_a_cry_for_help_raises_the_case_and_tells_two_agencies(line: Line) -> None:
    line.says(CALLER, UNPAID)
    assert line.case()["urgency"] == "routine"
    assert len(alerted(line)) == 1
    line.forget()
    line.later(minutes=20)
    line.says(CALLER, LOCKED_IN)
    case = line.case()
    assert (case["category"], case["urgency"], case["rank"]) == ("trafficking", "immediate", 0)
    assert len(agencies(line)) >= 2
    assert (case["ladder_from"], case["ladder_step"]) == (line.now, 0)
    assert {row["lane"] for row in line.rows(Message, kind="alert")} == {Lane.LIFE, Lane.REPLY}
    assert line.told(case["id"]) == [UNPAID, LOCKED_IN]


def test_thanks_that_turn_into_a_cry_for_help_tell_everybody_who_must_know(line: Line) -> None:
    line.says(CALLER, "Thank you")
    assert alerted(line) == []
    line.says(CALLER, LOCKED_IN)
    assert line.case()["urgency"] == "immediate"
    assert len(agencies(line)) >= 2
    assert line.case()["next_step_at"] is not None


@pytest.mark.parametrize("after", ["Thank you", "ok", "What is this number?", UNPAID])
def test_later_harmless_words_take_nothing_back(line: Line, after: str) -> None:
    line.says(CALLER, LOCKED_IN)
    before, told = line.case(), alerted(line)
    line.forget()
    line.later(minutes=2)
    line.says(CALLER, after)
    case = line.case()
    kept = ("category", "urgency", "rank", "minors", "next_step_at", "ladder_step", "ladder_from")
    assert [case[name] for name in kept] == [before[name] for name in kept]
    assert told
    assert alerted(line) == [], "nobody is alerted twice for one thing"


@pytest.mark.parametrize("category", ["labour_abuse", "thanks_or_other", "question"])
def test_a_reading_that_is_milder_as_a_whole_takes_nothing_back_either(line: Line, category: str) -> None:
    line.says(CALLER, LOCKED_IN)
    before = line.case()
    milder = Reading(category, "routine", "false", "en", language_confident=True, places=(), rules_version="x", whole="{}")
    with line.site.db.transaction() as session:
        assert reread(session, line.site, [(str(before["id"]), line.key(str(before["id"])), milder)], line.now) == set()
    case = line.case()
    assert (case["urgency"], case["rank"], case["category"]) == ("immediate", 0, "trafficking")
    assert (case["next_step_at"], case["minors"]) == (before["next_step_at"], "unknown"), "whether a child is there stays open"


def test_a_child_named_later_is_remembered(line: Line) -> None:
    line.says(CALLER, UNPAID)
    line.says(CALLER, "A girl of 14 years is locked in that house, they beat her")
    assert line.case()["minors"] == "true"
    line.says(CALLER, "There are 3 women aged 25 and 30")
    assert line.case()["minors"] == "true"


def test_a_case_somebody_had_taken_is_asked_for_anew_when_it_turns_into_danger(line: Line) -> None:
    line.says(CALLER, UNPAID)
    (first,) = alerted(line)
    code = str(line.case()["handle"])
    line.says(first, f"1 {code}")
    taken_by = line.case()["acknowledged_by_id"]
    assert line.case()["next_step_at"] is None
    line.forget()
    line.later(minutes=40)
    line.says(CALLER, LOCKED_IN)
    assert line.case()["acknowledged_at"] is None
    assert line.case()["next_step_at"] is not None
    assert first in alerted(line), "whoever took it is told first of all that it is another case now"
    assert len(agencies(line)) >= 2
    assert {row["state"] for row in line.rows(Referral, contact_id=taken_by)} == {ReferralState.TOLD}

    line.forget()
    line.tick(minutes=5)
    assert first in alerted(line)
    line.says(first, f"1 {code}")
    assert line.case()["acknowledged_by_id"] == taken_by
    line.forget()
    for _ in range(4):
        line.tick(minutes=14)
    assert line.sent == [], "and an answer stops it again"


def test_a_case_the_desk_had_taken_is_asked_for_anew_too(line: Line) -> None:
    line.says(CALLER, UNPAID)
    with line.site.db.transaction() as session:
        officer = Officer(name="aline", display_name="Aline U.", role="intake", password_hash="x", totp_sealed=b"x")
        session.add(officer)
        assert acknowledge(session, session.scalars(select(Case)).one(), now=line.now, officer=officer)
    line.says(CALLER, LOCKED_IN)
    assert line.case()["acknowledged_at"] is None
    with line.site.db.transaction() as session:
        officer = session.scalars(select(Officer)).one()
        assert acknowledge(session, session.scalars(select(Case)).one(), now=line.now, officer=officer)
    assert line.case()["next_step_at"] is None


def test_more_words_of_a_danger_that_was_taken_wake_nobody(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    first = alerted(line)[0]
    line.says(first, f"1 {line.case()['handle']}")
    before = line.case()["acknowledged_at"]
    line.forget()
    line.says(CALLER, "They beat me again, please come now")
    assert alerted(line) == []
    assert line.case()["acknowledged_at"] == before


def test_a_report_is_read_as_a_whole_and_each_reading_kept(line: Line) -> None:
    line.says(CALLER, "They took my passport")
    line.says(CALLER, "I am locked in a house in Kamembe and they beat me")
    case_id = str(line.case()["id"])
    key = line.key(case_id)
    with line.reading() as session:
        assert words_of(session, case_id, key) == "They took my passport\nI am locked in a house in Kamembe and they beat me"
    readings = [key.open_text(row["sealed"], f"assessment|sealed|{row['id']}") for row in line.rows(Assessed)]
    assert len(readings) == 2
    assert sum("took my passport" in one for one in readings) == 2
    assert sum("Kamembe" in one for one in readings) == 1


def test_each_growth_shows_to_whoever_looks_at_the_case(line: Line) -> None:
    line.says(CALLER, UNPAID)
    seen = line.case()["version"]
    line.says(CALLER, "It is at the tea factory")
    assert line.case()["version"] == seen + 1


def test_text_after_text_does_not_put_off_a_ladder_that_finds_nobody(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(table(Contact)).values(last_resort=False))
        session.execute(delete(table(Duty)))
    line.says(CALLER, UNPAID)
    assert alerted(line) == []
    due = line.case()["next_step_at"]
    assert due is not None
    line.later(minutes=30)
    line.says(CALLER, "It is at the tea factory")
    assert line.case()["next_step_at"] == due
