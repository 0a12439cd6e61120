"""Calling who reported an item, from the item: who may, what is said instead, and how far a call has come. Invented people."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select, update

from hotline import own_phone
from hotline.gateways.voice import Far
from hotline.models import AuditEvent, BridgedCall, BridgedState, Caller, Case, Officer
from hotline.outbound import bridge
from hotline.outbound.bridge import Word
from hotline.queue import QueueName
from tests.console.desk import Browser, Desk
from tests.console.test_hidden import keep_from
from tests.console.test_number import NUMBER, numbered

PHONE = "+250780000291"


def keep_phone(desk: Desk, name: str = "intake") -> None:
    with desk.site.db.transaction() as session:
        officer = session.scalars(select(Officer).where(Officer.name == name)).one()
        own_phone.keep(session, desk.site, officer, (PHONE, PHONE), now=desk.site.clock())


def page(browser: Browser, case: Case) -> str:
    shown = browser.get(f"/case/{case.token}/call").get_data(as_text=True)
    assert NUMBER not in shown
    assert PHONE not in shown
    return re.sub(r"\s+", " ", shown)


def ask(browser: Browser, case: Case, confirmed: str = "1") -> int:
    return browser.post(f"/case/{case.token}/call", confirmed=confirmed).status_code


def tell(desk: Desk, word: Word) -> None:
    with desk.site.db.transaction() as session:
        row = session.scalars(select(BridgedCall)).one()
        if row.state == BridgedState.WAITING:
            row.state = BridgedState.UNDER_WAY
            session.flush()
        bridge.told(session, row.id, word, desk.site.db.now(session))


def test_a_call_is_asked_for_and_seen_to_its_end(either: Desk) -> None:
    keep_phone(either)
    case, browser = numbered(either), either.signed_in("intake")
    assert f"/case/{case.token}/call" in browser.get(f"/case/{case.token}").get_data(as_text=True)
    before = page(browser, case)
    assert "+250 ••• ••91" in before
    assert "heard by whoever holds the phone" in before
    assert ask(browser, case, confirmed="") == 422
    assert ask(browser, case) == 303
    assert either.bell.rung == [QueueName.REPLY]
    assert either.again(case).owner_id == either.officer("intake").id, "whoever calls has the item"
    waiting = page(browser, case)
    assert "Your phone rings in a moment" in waiting
    assert f'href="/case/{case.token}/call"' in waiting, "without scripts it is looked at again"
    mark = re.findall(r'name="mark" value="(\w+)"', waiting)[0]
    assert browser.get(f"/case/{case.token}/call/live?mark={mark}").status_code == 204
    steps = (
        (Word(pressed=True, far=None, talked=None, over=False), "Their phone rings."),
        (Word(pressed=False, far=Far.ANSWERED, talked=None, over=False), "You are joined."),
        (Word(pressed=False, far=Far.ENDED, talked=125, over=False), "You spoke for 2 minutes."),
    )
    for word, says in steps:
        tell(either, word)
        assert says in browser.get(f"/case/{case.token}/call/live?mark={mark}").get_data(as_text=True)
    told = re.sub(r"<[^>]+>|\s+", " ", browser.get(f"/case/{case.token}/timeline").get_data(as_text=True))
    for deed in ("asked to be joined with the person by phone", "pressed 1", "was joined with the person, for 2 minutes"):
        assert deed in re.sub(r" +", " ", told)
    with either.site.db.reading() as session:
        record = session.execute(select(AuditEvent.action, AuditEvent.actor, AuditEvent.object, AuditEvent.meta)).all()
    assert [row.actor for row in record if row.action == "call.asked"] == ["officer:intake"]
    assert NUMBER[4:] not in repr(record)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"phone": False}, "You have kept no phone of your own"),
        ({"caller_reachable": False}, "There is no number to ring"),
        ({"caller_safe_contact": "never"}, "said it is not safe to write"),
        ({"state": "frozen", "owner": True}, "frozen"),
    ],
    ids=["no phone", "withheld", "never", "frozen"],
)
def test_what_forbids_it_is_said_in_a_sentence(desk: Desk, about: dict[str, object], says: str) -> None:
    if about.pop("phone", True):
        keep_phone(desk)
    about.pop("owner", None)
    case, browser = numbered(desk, **about), desk.signed_in("intake")
    shown = page(browser, case)
    assert says in shown
    assert 'name="confirmed"' not in shown
    assert ask(browser, case) == 422
    with desk.site.db.reading() as session:
        assert session.scalars(select(BridgedCall)).all() == []


def test_only_who_has_the_item_calls_and_who_must_not_know_of_it_finds_nothing(desk: Desk) -> None:
    keep_phone(desk)
    keep_phone(desk, "second")
    case, kept = numbered(desk, owner_id=desk.officer("second").id), numbered(desk)
    keep_from(desk, kept, f"officer:{desk.officer('intake').id}")
    browser = desk.signed_in("intake")
    assert "This item is Second's" in page(browser, case).replace("&#39;", "'")
    assert ask(browser, case) == 409
    assert (browser.get(f"/case/{kept.token}/call").status_code, ask(browser, kept)) == (404, 404)


@pytest.mark.parametrize(("named", "says"), [("morning", "within the hours they named"), ("evening", "outside the hours")])
def test_hours_that_were_named_are_confirmed_with_the_hour_it_is(desk: Desk, named: str, says: str) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 8, 0, tzinfo=UTC), tick=False):  # ten in Kigali
        keep_phone(desk)
        case, browser = numbered(desk, caller_safe_contact="hours", caller_safe_hours=named), desk.signed_in("intake")
        shown = page(browser, case)
    assert says in shown
    assert ('name="confirmed"' in shown) == (named == "morning")


def test_one_rings_at_a_time(desk: Desk) -> None:
    keep_phone(desk)
    case, other, browser = numbered(desk), numbered(desk), desk.signed_in("intake")
    assert ask(browser, case) == 303
    assert ask(browser, other) == 422
    assert "A phone rings already" in page(browser, other)
    with desk.site.db.transaction() as session:
        session.execute(update(BridgedCall).values(state=BridgedState.OVER))
    assert ask(browser, other) == 303
    with desk.site.db.reading() as session:
        assert len(session.scalars(select(Caller)).all()) == 2
