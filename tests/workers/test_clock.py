"""The clock: whatever was lost is found again, and nothing that breaks on the way keeps it from the next round."""

import logging
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError

from hotline import audit
from hotline.config import load
from hotline.deployment import Deployment
from hotline.intake.arrivals import take
from hotline.models import (
    Case,
    Counter,
    Inbox,
    InboxState,
    Lane,
    Message,
    MessageState,
    Quarantine,
    first_id,
    new_id,
    table,
)
from hotline.outbound import deliver
from hotline.queue import QueueName
from tests.line import Line
from workers import clock

PHONE = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


def counter(line: Line, name: str) -> int:
    return int(line.rows(Counter, name=name)[0]["value"])


def rung(line: Line) -> set[QueueName]:
    """Let the clock go round once and return what it rang for."""
    line.site.bell.redis.flushall()
    clock.round_(line.site)
    return {name for name in QueueName if line.site.bell.redis.exists(f"hotline:wake:{name}")}


def test_a_round_rings_for_what_stands_still_and_for_nothing_else(line: Line) -> None:
    assert rung(line) == set()
    line.text(PHONE, LOCKED_IN)
    assert rung(line) == {QueueName.INTAKE}
    line.work()
    assert rung(line) == set()
    line.later(minutes=5)
    assert rung(line) == {QueueName.LIFE}, "the ladder has climbed"
    line.work()
    line.says(PHONE, "0")
    assert rung(line) == set()


def test_a_flush_of_redis_costs_a_round(line: Line) -> None:
    line.text(PHONE, LOCKED_IN)
    line.work()
    line.text("+250780000102", LOCKED_IN)
    line.site.bell.redis.flushall()
    assert rung(line) == {QueueName.INTAKE}


def test_what_is_not_due_yet_is_not_rung_for(line: Line) -> None:
    line.text(PHONE, "Who is this?")
    line.work()
    with line.site.db.transaction() as session:
        later = {"state": MessageState.QUEUED, "due_at": line.now + timedelta(seconds=30)}
        session.execute(update(table(Message)).where(table(Message).c.lane == Lane.REPLY).values(**later))
    assert rung(line) == set()
    line.later(seconds=30)
    assert rung(line) == {QueueName.REPLY}


def test_claims_that_ran_out_are_free_again_and_running_ones_are_left(line: Line) -> None:
    line.text(PHONE, LOCKED_IN)
    with line.site.db.transaction() as session:
        take(session, line.site, line.now)
    clock.round_(line.site)
    assert line.rows(Inbox)[0]["state"] == InboxState.CLAIMED
    line.later(seconds=line.site.settings.lease_seconds + 1)
    clock.round_(line.site)
    assert line.rows(Inbox)[0]["state"] == InboxState.RECEIVED


def test_a_webhook_that_brought_down_five_workers_is_set_aside(line: Line) -> None:
    line.text(PHONE, LOCKED_IN)
    for _ in range(5):
        with line.site.db.transaction() as session:
            _, rows = take(session, line.site, line.now)
        assert len(rows) == 1
        line.later(seconds=20)
        clock.round_(line.site)
    (row,) = line.rows(Inbox)
    assert (row["state"], row["reason"], row["attempts"]) == (InboxState.POISON, "worker vanished", 5)
    assert rung(line) == set()


def test_a_receipt_for_a_text_nobody_knows_says_so_when_it_is_set_aside(line: Line) -> None:
    line.post({"MessageSid": "SM1", "MessageStatus": "delivered"}, kind="status", query="message=unheard-of")
    for _ in range(7):
        line.work()
        line.later(seconds=20)
        clock.round_(line.site)
    (row,) = line.rows(Inbox)
    assert (row["state"], row["reason"]) == (InboxState.POISON, "no such message")


def test_a_message_in_the_hand_of_a_vanished_worker_is_judged(line: Line) -> None:
    line.text(PHONE, LOCKED_IN)
    line.site.settings = line.site.settings.model_copy(update={"deliver_batch": 9})
    clock.round_(line.site)
    line.work()
    with line.site.db.transaction() as session:
        session.execute(update(table(Message)).where(table(Message).c.kind == "alert").values(state=MessageState.QUEUED))
    with line.site.db.transaction() as session:
        deliver.take(session, line.site, Lane.LIFE, line.now)
    line.later(seconds=30)
    assert rung(line) == {QueueName.LIFE}


def test_the_clock_says_that_it_lives(line: Line) -> None:
    clock.round_(line.site)
    first = counter(line, clock.BEAT)
    assert first == int(line.now.timestamp())
    line.later(seconds=5)
    clock.round_(line.site)
    assert counter(line, clock.BEAT) == first + 5


def test_each_round_anchors_the_record_outside_the_database(line: Line) -> None:
    clock.round_(line.site)
    anchors = line.site.settings.instance / "audit.anchors"
    assert len(anchors.read_text().splitlines()) == 1
    with line.reading() as session:
        assert audit.verify(session, anchors) is None


# ---- what is old ------------------------------------------------------------------------------------------------


def test_raw_webhooks_go_after_their_days_and_the_report_stays(line: Line) -> None:
    line.now = datetime.now(UTC)  # the age of a row is in its id
    line.says(PHONE, LOCKED_IN)
    line.later(days=6)
    clock.round_(line.site)
    assert len(line.rows(Inbox)) == 1
    line.later(days=3)
    clock.round_(line.site)
    assert line.rows(Inbox) == []
    assert line.told(str(line.case()["id"])) == [LOCKED_IN]


@pytest.mark.parametrize("state", [InboxState.RECEIVED, InboxState.PARKED, InboxState.POISON])
def test_a_webhook_no_person_has_seen_to_is_never_removed(line: Line, state: InboxState) -> None:
    line.text(PHONE, LOCKED_IN)
    with line.site.db.transaction() as session:
        session.execute(update(table(Inbox)).values(state=state))
    line.later(days=400)
    clock.round_(line.site)
    assert len(line.rows(Inbox)) == 1


def test_what_was_kept_aside_goes_after_its_days_and_makes_room(line: Line) -> None:
    line.now = datetime.now(UTC)  # the age of a row is in its id
    for _ in range(3):
        line.post({"MessageSid": new_id(), "From": PHONE, "Body": "x" * 1000}, token="another-token")
    used = counter(line, Counter.QUARANTINED_BYTES)
    assert used == sum(row["size"] for row in line.rows(Quarantine)) > 3000
    line.later(days=29)
    clock.round_(line.site)
    assert counter(line, Counter.QUARANTINED_BYTES) == used
    line.later(days=3)
    for _ in range(2):
        clock.round_(line.site)
    assert line.rows(Quarantine) == []
    assert counter(line, Counter.QUARANTINED_BYTES) == 0


# ---- what breaks ------------------------------------------------------------------------------------------------


def test_a_step_that_breaks_keeps_no_other_from_its_work(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.says(PHONE, LOCKED_IN)
    (line.site.settings.instance / "audit.anchors").mkdir()
    line.later(minutes=5)
    with caplog.at_level(logging.ERROR):
        assert rung(line) == {QueueName.LIFE}
    broken = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.__dict__.get("step", record.getMessage()) for record in broken] == ["invariant broken", "anchor"]
    assert counter(line, clock.BEAT) == int(line.now.timestamp())


def test_the_ladder_climbs_though_a_later_step_finds_its_table_away(line: Line) -> None:
    line.says(PHONE, LOCKED_IN)
    line.later(minutes=5)
    with line.site.db.transaction() as session:
        session.execute(text("ALTER TABLE quarantine RENAME TO quarantine_away"))
    try:
        with pytest.raises(SQLAlchemyError):
            clock.round_(line.site)
    finally:
        with line.site.db.transaction() as session:
            session.execute(text("ALTER TABLE quarantine_away RENAME TO quarantine"))
    assert line.case()["ladder_step"] == 1


class Stop(BaseException):
    """Leaves the clock's endless loop."""


def run(line: Line, monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    """Run the clock's own loop until it has paused so often."""
    left = iter(range(rounds))

    def pause(_: float) -> None:
        if next(left, None) is None:
            raise Stop

    own = Deployment(line.site.settings)
    monkeypatch.setattr(clock, "time", SimpleNamespace(sleep=pause))
    monkeypatch.setattr(clock, "configure", lambda: None)
    monkeypatch.setattr(clock, "asking", lambda _: nullcontext())
    monkeypatch.setattr(clock, "load", lambda: load(_env_file=None))
    monkeypatch.setattr(clock, "Deployment", lambda _: own)
    with pytest.raises(Stop):
        clock.main()
    own.close()


def test_the_loop_goes_round_and_round(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Deployment] = []
    monkeypatch.setattr(clock, "round_", seen.append)
    run(line, monkeypatch, 4)
    assert len(seen) == 5


@pytest.mark.parametrize("failure", [SQLAlchemyError("away"), ValueError("odd"), OSError("full"), KeyError("x")])
def test_a_round_that_fails_is_tried_again_and_the_lead_is_taken_anew(
    line: Line, monkeypatch: pytest.MonkeyPatch, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    rounds: list[int] = []

    def fail_first(_: Deployment) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise failure

    monkeypatch.setattr(clock, "round_", fail_first)
    with caplog.at_level(logging.ERROR):
        run(line, monkeypatch, 3)
    assert len(rounds) == 4
    assert [record.getMessage() for record in caplog.records] == ["round failed"]


def test_whoever_does_not_lead_waits(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Deployment] = []
    monkeypatch.setattr(clock, "round_", seen.append)
    with line.site.db.leading(clock.LEADER) as leads:
        assert leads
        run(line, monkeypatch, 3)
    assert seen == []
    run(line, monkeypatch, 3)
    assert seen


def test_the_first_id_of_a_moment_lies_before_all_ids_made_after_it() -> None:
    before = first_id(datetime.now().astimezone())
    assert before <= new_id() < first_id(datetime.now().astimezone() + timedelta(seconds=5))


def test_the_case_of_an_old_round_is_left_as_it_is(line: Line) -> None:
    line.says(PHONE, "Thank you")
    before = line.rows(Case)
    for _ in range(3):
        line.later(hours=5)
        clock.round_(line.site)
    assert line.rows(Case) == before
