"""What must hold: each invariant is broken by hand and named; nothing of it fires while all is well."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.models import (
    AuditEvent,
    Broadcast,
    BroadcastState,
    Case,
    Cause,
    Contact,
    Counter,
    Duty,
    Exclusion,
    ExclusionState,
    Inbox,
    InboxState,
    Message,
    MessageKind,
    MessageState,
    new_id,
    table,
)
from hotline.watch import alarm, dead, invariants
from tests.line import Line
from workers import clock

PHONE = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
CASE, INBOX, MESSAGE, DUTY = table(Case), table(Inbox), table(Message), table(Duty)


@pytest.fixture
def line(line: Line) -> Line:
    """A line whose time is the time of its ids, with one report that somebody is being told of."""
    line.now = datetime.now(UTC)
    line.says(PHONE, LOCKED_IN)
    clock.round_(line.site)
    return line


def broken(line: Line) -> set[str]:
    with line.reading() as session:
        return {one.name for one in alarm.standing(session, line.now).broken}


def change(line: Line, work: Callable[[Session], object]) -> None:
    with line.site.db.transaction() as session:
        work(session)


def lose_a_text(line: Line) -> None:
    change(line, lambda session: session.execute(update(MESSAGE).values(inbox_id=None)))
    line.later(minutes=5)


def stop_the_ladder(line: Line) -> None:
    change(line, lambda session: session.execute(update(CASE).values(next_step_at=None)))


def lose_the_alerts(line: Line) -> None:
    alerts = update(MESSAGE).where(MESSAGE.c.kind == MessageKind.ALERT)
    change(line, lambda session: session.execute(alerts.values(state=MessageState.FAILED)))


def take_and_vanish(line: Line) -> None:
    line.text("+250780000102", "thank you")
    long_ago = {"state": InboxState.CLAIMED, "lease_until": line.now - timedelta(minutes=2), "claim_token": "gone"}
    change(line, lambda session: session.execute(update(INBOX).where(INBOX.c.state == InboxState.RECEIVED).values(**long_ago)))


def send_nobody_on_duty(line: Line) -> None:
    change(line, lambda session: session.execute(delete(DUTY)))


def lose_count_of_a_broadcast(line: Line) -> None:
    over = {"state": BroadcastState.DONE, "people": 20, "rows": 21, "ended_at": line.now, "version": 0, "upto": ""}
    written = {"name": "Offers", "texts": {}, "read_by_native": [], "filled": {}, "audience": {}, "author": "invented"}
    row = {"id": new_id(), "created_at": line.now, **over, **written}
    change(line, lambda session: session.execute(insert(table(Broadcast)).values(**row)))


def rewrite_the_record(line: Line) -> None:
    def add_and_anchor(session: Session) -> None:
        audit.record(session, line.now, actor="officer:invented", action="case.opened", subject="K7-4QM9")
        audit.anchor(session, line.site.settings.instance / "audit.anchors")

    change(line, add_and_anchor)
    newest = select(AuditEvent.seq).order_by(AuditEvent.seq.desc()).limit(1).scalar_subquery()
    change(line, lambda session: session.execute(delete(AuditEvent).where(AuditEvent.seq == newest)))


HANDS = [
    ("I1", lose_a_text),
    ("I2", stop_the_ladder),
    ("I2", lose_the_alerts),
    ("I4", lose_count_of_a_broadcast),
    ("I5", send_nobody_on_duty),
    ("I6", rewrite_the_record),
]


@pytest.mark.parametrize(("code", "hand"), HANDS, ids=[hand.__name__ for _, hand in HANDS])
def test_what_is_broken_by_hand_is_named_counted_logged_and_told(
    line: Line, code: str, hand: Callable[[Line], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert broken(line) == set()
    hand(line)
    line.forget()
    with caplog.at_level(logging.ERROR):
        clock.round_(line.site)
        clock.round_(line.site)
    assert broken(line) == {code}
    said = [(record.getMessage(), record.__dict__["code"]) for record in caplog.records]
    assert said == [("invariant broken", code)], "once, not each round"
    (rounds,) = line.rows(Counter, name=f"watch.{code}.rounds")
    assert rounds["value"] == 2
    line.work()
    notices = [text for text in line.sent if "safety check" in text.body]
    assert len(notices) == 1
    assert notices[0].to == "+250780000211", "the supervisor on call"


def test_what_a_vanished_worker_holds_is_named_while_the_step_that_frees_it_is_broken(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_and_vanish(line)

    def fail(*_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(clock, "free_inbox", fail)
    clock.round_(line.site)
    assert broken(line) == {"I3"}
    monkeypatch.undo()
    line.site.db.__dict__["now"] = lambda _: line.now
    clock.round_(line.site)
    assert broken(line) == set()


def test_the_supervisor_is_told_once_an_hour(line: Line) -> None:
    send_nobody_on_duty(line)
    line.forget()
    for _ in range(30):
        line.later(minutes=5)
        clock.round_(line.site)
        line.work()
    assert sum("safety check" in text.body for text in line.sent) == 3


def test_whoever_an_open_case_is_kept_from_is_not_told_that_something_fails(line: Line) -> None:
    """What fails may be about that very case."""
    on_call = line.site.number_index("+250780000211")
    with line.site.db.transaction() as session:
        subject = f"contact:{session.scalars(select(Contact.id).where(Contact.number_index == on_call)).one()}"
        plain = {"cause": Cause.NAMED, "state": ExclusionState.EXCLUDED, "sealed": b"", "at": line.now}
        session.add(Exclusion(case_id=line.case()["id"], subject=subject, **plain))
    stop_the_ladder(line)
    line.forget()
    clock.round_(line.site)
    line.work()
    (notice,) = [text for text in line.sent if "safety check" in text.body]
    assert notice.to != "+250780000211"


def test_a_text_without_a_trace_waits_for_a_person_and_can_be_read_again(line: Line) -> None:
    lose_a_text(line)
    clock.round_(line.site)
    with line.reading() as session:
        (letter,) = dead.listed(session, line.site).letters
    assert (letter.life, letter.reason) == (True, invariants.UNACCOUNTED)


def test_answers_and_words_we_obey_are_accounted_for_though_no_message_keeps_them(line: Line) -> None:
    line.text("+250780000108", "STOP")
    line.text("+250780000202", f"1 {line.case()['handle']}")
    line.work()
    line.later(minutes=10)
    clock.round_(line.site)
    assert broken(line) == set()
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}
    assert {row["reason"] for row in line.rows(Inbox)} == {None, "a word we obey", "an officer's answer"}


def test_what_still_waits_to_be_read_is_accounted_for_later(line: Line) -> None:
    line.text("+250780000103", LOCKED_IN)
    line.later(minutes=10)
    clock.round_(line.site)
    line.work()
    change(line, lambda session: session.execute(update(MESSAGE).where(MESSAGE.c.direction == "in").values(inbox_id=None)))
    line.later(minutes=10)
    clock.round_(line.site)
    assert broken(line) == {"I1"}


@pytest.mark.parametrize("answered", [True, False])
def test_an_answer_makes_a_case_whole_and_the_ladder_alone_does_not(line: Line, answered: bool) -> None:  # noqa: FBT001
    lose_the_alerts(line)
    if answered:
        change(line, lambda session: session.execute(update(CASE).values(acknowledged_at=line.now)))
    clock.round_(line.site)
    assert broken(line) == (set() if answered else {"I2"})


def test_an_anchor_that_is_contradicted_stays_the_newest(line: Line) -> None:
    rewrite_the_record(line)
    file = line.site.settings.instance / "audit.anchors"
    before = file.read_text()
    line.says(PHONE, "0")
    for _ in range(3):
        change(line, lambda session: audit.record(session, line.now, actor="a", action="b", subject="c"))
        clock.round_(line.site)
    assert file.read_text() == before
    assert broken(line) == {"I6"}


def test_nothing_fires_on_an_ordinary_day(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for step in range(40):
            line.says(f"+2507800002{step % 7:02}", LOCKED_IN, "1", "It is near the market")
            if step % 5 == 0:
                line.says("+250780000202", f"1 {line.rows(Case)[-1]['handle']}")
            line.later(minutes=7)
            clock.round_(line.site)
            line.work()
    assert broken(line) == set()
    assert caplog.records == []
    assert not any("safety check" in text.body for text in line.sent)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_question_of_the_watch_is_answered_from_an_index(line: Line) -> None:
    asked: list[tuple[str, object]] = []
    engine = line.site.db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, words, values, _x, _m: asked.append((words, values)))
    with line.reading() as session:
        dead.listed(session, line.site)
        dead.life_waiting(session, line.site, line.now)
        alarm.standing(session, line.now)
        for check in invariants.CHECKS.values():
            check(session, line.site, line.now)
        cursor = session.connection().connection.cursor()
        scanned = [step[3] for words, values in list(asked) for step in cursor.execute(f"EXPLAIN QUERY PLAN {words}", values)]
    whole = {step for step in scanned if step.startswith("SCAN") and "USING" not in step}
    assert whole <= {"SCAN duty", "SCAN spell", "SCAN contact", "SCAN broadcast"}, (
        "the directory, its absences and the broadcasts are few; everything else grows"
    )
    assert len(scanned) > 20
