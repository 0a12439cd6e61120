"""Receipts come late, twice and in any order; what is known of a text only ever rises. All numbers are invented."""

from itertools import permutations
from random import Random

import pytest
from sqlalchemy import update

from hotline.gateways.contract import OutboundText, Progress, StatusUpdate
from hotline.models import Caller, Inbox, InboxState, Lane, Message, MessageState, table
from hotline.outbound import deliver, status
from tests.line import Line, accepted, unknown
from workers import jobs

PHONE = "+250780000101"
MESSAGE = table(Message)
RISE = ["accepted", "sent", "undelivered", "delivered"]


def answered(line: Line) -> OutboundText:
    """Let a caller text and return the answer that left."""
    line.says(PHONE, "Who is this?")
    return line.carriers["twilio"].sent[-1]


def told(line: Line, text: OutboundText, progress: Progress, *, code: str | None = None) -> bool:
    report = StatusUpdate(f"SM-{text.id}", text.id, progress, code)
    with line.site.db.transaction() as session:
        return status.apply(session, "twilio", report, line.now)


def state(line: Line, text: OutboundText) -> str:
    (row,) = line.rows(Message, id=text.id)
    return str(row["state"])


def put(line: Line, text: OutboundText, **values: object) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(MESSAGE).where(MESSAGE.c.id == text.id).values(**values))


SIX = (Progress.ACCEPTED, Progress.SENT, Progress.SENT, Progress.UNDELIVERED, Progress.FAILED, Progress.DELIVERED)


STARTS = (MessageState.CLAIMED, MessageState.UNKNOWN, MessageState.ACCEPTED, MessageState.DEAD)


def after(start: MessageState, order: tuple[Progress, ...]) -> MessageState:
    state, ranks = start, [status.RANK[start]]
    for progress in order:
        state = status.raised(state, progress) or state
        ranks.append(status.RANK[state])
    assert ranks == sorted(ranks), "rank only rises"
    return state


@pytest.mark.parametrize("start", STARTS)
def test_six_receipts_three_times_over_in_each_of_their_720_orders_end_delivered(start: MessageState) -> None:
    assert {after(start, order * 3) for order in permutations(SIX)} == {MessageState.DELIVERED}


@pytest.mark.parametrize("start", STARTS)
def test_without_a_delivery_the_end_is_a_failure_in_any_order(start: MessageState) -> None:
    assert {after(start, order * 3) for order in permutations(SIX[:5])} == {MessageState.FAILED}


def test_some_of_these_orders_on_the_store_itself(line: Line) -> None:
    text = answered(line)
    for order in list(permutations(SIX))[::90]:
        put(line, text, state=MessageState.ACCEPTED)
        for progress in order:
            assert told(line, text, progress)
        assert state(line, text) == "delivered"


@pytest.mark.parametrize(("first", "then", "end"), [
    (Progress.UNDELIVERED, Progress.DELIVERED, "delivered"),
    (Progress.DELIVERED, Progress.UNDELIVERED, "delivered"),
    (Progress.FAILED, Progress.DELIVERED, "delivered"),
    (Progress.DELIVERED, Progress.SENT, "delivered"),
    (Progress.SENT, Progress.ACCEPTED, "sent"),
    (Progress.UNDELIVERED, Progress.SENT, "undelivered"),
])  # fmt: skip
def test_a_late_receipt_takes_nothing_back(line: Line, first: Progress, then: Progress, end: str) -> None:
    text = answered(line)
    told(line, text, first)
    told(line, text, then)
    assert state(line, text) == end


def test_a_receipt_goes_the_whole_way_from_the_door_to_the_row(line: Line) -> None:
    text = answered(line)
    for one in ("queued", "sent", "delivered"):
        line.receipt(text, one)
    line.work()
    (row,) = line.rows(Message, id=text.id)
    assert (row["state"], row["provider_id"], row["settled_at"]) == ("delivered", f"SM-{text.id}", line.now)
    assert {found["state"] for found in line.rows(Inbox)} == {InboxState.DONE}


def test_a_receipt_that_outruns_our_own_note_of_sending_counts(line: Line) -> None:
    text = answered(line)
    put(line, text, state=MessageState.CLAIMED, provider_id=None)
    told(line, text, Progress.DELIVERED)
    (row,) = line.rows(Message, id=text.id)
    assert (row["state"], row["provider_id"]) == ("delivered", f"SM-{text.id}")


@pytest.mark.parametrize("before", [MessageState.UNKNOWN, MessageState.DEAD])
@pytest.mark.parametrize("progress", [Progress.SENT, Progress.DELIVERED])
def test_what_nobody_knew_is_known_when_the_receipt_comes(line: Line, before: MessageState, progress: Progress) -> None:
    text = answered(line)
    put(line, text, state=before)
    told(line, text, progress)
    assert state(line, text) == progress


@pytest.mark.parametrize("closed", [MessageState.CANCELLED, MessageState.SUPPRESSED, MessageState.HELD, MessageState.STORED])
def test_what_we_took_back_ourselves_no_receipt_brings_to_life(line: Line, closed: MessageState) -> None:
    text = answered(line)
    put(line, text, state=closed)
    told(line, text, Progress.DELIVERED)
    assert state(line, text) == closed


@pytest.mark.parametrize(("waiting", "attempts", "heard"), [(MessageState.QUEUED, 1, True), (MessageState.CLAIMED, 2, False)])
@pytest.mark.parametrize("bad", [Progress.UNDELIVERED, Progress.FAILED])
def test_bad_news_of_an_earlier_try_does_not_stop_the_next(
    line: Line, waiting: MessageState, attempts: int, heard: object, bad: Progress
) -> None:
    text = answered(line)
    put(line, text, state=waiting, attempts=attempts, provider_id=None)
    assert told(line, text, bad) is heard, "while a try is being made it cannot be known of which it is; later it can"
    assert state(line, text) == waiting
    told(line, text, Progress.DELIVERED)
    assert state(line, text) == "delivered", "good news does: it has arrived"


def test_an_alert_in_doubt_whose_first_try_failed_after_all_is_sent_again(line: Line) -> None:
    line.carriers["simulator"].next = [unknown, unknown]
    line.says(PHONE, "They locked me in a house in Kamembe, madam took my passport, help me now")
    first = line.carriers["simulator"].sent[0]
    with line.site.db.transaction() as session:
        status.apply(session, "simulator", StatusUpdate("sim-1", first.id, Progress.UNDELIVERED, None), line.now)
    line.forget()
    line.later(seconds=30)
    line.work()
    assert first.id in {text.id for text in line.sent}


def test_a_receipt_from_the_gateway_an_alert_has_left_counts_all_the_same(line: Line) -> None:
    text = answered(line)
    put(line, text, state=MessageState.QUEUED, gateway="simulator")
    assert told(line, text, Progress.DELIVERED)
    assert state(line, text) == "delivered"


def test_a_receipt_without_our_id_is_found_by_theirs_at_its_own_gateway_alone(line: Line) -> None:
    text = answered(line)
    theirs = StatusUpdate(f"SM-{text.id}", None, Progress.DELIVERED, None)
    with line.site.db.transaction() as session:
        assert not status.apply(session, "simulator", theirs, line.now)
        assert status.apply(session, "twilio", theirs, line.now)
    assert state(line, text) == "delivered"


def test_two_texts_whose_receipts_name_no_provider_do_not_collide(line: Line) -> None:
    texts = [answered(line), answered(line)]
    for text in texts:
        put(line, text, provider_id=None)
        with line.site.db.transaction() as session:
            assert status.apply(session, "twilio", StatusUpdate("", text.id, Progress.SENT, None), line.now)
    assert [state(line, text) for text in texts] == ["sent", "sent"]


def test_a_receipt_for_a_text_nobody_knows_waits_and_is_set_aside_in_the_end(line: Line) -> None:
    line.receipt(OutboundText("01" * 16, PHONE, "x"), "delivered")
    line.work()
    (row,) = line.rows(Inbox)
    assert row["state"] == InboxState.CLAIMED, "it may have outrun the text it tells of"
    assert row["reason"] == "no such message"


def test_absurd_ids_in_a_receipt_break_nothing_on_either_store(line: Line) -> None:
    for number, query in enumerate(("message=%00", "message=%ff%ED%A0%80", "message=" + "x" * 5000, "message=%27%20OR%201")):
        fields = {"MessageSid": f"SM\x00{number}", "MessageStatus": "delivered", "ErrorCode": "\x00"}
        assert line.post(fields, kind="status", query=query).status_code == 200
    line.work()
    assert {row["reason"] for row in line.rows(Inbox)} == {"no such message"}


def test_a_stop_the_gateway_tells_of_holds_until_the_caller_writes_again(line: Line) -> None:
    text = answered(line)
    line.later(seconds=5)
    line.receipt(text, "undelivered", ErrorCode="21610")
    line.work()
    (caller,) = line.rows(Caller)
    assert caller["opted_out_at"] == line.now
    (row,) = line.rows(Message, id=text.id)
    assert (row["state"], row["reason"]) == ("undelivered", "21610")
    line.later(minutes=1)
    assert len(line.says(PHONE, "Are you there?")) == 1
    (caller,) = line.rows(Caller)
    assert caller["opted_out_at"] is None


# ---- T-ST-1: all orders end alike -------------------------------------------------------------------------------

OURS = None  # our own note of the sending, among the receipts


def ended(line: Line, order: tuple[Progress | None, ...]) -> tuple[object, ...]:
    """Send one text while its receipts come in this order, our own note of the sending somewhere among them."""
    line.text(f"+25078{1_000_000 + line.texts}", "Who is this?")
    while jobs.drain_batch(line.site):
        pass
    with line.site.db.transaction() as session:
        parcel = deliver.take(session, line.site, Lane.REPLY, line.now)
    (text,) = parcel.texts["twilio"]
    for step in order:
        with line.site.db.transaction() as session:
            if step is OURS:
                deliver.settle(session, line.site, parcel, [accepted(text)], line.now)
            else:
                report = StatusUpdate(f"SM-{text.id}", text.id, step, "30003" if step in BAD else None)
                assert status.apply(session, "twilio", report, line.now)
    (row,) = line.rows(Message, id=text.id)
    return row["state"], row["provider_id"], row["reason"], row["accepted_at"], row["settled_at"], row["attempts"]


BAD = (Progress.UNDELIVERED, Progress.FAILED)


def test_all_orders_of_receipts_and_of_our_own_note_end_alike_on_the_store(line: Line) -> None:
    chance = Random(1)
    for receipts in (SIX, SIX[:5], SIX[:4], SIX[:2]):
        ends = set()
        for _ in range(6):
            order = [*receipts * 3, OURS]
            chance.shuffle(order)
            (sid, *rest) = [end.removeprefix("SM-") if isinstance(end, str) else end for end in ended(line, tuple(order))]
            ends.add((sid, *rest[1:]))
        assert len(ends) == 1, ends


def test_a_receipt_of_an_earlier_try_that_failed_does_not_undo_the_later_one(line: Line) -> None:
    text = answered(line)
    put(line, text, provider_id="SM-second", attempts=2)
    with line.site.db.transaction() as session:
        assert status.apply(session, "twilio", StatusUpdate("SM-first", text.id, Progress.FAILED, "30008"), line.now)
    assert state(line, text) == "accepted"
    with line.site.db.transaction() as session:
        assert status.apply(session, "twilio", StatusUpdate("SM-second", text.id, Progress.FAILED, "30008"), line.now)
    assert state(line, text) == "failed"


@pytest.mark.parametrize("bad", BAD)
def test_bad_news_of_a_try_in_doubt_keeps_its_older_news_from_stopping_the_next_try(line: Line, bad: Progress) -> None:
    text = answered(line)
    put(line, text, state=MessageState.QUEUED, provider_id=None)
    assert told(line, text, bad, code="30008")
    assert told(line, text, Progress.SENT)
    assert told(line, text, Progress.ACCEPTED)
    assert state(line, text) == "queued"
    put(line, text, state=MessageState.CLAIMED, attempts=2)
    assert told(line, text, Progress.SENT)
    assert state(line, text) == "claimed"
    assert told(line, text, Progress.DELIVERED)
    assert state(line, text) == "delivered"


def test_news_of_a_try_that_outruns_our_note_is_not_taken_for_the_one_that_failed_before(line: Line) -> None:
    text = answered(line)
    put(line, text, state=MessageState.CLAIMED, provider_id="SM-first", attempts=2)
    for progress, end in ((Progress.SENT, "sent"), (Progress.FAILED, "failed")):
        with line.site.db.transaction() as session:
            assert status.apply(session, "twilio", StatusUpdate("SM-second", text.id, progress, None), line.now)
        assert state(line, text) == end
