"""The queue: who waits, most urgent first, and no more than may be seen without reading."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from hotline.console import listing
from hotline.console.listing import View
from hotline.models import CaseState
from tests.console.desk import Browser, Desk


def handles(browser: Browser, path: str) -> list[str]:
    return re.findall(r'data-handle="([^"]+)"', browser.get(path).get_data(as_text=True))


def test_who_needs_help_now_stands_first_and_then_who_waits_longest(desk: Desk) -> None:
    routine = desk.case(ago=timedelta(hours=9), urgency="routine", rank=2)
    late = desk.case(ago=timedelta(minutes=1))
    early = desk.case(ago=timedelta(minutes=5))
    soon = desk.case(ago=timedelta(hours=2), urgency="soon", rank=1)
    assert handles(desk.signed_in("intake"), "/queue") == [case.handle for case in (early, late, soon, routine)]


def test_each_view_holds_its_own(desk: Desk) -> None:
    me, other = desk.officer("intake").id, desk.officer("second").id
    new, mine, theirs = desk.case(), desk.case(owner_id=me, state="open"), desk.case(owner_id=other, state="waiting")
    closed = desk.case(state=CaseState.CLOSED)
    browser = desk.signed_in("intake")
    assert handles(browser, "/queue?view=new") == [new.handle]
    assert handles(browser, "/queue?view=mine") == [mine.handle]
    assert handles(browser, "/queue?view=waiting") == [theirs.handle]
    assert set(handles(browser, "/queue?view=all")) == {new.handle, mine.handle, theirs.handle}
    assert closed.handle not in browser.get("/queue?view=all").get_data(as_text=True)


def test_an_unknown_view_is_the_first_one(desk: Desk) -> None:
    case = desk.case()
    assert handles(desk.signed_in("intake"), "/queue?view=everything") == [case.handle]


def test_pages_follow_each_other_without_a_gap_or_a_double(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    cases = [desk.case(ago=timedelta(minutes=10 - number), rank=number % 2) for number in range(5)]
    browser, seen, path = desk.signed_in("intake"), [], "/queue"
    for _ in range(3):
        seen += handles(browser, path)
        following = re.search(r'href="(/queue\?view=new&amp;after=[^"]+)">Next', browser.get(path).get_data(as_text=True))
        path = following.group(1).replace("&amp;", "&") if following else ""
    assert path == ""
    assert seen == [case.handle for case in sorted(cases, key=lambda case: (case.rank, case.opened_at))]


def test_counting_stops_at_ninety_nine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNT_UP_TO", 2)
    for _ in range(3):
        desk.case()
    assert "<b>2+</b>" in desk.signed_in("intake").get("/queue").get_data(as_text=True)


def test_an_empty_view_says_why(desk: Desk) -> None:
    page = desk.signed_in("intake").get("/queue?view=mine").get_data(as_text=True)
    assert "Nothing is yours" in page
    assert "Claim an item in New" in page


def test_the_queue_says_who_was_told_and_who_took_it(desk: Desk) -> None:
    case = desk.case()
    contact = desk.tell(case, "Invented desk, Kamembe")
    browser = desk.signed_in("intake")
    assert "Invented desk, Kamembe" in browser.get("/queue").get_data(as_text=True)
    desk.change(case, acknowledged_at=case.opened_at, acknowledged_by_id=contact.id)
    assert "took it at" in browser.get("/queue").get_data(as_text=True)


def test_the_queue_holds_no_words_of_a_caller(desk: Desk) -> None:
    desk.case("words nobody may see in a list")
    assert "words nobody" not in desk.signed_in("auditor").get("/queue").get_data(as_text=True)


def test_a_refresh_says_nothing_until_something_changes(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    mark = re.search(r'name="mark" value="([^"]+)"', browser.get("/queue").get_data(as_text=True))
    assert mark is not None
    assert browser.get(f"/queue/rows?view=new&mark={mark.group(1)}").status_code == 204
    desk.change(case, version=1, urgency="soon", rank=1)
    answer = browser.get(f"/queue/rows?view=new&mark={mark.group(1)}")
    assert answer.status_code == 200
    assert "<html" not in answer.get_data(as_text=True)
    assert 'hx-swap-oob="true"' in answer.get_data(as_text=True)


def test_a_child_and_a_language_are_named_in_words(desk: Desk) -> None:
    desk.case(minors="true", language="rn", category="child_protection")
    page = desk.signed_in("intake").get("/queue").get_data(as_text=True)
    for words in ("Child involved", "Kirundi", "Possible harm to a child", "Needs help now"):
        assert words in page


@pytest.mark.parametrize("view", ["new", "all", "noise"])
def test_a_view_is_read_in_its_order_and_never_sorted(desk: Desk, view: str) -> None:
    """However many wait: a sort reads them all for a page of fifty."""
    desk.case()
    asked: list[tuple[str, object]] = []
    with desk.site.db.reading() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        listing.page(session, View(view), desk.officer("intake"))
        question, given = next(one for one in asked if "ORDER BY" in one[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", given).all()
    assert "TEMP B-TREE" not in str(plan), plan
