"""What to do when a text was not sent, or when we do not know whether it was.

The rule differs by kind (docs/safety.md). An alert that may not have arrived is sent again: two copies harm nobody, none may
cost a life. An answer to a caller is never sent twice: a second copy on a phone in the wrong hands is a danger of its own.
"""

from dataclasses import dataclass
from datetime import timedelta

from hotline.gateways.contract import Certainty, Sent
from hotline.models import Lane, MessageKind, MessageState

BACK_OFF = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
LIFE_AGAIN = timedelta(seconds=20)
ALERT_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class Verdict:
    """The state a message goes to, and when it is tried again if it goes back to the queue."""

    state: MessageState
    again_in: timedelta | None = None
    reason: str | None = None


def judge(sent: Sent, *, kind: MessageKind, lane: Lane, attempts: int, max_attempts: int) -> Verdict:
    """Decide what a try's outcome means for a message of this kind that has now been tried `attempts` times."""
    if sent.certainty is Certainty.ACCEPTED:
        return Verdict(MessageState.ACCEPTED)
    if sent.opted_out:
        return Verdict(MessageState.SUPPRESSED, reason="stopped at the gateway")
    if sent.certainty is Certainty.UNKNOWN:
        return _unknown(sent, kind=kind, lane=lane, attempts=attempts, max_attempts=max_attempts)
    return _refused(sent, kind=kind, lane=lane, attempts=attempts, max_attempts=max_attempts)


def _refused(sent: Sent, *, kind: MessageKind, lane: Lane, attempts: int, max_attempts: int) -> Verdict:
    if not sent.retry or (kind is MessageKind.AUTO and attempts > 1):
        return Verdict(MessageState.FAILED, reason=sent.code)
    if kind is MessageKind.ALERT and lane is Lane.LIFE:
        return Verdict(MessageState.QUEUED, LIFE_AGAIN, sent.code)  # steadily until it goes out or is no longer valid
    if attempts >= max_attempts:
        return Verdict(MessageState.DEAD, reason=sent.code)
    return Verdict(MessageState.QUEUED, BACK_OFF[min(attempts, len(BACK_OFF)) - 1], sent.code)


def _unknown(sent: Sent, *, kind: MessageKind, lane: Lane, attempts: int, max_attempts: int) -> Verdict:
    if kind is MessageKind.ALERT and lane is Lane.LIFE and attempts < max_attempts:
        return Verdict(MessageState.QUEUED, LIFE_AGAIN, sent.code)
    if kind in (MessageKind.ALERT, MessageKind.NOTICE) and attempts < 2:
        return Verdict(MessageState.QUEUED, ALERT_AGAIN, sent.code)
    return Verdict(MessageState.UNKNOWN, reason=sent.code)
