"""Filters of the queue that are kept: one's own or one's role's, taken away and brought back; facts alone, whoever sends what."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from hotline.console import filters
from hotline.models import QueueFilter
from tests.console.desk import Browser, Desk

URGENT = {"view": "all", "urgency": "immediate", "child": "1"}


def kept(desk: Desk) -> list[QueueFilter]:
    with desk.site.db.reading() as session:
        return list(session.scalars(select(QueueFilter).order_by(QueueFilter.name)))


def names(browser: Browser) -> list[str]:
    page = browser.get("/queue").get_data(as_text=True)
    bar = re.search(r'<nav class="filters".*?</nav>', page, re.DOTALL)
    return re.findall(r"([\w ]+)</a>", bar.group()) if bar else []


def test_a_filter_is_kept_and_opens_what_it_was_made_of(desk: Desk) -> None:
    fits, other = desk.case(minors="true"), desk.case(urgency="soon", rank=1, minors="true")
    browser = desk.signed_in("intake")
    browser.post("/queue/filters", name="  Children   now ", **URGENT, category="no such", words="qq")
    (row,) = kept(desk)
    assert (row.name, row.asked, row.role) == ("Children now", "view=all&urgency=immediate&child=1", None)
    page = browser.get("/queue").get_data(as_text=True)
    address = re.search(r'href="(/queue\?view=all[^"]*)">Children now', page)
    assert address
    page = browser.get(address.group(1).replace("&amp;", "&")).get_data(as_text=True)
    assert fits.handle in page
    assert other.handle not in page
    assert 'aria-current="true"' in page


def test_ones_own_is_seen_by_nobody_else_and_a_shared_one_by_ones_role(desk: Desk) -> None:
    mine, second, auditor = (desk.signed_in(name) for name in ("intake", "second", "auditor"))
    mine.post("/queue/filters", name="own", **URGENT)
    mine.post("/queue/filters", name="ours", shared="1", **URGENT)
    assert names(mine) == ["own", "ours"]
    assert names(second) == ["ours"]
    assert names(auditor) == []
    own, ours = sorted(kept(desk), key=lambda one: one.name != "own")
    assert second.post(f"/queue/filters/{own.id}/remove").status_code == 404
    assert auditor.post(f"/queue/filters/{ours.id}/remove").status_code == 404
    second.post(f"/queue/filters/{ours.id}/remove")
    assert [one.name for one in kept(desk)] == ["own"]


def test_what_is_taken_away_can_be_brought_back_for_half_a_minute(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    browser.post("/queue/filters", name="night", shared="1", **URGENT)
    browser.post(f"/queue/filters/{kept(desk)[0].id}/remove")
    assert "Bring it back" in browser.get("/queue").get_data(as_text=True)
    browser.post("/queue/filters/undo")
    assert [(one.name, one.asked, one.role) for one in kept(desk)] == [("night", "view=all&urgency=immediate&child=1", "intake")]
    browser.post(f"/queue/filters/{kept(desk)[0].id}/remove")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31)):
        assert "Bring it back" not in browser.get("/queue").get_data(as_text=True)
        browser.post("/queue/filters/undo")
    assert kept(desk) == []


def test_a_filter_has_a_name_and_there_are_no_more_than_a_dozen(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    assert "needs a name" in browser.get(browser.post("/queue/filters", name=" ").location).get_data(as_text=True)
    for number in range(filters.MOST + 1):
        answer = browser.post("/queue/filters", name=f"n{number}", **URGENT)
    assert len(kept(desk)) == filters.MOST
    assert "twelve already" in browser.get(answer.location).get_data(as_text=True)
