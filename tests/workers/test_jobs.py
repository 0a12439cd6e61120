"""Jobs: they may run twice, late or never; one bad row holds up no other, and nothing they log is a person's."""

import logging
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from hotline.gateways.contract import OutboundText, Sent
from hotline.models import Case, CaseKey, Inbox, InboxState, Lane, Message, Report, table
from hotline.queue import QueueName
from tests.line import Line, accepted
from tests.servers import until
from workers import clock, jobs

PHONE = "+250780000101"
UNPAID = "My boss has not paid me for three months"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


@pytest.fixture
def quick(line: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A line on which the jobs themselves can be run, and linger for a moment only."""
    monkeypatch.setattr(jobs, "deployment", lambda: line.site)
    monkeypatch.setattr(jobs, "LINGER", 0.1)
    line.site.bell.redis.flushall()
    yield line
    line.site.bell.redis.flushall()


def raised(line: Line) -> set[QueueName]:
    return {name for name in QueueName if line.site.bell.redis.exists(f"hotline:wake:{name}")}


def rot(line: Line) -> None:
    """Make every text of the callers known so far fail: their cases' keys no longer open."""
    with line.site.db.transaction() as session:
        session.execute(update(table(CaseKey)).values(wrapped=b"rot"))


def test_a_report_goes_all_the_way_in_three_jobs(quick: Line) -> None:
    quick.text(PHONE, LOCKED_IN)
    until(lambda: QueueName.INTAKE in raised(quick), 10, "the door has rung")
    jobs.drain_inbox("intake")
    assert raised(quick) == {QueueName.LIFE, QueueName.REPLY}, "the drain rings for what it has queued, and lowers its own flag"
    jobs.deliver("life")
    assert raised(quick) == {QueueName.REPLY}
    assert len(quick.carriers["simulator"].sent) == 2
    assert quick.carriers["twilio"].sent == []
    jobs.deliver("reply")
    assert len(quick.carriers["twilio"].sent) == 1


def test_each_job_twice_does_everything_once(quick: Line) -> None:
    quick.text(PHONE, LOCKED_IN)
    for _ in range(2):
        jobs.drain_inbox("intake")
        jobs.deliver("life")
        jobs.deliver("reply")
    assert len(quick.rows(Report)) == 1
    assert len(quick.sent) == 3


def test_a_drain_finds_what_comes_while_it_is_at_work(quick: Line) -> None:
    quick.text(PHONE, UNPAID)

    def comes_late(text: OutboundText) -> Sent:
        quick.text("+250780000102", UNPAID)
        jobs.drain_batch(quick.site)
        return accepted(text)

    quick.carriers["twilio"].next = [comes_late]
    jobs.drain_inbox("intake")
    jobs.deliver("reply")
    assert {text.to for text in quick.carriers["twilio"].sent} == {PHONE, "+250780000102"}


def test_what_came_in_the_last_moment_is_rung_for(quick: Line) -> None:
    def last_moment() -> int:
        return 0 if QueueName.INTAKE in raised(quick) else 1

    jobs._until_quiet(QueueName.INTAKE, last_moment, full=1)
    assert raised(quick) == {QueueName.INTAKE}


def test_eight_drains_at_once_lose_and_double_nothing(quick: Line) -> None:
    for number in range(40):
        quick.text(f"+2507800011{number:02}", UNPAID)
    quick.site.settings = quick.site.settings.model_copy(update={"drain_batch": 3})
    drains = [threading.Thread(target=jobs.drain_inbox, args=("intake",)) for _ in range(8)]
    for drain in drains:
        drain.start()
    for drain in drains:
        drain.join()
    assert len(quick.rows(Report)) == 40
    assert {row["state"] for row in quick.rows(Inbox)} == {InboxState.DONE}
    assert {row["attempts"] for row in quick.rows(Inbox)} == {1}


def test_two_drains_that_open_the_same_new_caller_make_one(quick: Line) -> None:
    quick.site.settings = quick.site.settings.model_copy(update={"drain_batch": 1})
    for number in range(12):
        quick.text(PHONE, f"text {number}")
    drains = [threading.Thread(target=jobs.drain_inbox, args=("intake",)) for _ in range(4)]
    for drain in drains:
        drain.start()
    for drain in drains:
        drain.join()
    for _ in range(5):
        quick.later(seconds=20)
        clock.round_(quick.site)
        jobs.drain_inbox("intake")
    assert {row["state"] for row in quick.rows(Inbox)} == {InboxState.DONE}
    told = [words for case in quick.rows(Case) for words in quick.told(str(case["id"]))]
    assert sorted(told) == sorted(f"text {number}" for number in range(12))


def test_one_row_that_breaks_its_handler_holds_up_no_other_and_is_set_aside_in_the_end(line: Line) -> None:
    line.says(PHONE, UNPAID)
    rot(line)
    line.text(PHONE, "It is at the tea factory")
    for number in range(5):
        line.text(f"+25078000011{number}", UNPAID)
    line.work()
    assert len(line.rows(Report)) == 6
    (bad,) = (row for row in line.rows(Inbox) if row["state"] != InboxState.DONE)
    assert (bad["state"], bad["reason"], bad["attempts"]) == (InboxState.CLAIMED, "CannotOpen", 1)
    for _ in range(6):
        line.later(seconds=20)
        clock.round_(line.site)
        line.work()
    (bad,) = line.rows(Inbox, id=bad["id"])
    assert (bad["state"], bad["reason"], bad["attempts"]) == (InboxState.POISON, "CannotOpen", 5)


def test_nothing_of_a_batch_that_fails_half_way_remains(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.text(PHONE, LOCKED_IN)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(jobs, "refer", fail)
    line.site.bell.redis.flushall()
    jobs.drain_batch(line.site)
    assert line.rows(Case) == line.rows(Message) == line.rows(Report) == []
    assert raised(line) <= {QueueName.INTAKE}, "nor is any sender rung for it"
    (row,) = line.rows(Inbox)
    assert (row["state"], row["reason"]) == (InboxState.CLAIMED, "RuntimeError")


def test_a_webhook_whose_worker_vanished_is_taken_up_by_another(line: Line) -> None:
    line.text(PHONE, LOCKED_IN)
    with line.site.db.transaction() as session:
        gone = {"state": InboxState.CLAIMED, "claim_token": "gone", "lease_until": line.now, "attempts": 1}
        session.execute(update(table(Inbox)).values(**gone))
    line.work()
    assert line.rows(Case) == []
    line.later(seconds=1)
    clock.round_(line.site)
    line.work()
    assert len(line.rows(Case)) == 1
    assert line.rows(Inbox)[0]["attempts"] == 2


def test_a_lane_without_work_asks_the_database_one_question(line: Line) -> None:
    assert [jobs.deliver_batch(line.site, lane) for lane in Lane] == [0, 0, 0]
    assert jobs.drain_batch(line.site) == 0


def test_what_the_jobs_log_names_cases_and_counts_and_no_person(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        line.says(PHONE, LOCKED_IN)
        rot(line)
        line.says(PHONE, "They beat me again")
    said = [record.getMessage() for record in caplog.records if record.name.startswith("workers")]
    assert {"new report", "delivered", "row failed"} <= set(said)
    for record in caplog.records:
        fields = {name: value for name, value in record.__dict__.items() if name not in ("exc_info", "exc_text")}
        assert "780000101" not in str(fields)
        assert "passport" not in str(fields)
        assert "beat" not in str(fields)


def test_the_time_a_webhook_came_is_the_time_of_its_text(line: Line) -> None:
    line.text(PHONE, UNPAID)
    received = line.rows(Inbox)[0]["received_at"]
    line.later(hours=3)
    line.work()
    with line.reading() as session:
        message = table(Message)
        assert session.scalars(select(message.c.created_at).where(message.c.direction == "in")).all() == [received]
