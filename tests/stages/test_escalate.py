"""Nobody answers: the case climbs, exactly and without end, until a person does. All people and numbers are invented."""

import re
from collections import Counter as Tally
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from hotline.models import Attempt, Case, CaseKey, Contact, Duty, Message, Referral, Tier, table
from hotline.routing import escalate
from tests.line import Line

CALLER = "+250780000101"
STATION, BUREAU_DESK, BORDER, POST = "+250780000202", "+250780000222", "+250780000203", "+250780000201"
CHIEF, BUREAU, PARTNER = "+250780000211", "+250780000221", "+250780000231"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
UNPAID = "My boss has not paid me for three months"
LIFE = [5.0, 10.0, 20.0, 30.0, 45.0, 60.0]


@pytest.fixture(autouse=True)
def _in_the_morning(line: Line) -> None:
    """The border post, whose area Kamembe is, has duty from six to ten at night."""
    line.later(hours=12)


def start(line: Line, words: str = LOCKED_IN) -> str:
    """Open a case and return its handle."""
    line.says(CALLER, words)
    return str(line.case()["handle"])


def steps(line: Line, *, minutes: int, every: int) -> dict[float, list[str]]:
    """Let the clock run, and return who was alerted after how many minutes."""
    began, climbed = line.now, dict[float, list[str]]()
    while left := int((began + timedelta(minutes=minutes) - line.now).total_seconds() / every):
        line.forget()
        line.tick(seconds=every, times=left)
        if line.sent:
            climbed[(line.now - began).total_seconds() / 60] = sorted(text.to for text in line.sent)
    return climbed


def test_an_unanswered_cry_for_help_climbs_to_the_second(line: Line) -> None:
    """T-ESC-1: 60 minutes of the clock's rounds, each five seconds; exact to a round where ± 15 s are allowed."""
    start(line)
    told = sorted(text.to for text in line.carriers["simulator"].sent)
    assert len(told) == 2
    climbed = steps(line, minutes=60, every=5)
    assert [round(at, 2) for at in climbed] == LIFE
    assert set(told) < set(climbed[5]), "those told once more, and one more"
    assert len(climbed[5]) == 3
    assert climbed[10] == climbed[5], "the call step adds nobody"
    assert set(climbed[20]) == set(climbed[5]) | {CHIEF, BUREAU}
    assert set(climbed[30]) == set(climbed[20]) | {PARTNER}
    assert climbed[45] == climbed[60] == climbed[30]
    assert all(max(Tally(numbers).values()) == 1 for numbers in climbed.values()), "each phone once a step"


def test_the_next_contact_too_is_one_whose_area_it_is(line: Line) -> None:
    with line.site.db.transaction() as session:
        station = table(Contact).c.name == "Kamembe police station"
        session.execute(update(table(Contact)).where(station).values(active=False))
    start(line, LOCKED_IN.replace("Kamembe", "Bugarama"))
    assert sorted(text.to for text in line.carriers["simulator"].sent) == [BORDER, BUREAU_DESK]
    line.forget()
    line.tick(minutes=5)
    assert {text.to for text in line.sent} == {BORDER, BUREAU_DESK, POST}, "the post in Bugarama: the place is remembered"


def test_it_never_stops_by_itself(line: Line) -> None:
    """T-ESC-1, for twelve hours."""
    start(line)
    climbed = steps(line, minutes=12 * 60, every=300)
    assert list(climbed) == [5, 10, 20, 30, *range(45, 12 * 60 + 1, 15)]


def test_after_a_week_without_an_answer_it_still_climbs(line: Line) -> None:
    start(line)
    line.later(days=8)
    line.forget()
    line.tick()
    assert {text.to for text in line.sent} >= {CHIEF, BUREAU, PARTNER}
    assert "9999 min" in line.to(CHIEF)[0]


def test_an_outage_is_made_up_for_in_one_step_and_not_in_a_volley(line: Line) -> None:
    start(line)
    line.later(minutes=44)
    climbed = steps(line, minutes=30, every=5)
    first, second, *_ = climbed
    assert first == 5 / 60
    assert {CHIEF, BUREAU, PARTNER, STATION, BUREAU_DESK} <= set(climbed[first])
    assert 44 + second == pytest.approx(45, abs=0.1), "then the ladder goes on as if nothing had been"
    assert max(Tally(climbed[first]).values()) == 1


def test_a_case_that_can_wait_climbs_slowly(line: Line) -> None:
    start(line, UNPAID)
    climbed = steps(line, minutes=17 * 60, every=300)
    assert list(climbed) == [60, 240, 960]
    assert {CHIEF, BUREAU} <= set(climbed[240])


def test_a_repeated_alert_says_how_long_somebody_waits_and_nothing_of_the_person(line: Line) -> None:
    handle = start(line)
    first = [text.body for text in line.carriers["simulator"].sent]
    expected = rf"\[{handle}\] URGENT, Rusizi\. Reply 1 {handle} takes it, 2 {handle} passes on\. Open the console for details\."
    assert any(re.fullmatch(expected, text) for text in first)
    line.forget()
    line.tick(minutes=20)
    texts = [text.body for text in line.sent]
    assert any(re.match(rf"\[{handle}\] URGENT, waiting 20 min, Rusizi\.", text) for text in texts)
    assert any("not taken after 20 min" in text for text in line.to(CHIEF))
    for text in first + texts:
        assert not re.search("Kamembe|passport|madam|locked|780000", text)


def test_the_contact_who_was_passed_over_is_not_told_again(line: Line) -> None:
    handle = start(line)
    first = line.carriers["simulator"].sent[0].to
    line.forget()
    line.says(first, f"3 {handle}")
    line.tick()
    assert line.to(first) == [line.to(first)[0]], "the confirmation alone"
    climbed = steps(line, minutes=10, every=5)
    assert all(first not in numbers for numbers in climbed.values())


def test_when_everybody_has_passed_on_the_last_resort_is_rung_and_then_anybody(line: Line) -> None:
    handle = start(line)
    for _ in range(6):
        line.tick(minutes=15)
        for number in {text.to for text in line.sent} - {CALLER}:
            line.text(number, f"2 {handle}")
        line.work()
    line.forget()
    line.tick(minutes=15)
    line.tick(minutes=15)
    assert line.sent, "a danger to life is never left with nobody"


def test_with_nobody_on_duty_the_ladder_of_a_lesser_case_starts_all_the_same(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(table(Contact)).values(last_resort=False))
        session.execute(delete(table(Duty)))
    start(line, UNPAID)
    assert line.carriers["simulator"].sent == []
    station = line.contact("Kamembe police station")
    with line.site.db.transaction() as session:
        session.execute(insert(table(Duty)), [{"id": "d", "contact_id": station["id"], "weekday": 1, "start": 0, "end": 1440}])
    line.tick(minutes=60)
    assert [text.to for text in line.carriers["simulator"].sent] == [STATION]


def test_what_is_nobodys_matter_never_climbs(line: Line) -> None:
    start(line, "Thank you")
    assert line.case()["next_step_at"] is None
    assert steps(line, minutes=120, every=300) == {}


def test_a_contact_who_has_left_is_not_told(line: Line) -> None:
    start(line)
    with line.site.db.transaction() as session:
        session.execute(update(table(Contact)).where(table(Contact).c.tier == Tier.SUPERVISOR).values(active=False))
    climbed = steps(line, minutes=30, every=60)
    assert CHIEF not in climbed[20]
    assert BUREAU in climbed[20]


def test_one_case_whose_key_was_tampered_with_holds_up_no_other(line: Line) -> None:
    start(line)
    case_id = line.case()["id"]
    with line.site.db.transaction() as session:
        session.execute(update(table(CaseKey)).where(table(CaseKey).c.case_id == case_id).values(wrapped=b"rot"))
    line.says("+250780000109", LOCKED_IN)
    line.forget()
    line.tick(minutes=5)
    assert len(line.sent) == 3


def test_two_clocks_at_once_climb_once(line: Line) -> None:
    start(line)
    line.later(minutes=5)
    for _ in range(2):
        with line.site.db.transaction() as session:
            escalate.climb(session, line.site, line.now)
    before = len(line.carriers["simulator"].sent)
    line.work()
    assert len(line.carriers["simulator"].sent) - before == 3


def test_every_alert_leaves_its_rows(line: Line) -> None:
    start(line)
    line.tick(minutes=5)
    alerts = [row for row in line.rows(Message) if row["kind"] == "alert"]
    assert len(alerts) == 5
    assert {row["state"] for row in alerts} == {"accepted"}
    assert len({row["contact_id"] for row in alerts}) == len(line.rows(Referral)) == 3
    assert {row["state"] for row in line.rows(Referral)} == {"told"}
    assert sorted(row["step"] for row in line.rows(Referral)) == [0, 0, 1]
    assert all(row["ended_at"] for row in line.rows(Attempt))
    assert line.rows(Case)[0]["ladder_step"] == 1


@pytest.mark.parametrize("minutes", [4, 29])
def test_nothing_is_climbed_early(line: Line, minutes: int) -> None:
    start(line)
    line.tick(minutes=minutes)
    line.forget()
    line.tick(seconds=59)
    assert line.sent == []
