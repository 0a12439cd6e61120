"""The page of dead letters: who sees it, who may act, once, and what every other page says of it."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from hotline.models import AuditEvent, Lane, Message, MessageKind, MessageState
from hotline.queue import QueueName
from hotline.watch import alarm
from hotline.watch.invariants import Invariant
from tests.console.desk import Browser, Desk
from tests.watch.letters import NUMBER, WORDS, Letters

FIELD = r'name="{}" value="([^"]*)"'


@pytest.fixture
def letters(desk: Desk) -> Letters:
    return Letters(desk.site)


def page(browser: Browser, path: str = "/dead") -> str:
    return browser.get(path).get_data(as_text=True)


def press(browser: Browser, shown: str, act: str) -> TestResponse:
    """Send the first form of a page that does an act."""
    forms = re.findall(r'<form method="post" action="/dead/mend">.*?</form>', shown, re.DOTALL)
    form = next(one for one in forms if f'name="act" value="{act}"' in one)
    fields = {name: re.search(FIELD.format(name), form).group(1) for name in ("source", "name", "once", "act")}  # type: ignore[union-attr]
    return browser.post("/dead/mend", **fields)


def count(desk: Desk) -> None:
    with desk.site.db.transaction() as session:
        alarm.recount(session, desk.site, datetime.now(UTC))
    desk.later()


def acts(desk: Desk) -> list[tuple[str, str]]:
    with desk.site.db.reading() as session:
        found = session.scalars(select(AuditEvent).where(AuditEvent.action.like("dead.%")))
        return [(event.actor, event.action) for event in found]


def test_the_list_says_what_it_is_why_and_the_rule_and_shows_no_word_and_no_number(desk: Desk, letters: Letters) -> None:
    letters.one_of_each()
    shown = page(desk.signed_in("supervisor"))
    for words in (
        "Alert to an officer",
        "Given up",
        "30003",
        "two copies harm nobody",
        "A reply is never sent twice",
        "Text nobody has read",
        "File of the spool",
        "Webhook with a wrong signature",
        "Item nobody was told of",
        "need a second person",
    ):
        assert words in shown, words
    assert WORDS not in shown
    assert NUMBER[1:] not in shown


def test_a_supervisor_tries_again_and_a_form_that_is_sent_again_does_nothing(desk: Desk, letters: Letters) -> None:
    letters.message()
    browser = desk.signed_in("supervisor")
    shown = page(browser)
    assert press(browser, shown, "replay").status_code == 303
    assert "It is tried again now" in page(browser)
    assert desk.bell.rung == [QueueName.LIFE]
    assert press(browser, shown, "replay").status_code == 303
    assert "Nothing was done a second time" in page(browser)
    assert acts(desk) == [("officer:supervisor", "dead.replay")]


def test_an_intake_officer_sees_the_list_and_cannot_act(desk: Desk, letters: Letters) -> None:
    letters.message()
    shown = page(desk.signed_in("supervisor"))
    browser = desk.signed_in("intake")
    assert "For a supervisor" in page(browser)
    assert 'action="/dead/mend"' not in page(browser)
    assert press(browser, shown, "replay").status_code == 404
    assert acts(desk) == []


@pytest.mark.parametrize("role", ["auditor", "admin", "agency", "broadcaster", "presenter"])
def test_others_find_nothing_there(desk: Desk, letters: Letters, role: str) -> None:
    letters.message()
    answer = desk.signed_in(role).get("/dead")
    assert answer.status_code == 404
    assert "or it is not for you to see" in answer.get_data(as_text=True)


def test_an_act_its_rule_forbids_is_stopped_also_when_the_form_is_made_up(desk: Desk, letters: Letters) -> None:
    letters.message(MessageKind.REPLY, MessageState.UNKNOWN, Lane.REPLY)
    browser = desk.signed_in("supervisor")
    shown = page(browser).replace('name="act" value="settle"', 'name="act" value="replay"')
    assert press(browser, shown, "replay").status_code == 409
    for wrong in ({}, {"source": "message", "act": "burn"}, {"source": "nowhere", "name": "x", "act": "replay", "once": "x"}):
        assert browser.post("/dead/mend", **wrong).status_code == 409
    with desk.site.db.reading() as session:
        assert session.scalars(select(Message.state)).one() == MessageState.UNKNOWN


def test_nothing_stuck_says_so(desk: Desk) -> None:
    assert "Nothing is stuck" in page(desk.signed_in("intake"))


def test_a_spool_that_cannot_be_looked_at_is_said_and_hides_nothing(
    desk: Desk, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters.message()
    letters.bad_file()

    def refuse(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    shown = page(desk.signed_in("supervisor"))
    assert "folder cannot be looked at" in shown
    assert "Alert to an officer" in shown


def test_a_refresh_says_nothing_until_something_changes(desk: Desk, letters: Letters) -> None:
    letters.message()
    browser = desk.signed_in("supervisor")
    shown = page(browser)
    mark = re.search(FIELD.format("mark"), shown).group(1)  # type: ignore[union-attr]
    assert browser.get(f"/dead/rows?mark={mark}").status_code == 204
    letters.webhook()
    answer = browser.get(f"/dead/rows?mark={mark}")
    assert answer.status_code == 200
    assert "<html" not in answer.get_data(as_text=True)


# ---- the badge and the strip ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["intake", "supervisor", "auditor", "admin"])
def test_a_life_that_waits_stands_on_every_page_of_everybody(desk: Desk, letters: Letters, role: str) -> None:
    case = letters.told()
    letters.message(case=case)
    browser = desk.signed_in(role)
    pages = ["/", "/queue", "/queue?view=all", "/dead", f"/case/{case.token}"]
    opened = [path for path in pages if browser.client.get(path, follow_redirects=True).status_code == 200]
    assert opened
    assert not any("dead letter may" in browser.client.get(path, follow_redirects=True).text for path in opened)
    count(desk)
    said = [path for path in opened if "1 dead letter may cost a life" in browser.client.get(path, follow_redirects=True).text]
    assert said == opened


def test_a_stranger_is_told_nothing(desk: Desk, letters: Letters) -> None:
    letters.message()
    count(desk)
    assert "cost a life" not in page(desk.browser(), "/sign-in")


def test_the_badge_goes_as_soon_as_the_letter_is_dealt_with(desk: Desk, letters: Letters) -> None:
    letters.message()
    count(desk)
    browser = desk.signed_in("supervisor")
    press(browser, page(browser), "settle")
    assert "may cost a life" not in page(browser, "/queue")


def test_what_does_not_hold_is_shown_to_those_who_can_mend_it(desk: Desk) -> None:
    with desk.site.db.transaction() as session:
        for one in Invariant:
            alarm.set_counter(session, desk.site, f"watch.{one.name}.since", 1)
    for role, shown in (("supervisor", True), ("admin", True), ("intake", False), ("auditor", False)):
        start = desk.signed_in(role).client.get("/", follow_redirects=True).text
        assert all((f"({one.name})" in start) == shown for one in Invariant), role


def test_a_clock_that_stopped_is_shown_to_everybody(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    now = int(datetime.now(UTC).timestamp())
    for beat, stopped in ((now, False), (now - 46, True)):
        with desk.site.db.transaction() as session:
            alarm.set_counter(session, desk.site, alarm.BEAT, beat)
        desk.later()
        assert ("The clock has stopped" in page(browser, "/queue")) == stopped


def test_a_counter_that_is_away_breaks_no_page(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    with desk.site.db.transaction() as session:
        session.execute(text("ALTER TABLE counter RENAME TO counter_away"))
    assert browser.get("/queue").status_code == 200
