"""What is done when a text was not sent, or nobody knows: the whole table, each line one kind of message over six tries."""

from dataclasses import replace
from itertools import product

import pytest

from hotline.gateways.contract import Certainty, Sent
from hotline.models import Lane, MessageKind, MessageState
from hotline.outbound.doubt import FOLDED_AGAIN, Try, Verdict, judge

ALERT, NOTICE, AUTO, REPLY = MessageKind.ALERT, MessageKind.NOTICE, MessageKind.AUTO, MessageKind.REPLY
NOT_KNOWN = Sent("01", Certainty.UNKNOWN, code="no answer")
NOT_SENT = Sent("01", Certainty.REFUSED, code="unreachable", retry=True)
NEVER = Sent("01", Certainty.REFUSED, code="21211")
STOPPED = Sent("01", Certainty.REFUSED, code="21610", opted_out=True)
TAKEN = Sent("01", Certainty.ACCEPTED, provider_id="SM1")

TABLE = [
    # A danger to life is alerted again and again; two copies harm nobody.
    (ALERT, Lane.LIFE, NOT_KNOWN, "20s 20s 20s 20s 300s 300s"),
    (ALERT, Lane.LIFE, NOT_SENT, "20s 20s 20s 20s 20s 20s"),
    (ALERT, Lane.LIFE, NEVER, "failed failed failed failed failed failed"),
    # Other alerts and notices to contacts go once more.
    (ALERT, Lane.REPLY, NOT_KNOWN, "120s unknown unknown unknown unknown unknown"),
    (ALERT, Lane.REPLY, NOT_SENT, "15s 60s 300s 900s dead dead"),
    (NOTICE, Lane.LIFE, NOT_KNOWN, "120s unknown unknown unknown unknown unknown"),
    (NOTICE, Lane.LIFE, NOT_SENT, "15s 60s 300s 900s dead dead"),
    # Nothing a caller may have got already is ever sent a second time.
    (AUTO, Lane.REPLY, NOT_KNOWN, "unknown unknown unknown unknown unknown unknown"),
    (AUTO, Lane.REPLY, NOT_SENT, "15s failed failed failed failed failed"),
    (REPLY, Lane.REPLY, NOT_KNOWN, "unknown unknown unknown unknown unknown unknown"),
    (REPLY, Lane.REPLY, NOT_SENT, "15s 60s 300s 900s dead dead"),
    (REPLY, Lane.REPLY, NEVER, "failed failed failed failed failed failed"),
    (AUTO, Lane.REPLY, NEVER, "failed failed failed failed failed failed"),
]
EVERYTHING = list(product((ALERT, NOTICE, AUTO, REPLY), Lane, range(1, 7)))


def done(sent: Sent, kind: MessageKind, lane: Lane, attempts: int, *, other: bool = False, doubted: bool | None = None) -> str:
    """Judge a try; unless told otherwise, each try before it was as doubtful as a second one is."""
    before = attempts > 1 if doubted is None else doubted
    verdict = judge(sent, Try(kind, lane, attempts, max_attempts=5, other=other, doubted=before))
    if verdict.again_in is not None:
        assert verdict.state is MessageState.QUEUED
        return f"{verdict.again_in.total_seconds():.0f}s"
    return str(verdict.state)


@pytest.mark.parametrize(("kind", "lane", "sent", "expected"), TABLE)
def test_try_after_try(kind: MessageKind, lane: Lane, sent: Sent, expected: str) -> None:
    assert " ".join(done(sent, kind, lane, attempts) for attempts in range(1, 7)) == expected


@pytest.mark.parametrize(("kind", "lane", "attempts"), EVERYTHING)
def test_what_was_accepted_is_accepted_and_what_was_stopped_is_never_tried_again(
    kind: MessageKind, lane: Lane, attempts: int
) -> None:
    assert done(TAKEN, kind, lane, attempts) == MessageState.ACCEPTED
    assert done(STOPPED, kind, lane, attempts) == MessageState.SUPPRESSED
    assert done(NEVER, kind, lane, attempts) == MessageState.FAILED


@pytest.mark.parametrize(("kind", "lane", "attempts"), EVERYTHING)
def test_a_caller_gets_no_second_copy_and_only_an_alert_to_life_more_than_five_tries(
    kind: MessageKind, lane: Lane, attempts: int
) -> None:
    if kind in (AUTO, REPLY):
        assert done(NOT_KNOWN, kind, lane, attempts) == MessageState.UNKNOWN
    if attempts >= 5:
        steadily = kind is ALERT and lane is Lane.LIFE  # only an answer or its validity ends it
        assert done(NOT_KNOWN, kind, lane, attempts).endswith("s") == steadily
        assert done(NOT_SENT, kind, lane, attempts).endswith("s") == steadily


def test_an_alert_to_life_that_was_refused_goes_by_the_other_gateway_at_once_and_back_after_a_pause() -> None:
    assert [done(NOT_SENT, ALERT, Lane.LIFE, attempts, other=True) for attempts in range(1, 5)] == ["0s", "20s", "0s", "20s"]
    assert [done(NOT_KNOWN, ALERT, Lane.LIFE, attempts, other=True) for attempts in range(1, 5)] == ["20s"] * 4


ASKED = Sent("01", Certainty.REFUSED, code="429", retry=True, retry_after=120)


@pytest.mark.parametrize(("kind", "lane", "waits"), [
    (ALERT, Lane.LIFE, "60s"),  # a life waits a minute at most
    (ALERT, Lane.REPLY, "120s"),
    (REPLY, Lane.REPLY, "120s"),
    (AUTO, Lane.REPLY, "120s"),
    (NOTICE, Lane.LIFE, "120s"),
])  # fmt: skip
def test_a_gateway_that_says_when_to_come_back_is_obeyed(kind: MessageKind, lane: Lane, waits: str) -> None:
    assert done(ASKED, kind, lane, 1) == waits
    assert done(replace(ASKED, retry_after=1), kind, lane, 1) == done(NOT_SENT, kind, lane, 1), "never sooner than we would"
    assert done(replace(ASKED, retry_after=1e12), kind, lane, 1) in ("60s", "900s"), "nor for days"


def test_a_verdict_keeps_the_providers_code_as_its_reason() -> None:
    for sent in (NOT_KNOWN, NOT_SENT, NEVER):
        assert judge(sent, Try(ALERT, Lane.LIFE, 5, 5)).reason == sent.code
    assert judge(TAKEN, Try(ALERT, Lane.LIFE, 1, 5)).reason is None


def test_a_refusal_before_it_does_not_make_a_doubtful_alert_the_second_one() -> None:
    after_refusals = [done(NOT_KNOWN, ALERT, Lane.REPLY, attempts, doubted=False) for attempts in range(1, 6)]
    assert after_refusals == ["120s"] * 4 + [MessageState.UNKNOWN]


def test_a_gateway_that_lets_a_text_out_once_only_is_given_an_alert_in_doubt_again_and_soon() -> None:
    def again(kind: MessageKind, attempts: int) -> Verdict:
        return judge(NOT_KNOWN, Try(kind, Lane.REPLY, attempts, max_attempts=5, doubted=True, folds=True))

    assert [again(ALERT, attempts).again_in for attempts in range(1, 5)] == [FOLDED_AGAIN] * 4
    assert again(ALERT, 5).state is MessageState.UNKNOWN
    assert {again(kind, 1).state for kind in (AUTO, REPLY)} == {MessageState.UNKNOWN}, "a caller's never"
