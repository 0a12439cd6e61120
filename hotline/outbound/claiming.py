"""Claiming: which due messages a worker may take now, and by which gateway each goes.

A gateway that is to be left alone keeps its messages waiting, uncounted, except alerts to life: those go by the other gateway,
or by the same where no other is open. One message may try a gateway again whose pause is over.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_, select
from sqlalchemy.orm import Session

from hotline.config import Settings
from hotline.db import claim
from hotline.deployment import Deployment
from hotline.gateways.ringing import LONGEST_CALL
from hotline.models import ON_THE_WAY, Broadcast, Lane, Message, MessageKind, MessageState, table, written_out
from hotline.outbound import breaker
from hotline.outbound.recipients import sending

BROADCAST, MESSAGE = table(Broadcast), table(Message)
FORGOTTEN = timedelta(seconds=LONGEST_CALL + 60)  # after which nobody will tell what became of a call
MANY = 2
ON_ITS_WAY = written_out(MESSAGE.c.state, ON_THE_WAY)


@dataclass(frozen=True)
class Claimed:
    """Messages taken under one token, oldest first. `shut` gateways are to be left alone, `probes` are messages that try one."""

    token: str
    rows: Sequence[RowMapping]
    shut: frozenset[str]
    probes: Mapping[str, str]

    def route(self, settings: Settings, row: RowMapping) -> str:
        """Return the gateway a message goes by: its own, or for an alert to life the other one where its own is shut."""
        own = str(row["gateway"])
        if own not in self.shut or row["id"] in self.probes or not to_life(row):
            return own
        other = other_gateway(settings, own)
        return other if other and other not in self.shut else own


def batch(settings: Settings, lane: Lane) -> int:
    """Return how many messages of a lane are claimed in one go: of broadcasts more, since nobody of them is in a hurry."""
    return settings.deliver_batch * (MANY if lane is Lane.BULK else 1)


def waiting(session: Session, deployment: Deployment, lane: Lane, now: datetime, *also: ColumnElement[bool]) -> bool:
    """Whether any message of a lane is due."""
    due = _due(session, deployment, lane, now)
    return session.execute(select(MESSAGE.c.id).where(*due, *also).limit(1)).first() is not None


def wanted(session: Session, deployment: Deployment, lane: Lane, now: datetime) -> dict[str, int]:
    """Return how many of a lane's due messages, up to a batch, each gateway with a limit would carry."""
    most = batch(deployment.settings, lane)
    counted = Counter(session.scalars(select(MESSAGE.c.gateway).where(*_due(session, deployment, lane, now)).limit(most)))
    return {name: counted[name] for name in deployment.settings.rates if counted[name]}


def gather(session: Session, deployment: Deployment, lane: Lane, now: datetime, room: Mapping[str, int]) -> Claimed:
    """Claim what may go now. `room` says how many a gateway with a limit may be given."""
    token, chosen = secrets.token_hex(8), deployment.settings
    how = breaker.health(session, now)
    due = _due(session, deployment, lane, now, hold=True)

    def some(limit: int, *where: ColumnElement[bool]) -> Sequence[RowMapping]:
        values = {
            "state": MessageState.CLAIMED,
            "claim_token": token,
            "lease_until": now + timedelta(seconds=chosen.lease_seconds),
            "attempts": MESSAGE.c.attempts + 1,
        }
        by = [MESSAGE.c.due_at]
        return claim(session, MESSAGE, where=[*due, *where], order_by=by, limit=limit, values=values)

    rows: list[RowMapping] = []
    probes: dict[str, str] = {}
    for name, until in how.ripe.items():
        its = MESSAGE.c.gateway == name
        if waiting(session, deployment, lane, now, its) and breaker.probing(session, chosen, name, until, now):
            taken = some(1, its)
            rows += taken
            probes |= {row["id"]: name for row in taken}
    open_ = [or_(MESSAGE.c.gateway.not_in(how.shut), _TO_LIFE)] if how.shut else []
    if lane is Lane.BULK and _any_calls(session, deployment, now):
        free = chosen.broadcast_calls_at_once - _in_the_air(session, now)
        rows += some(free, _A_CALL, *open_) if free > 0 else []
        open_ = [*open_, MESSAGE.c.kind != MessageKind.CALL]
    for name, most in room.items():
        rows += some(most, MESSAGE.c.gateway == name, *open_) if most else []
    unlimited = [MESSAGE.c.gateway.not_in(list(room))] if room else []
    rows += some(batch(chosen, lane), *unlimited, *open_)
    return Claimed(token, sorted(rows, key=lambda row: (row["due_at"], row["id"])), how.shut, probes)


def to_life(row: RowMapping) -> bool:
    """Whether a message is an alert about a danger to life."""
    return bool(row["lane"] == Lane.LIFE and row["kind"] == MessageKind.ALERT)


def other_gateway(settings: Settings, name: str) -> str:
    """Return the gateway beside this one, or nothing where there is none."""
    if not settings.second_gateway:
        return ""
    return settings.second_gateway if name == settings.gateway else settings.gateway


def _any_calls(session: Session, deployment: Deployment, now: datetime) -> bool:
    """Whether a broadcast that may go now is heard by some people."""
    going = select(BROADCAST.c.recorded).where(BROADCAST.c.id.in_(sending(session, deployment, now)))
    return any(session.scalars(going))


def _in_the_air(session: Session, now: datetime) -> int:
    """Return how many calls to many are under way, as far as anybody has told."""
    placed = and_(MESSAGE.c.state == MessageState.ACCEPTED, MESSAGE.c.accepted_at > now - FORGOTTEN)
    ours = or_(placed, MESSAGE.c.state == MessageState.CLAIMED)
    return session.scalar(select(func.count()).where(_A_CALL, ours)) or 0


_A_CALL = written_out(MESSAGE.c.kind, [MessageKind.CALL])
_TO_LIFE = and_(MESSAGE.c.lane == Lane.LIFE, MESSAGE.c.kind == MessageKind.ALERT)


def _due(
    session: Session, deployment: Deployment, lane: Lane, now: datetime, *, hold: bool = False
) -> tuple[ColumnElement[bool], ...]:
    """Ask for what is due: of broadcasts by their own index, so that one that is paused stands in nobody's way."""
    if lane is Lane.BULK:
        chosen = MESSAGE.c.broadcast_id.in_(sending(session, deployment, now, hold=hold))
        return (chosen, MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.due_at <= now)
    return (ON_ITS_WAY, MESSAGE.c.lane == lane, MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.due_at <= now)
