"""How far a broadcast is, and what became of it: counts by fate, network, language and reason, never by person.

Whoever was left out silently counts as most of those do whose text left, in each line anew: no sum gives a reporter away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline.broadcasts.check import Found
from hotline.broadcasts.reasons import plain
from hotline.deployment import Deployment
from hotline.models import BroadcastState, Message, MessageKind, MessageState, Reach, Subscriber, table
from hotline.outbound import breaker
from hotline.outbound.recipients import HELD_OUT, LEFT_OUT, STOPPED, TOO_LATE
from hotline.outbound.window import quiet

MESSAGE, SUBSCRIBER = table(Message), table(Subscriber)
STALLED_AFTER: Final = timedelta(minutes=2)
PACE_OVER: Final = timedelta(minutes=1)


class Fate(StrEnum):
    """What became of one person's text or call, as whoever watches sees it. A call is delivered once its message is played."""

    DELIVERED = "delivered"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    LATE = "late"
    TAKEN_BACK = "taken back"
    WAITING = "waiting"


FATES: Final = {
    MessageState.DELIVERED: Fate.DELIVERED,
    MessageState.ACCEPTED: Fate.SENT,
    MessageState.SENT: Fate.SENT,
    MessageState.UNDELIVERED: Fate.FAILED,
    MessageState.FAILED: Fate.FAILED,
    MessageState.DEAD: Fate.FAILED,
    MessageState.UNKNOWN: Fate.UNKNOWN,
    MessageState.CANCELLED: Fate.TAKEN_BACK,
}
Counted = tuple[str, str | None, int]  # state, reason, and how many
RUNG: Final = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED)
WAYS: Final = {MessageKind.BROADCAST: Reach.TEXT, MessageKind.CALL: Reach.CALL}
WHY: Final = {STOPPED: Fate.STOPPED, TOO_LATE: Fate.LATE}
LEFT_US: Final = (Fate.DELIVERED, Fate.SENT, Fate.UNKNOWN)


class Stands(StrEnum):
    """Why nothing moves, as a sentence."""

    QUIET = "It waits: in the quiet hours nobody is written to."
    GATEWAY = "Stalled: a gateway that carries it is left alone because it keeps failing. It is tried again by itself."
    STALLED = "Stalled: nothing has moved for two minutes. Look at the bulk worker and the gateway: hotline doctor."


@dataclass(frozen=True)
class Line:
    """How the texts or calls to one network in one language stand, by fate, and why some of them failed or are not known."""

    network: str
    language: str
    fates: dict[Fate, int]
    reasons: dict[tuple[Fate, str], int] = field(default_factory=dict)
    reach: Reach = Reach.TEXT

    @property
    def people(self) -> int:
        """How many there are."""
        return sum(self.fates.values())


@dataclass(frozen=True)
class Progress:
    """How a broadcast stands. `rate` is texts a second in the last minute, `left_seconds` None where it cannot be told."""

    people: int
    fates: dict[Fate, int]
    reasons: list[tuple[str, int]] = field(default_factory=list)
    stops: int = 0
    cost: float = 0
    currency: str = ""
    rate: float = 0
    left_seconds: float | None = None
    stands: Stands | None = None

    @property
    def waiting(self) -> int:
        """How many are still to come."""
        return self.fates.get(Fate.WAITING, 0)

    @property
    def done(self) -> int:
        """How many are settled."""
        return self.people - self.waiting

    @property
    def percent(self) -> int:
        """How far it is."""
        return 100 * self.done // self.people if self.people else 0


def progress(session: Session, deployment: Deployment, row: Mapping[str, Any], now: datetime) -> Progress:
    """Return how a broadcast stands now."""
    mine = MESSAGE.c.broadcast_id == row["id"]
    columns = (MESSAGE.c.kind, MESSAGE.c.state, MESSAGE.c.reason)
    query = select(*columns, func.count().label("many")).where(mine).group_by(*columns)
    by_kind: dict[str, list[Counted]] = {}
    for one in session.execute(query):
        by_kind.setdefault(one.kind, []).append((one.state, one.reason, one.many))
    counted = [one for kind, some in by_kind.items() for one in _as_most(some, kind)]
    fates = _folded(counted)
    if row["made_at"]:
        fates[Fate.STOPPED] += max(0, row["people"] - fates.total())  # whoever left before their row was made has none
    ended = row["made_at"] or row["state"] == BroadcastState.STOPPED
    people = fates.total() if ended else max(row["people"], fates.total())
    fates[Fate.WAITING] += people - fates.total()
    reasons = Counter[str]()
    for (_, reason), many in _why(counted).items():
        reasons[reason] += many
    found = Found.read({k: v for k, v in row["found"].items() if k != "at"}) if row["found"] else Found()
    left = sum(fates[fate] for fate in LEFT_US)
    cost = round(found.cost * left / found.people, 2) if found.people else 0
    recent = (mine, MESSAGE.c.accepted_at > now - PACE_OVER)
    over = min(PACE_OVER, max(timedelta(seconds=1), now - (row["started_at"] or now)))
    rate = (session.scalar(select(func.count()).where(*recent)) or 0) / over.total_seconds()
    return Progress(
        people,
        {fate: fates[fate] for fate in Fate},
        reasons.most_common(),
        _stops(session, row),
        cost,
        found.currency,
        round(rate, 1),
        fates[Fate.WAITING] / rate if rate and fates[Fate.WAITING] else None,
        _stands(session, deployment, row, fates[Fate.WAITING], now),
    )


def lines(session: Session, row: Mapping[str, Any]) -> list[Line]:
    """Return how the rows made so far stand, by network, language and way."""
    columns = (SUBSCRIBER.c.prefix, SUBSCRIBER.c.language, MESSAGE.c.kind, MESSAGE.c.state, MESSAGE.c.reason)
    joined = select(*columns, func.count().label("many")).join_from(
        MESSAGE, SUBSCRIBER, SUBSCRIBER.c.id == MESSAGE.c.subscriber_id
    )
    cells: dict[tuple[str, str, str], list[Counted]] = {}
    for one in session.execute(joined.where(MESSAGE.c.broadcast_id == row["id"]).group_by(*columns)):
        cells.setdefault((one.prefix, one.language or "", one.kind), []).append((one.state, one.reason, one.many))
    return [
        Line(network, language, {fate: many for fate, many in fates.items() if many}, _why(told), WAYS[MessageKind(kind)])
        for (network, language, kind), counted in sorted(cells.items())
        if (fates := _folded(told := _as_most(counted, kind))).total()
    ]


def _as_most(counted: Iterable[Counted], kind: str) -> list[Counted]:
    """Let whoever was left out of calls count as most of those who were called; a call nobody hears is one that failed."""
    mine = list(counted)
    rung = [one for one in mine if one[0] in RUNG]
    if kind != MessageKind.CALL or not any(_left_out(one) for one in mine):
        return mine
    state, reason, _ = max(rung, key=lambda one: one[2], default=(MessageState.ACCEPTED, None, 0))
    return [(state, reason, one[2]) if _left_out(one) else one for one in mine]


def _left_out(one: Counted) -> bool:
    return one[0] == MessageState.SUPPRESSED and one[1] == LEFT_OUT


def _folded(counted: Iterable[Counted]) -> Counter[Fate]:
    """Count by fate. Who was held out does not count, who was left out counts as most of those whose text left."""
    fates, silent = Counter[Fate](), 0
    for state, reason, many in counted:
        if state == MessageState.SUPPRESSED and reason == LEFT_OUT:
            silent += many
        elif state == MessageState.SUPPRESSED and reason != HELD_OUT:
            fates[WHY.get(reason or "", Fate.STOPPED)] += many
        elif state != MessageState.SUPPRESSED:
            fates[FATES.get(MessageState(state), Fate.WAITING)] += many
    fates[Fate.DELIVERED if fates[Fate.DELIVERED] > fates[Fate.SENT] else Fate.SENT] += silent
    return fates


def _why(counted: Iterable[Counted]) -> dict[tuple[Fate, str], int]:
    """Count what failed, or is not known, by the reason in plain words."""
    reasons = Counter[tuple[Fate, str]]()
    for state, reason, many in counted:
        fate = FATES.get(MessageState(state))
        if fate in (Fate.FAILED, Fate.UNKNOWN):
            reasons[fate, plain(reason)] += many
    return dict(reasons)


def _stops(session: Session, row: Mapping[str, Any]) -> int:
    """Return how many of those it went to have left since it began."""
    if row["started_at"] is None:
        return 0
    both = (MESSAGE.c.broadcast_id == row["id"], SUBSCRIBER.c.left_at >= row["started_at"])
    joined = select(func.count()).select_from(MESSAGE).join(SUBSCRIBER, SUBSCRIBER.c.id == MESSAGE.c.subscriber_id)
    return session.scalar(joined.where(*both)) or 0


def _stands(session: Session, deployment: Deployment, row: Mapping[str, Any], waiting: int, now: datetime) -> Stands | None:
    if row["state"] != BroadcastState.SENDING or not waiting:
        return None
    if quiet(deployment, now):
        return Stands.QUIET
    moved = select(func.max(func.coalesce(MESSAGE.c.settled_at, MESSAGE.c.accepted_at))).where(
        MESSAGE.c.broadcast_id == row["id"]
    )
    last = session.scalar(moved) or row["started_at"]
    if now - last < STALLED_AFTER:
        return None
    mine = select(MESSAGE.c.gateway).where(MESSAGE.c.broadcast_id == row["id"], MESSAGE.c.state == MessageState.QUEUED)
    shut = set(breaker.health(session, now).shut) & set(session.scalars(mine.distinct()))
    return Stands.GATEWAY if shut else Stands.STALLED
