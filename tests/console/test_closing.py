"""Closing an item: how it ended and whether that harms anybody are asked, danger is answered first, and it opens again."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hotline.casework import shred
from hotline.models import AuditEvent, Case
from tests.console.desk import Browser, Desk

ENDED = {"outcome": "safe", "harm": "1"}


def acknowledged(desk: Desk, **facts: object) -> Case:
    return desk.case(acknowledged_at=datetime.now(UTC), **facts)


def test_an_item_is_closed_with_its_end_on_record_and_leaves_the_queue(either: Desk) -> None:
    case, browser = acknowledged(either, next_step_at=datetime.now(UTC)), either.signed_in("intake")
    assert browser.post(f"/case/{case.token}/close", **ENDED).status_code == 303
    fresh = either.again(case)
    assert (fresh.state, fresh.outcome, fresh.next_step_at) == ("closed", "safe", None)
    assert case.handle not in browser.get("/queue?view=all").get_data(as_text=True)
    assert case.handle in browser.get("/queue?view=closed").get_data(as_text=True)
    with either.site.db.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.closed")).one()
    assert (event.object, event.meta) == (case.handle, {"outcome": "safe"})


@pytest.mark.parametrize("given", [{"outcome": "safe"}, {"harm": "1"}, {"outcome": "because", "harm": "1"}])
def test_neither_question_can_be_left_out(desk: Desk, given: dict[str, str]) -> None:
    case = acknowledged(desk)
    answer = desk.signed_in("intake").post(f"/case/{case.token}/close", **given)
    assert (answer.status_code, "Not closed" in answer.get_data(as_text=True)) == (422, True)
    assert desk.again(case).state == "new"


def test_a_danger_that_nobody_has_answered_cannot_be_closed_away(desk: Desk) -> None:
    case = desk.case(next_step_at=datetime.now(UTC))
    answer = desk.signed_in("intake").post(f"/case/{case.token}/close", **ENDED)
    assert "acknowledge it first" in answer.get_data(as_text=True)
    assert desk.again(case).next_step_at is not None


def test_nobody_closes_what_a_colleague_has_or_what_is_frozen(desk: Desk) -> None:
    theirs = acknowledged(desk, owner_id=desk.officer("second").id, state="open")
    frozen = acknowledged(desk, state="frozen")
    browser = desk.signed_in("intake")
    for case in (theirs, frozen):
        assert browser.post(f"/case/{case.token}/close", **ENDED).status_code == 409
        assert desk.again(case).state == case.state


def test_what_was_kept_for_their_next_text_is_taken_back(desk: Desk) -> None:
    case, browser = acknowledged(desk, caller_safe_contact="never"), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    assert "1 reply is kept" in browser.get(f"/case/{case.token}/close").get_data(as_text=True)
    browser.post(f"/case/{case.token}/close", **ENDED)
    assert [message.state for message in desk.texts_to(case)] == ["cancelled"]


@pytest.mark.parametrize(("days", "status"), [(29, 303), (31, 409)])
def test_it_opens_again_for_thirty_days(desk: Desk, days: int, status: int) -> None:
    case = desk.case(state="closed", closed_at=datetime.now(UTC) - timedelta(days=days), outcome="other")
    browser: Browser = desk.signed_in("second")
    assert ("Open again" in browser.get(f"/case/{case.token}").get_data(as_text=True)) == (status == 303)
    assert browser.post(f"/case/{case.token}/reopen").status_code == status
    fresh = desk.again(case)
    assert (fresh.state == "open", fresh.owner_id == desk.officer("second").id) == (status == 303, status == 303)


def test_a_supervisor_keeps_a_closed_item_beyond_its_days_and_says_why(desk: Desk) -> None:
    case = acknowledged(desk, state="closed", outcome="safe", closed_at=datetime.now(UTC) - timedelta(days=300))
    assert "Keep longer" not in desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert desk.signed_in("intake").post(f"/case/{case.token}/keep", why="court").status_code == 404
    browser = desk.signed_in("supervisor")
    page = browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert re.search(r"Its words can be read until <time [^>]+>[^<]+</time>", page)
    assert "Keep longer" in page
    assert browser.post(f"/case/{case.token}/keep", why="because").status_code == 400
    assert browser.post(f"/case/{case.token}/keep", why="court").status_code == 303
    assert desk.again(case).kept_for == "court"
    assert "a court or prosecutor needs it" in browser.get(f"/case/{case.token}").get_data(as_text=True)
    assert browser.post(f"/case/{case.token}/keep").status_code == 303
    assert desk.again(case).kept_for is None


def test_an_item_whose_words_are_destroyed_says_so_and_does_not_open_again(desk: Desk) -> None:
    case = acknowledged(desk, state="closed", outcome="safe", closed_at=datetime.now(UTC))
    with desk.site.db.transaction() as session:
        shred.shred(session, [case.id], actor="clock", now=datetime.now(UTC))
    browser = desk.signed_in("supervisor")
    assert "Words destroyed" in browser.get("/queue?view=closed").get_data(as_text=True)
    answer = browser.get(f"/case/{case.token}")
    assert (answer.status_code, "The words are gone" in answer.get_data(as_text=True)) == (410, True)
    for act in ("reopen", "keep"):
        assert browser.post(f"/case/{case.token}/{act}", why="court").status_code == 409, act
    assert browser.get(f"/case/{case.token}/live").status_code == 410


def test_a_time_of_another_year_says_which(desk: Desk) -> None:
    now = datetime.now(UTC)
    case = acknowledged(desk, state="closed", outcome="safe", closed_at=now)
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    ends = desk.site.local(now + timedelta(days=365))
    assert f" {ends.year} {ends:%H:%M}</time>" in page
