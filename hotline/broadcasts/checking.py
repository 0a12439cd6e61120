"""Checks somebody has asked for at the desk, made by the bulk worker: they are long, and a page must not wait for one.

A check holds a row that says how far it is. Two workers that make the same one do no harm: what was found is kept only for the
version that was read. A worker that dies leaves the row, and the next takes it up when its lease is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from hotline.broadcasts import campaign
from hotline.broadcasts.audience import Audience, size
from hotline.broadcasts.campaign import EDITABLE, MOVED, Refused
from hotline.broadcasts.check import Found, dry_run
from hotline.deployment import Deployment
from hotline.models import BroadcastCheck, table

CHECK = table(BroadcastCheck)
LEASE: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Underway:
    """How far a check is, in people; `total` is nought until somebody has begun."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """How far it is."""
        return min(100, 100 * self.done // self.total) if self.total else 0


def ask(session: Session, row: Mapping[str, Any], *, actor: str, now: datetime) -> None:
    """Ask for a check of a broadcast as it is. Raises Refused where it is on its way already."""
    if row["state"] not in EDITABLE:
        raise Refused(MOVED)
    session.execute(delete(CHECK).where(CHECK.c.broadcast_id == row["id"]))
    values = {"version": row["version"], "asked_by": actor, "asked_at": now, "done": 0, "total": 0}
    session.execute(insert(CHECK).values(broadcast_id=row["id"], **values))


def underway(session: Session, broadcast_id: str) -> Underway | None:
    """Return how far the check of a broadcast is, or None where nobody waits for one."""
    row = session.execute(select(CHECK).where(CHECK.c.broadcast_id == broadcast_id)).mappings().one_or_none()
    return Underway(row["done"], row["total"]) if row else None


def waiting(session: Session, now: datetime) -> bool:
    """Whether a check waits for a worker."""
    return session.scalar(select(CHECK.c.broadcast_id).where(_free(now)).limit(1)) is not None


def make(deployment: Deployment) -> int:
    """Make the checks that wait, one after the other. Returns how many were made."""
    made = 0
    while (asked := _taken(deployment)) is not None:
        _make(deployment, asked)
        made += 1
    return made


def _taken(deployment: Deployment) -> RowMapping | None:
    with deployment.db.reading() as session:
        if not waiting(session, deployment.db.now(session)):
            return None
    with deployment.db.transaction() as session:
        now = deployment.db.now(session)
        oldest = select(CHECK).where(_free(now)).order_by(CHECK.c.asked_at).limit(1).with_for_update(skip_locked=True)
        row = session.execute(oldest).mappings().one_or_none()
        if row is not None:
            _note(session, row, lease_until=now + LEASE)
        return row


def _make(deployment: Deployment, asked: RowMapping) -> None:
    done = 0

    def looked_at(people: int) -> None:
        nonlocal done
        done += people
        with deployment.db.transaction() as writing:
            _note(writing, asked, done=done, lease_until=deployment.db.now(writing) + LEASE)

    with deployment.db.reading() as session:
        now, row = deployment.db.now(session), campaign.get(session, asked["broadcast_id"])
        found: Found | None = None
        if row is not None and row["version"] == asked["version"]:
            people = size(session, Audience.of(row), now, row["id"])
            with deployment.db.transaction() as writing:
                _note(writing, asked, total=people.texted + people.held_out)
            found = dry_run(session, deployment, row, now, looked_at)
    with deployment.db.transaction() as session:
        gone = session.connection().execute(delete(CHECK).where(*_this(asked))).rowcount
        if gone and row is not None and found is not None and row["state"] in EDITABLE:
            campaign.checked(session, row, found, actor=asked["asked_by"], now=deployment.db.now(session))


def _note(session: Session, asked: RowMapping, **values: object) -> None:
    session.execute(update(CHECK).where(*_this(asked)).values(**values))


def _this(asked: RowMapping) -> tuple[ColumnElement[bool], ...]:
    return CHECK.c.broadcast_id == asked["broadcast_id"], CHECK.c.asked_at == asked["asked_at"]


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(CHECK.c.lease_until.is_(None), CHECK.c.lease_until < now)
