"""An officer takes down what somebody says: stored first, then the way of a text, from intake to those who are told."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from hotline.models import Agency, AuditEvent, Caller, Case, Contact, Inbox, Message, Referral, Report, new_id
from tests.console.desk import Browser, Desk
from workers import jobs

WORDS = "they locked three girls in a house near the market and took their papers"
NUMBER = "+250788000123"  # invented


def taken_down(desk: Desk, browser: Browser, **given: str) -> str:
    """Take something down and let a worker read it; returns where the officer is brought."""
    answer = browser.post("/new", **{"text": WORDS, "way": "phone", **given})
    assert answer.status_code == 303
    while jobs.drain_batch(desk.site):
        pass
    return browser.get(answer.location).location or answer.location


def the_case(desk: Desk) -> Case:
    with desk.site.db.reading() as session:
        return session.scalars(select(Case)).one()


def test_it_is_read_judged_and_passed_on_as_a_text_would_be(either: Desk) -> None:
    with either.site.db.transaction() as session:
        agency = Agency(id=new_id(), name="Invented agency", kind="police")
        wherever = {"areas": ["*"], "categories": ["*"], "last_resort": True, "verified_at": datetime.now(UTC)}
        session.add(agency)
        session.flush()
        session.add(Contact(agency_id=agency.id, name="Invented desk", number_index=b"1", number_sealed=b"", **wherever))
    browser = either.signed_in("intake")
    where = taken_down(either, browser, danger="yes", sector="Kamembe", language="rw")
    case = the_case(either)
    assert where == f"/case/{case.token}"
    assert (case.channel, case.urgency, case.language, case.state) == ("phone", "immediate", "rw", "new")
    with either.site.db.reading() as session:
        assert session.scalars(select(Referral)).all()
        assert session.scalars(select(AuditEvent.action).where(AuditEvent.action == "report.taken_down")).all()
    page = browser.get(where).get_data(as_text=True)
    assert "told Intake by phone" in page
    assert "Kamembe" in page
    assert "Stored. It went the way of every text" in page


def test_without_a_number_nobody_can_be_written_to_and_everybody_stays_a_stranger(either: Desk) -> None:
    browser = either.signed_in("intake")
    for _ in range(2):
        taken_down(either, browser, way="walk_in")
    with either.site.db.reading() as session:
        cases = session.scalars(select(Case)).all()
        assert [case.channel for case in cases] == ["walk_in", "walk_in"]
        assert not any(session.scalars(select(Caller.reachable)))
    assert "no number that can be written to" in browser.get(f"/case/{cases[0].token}").get_data(as_text=True)


@pytest.mark.parametrize(("safe", "shown"), [("unknown", "will not be sent now"), ("never", "will not be sent now")])
def test_telling_by_phone_lets_nobody_text(desk: Desk, safe: str, shown: str) -> None:
    browser = desk.signed_in("intake")
    where = taken_down(desk, browser, number=NUMBER, safe=safe)
    assert shown in browser.get(where).get_data(as_text=True)
    assert desk.texts_to(the_case(desk)) == [], "nor does the line by itself"


def test_whoever_tells_more_under_the_same_number_adds_to_the_open_item(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    first = taken_down(desk, browser, number="0788000123", text="I want to ask about a job in a hotel")
    second = taken_down(desk, browser, number=NUMBER, danger="yes")
    assert first == second
    assert the_case(desk).urgency == "immediate"
    with desk.site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 2
        assert session.scalar(select(func.count()).select_from(Report)) == 1


def test_a_page_sent_twice_is_told_once(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    found = re.search(r'name="known_as" value="([0-9a-f]{32})"', browser.get("/new").get_data(as_text=True))
    assert found is not None
    for _ in range(2):
        taken_down(desk, browser, known_as=found.group(1))
    assert the_case(desk)


def test_the_desk_cannot_open_what_it_stored_and_no_word_of_it_stands_anywhere(desk: Desk) -> None:
    desk.signed_in("intake").post("/new", text=WORDS, number=NUMBER)
    with desk.site.db.reading() as session:
        row = session.scalars(select(Inbox)).one()
    assert b"locked" not in row.sealed
    assert NUMBER.encode() not in row.sealed


def test_what_is_missing_is_named_and_nothing_that_was_typed_is_lost(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    empty = browser.post("/new", text=" ", sector="Kamembe")
    assert (empty.status_code, "Write down what they said" in empty.get_data(as_text=True)) == (422, True)
    wrong = browser.post("/new", text=WORDS, number="12 or so")
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert "That is no phone number" in page
    assert WORDS in page
    with desk.site.db.reading() as session:
        assert session.scalars(select(Inbox)).all() == []


def test_until_it_is_read_the_page_says_that_it_is_stored(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    answer = browser.post("/new", text=WORDS)
    page = browser.get(answer.location).get_data(as_text=True)
    assert "It is being read now" in page
    assert 'http-equiv="refresh"' in page
