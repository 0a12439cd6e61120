"""Delivery: claimed before it is tried, tried with no database held, and settled by whoever holds the claim alone."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from hotline.config import Settings
from hotline.db import Database
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Progress, Sent, StatusUpdate
from hotline.models import (
    Attempt,
    Caller,
    Case,
    CaseKey,
    CaseState,
    Contact,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Referral,
    SafeContact,
    table,
)
from hotline.outbound import deliver, status
from hotline.outbound.compose import Draft
from tests.line import Line, accepted, fill_directory, refused, unknown
from workers import jobs

PHONE = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
MESSAGE, ATTEMPT = table(Message), table(Attempt)


@pytest.fixture
def known(line: Line) -> Line:
    """A line on which one caller has opened a case and been answered."""
    line.says(PHONE, LOCKED_IN)
    line.forget()
    return line


def queue(line: Line, kind: MessageKind, *, lane: Lane = Lane.REPLY, **more: object) -> str:
    """Put one message into the queue and return its id. Alerts and notices go to the station, the rest to the caller."""
    case_id = str(line.case()["id"])
    to_contact = kind in (MessageKind.ALERT, MessageKind.NOTICE)
    draft = Draft(
        kind=kind,
        lane=lane,
        body=f"{kind} text",
        gateway=str(more.pop("gateway", "twilio")),
        case_id=case_id,
        caller_id=None if to_contact else str(line.rows(Caller)[0]["id"]),
        contact_id=str(line.contact("Kamembe police station")["id"]) if to_contact else None,
    )
    row = draft.row(line.key(case_id), line.now) | more
    with line.site.db.transaction() as session:
        session.execute(insert(MESSAGE), [row])
    return str(row["id"])


def row(line: Line, message_id: str) -> dict[str, object]:
    (found,) = line.rows(Message, id=message_id)
    return dict(found)


def take(line: Line, lane: Lane = Lane.REPLY) -> deliver.Parcel:
    with line.site.db.transaction() as session:
        return deliver.take(session, line.site, lane, line.now)


def settle(line: Line, parcel: deliver.Parcel, outcome: object = accepted) -> None:
    outcomes = [outcome(text) for texts in parcel.texts.values() for text in texts]  # type: ignore[operator]
    with line.site.db.transaction() as session:
        deliver.settle(session, line.site, parcel, outcomes, line.now)


def in_doubt(line: Line, message_id: str, times: int) -> None:
    """Put on record that a message was tried so often and nobody knows the end of it."""
    tries = [{"message_id": message_id, "gateway": "twilio", "started_at": line.now, "result": "unknown"} for _ in range(times)]
    with line.site.db.transaction() as session:
        session.add_all(Attempt(**one) for one in tries)


def free(line: Line) -> int:
    with line.site.db.transaction() as session:
        return deliver.free_expired(session, line.site, line.now)


# ---- claim, try, settle -----------------------------------------------------------------------------------------


def test_before_the_gateway_is_called_the_try_is_on_record_and_nothing_is_locked(known: Line) -> None:
    seen: list[object] = []
    message = queue(known, MessageKind.REPLY)

    def look(text: OutboundText) -> Sent:
        (attempt,) = known.rows(Attempt, message_id=message)
        seen.append((row(known, message)["state"], attempt["ended_at"], attempt["gateway"]))
        other = Database(known.site.settings.database)
        with other.transaction() as session:
            session.execute(update(table(Case)).values(version=99))
        other.close()
        return accepted(text)

    known.carriers["twilio"].next = [look]
    known.work()
    assert seen == [(MessageState.CLAIMED, None, "twilio")]
    (attempt,) = known.rows(Attempt, message_id=message)
    assert (attempt["result"], attempt["ended_at"]) == ("accepted", known.now)
    assert known.case()["version"] == 99


def test_what_was_accepted_is_written_down(known: Line) -> None:
    message = queue(known, MessageKind.REPLY)
    known.work()
    found = row(known, message)
    assert (found["state"], found["provider_id"], found["accepted_at"]) == ("accepted", f"SM-{message}", known.now)
    assert (found["attempts"], found["settled_at"]) == (1, None)
    assert known.to(PHONE) == ["reply text"]


def thought_dead(known: Line) -> deliver.Parcel:
    """Let a worker claim what is urgent and say nothing until its lease is over and the clock has freed the message."""
    slow = take(known, Lane.LIFE)
    known.later(seconds=60)
    assert free(known) == 1
    return slow


def test_a_worker_that_was_thought_dead_changes_nothing_any_more(known: Line) -> None:
    message = queue(known, MessageKind.ALERT, lane=Lane.LIFE)
    slow = thought_dead(known)
    quick = take(known, Lane.LIFE)
    before, attempts = row(known, message), known.rows(Attempt, message_id=message)
    assert len(attempts) == 2

    settle(known, slow, refused)
    assert row(known, message) == before
    still_open = [one["id"] for one in known.rows(Attempt, message_id=message) if one["ended_at"] is None]
    assert still_open == [quick.attempts[message]], "it closes its own try and not the other's"

    settle(known, quick, accepted)
    assert row(known, message)["state"] == "accepted"
    settle(known, slow, unknown)
    assert row(known, message)["state"] == "accepted"


@pytest.mark.parametrize("kind", [MessageKind.ALERT, MessageKind.REPLY])
def test_a_worker_that_was_thought_dead_and_brings_good_news_is_believed(known: Line, kind: MessageKind) -> None:
    message = queue(known, kind, lane=Lane.LIFE)
    slow = thought_dead(known)
    settle(known, slow, unknown)
    assert row(known, message)["state"] in ("queued", "unknown"), "a doubt tells nothing new"
    settle(known, slow, accepted)
    assert (row(known, message)["state"], row(known, message)["provider_id"]) == ("accepted", f"SM-{message}")
    known.work()
    assert known.sent == [], "it had arrived: nobody is told twice"


def test_good_news_of_an_earlier_try_stops_the_one_that_waits(known: Line) -> None:
    message = queue(known, MessageKind.ALERT, lane=Lane.LIFE)
    slow = thought_dead(known)
    settle(known, take(known, Lane.LIFE), unknown)
    assert row(known, message)["state"] == "queued"
    settle(known, slow, accepted)
    known.later(minutes=10)
    known.work()
    assert row(known, message)["state"] == "accepted"
    assert known.sent == [], "two copies may be out; a third is not needed"


def test_good_news_of_an_earlier_try_is_remembered_while_a_later_one_is_under_way(known: Line) -> None:
    message = queue(known, MessageKind.ALERT, lane=Lane.LIFE)
    slow = thought_dead(known)
    quick = take(known, Lane.LIFE)
    settle(known, slow, accepted)
    assert row(known, message)["state"] == "claimed", "the one under way is not taken from its worker"
    settle(known, quick, unknown)
    known.later(minutes=10)
    known.work()
    assert row(known, message)["state"] == "accepted"
    assert known.sent == []


def test_good_news_of_a_text_that_is_known_to_have_failed_stops_nothing(known: Line) -> None:
    message = queue(known, MessageKind.ALERT, lane=Lane.LIFE)
    slow = thought_dead(known)
    settle(known, take(known, Lane.LIFE), unknown)
    with known.site.db.transaction() as session:
        failed = StatusUpdate(f"SM-{message}", message, Progress.UNDELIVERED, "30003")
        assert status.apply(session, "twilio", failed, known.now)
    settle(known, slow, accepted)
    assert row(known, message)["state"] == "queued", "that copy reached nobody: the next one goes"


@pytest.mark.parametrize(
    ("kind", "lane", "attempts", "state"),
    [
        (MessageKind.ALERT, Lane.LIFE, 1, "queued"),
        (MessageKind.ALERT, Lane.LIFE, 4, "queued"),
        (MessageKind.ALERT, Lane.LIFE, 5, "queued"),
        (MessageKind.ALERT, Lane.REPLY, 1, "queued"),
        (MessageKind.ALERT, Lane.REPLY, 2, "queued"),
        (MessageKind.ALERT, Lane.REPLY, 5, "unknown"),
        (MessageKind.NOTICE, Lane.LIFE, 1, "queued"),
        (MessageKind.NOTICE, Lane.LIFE, 2, "queued"),
        (MessageKind.NOTICE, Lane.LIFE, 5, "unknown"),
        (MessageKind.AUTO, Lane.REPLY, 1, "unknown"),
        (MessageKind.REPLY, Lane.REPLY, 1, "unknown"),
    ],
)
def test_what_a_vanished_worker_had_in_hand_is_judged_by_its_kind(
    known: Line, kind: MessageKind, lane: Lane, attempts: int, state: str
) -> None:
    message = queue(known, kind, lane=lane, attempts=attempts - 1)
    in_doubt(known, message, attempts - 1)
    take(known, lane)
    assert free(known) == 0, "its lease still runs"
    known.later(seconds=known.site.settings.lease_seconds + 1)
    assert free(known) == 1
    found = row(known, message)
    assert (found["state"], found["reason"]) == (state, "worker vanished")
    if state == "queued":
        waits = timedelta(0) if lane is Lane.LIFE and attempts < 5 else timedelta(minutes=5 if lane is Lane.LIFE else 2)
        waits = timedelta(minutes=2) if kind is MessageKind.NOTICE else waits
        assert found["due_at"] == known.now + waits, "for a life its lease is long enough a wait; it goes at once"
    assert free(known) == 0


def test_a_refused_alert_whose_worker_then_vanishes_goes_again(known: Line) -> None:
    message = queue(known, MessageKind.ALERT)
    settle(known, take(known), refused)
    known.later(seconds=15)
    take(known)
    known.later(seconds=known.site.settings.lease_seconds + 1)
    assert free(known) == 1
    assert row(known, message)["state"] == "queued", "it may have vanished before it asked"


def test_a_slow_gateway_keeps_its_claim(known: Line) -> None:
    known.site.settings = known.site.settings.model_copy(update={"lease_seconds": 0.3})
    message = queue(known, MessageKind.REPLY)
    leases: list[object] = []

    def wait(text: OutboundText) -> Sent:
        known.later(seconds=30)
        until = time.monotonic() + 5
        while time.monotonic() < until and row(known, message)["lease_until"] < known.now:  # type: ignore[operator]
            time.sleep(0.02)
        leases.append(row(known, message)["lease_until"])
        assert free(known) == 0
        return accepted(text)

    known.carriers["twilio"].next = [wait]
    known.work()
    assert leases == [known.now + timedelta(seconds=0.3)]
    assert "lease" not in {thread.name for thread in threading.enumerate()}, "nothing renews it any longer"
    assert row(known, message)["state"] == "accepted"


def test_each_lane_carries_its_own_and_the_oldest_first(known: Line) -> None:
    known.site.settings = known.site.settings.model_copy(update={"deliver_batch": 2})
    bulk = queue(known, MessageKind.REPLY, lane=Lane.BULK)
    late = [queue(known, MessageKind.REPLY, due_at=known.now - timedelta(minutes=age)) for age in (1, 3, 2)]
    tomorrow = queue(known, MessageKind.REPLY, due_at=known.now + timedelta(minutes=1))
    assert jobs.deliver_batch(known.site, Lane.REPLY) == 2
    assert [text.id for text in known.sent] == [late[1], late[2]]
    assert jobs.deliver_batch(known.site, Lane.REPLY) == 1
    assert jobs.deliver_batch(known.site, Lane.REPLY) == 0
    assert {row(known, one)["state"] for one in (bulk, tomorrow)} == {"queued"}


def test_two_workers_of_a_lane_never_send_the_same_text(known: Line) -> None:
    messages = {queue(known, MessageKind.REPLY) for _ in range(9)}
    known.site.settings = known.site.settings.model_copy(update={"deliver_batch": 4})
    first, second, third, none = (take(known) for _ in range(4))
    claimed = [set(parcel.rows) for parcel in (first, second, third, none)]
    assert [len(ids) for ids in claimed] == [4, 4, 1, 0]
    assert set.union(*claimed) == messages


# ---- what may not leave -----------------------------------------------------------------------------------------


def reason(line: Line, message_id: str) -> object:
    line.work()
    assert line.to(PHONE) == []
    found = row(line, message_id)
    assert found["state"] == MessageState.SUPPRESSED
    assert line.rows(Attempt, message_id=message_id) == []
    return found["reason"]


def test_a_text_past_its_time_is_dropped_and_one_before_it_says_how_long_it_has(known: Line) -> None:
    late = queue(known, MessageKind.REPLY, valid_until=known.now)
    assert reason(known, late) == "too late"
    queue(known, MessageKind.REPLY, valid_until=known.now + timedelta(seconds=90))
    known.work()
    assert known.sent[-1].valid_for == 90


def test_a_reply_whose_window_has_closed_meanwhile_does_not_leave(known: Line) -> None:
    message = queue(known, MessageKind.REPLY)
    known.later(minutes=16)
    assert "too long ago" in str(reason(known, message))


@pytest.mark.parametrize("kind", [MessageKind.AUTO, MessageKind.REPLY])
@pytest.mark.parametrize("stop", ["opted_out_at", "panic_at"])
def test_a_stop_after_the_queue_and_before_the_claim_holds(known: Line, kind: MessageKind, stop: str) -> None:
    message = queue(known, kind)
    known.later(seconds=1)
    with known.site.db.transaction() as session:
        session.execute(update(table(Caller)).values({stop: known.now}))
    assert reason(known, message) == "asked us to stop"


def test_a_stop_between_the_claim_and_a_second_try_holds_too(known: Line) -> None:
    message = queue(known, MessageKind.REPLY)

    def stop_meanwhile(text: OutboundText) -> Sent:
        known.later(seconds=1)
        known.text(PHONE, "0")
        while jobs.drain_batch(known.site):
            pass
        return refused(text)

    known.carriers["twilio"].next = [stop_meanwhile]
    known.work()
    assert row(known, message)["state"] == "queued"
    known.forget()
    known.later(seconds=20)
    known.work()
    assert known.to(PHONE) == []
    assert row(known, message)["reason"] == "asked us to stop"


def test_a_sender_that_is_a_name_is_not_written_to(known: Line) -> None:
    with known.site.db.transaction() as session:
        session.execute(update(table(Caller)).values(reachable=False))
    assert reason(known, queue(known, MessageKind.REPLY)) == "sender has no number"


@pytest.mark.parametrize("kind", [MessageKind.AUTO, MessageKind.REPLY, MessageKind.ALERT])
def test_a_frozen_case_lets_nothing_leave(known: Line, kind: MessageKind) -> None:
    message = queue(known, kind)
    with known.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=CaseState.FROZEN))
    assert reason(known, message) == "this item is frozen"


# ---- what cannot be opened --------------------------------------------------------------------------------------


def test_one_message_that_cannot_be_opened_holds_up_no_other(known: Line) -> None:
    rotten, moved, sound = (queue(known, MessageKind.REPLY) for _ in range(3))
    with known.site.db.transaction() as session:
        sealed = session.scalars(select(MESSAGE.c.sealed).where(MESSAGE.c.id == sound)).one()
        session.execute(update(MESSAGE).where(MESSAGE.c.id == rotten).values(sealed=b"rot"))
        session.execute(update(MESSAGE).where(MESSAGE.c.id == moved).values(sealed=sealed))
    known.work()
    assert [text.id for text in known.sent] == [sound]
    assert {row(known, one)["reason"] for one in (rotten, moved)} == {"cannot be opened"}


def test_a_shredded_case_holds_up_no_other(known: Line) -> None:
    message = queue(known, MessageKind.REPLY)
    with known.site.db.transaction() as session:
        session.execute(delete(table(CaseKey)))
    known.says("+250780000109", "Who is this?")
    assert row(known, message)["reason"] == "cannot be opened"
    assert len(known.to("+250780000109")) == 1


def test_a_number_that_was_tampered_with_holds_up_no_other(known: Line) -> None:
    message = queue(known, MessageKind.ALERT, lane=Lane.LIFE)
    with known.site.db.transaction() as session:
        station = table(Contact).c.name == "Kamembe police station"
        session.execute(update(table(Contact)).where(station).values(number_sealed=b"rot"))
    known.work()
    assert row(known, message)["reason"] == "cannot be opened"


def pages(line: Line, gateway: str) -> list[str]:
    return [text.body for text in line.carriers[gateway].sent if text.body.startswith("[")]


# ---- after a try ------------------------------------------------------------------------------------------------


def test_a_gateway_without_settings_is_tried_until_the_message_is_set_aside(known: Line) -> None:
    message = queue(known, MessageKind.REPLY, gateway="nobody", valid_until=None)
    with known.site.db.transaction() as session:
        session.execute(update(table(Caller)).values(safe_contact=SafeContact.ANY))
    known.later(hours=12)
    for _ in range(7):
        known.work()
        known.later(minutes=16)
    found = row(known, message)
    assert (found["state"], found["reason"], found["attempts"]) == ("dead", "gateway has no settings", 5)


def test_a_life_alert_that_did_not_go_out_changes_to_the_other_gateway_and_back(
    settings: Settings, deployment: Deployment
) -> None:
    both = Deployment(settings.model_copy(update={"second_gateway": "twilio"}))
    fill_directory(both, settings.instance)
    line = Line(both)
    line.carriers["simulator"].next = [unknown, refused]
    line.says(PHONE, LOCKED_IN)
    assert len(pages(line, "twilio")) == 1, "what was surely not sent changes at once"
    line.carriers["twilio"].next = [unknown]
    line.forget()
    line.later(seconds=20)
    line.work()
    assert len(pages(line, "twilio")) == 1, "what is in doubt after twenty seconds"
    line.forget()
    line.later(seconds=20)
    line.work()
    assert len(pages(line, "simulator")) == 1, "and back"
    assert {found["state"] for found in line.rows(Message, kind="alert")} == {"accepted"}
    both.close()


def test_an_answer_to_a_caller_never_changes_its_gateway(settings: Settings, deployment: Deployment) -> None:
    both = Deployment(settings.model_copy(update={"second_gateway": "simulator", "gateway": "twilio"}))
    line = Line(both)
    line.carriers["twilio"].next = [refused]
    line.says(PHONE, "Who is this?")
    line.later(seconds=15)
    line.work()
    assert (len(line.carriers["twilio"].sent), line.carriers["simulator"].sent) == (2, [])
    both.close()


def test_a_stop_at_the_gateway_is_a_stop(known: Line) -> None:
    message = queue(known, MessageKind.REPLY)
    known.later(seconds=5)
    known.carriers["twilio"].next = [lambda text: Sent(text.id, Certainty.REFUSED, code="21610", opted_out=True)]
    known.work()
    assert (row(known, message)["state"], row(known, message)["reason"]) == ("suppressed", "stopped at the gateway")
    assert known.rows(Caller)[0]["opted_out_at"] == known.now


def test_after_an_officers_reply_the_caller_is_talking_and_no_answer_comes_between(known: Line) -> None:
    queue(known, MessageKind.REPLY)
    known.work()
    assert known.rows(Caller)[0]["open_question"] == "told"
    known.forget()
    assert known.says(PHONE, "He is at work until six") == []


def test_an_alert_counts_as_told_only_once_a_gateway_has_taken_it(line: Line) -> None:
    line.carriers["simulator"].next = [unknown, accepted]
    line.says(PHONE, LOCKED_IN)
    assert sorted(found["state"] for found in line.rows(Referral)) == ["queued", "told"]
    line.later(seconds=20)
    line.work()
    assert [found["state"] for found in line.rows(Referral)] == ["told", "told"]


def test_every_extra_copy_of_an_alert_is_explained_by_one_doubtful_try(line: Line) -> None:
    line.carriers["simulator"].next = [unknown, refused, unknown, unknown, accepted]
    line.says(PHONE, LOCKED_IN)
    for _ in range(12):
        line.later(seconds=20)
        line.work()
    copies = [text.body for text in line.carriers["simulator"].sent]
    doubtful = [one for one in line.rows(Attempt) if one["result"] == "unknown"]
    failed = [one for one in line.rows(Attempt) if one["result"] == "refused"]
    assert len(copies) == 2 + len(doubtful) + len(failed)
    assert len(set(copies)) <= 2, "all copies carry the same code and the same words"
    assert {found["state"] for found in line.rows(Message, kind="alert")} == {"accepted"}
