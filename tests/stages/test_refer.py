"""A new case is referred: each who must know gets one alert, with nothing in it about the person. All people are invented."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select, update

from hotline.models import Case, Contact, Duty, Lane, Message, Referral, table
from hotline.outbound.meter import measure
from hotline.routing import keeping
from hotline.routing.directory import load
from hotline.routing.refer import steps_for
from tests.line import Line

CALLER = "+250780000101"
UNPAID = "My boss has not paid me for three months"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
CHILD = "A girl of 14 years is locked in a house in Kamembe, they beat her. Call +250 780 000 155"


def alerts(line: Line) -> list[tuple[str, str]]:
    return [(text.to, text.body) for text in line.carriers["simulator"].sent]


@pytest.mark.parametrize("words", [LOCKED_IN, CHILD, UNPAID])
def test_an_alert_says_nothing_of_the_person_nor_where_below_the_district(line: Line, words: str) -> None:
    line.says(CALLER, words)
    assert alerts(line)
    for _, body in alerts(line):
        assert line.case()["handle"] in body
        assert "Rusizi" in body
        told = body.replace(line.case()["handle"], "")  # a handle may end in 14
        assert not re.search(r"Kamembe|passport|locked|beat|boss|paid|girl|14 |780\d{6}|\+250", told)
        assert measure(body).segments == 1


def test_danger_to_life_travels_in_its_own_lane_and_tells_two_agencies(line: Line) -> None:
    line.says(CALLER, LOCKED_IN)
    of = {row["id"]: row["agency_id"] for row in line.rows(Contact)}
    rows = line.rows(Message, kind="alert")
    assert {row["lane"] for row in rows} == {Lane.LIFE}
    assert len({of[row["contact_id"]] for row in rows}) == 2
    assert {row["contact_id"] for row in rows} == {row["contact_id"] for row in line.rows(Referral)}


def test_a_lesser_case_tells_one_desk_in_the_lane_of_answers(line: Line) -> None:
    line.says(CALLER, UNPAID)
    (row,) = line.rows(Message, kind="alert")
    assert row["lane"] == Lane.REPLY
    assert (row["valid_until"] - row["created_at"]).total_seconds() == 12 * 3600


def test_a_child_in_danger_is_met_by_child_protection_and_the_alert_says_so(line: Line) -> None:
    line.says(CALLER, CHILD)
    children = line.contact("Child protection, Rusizi")
    assert children["id"] in {row["contact_id"] for row in line.rows(Referral)}
    assert all(re.search("minor|enfant|umwana|mineur", body) for _, body in alerts(line))


def test_each_contact_reads_its_own_language(line: Line) -> None:
    line.later(hours=12)
    line.says(CALLER, LOCKED_IN)
    line.tick(minutes=5)
    languages = {row["id"]: row["language"] for row in line.rows(Contact)}
    told = {languages[row["contact_id"]] for row in line.rows(Referral)}
    assert len(told) >= 2
    assert len({re.sub(r"[A-Z0-9]{2}-[A-Z0-9]{4}|\d+", "", body) for _, body in alerts(line)}) >= len(told)


@pytest.mark.parametrize(("utc", "on_duty"), [("03:59", False), ("04:00", True), ("19:59", True), ("20:00", False)])
def test_duty_hours_are_those_of_a_clock_in_kigali(line: Line, utc: str, *, on_duty: bool) -> None:
    """The border post, whose area Kamembe is, has duty from six in the morning until ten at night."""
    line.now = line.now.replace(hour=int(utc[:2]), minute=int(utc[3:]))
    line.says(CALLER, LOCKED_IN)
    border = line.contact("Rusizi border post")["id"]
    assert (border in {row["contact_id"] for row in line.rows(Referral)}) is on_duty


@pytest.mark.parametrize("words", ["Thank you", "What is this number?", "a\x00b", ""])
def test_what_is_nobodys_matter_alerts_nobody_and_is_kept(line: Line, words: str) -> None:
    line.says(CALLER, words)
    assert alerts(line) == []
    assert line.case()["next_step_at"] is None
    assert line.told(line.case()["id"]) == [words]


def test_a_case_that_is_somebodys_matter_is_written_once_with_its_ladder(line: Line) -> None:
    changed: list[str] = []

    def note(*told: object) -> None:
        if (statement := str(told[2])).startswith('UPDATE "case"'):
            changed.append(statement)

    event.listen(line.site.db.engine, "before_cursor_execute", note)
    line.text(CALLER, LOCKED_IN)
    line.work()
    event.remove(line.site.db.engine, "before_cursor_execute", note)
    steps = steps_for(line.site, life=True)
    assert (line.case()["ladder_from"], line.case()["next_step_at"]) == (line.now, line.now + steps[0].after)
    assert changed == []


def test_with_an_empty_directory_the_case_is_there_and_its_ladder_runs(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(delete(table(Duty)))
        session.execute(delete(table(Contact)))
    line.says(CALLER, LOCKED_IN)
    assert alerts(line) == []
    assert line.case()["next_step_at"] is not None
    line.tick(minutes=5)
    assert line.case()["ladder_step"] == 1


def test_the_directory_holds_who_is_active_with_agency_and_hours(line: Line) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(table(Contact)).where(table(Contact).c.name == "Labour inspector").values(active=False))
    with line.reading() as session:
        entries = load(session)
    by_id = {entry.id: entry for entry in entries}
    assert line.contact("Labour inspector")["id"] not in by_id
    station = by_id[str(line.contact("Kamembe police station")["id"])]
    assert (station.agency_kind, station.areas, len(station.hours)) == ("police", frozenset({"Rusizi"}), 7)
    assert by_id[str(line.contact("Partner, on call")["id"])].last_resort


def test_fifty_reports_in_one_batch_each_tell_their_own(line: Line) -> None:
    for number in range(50):
        line.text(f"+2507800010{number:02}", LOCKED_IN if number % 2 else UNPAID)
    line.work()
    handles = {case["handle"] for case in line.rows(Case)}
    assert len(handles) == 50
    told = [code for _, body in alerts(line) for code in re.findall(r"[A-Z0-9]{2}-[A-Z0-9]{4}", body)[:1]]
    assert set(told) == handles
    assert len(told) == 25 * 2 + 25


def test_whoever_is_away_or_rests_on_a_holiday_is_not_told_and_who_stands_in_is(line: Line) -> None:
    with line.site.db.transaction() as session:
        people = {one.name: one for one in session.scalars(select(Contact)).unique()}
        station, labour = people["Kamembe police station"], people["Labour inspector"]
        labour.categories, labour.rests_on_holidays = ["*"], True
        begins, ends = line.now - timedelta(hours=1), line.now + timedelta(hours=9)
        keeping.away(session, station, begins, ends, line.now, instead=labour, actor="test")
    line.text(CALLER, "They locked me in a house in Kamembe, help me now")
    line.work()
    assert line.to("+250780000202") == []
    with line.site.db.reading() as session:
        entries = {one.id: one for one in load(session)}
    local = line.site.local(line.now)
    assert entries[labour.id].on_duty(local), "out of turn, in the middle of the night"
    assert not entries[station.id].on_duty(local)
    assert entries[station.id].on_duty(local + timedelta(hours=9)), "back when the span is over"
    tuesday = local + timedelta(hours=12)
    assert entries[labour.id].on_duty(tuesday), "by the hours of the week"
    with line.site.db.transaction() as session:
        keeping.holiday(session, f"{tuesday:%Y-%m-%d}", "A day off", line.now, actor="test")
    with line.site.db.reading() as session:
        entries = {one.id: one for one in load(session)}
    assert not entries[labour.id].on_duty(tuesday)
    assert entries[station.id].on_duty(tuesday), "the police do not rest"
