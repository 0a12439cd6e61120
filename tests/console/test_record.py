"""The record on a screen: who did what, bounded, filtered, handed out as a table, and loud when it does not hold."""

import csv
import io
from datetime import UTC, datetime

from sqlalchemy import update

from hotline import audit
from hotline.models import AuditEvent
from tests.console.desk import Browser, Desk

TEXT = "they took our papers in Bugarama"


def shown(browser: Browser, query: str = "") -> str:
    return browser.get(f"/record{query}").get_data(as_text=True)


def test_what_was_done_to_an_item_stands_there_by_name_and_no_word_of_it(desk: Desk) -> None:
    case = desk.case(TEXT)
    desk.signed_in("second").get(f"/case/{case.token}")
    page = shown(desk.signed_in("auditor"), f"?about={case.handle.lower()}")
    assert page.count("data-row") == 1
    assert "read an item" in page
    assert ">second<" in page
    assert "Bugarama" not in page


def test_one_persons_acts_are_found_with_their_sign_ins(desk: Desk) -> None:
    desk.signed_in("second").get(f"/case/{desk.case().token}")
    desk.signed_in("intake")
    page = shown(desk.signed_in("auditor"), "?who=second")
    assert page.count("data-row") == 2
    assert ">intake<" not in page


def test_what_is_not_there_is_said_with_a_way_back(desk: Desk) -> None:
    page = shown(desk.signed_in("auditor"), "?who=nobody&about=K0-0000")
    assert "Nothing like that is on record" in page
    assert "Show all" in page


def test_fifty_at_a_time_and_each_once(desk: Desk) -> None:
    now = desk.case().opened_at
    with desk.site.db.transaction() as session:
        for number in range(120):
            audit.record(session, now, actor="officer:second", action="case.read", subject=f"K{number}")
    auditor, seen, query = desk.signed_in("auditor"), [], "?who=second"
    while query:
        page = shown(auditor, query)
        seen += [line.partition('"')[0] for line in page.split('data-handle="')[1:]]
        assert page.count("data-row") <= 50
        before = page.partition("before=")[2].partition('"')[0] if "Older" in page else ""
        query = f"?who=second&before={before}" if before else ""
    assert len(seen) == len(set(seen)) == 120


def test_a_number_that_is_none_is_no_error(desk: Desk) -> None:
    auditor = desk.signed_in("auditor")
    assert {auditor.get(f"/record?before={odd}").status_code for odd in ("x", "-1", "²", "9" * 15, "")} == {200}


def test_the_table_has_every_row_and_no_formula(desk: Desk) -> None:
    now = desk.case().opened_at
    with desk.site.db.transaction() as session:
        audit.record(session, now, actor="=cmd()", action="case.read", subject="+1")
    handed = desk.signed_in("auditor").get("/record.csv")
    rows = list(csv.DictReader(io.StringIO(handed.get_data(as_text=True))))
    with desk.site.db.reading() as session:
        assert len(rows) == session.query(AuditEvent).count()
    assert ("'=cmd()", "'+1") in {(row["who"], row["about"]) for row in rows}


def test_a_record_that_was_altered_says_so_on_top(desk: Desk) -> None:
    auditor, anchors = desk.signed_in("auditor"), desk.site.settings.instance / "audit.anchors"
    with desk.site.db.reading() as session:
        audit.anchor(session, anchors)
    assert "cut or altered" not in shown(auditor)
    with desk.site.db.transaction() as session:
        session.execute(update(AuditEvent).values(hash=b"x" * 32))
    assert "cut or altered" in shown(auditor)


def test_the_whole_chain_is_walked_and_the_first_wrong_row_is_named(desk: Desk) -> None:
    desk.case()
    admin = desk.signed_in("admin")
    assert "The record holds." in admin.post("/record/check").get_data(as_text=True)
    with desk.site.db.transaction() as session:
        session.execute(update(AuditEvent).where(AuditEvent.seq == 1).values(actor="somebody else"))
    page = admin.post("/record/check").get_data(as_text=True)
    assert "The first wrong row is 1: it was altered." in page
    assert "somebody else" not in page


def test_the_record_is_asked_by_kind_and_by_day(desk: Desk) -> None:
    admin = desk.signed_in("admin")
    admin.post("/record/check")
    auditor = desk.signed_in("auditor")
    by_kind = auditor.get("/record?kind=record").get_data(as_text=True)
    assert "had the record checked" in by_kind
    assert ">signed in<" not in by_kind
    today = f"{desk.site.local(datetime.now(UTC)):%Y-%m-%d}"
    assert "signed in" in auditor.get(f"/record?day={today}").get_data(as_text=True)
    for day in ("2001-01-01", "no day"):
        assert ("signed in" in auditor.get(f"/record?day={day}").get_data(as_text=True)) == (day == "no day")
