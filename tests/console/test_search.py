"""Search: facts in the address, words in the form alone, on record, and nothing of what is kept from whoever searches."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hotline.casework import asking
from hotline.casework.search import MOST_SEARCHES
from hotline.intake import clues
from hotline.models import AuditEvent, Case, CaseKey, Reading
from hotline.roles import Role
from tests.console.desk import Browser, Desk
from tests.console.test_hidden import keep_from

NOW = datetime(2026, 11, 28, 18, 30, tzinfo=ZoneInfo("Africa/Kigali"))


def handles(page: str) -> list[str]:
    return re.findall(r'data-handle="([\w-]+)"', page)


def found(browser: Browser, line: str) -> list[str]:
    """The handles a line finds, typed into the box; words never come to stand in an address."""
    answer = browser.post("/search", q=line)
    if answer.status_code == 303:
        answer = browser.get(answer.location)
    assert answer.status_code == 200, answer.status_code
    return handles(answer.get_data(as_text=True))


def put(desk: Desk, case: Case, *places: str) -> Case:
    """Keep the places of a case as intake would."""
    reading = Reading("trafficking", "soon", "no", "en", True, places, "invented", "{}")
    with desk.site.db.transaction() as session:
        clues.keep_new(session, desk.site, [(case.id, reading)], datetime.now(UTC))
    return case


def did(desk: Desk, action: str) -> list[AuditEvent]:
    with desk.site.db.reading() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.seq)))


def test_items_are_found_by_facts(desk: Desk) -> None:
    work = put(desk, desk.case(category="labour_abuse", urgency="soon", rank=1, language="sw"), "Nyange", "Bugarama")
    child = desk.case(category="child_protection", minors="true", ago=timedelta(days=20), owner_id=desk.officer("intake").id)
    desk.tell(child, "Invented child line")
    browser = desk.signed_in("intake")
    assert found(browser, "category:labour") == [work.handle]
    assert found(browser, "place:bugarama") == found(browser, 'place:"Nyange"') == [work.handle]
    assert found(browser, "language:sw urgency:soon channel:sms") == [work.handle]
    assert found(browser, "since:7d") == [work.handle]
    assert found(browser, "until:7d") == found(browser, "child:yes") == found(browser, "owner:me") == [child.handle]
    assert found(browser, 'agency:"invented child"') == [child.handle]
    assert found(browser, "owner:nobody") == [work.handle]
    assert set(found(browser, "category:labour category:child")) == {work.handle, child.handle}
    assert found(browser, "category:labour owner:me") == found(browser, "place:muganza") == []
    for typed in (child.handle, child.handle.lower().replace("-", "")):
        assert found(browser, typed) == [child.handle]


def test_the_sector_of_a_named_village_is_known_unless_two_have_one(desk: Desk) -> None:
    named, twice = put(desk, desk.case(), "Ryankana"), put(desk, desk.case(), "Kabeza")
    browser = desk.signed_in("intake")
    assert found(browser, "place:bugarama") == [named.handle]
    assert found(browser, "place:kabeza") == [twice.handle]


def test_words_are_looked_for_in_the_form_and_never_stand_in_an_address(desk: Desk) -> None:
    hit, miss = desk.case("Ils ont pris nos papiers près du marché"), desk.case("is this job real?")
    browser = desk.signed_in("intake")
    assert found(browser, "papier marche") == [hit.handle]
    assert found(browser, "papier job") == []
    assert set(found(browser, "category:trafficking")) == {hit.handle, miss.handle}
    page = browser.get("/search?q=category:trafficking+papiers").get_data(as_text=True)
    assert "papiers" not in page, "a word typed into the address is not looked for"
    assert browser.post("/search", q="category:trafficking").location == "/search?q=category:trafficking"


def test_what_was_opened_and_found_is_on_record_without_the_words(desk: Desk) -> None:
    hit = desk.case("they locked the door")
    desk.case("something else")
    found(desk.signed_in("intake"), "locked")
    (searched,) = did(desk, "case.searched")
    assert (searched.object, searched.meta) == ("search", {"opened": 2, "found": 1})
    assert [event.object for event in did(desk, "case.found")] == [hit.handle]
    with desk.site.db.reading() as session:
        rows = session.execute(select(AuditEvent.object, AuditEvent.meta, AuditEvent.action)).all()
    assert "locked" not in repr(rows)


def test_notes_are_searched_and_what_was_shredded_is_not(desk: Desk) -> None:
    noted, shredded = desk.case("nothing"), desk.case("they took the invented lorry")
    browser = desk.signed_in("intake")
    browser.post(f"/case/{noted.token}/note", text="an invented lorry, twice")
    with desk.site.db.transaction() as session:
        session.delete(session.get_one(CaseKey, shredded.id))
    assert found(browser, "lorry") == [noted.handle]


def test_an_auditor_searches_facts_and_no_words(desk: Desk) -> None:
    case = desk.case("they took our papers")
    auditor = desk.signed_in("auditor")
    assert found(auditor, "category:trafficking") == [case.handle]
    answer = auditor.post("/search", q="papers")
    assert answer.status_code == 422
    assert handles(answer.get_data(as_text=True)) == []
    assert did(desk, "case.searched") == []


@pytest.mark.parametrize("line", ["papers", "category:trafficking", "place:bugarama", "{handle}", "since:1d papers"])
def test_whoever_must_not_know_finds_nothing(desk: Desk, line: str) -> None:
    case = put(desk, desk.case("they took our papers"), "Bugarama")
    desk.enrol("inside", Role.SUPERVISOR)
    inside = desk.signed_in("inside")
    line = line.format(handle=case.handle)
    assert found(inside, line) == [case.handle]
    keep_from(desk, case, f"officer:{desk.officer('inside').id}")
    assert found(inside, line) == []
    assert found(desk.signed_in("supervisor"), line) == [case.handle]
    assert all(event.meta["opened"] == 0 for event in did(desk, "case.searched")[1:2])


def test_nobody_opens_the_whole_hotline_by_searching(desk: Desk) -> None:
    desk.case()
    browser = desk.signed_in("intake")
    for _ in range(MOST_SEARCHES):
        found(browser, "papers")
    refused = browser.post("/search", q="papers")
    assert refused.status_code == 429
    assert "enough for ten minutes" in refused.get_data(as_text=True)
    assert found(browser, "category:trafficking"), "facts are never refused"


def test_more_than_a_page_is_walked(desk: Desk) -> None:
    made = [desk.case().handle for _ in range(52)]
    browser = desk.signed_in("intake")
    first = browser.get("/search?q=category:trafficking").get_data(as_text=True)
    following = re.search(r'href="(/search\?[^"]*after=[^"]+)"', first)
    assert following
    rest = browser.get(following[1].replace("&amp;", "&")).get_data(as_text=True)
    assert handles(first) + handles(rest) == made[::-1]


def test_what_is_not_understood_is_named_and_nothing_is_looked_for(desk: Desk) -> None:
    desk.case()
    page = desk.signed_in("intake").post("/search", q="catgory:labour papers")
    assert page.status_code == 422
    assert "catgory:labour" in page.get_data(as_text=True)
    assert did(desk, "case.searched") == []


def test_days_are_the_wall_clock_s() -> None:
    asked = asking.read("since:2026-11-03 until:2026-11-03", NOW)
    assert asked.since is not None
    assert asked.until is not None
    assert (asked.since.isoformat(), asked.until - asked.since) == ("2026-11-03T00:00:00+02:00", timedelta(days=1))
    assert asking.read("since:12h", NOW).since == NOW - timedelta(hours=12)
    assert asking.read("since:2026-13-40 since: state:", NOW).faults == ("since:2026-13-40", "since:", "state:")


@given(st.text(max_size=400))
def test_whatever_is_typed_is_read(line: str) -> None:
    asked = asking.read(line, NOW)
    shown = asking.without_words(line)
    assert asking.read(shown, NOW).words == ()
    assert len(asked.words) + len(asked.faults) <= asking.MOST_PARTS
