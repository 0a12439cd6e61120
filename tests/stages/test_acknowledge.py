"""A person answers: everything stops at once, and whoever was not asked learns nothing. All people and numbers are invented."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hotline import audit, handle
from hotline.casework.acknowledge import acknowledge
from hotline.casework.answers import Decision, answer
from hotline.models import (
    AuditEvent,
    Case,
    CaseState,
    Contact,
    Message,
    MessageState,
    Officer,
    Referral,
    Verb,
    table,
)
from hotline.routing import escalate
from tests.line import Line, refused, unknown

CALLER = "+250780000101"
STATION, PARTNER = "+250780000202", "+250780000231"
MESSAGE = table(Message)
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


def start(line: Line) -> tuple[str, str, str]:
    """Open a case; returns its handle and the numbers of the two contacts who were told."""
    line.says(CALLER, LOCKED_IN)
    first, second = (text.to for text in line.carriers["simulator"].sent)
    return str(line.case()["handle"]), first, second


def said(line: Line, number: str, body: str) -> str:
    """Let a contact text and return the one text that comes back."""
    line.forget()
    (back,) = line.says(number, body)
    return back


def pages(line: Line, *states: MessageState) -> list[object]:
    return [row["id"] for row in line.rows(Message) if row["kind"] == "alert" and row["state"] in states]


def ids(line: Line, number: str) -> str:
    index = line.site.number_index(number)
    return str(next(row["id"] for row in line.rows(Contact) if row["number_index"] == index))


def test_one_answer_stops_the_ladder_until_news_are_overdue(line: Line) -> None:
    code, first, _ = start(line)
    back = said(line, first, f"1 {code}")
    assert code in back
    assert line.case()["acknowledged_by_id"] == ids(line, first)
    assert line.case()["next_step_at"] is None
    line.forget()
    for _ in range(8):
        line.tick(minutes=7)
    assert line.sent == []


def test_every_page_that_has_not_left_is_cancelled_in_the_same_transaction(line: Line) -> None:
    code, first, _ = start(line)
    line.later(minutes=20)
    with line.site.db.transaction() as session:
        escalate.climb(session, line.site, line.now)
    waiting = pages(line, MessageState.QUEUED)
    assert len(waiting) >= 4
    with line.site.db.transaction() as session:
        answer(session, line.site, Decision(ids(line, first), Verb.TAKE, code), line.now)
        seen = select(table(Message).c.id).where(table(Message).c.state == MessageState.CANCELLED)
        assert sorted(session.scalars(seen)) == sorted(str(one) for one in waiting)
    line.forget()
    line.work()
    assert [text.to for text in line.sent] == [first], "the confirmation alone leaves"


@pytest.mark.parametrize("outcome", [unknown, refused])
def test_a_page_that_was_on_its_way_when_somebody_answered_is_not_sent_again(line: Line, outcome: object) -> None:
    line.carriers["simulator"].next = [outcome, outcome]  # type: ignore[list-item]
    code, first, second = start(line)
    assert len(pages(line, MessageState.QUEUED)) == 2, "both are to be tried again"
    said(line, first, f"1 {code}")
    line.later(minutes=10)
    line.forget()
    line.work()
    assert line.to(first) + line.to(second) == []
    assert pages(line, MessageState.QUEUED) == []


def test_a_page_claimed_while_somebody_answers_is_withheld(line: Line) -> None:
    code, first, _ = start(line)
    line.later(minutes=5)
    with line.site.db.transaction() as session:
        escalate.climb(session, line.site, line.now)
    with line.site.db.transaction() as session:
        waiting, gone = (MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.claim_token == "gone")
        session.execute(update(MESSAGE).where(waiting).values(state=MessageState.CLAIMED, claim_token="gone"))
        answer(session, line.site, Decision(ids(line, first), Verb.TAKE, code), line.now)
        session.execute(update(MESSAGE).where(gone).values(state=MessageState.QUEUED))
    line.forget()
    line.work()
    assert [text.to for text in line.sent] == [first]
    withheld = [row["reason"] for row in line.rows(Message) if row["state"] == MessageState.SUPPRESSED]
    assert set(withheld) == {"somebody has answered"}


def test_whoever_answers_second_hears_that_it_is_taken_and_changes_nothing(line: Line) -> None:
    code, first, second = start(line)
    said(line, first, f"1 {code}")
    line.later(minutes=3)
    before = line.case()
    back = said(line, second, f"1 {code}")
    assert back != said(line, first, f"1 {code}")
    assert "22:30" in back, "at what time it was taken, in Kigali"
    assert line.case() == before


def test_whoever_answers_twice_hears_the_same_twice(line: Line) -> None:
    code, first, _ = start(line)
    assert said(line, first, f"1 {code}") == said(line, first, f"ok {code.lower()}")
    with line.reading() as session:
        taken = session.scalars(select(AuditEvent.action).where(AuditEvent.object == code)).all()
    assert taken == ["case.acknowledged"]


def test_passing_on_climbs_at_once(line: Line) -> None:
    line.later(hours=12)
    code, first, second = start(line)
    line.later(minutes=1)
    said(line, first, f"2 {code}")
    line.forget()
    line.tick()
    assert line.to(first) == []
    told = {text.to for text in line.sent}
    assert second in told
    assert len(told) == 2, "the next contact is told now and not at five minutes"


@pytest.mark.parametrize(("digit", "state"), [("2", "passed_on"), ("3", "declined")])
def test_what_a_contact_hands_on_is_written_down(line: Line, digit: str, state: str) -> None:
    code, first, _ = start(line)
    said(line, first, f"{digit} {code}")
    (referral,) = line.rows(Referral, contact_id=ids(line, first))
    assert (referral["state"], referral["answered_at"]) == (state, line.now)
    assert line.case()["next_step_at"] == line.now
    with line.reading() as session:
        assert audit.verify(session, line.site.settings.instance / "none") is None


def test_handing_back_what_one_has_taken_begins_the_ladder_anew(line: Line) -> None:
    code, first, second = start(line)
    said(line, first, f"1 {code}")
    line.later(minutes=90)
    said(line, first, f"2 {code}")
    assert line.case()["acknowledged_at"] is None
    told: list[tuple[float, set[str]]] = []
    began = line.now
    while line.now - began < timedelta(minutes=12):
        line.forget()
        line.tick(seconds=5, times=12)
        if line.sent:
            told.append((round((line.now - began).total_seconds() / 60, 1), {text.to for text in line.sent}))
    assert [at for at, _ in told] == [0.1, 10.0], "one step now, the next in its time: no volley"
    assert all(first not in numbers and second in numbers for _, numbers in told)


def test_a_page_to_whoever_passes_on_does_not_leave_any_more(line: Line) -> None:
    code, first, second = start(line)
    line.later(minutes=5)
    with line.site.db.transaction() as session:
        escalate.climb(session, line.site, line.now)
        answer(session, line.site, Decision(ids(line, first), Verb.PASS_ON, code), line.now)
    line.forget()
    line.work()
    assert len(line.to(first)) == 1, "the confirmation alone"
    assert len(line.to(second)) == 1


def test_after_passing_on_one_may_take_it_all_the_same(line: Line) -> None:
    code, first, _ = start(line)
    said(line, first, f"2 {code}")
    said(line, first, f"1 {code}")
    assert line.case()["acknowledged_by_id"] == ids(line, first)
    assert line.case()["next_step_at"] is None


def test_passing_on_what_somebody_else_has_taken_starts_nothing(line: Line) -> None:
    code, first, second = start(line)
    said(line, first, f"1 {code}")
    said(line, second, f"2 {code}")
    assert line.case()["next_step_at"] is None
    assert line.case()["acknowledged_by_id"] == ids(line, first)


def test_a_code_that_is_none_and_one_that_is_not_for_this_phone_sound_the_same(line: Line) -> None:
    code, first, _ = start(line)
    not_asked = PARTNER
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    other = handle.make()
    before = (line.case(), line.rows(Referral))
    answers = {said(line, not_asked, f"1 {code}"), said(line, not_asked, f"1 {other}"), said(line, not_asked, f"1 {wrong}")}
    assert len(answers) == 1
    assert code not in answers.pop()
    assert said(line, first, f"1 {other}") == said(line, first, f"2 {other}")
    assert (line.case(), line.rows(Referral)) == before


def test_a_code_from_a_phone_that_is_no_contacts_is_a_callers_text(line: Line) -> None:
    code, _, _ = start(line)
    before = line.case()
    line.forget()
    stranger = line.says("+250780000199", f"1 {code}")
    nobody = line.says("+250780000198", "1 K7-4QM9")
    assert stranger == nobody, "who tries codes hears what everybody hears"
    after = [case for case in line.rows(Case) if case["id"] == before["id"]]
    assert after == [before]
    assert len(line.rows(Case)) == 3


def test_a_contacts_own_words_are_a_report(line: Line) -> None:
    line.says(STATION, LOCKED_IN)
    assert line.told(line.case()["id"]) == [LOCKED_IN]


def test_a_closed_case_is_closed(line: Line) -> None:
    code, first, _ = start(line)
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=CaseState.CLOSED, next_step_at=None))
    language = next(row["language"] for row in line.rows(Contact) if row["id"] == ids(line, first))
    assert said(line, first, f"1 {code}") == line.site.words.text("staff.closed", language, code=code)
    assert line.case()["acknowledged_at"] is None


def test_the_desk_acknowledges_once_and_stops_everything(line: Line) -> None:
    code, first, _ = start(line)
    with line.site.db.transaction() as session:
        officer = Officer(name="aline", display_name="Aline U.", role="intake", password_hash="x", totp_sealed=b"x")
        session.add(officer)
        case = session.scalars(select(Case)).one()
        assert acknowledge(session, case, now=line.now, officer=officer)
        assert not acknowledge(session, case, now=line.now, officer=officer)
    assert line.case()["next_step_at"] is None
    before = line.case()
    assert "22:30" in said(line, first, f"1 {code}")
    assert line.case() == before
    line.forget()
    for _ in range(4):
        line.tick(minutes=15)
    assert line.sent == []


def test_two_answers_in_one_batch_have_one_winner(line: Line) -> None:
    code, first, second = start(line)
    line.forget()
    line.text(first, f"1 {code}")
    line.text(second, f"1 {code}")
    line.work()
    assert line.case()["acknowledged_by_id"] in (ids(line, first), ids(line, second))
    assert sorted(row["state"] for row in line.rows(Referral)) == ["acknowledged", "told"]
    assert line.to(first) != line.to(second)


def test_a_delivery_receipt_is_no_answer(line: Line) -> None:
    start(line)
    with line.site.db.transaction() as session:
        session.execute(update(table(Message)).where(table(Message).c.kind == "alert").values(state=MessageState.DELIVERED))
    line.forget()
    line.tick(minutes=5)
    assert len(line.sent) >= 2
