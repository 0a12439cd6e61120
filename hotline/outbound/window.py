"""May we write to this caller now? Asked when an officer writes and again at the moment of sending.

We never write first. A text to a caller needs a text from the caller within the reply window, or a stored yes with hours
(docs/safety.md). Whoever said stop, or never, is left in peace until writing again.
"""

from datetime import datetime, time, timedelta
from typing import Protocol

from hotline.deployment import Deployment
from hotline.models import SafeContact

HOURS = {"morning": (time(7), time(12)), "midday": (time(12), time(15)), "evening": (time(17), time(20))}
OUTSIDE = "outside the hours the caller named"


class Reachability(Protocol):
    """What is known of a caller: a row of the caller table, as mapping."""

    def __getitem__(self, name: str, /) -> object:
        """Return a column."""


def may_write(deployment: Deployment, caller: Reachability, now: datetime) -> str | None:
    """Return None when a caller may be written to now, else the reason why not, in words an officer understands."""
    last = _moment(caller["last_inbound_at"])
    if any(stop is not None and stop >= last for stop in (_stop(caller["opted_out_at"]), _stop(caller["panic_at"]))):
        return "asked us to stop"
    if caller["safe_contact"] == SafeContact.NEVER:
        return "said it is not safe to write"
    if now - last <= timedelta(minutes=deployment.settings.reply_window_minutes):
        return None
    if caller["safe_contact"] == SafeContact.ANY:
        return None if not quiet(deployment, now) else "quiet hours"
    if caller["safe_contact"] == SafeContact.HOURS:
        return None if _within(deployment, caller, now) else OUTSIDE
    return "the caller wrote too long ago and has not said that it is safe"


def may_ring(deployment: Deployment, caller: Reachability, now: datetime) -> str | None:
    """Return None when a caller's phone may be rung now, else the reason why not.

    The rules of writing, and one more: a ring is louder than a text, so that hours somebody has named hold also in the minutes
    after they wrote.
    """
    if caller["safe_contact"] == SafeContact.HOURS and not _within(deployment, caller, now):
        return may_write(deployment, caller, now) or OUTSIDE
    return may_write(deployment, caller, now)


def quiet(deployment: Deployment, now: datetime) -> bool:
    """Whether this is an hour, on the deployment's wall clock, in which nobody is written to first."""
    start, end = deployment.settings.quiet_from, deployment.settings.quiet_until
    local = deployment.local(now).time()
    return start <= local < end if start <= end else local >= start or local < end


def _within(deployment: Deployment, caller: Reachability, now: datetime) -> bool:
    """Whether it is one of the hours that a caller has named."""
    start, end = HOURS.get(str(caller["safe_hours"]), (time(0), time(0)))
    return start <= deployment.local(now).time() < end


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError("a caller has a last text")
    return value


def _stop(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
