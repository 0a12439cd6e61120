"""Writing to a person: measured as it will be sent, taken back while it waits, never twice, never to the wrong hands."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hotline.models import Case, CaseKey, CheckWord, Direction, Lane, Message, MessageKind, MessageState, Report, new_id
from hotline.outbound import claiming
from tests.console.desk import Browser, Desk


def page(browser: Browser, case: Case) -> str:
    return browser.get(f"/case/{case.token}").get_data(as_text=True)


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None
    return found.group(1)


def claimed(desk: Desk, at: datetime) -> int:
    """How many replies a worker would send at a point in time."""
    with desk.site.db.transaction() as session:
        return len(claiming.gather(session, desk.site, Lane.REPLY, at, {}).rows)


def hears(desk: Desk, case: Case, words: str) -> None:
    """The person writes again."""
    message_id = new_id()
    with desk.site.db.transaction() as session:
        caller = session.scalars(select(Report.caller_id).where(Report.case_id == case.id)).one()
        key = desk.site.keyring.case_key(case.id, session.get_one(CaseKey, case.id).wrapped)
        row = {"case_id": case.id, "direction": Direction.IN, "kind": MessageKind.REPORT, "caller_id": caller}
        sealed = key.seal_text(words, f"message|sealed|{message_id}")
        session.add(
            Message(id=message_id, **row, sealed=sealed, gateway="simulator", state="stored", created_at=datetime.now(UTC))
        )


# ---- taking back ----


def test_a_reply_waits_eight_seconds_and_then_leaves(desk: Desk) -> None:
    case = desk.case()
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    due = desk.texts_to(case)[0].due_at
    assert due is not None
    assert claimed(desk, due - timedelta(seconds=1)) == 0
    assert claimed(desk, due) == 1


def test_a_reply_that_is_taken_back_never_leaves_and_its_words_stand_in_the_box_again(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    sent = desk.texts_to(case)[0]
    assert f"/reply/{sent.id}/take-back" in page(browser, case)
    answer = browser.post(f"/case/{case.token}/reply/{sent.id}/take-back")
    again = browser.get(answer.location).get_data(as_text=True)
    assert "Taken back. It was not sent" in again
    assert ">Is it far?</textarea>" in again
    assert desk.texts_to(case)[0].state == MessageState.CANCELLED
    assert claimed(desk, datetime.now(UTC) + timedelta(hours=1)) == 0
    assert desk.again(case).state == "open"
    assert ">Is it far?</textarea>" not in desk.signed_in("second").get(answer.location).get_data(as_text=True)


def test_what_a_worker_has_already_taken_is_not_said_to_be_taken_back(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    sent = desk.texts_to(case)[0]
    claimed(desk, datetime.now(UTC) + timedelta(seconds=9))
    answer = browser.post(f"/case/{case.token}/reply/{sent.id}/take-back")
    assert "It had left before" in browser.get(answer.location).get_data(as_text=True)
    assert desk.texts_to(case)[0].state == MessageState.CLAIMED


def test_nobody_takes_back_what_another_wrote(desk: Desk) -> None:
    case = desk.case()
    desk.signed_in("intake").post(f"/case/{case.token}/reply", text="Is it far?")
    sent = desk.texts_to(case)[0]
    desk.signed_in("supervisor").post(f"/case/{case.token}/reply/{sent.id}/take-back")
    assert desk.texts_to(case)[0].state == MessageState.QUEUED


# ---- never twice, never past each other ----


def test_a_reply_sent_twice_from_one_page_is_one_reply(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    drawn = hidden(page(browser, case), "known_as")
    for _ in range(2):
        assert browser.post(f"/case/{case.token}/reply", text="Is it far?", known_as=drawn).status_code == 303
    assert [message.id for message in desk.texts_to(case)] == [drawn]


def test_whoever_is_written_to_while_typing_reads_first(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    seen = hidden(page(browser, case), "seen")
    hears(desk, case, "do not write now, he is here")
    answer = browser.post(f"/case/{case.token}/reply", text="Is it far?", seen=seen)
    stopped = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "They wrote again while you typed" in stopped
    assert "he is here" in stopped
    assert ">Is it far?</textarea>" in stopped
    assert desk.texts_to(case) == []
    assert browser.post(f"/case/{case.token}/reply", text="Is it far?", seen=hidden(stopped, "seen")).status_code == 303


# ---- what it costs, and how it looks ----


def test_the_meter_says_what_a_text_costs_why_and_mends_it(desk: Desk) -> None:
    browser, case = desk.signed_in("intake"), desk.case()
    plain = browser.post(f"/case/{case.token}/meter", text="Murakoze").get_data(as_text=True)
    assert "<b>8</b> characters" in plain
    assert "GSM-7" in plain
    dear = browser.post(f"/case/{case.token}/meter", text="n\u2019abana " * 20).get_data(as_text=True)
    for part in ("UCS-2", "\u2019", "Plain signs would save 2", "Use plain signs"):
        assert part in dear
    mended = browser.post(f"/case/{case.token}/draft", text="n\u2019abana", plain="1").get_data(as_text=True)
    assert ">n&#39;abana</textarea>" in mended
    assert "GSM-7" in mended


def test_the_box_shows_what_a_locked_phone_shows_and_warns_of_telling_words(desk: Desk) -> None:
    browser, case = desk.signed_in("intake"), desk.case()
    text = "Thank you. The police will come to the house tonight."
    shown = browser.post(f"/case/{case.token}/meter", text=text).get_data(as_text=True)
    assert f">{text[:30]}…<" in shown
    assert "Says <b>police</b>" in shown


@pytest.mark.parametrize(("language", "begins"), [("rw", "Murakoze."), ("en", "Thank you."), ("sw", "Asante.")])
def test_a_phrase_is_put_into_the_box_in_the_language_chosen(desk: Desk, language: str, begins: str) -> None:
    browser, case = desk.signed_in("intake"), desk.case()
    drawn = browser.post(f"/case/{case.token}/draft", text="", phrase="phrases.now", language=language).get_data(as_text=True)
    assert f">{begins}" in drawn
    assert desk.texts_to(case) == []


def test_the_phrasebook_says_what_is_a_draft(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    assert "No native speaker has signed" in browser.get("/phrases?language=rw").get_data(as_text=True)
    english = browser.get("/phrases?language=en").get_data(as_text=True)
    assert "No native speaker" not in english
    assert "The line sends these by itself" in english
    assert "borrowed from another language" in browser.get("/phrases?language=rn").get_data(as_text=True)


def test_the_badge_rules_the_box(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    assert "Safe to text: no" in page(browser, desk.case(caller_safe_contact="never"))
    assert "Safe to text: yes" in page(browser, desk.case(caller_safe_contact="any"))
    assert "Safe to text: not asked" in page(browser, desk.case())


# ---- the check word ----


def test_the_word_is_sealed_and_told_from_others(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/word", word="Inyange ")
    with desk.site.db.reading() as session:
        assert b"nyange" not in session.get_one(CheckWord, case.id).sealed
    assert "nyange" not in page(browser, case)
    browser.post(f"/case/{case.token}/word/compare", word="ikawa")
    assert "The word is not right" in page(browser, case)
    browser.post(f"/case/{case.token}/word/compare", word="inyangé")
    assert "The word is right" in page(browser, case)
    assert desk.again(case).state == "new"


def test_two_wrong_words_freeze_the_item_until_a_supervisor_has_looked(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Which word did you choose?")
    browser.post(f"/case/{case.token}/word", word="inyange")
    for word in ("ikawa", "amata"):
        browser.post(f"/case/{case.token}/word/compare", word=word)
    assert desk.again(case).state == "frozen"
    frozen = page(browser, case)
    assert "Wrong twice" in frozen
    assert "this item is frozen" in frozen
    assert browser.post(f"/case/{case.token}/word/compare", word="inyange").status_code == 409
    assert browser.post(f"/case/{case.token}/word", word="another").status_code == 409
    assert browser.post(f"/case/{case.token}/word/thaw").status_code == 404
    desk.signed_in("supervisor").post(f"/case/{case.token}/word/thaw")
    assert desk.again(case).state == "open"


def test_what_is_kept_until_they_write_can_be_taken_back_at_any_time(desk: Desk) -> None:
    case, browser = desk.case(caller_safe_contact="never"), desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    sent = desk.texts_to(case)[0]
    assert sent.state == MessageState.HELD
    browser.post(f"/case/{case.token}/reply/{sent.id}/take-back")
    assert desk.texts_to(case)[0].state == MessageState.CANCELLED
