"""What to do when a text was not sent, or when we do not know whether it was.

The rule differs by kind (docs/safety.md). An alert that may not have arrived is sent again: two copies harm nobody, none may
cost a life. An answer to a caller is never sent twice: a second copy on a phone in the wrong hands is a danger of its own.
"""

from dataclasses import dataclass
from datetime import timedelta

from hotline.gateways.contract import Certainty, Sent
from hotline.models import Lane, MessageKind, MessageState
from hotline.outbound.breaker import NOT_TRIED

AT_ONCE = timedelta(0)
BACK_OFF = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
LIFE_AGAIN = timedelta(seconds=20)
LIFE_LATER = timedelta(minutes=5)
LIFE_PATIENCE = timedelta(minutes=1)
ALERT_AGAIN = timedelta(minutes=2)
FOLDED_AGAIN = timedelta(seconds=20)
LOOKED_UP = (MessageKind.ALERT, MessageKind.NOTICE)


@dataclass(frozen=True)
class Verdict:
    """The state a message goes to, and when it is tried again if it goes back to the queue."""

    state: MessageState
    again_in: timedelta | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Try:
    """What was tried: the kind and lane of a message, how often by now, and whether another gateway could take it.

    `doubted` says that an earlier try may have arrived already; a refusal is no such try. `folds` says that its gateway lets a
    text out once only, however often it is given.
    """

    kind: MessageKind
    lane: Lane
    attempts: int
    max_attempts: int
    other: bool = False
    doubted: bool = False
    folds: bool = False

    @property
    def to_life(self) -> bool:
        """Whether it is an alert about a danger to life, which alone may change its gateway."""
        return self.kind is MessageKind.ALERT and self.lane is Lane.LIFE


def judge(sent: Sent, tried: Try) -> Verdict:
    """Decide what a try's outcome means for the message."""
    if sent.certainty is Certainty.ACCEPTED:
        return Verdict(MessageState.ACCEPTED)
    if sent.opted_out:
        return Verdict(MessageState.SUPPRESSED, reason="stopped at the gateway")
    return _unknown(sent, tried) if sent.certainty is Certainty.UNKNOWN else _refused(sent, tried)


def looks_up(kind: MessageKind, lane: Lane) -> bool:
    """Whether a gateway is asked what became of such a message before it goes again. A danger to life does not wait for that."""
    return kind in LOOKED_UP and not (kind is MessageKind.ALERT and lane is Lane.LIFE)


def _refused(sent: Sent, tried: Try) -> Verdict:
    once_more = tried.kind is not MessageKind.AUTO or tried.attempts == 1 or sent.code == NOT_TRIED
    if not sent.retry or not once_more:
        return Verdict(MessageState.FAILED, reason=sent.code)
    if tried.to_life:  # steadily until it goes out or is no longer valid; the other gateway has its turn at once
        if tried.other and tried.attempts % 2:
            return Verdict(MessageState.QUEUED, AT_ONCE, sent.code)
        return Verdict(MessageState.QUEUED, max(LIFE_AGAIN, min(_asked(sent), LIFE_PATIENCE)), sent.code)
    if tried.attempts >= tried.max_attempts:
        return Verdict(MessageState.DEAD, reason=sent.code)
    wait = BACK_OFF[min(tried.attempts, len(BACK_OFF)) - 1]
    return Verdict(MessageState.QUEUED, max(wait, min(_asked(sent), BACK_OFF[-1])), sent.code)


def _unknown(sent: Sent, tried: Try) -> Verdict:
    if tried.to_life:  # more slowly once it has gone out so often that most likely one has arrived
        again = LIFE_AGAIN if tried.attempts < tried.max_attempts else LIFE_LATER
        return Verdict(MessageState.QUEUED, again, sent.code)
    if tried.kind in LOOKED_UP and tried.attempts < tried.max_attempts and (tried.folds or not tried.doubted):
        return Verdict(MessageState.QUEUED, FOLDED_AGAIN if tried.folds else ALERT_AGAIN, sent.code)
    return Verdict(MessageState.UNKNOWN, reason=sent.code)


def _asked(sent: Sent) -> timedelta:
    return timedelta(seconds=min(sent.retry_after or 0, 86_400))
