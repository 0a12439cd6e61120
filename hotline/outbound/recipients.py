"""Recipients of broadcasts at the moment of sending: which broadcasts may go now, and who is left out of one after all.

Whoever said stop gets nothing. Whoever ever reported gets nothing either, and that is never told: such a row counts as one that
left (hotline/broadcasts/progress.py), so that nobody can bring in a number and learn that it knows this line.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastState, Caller, Report, Subscriber, table
from hotline.outbound.window import quiet

BROADCAST, SUBSCRIBER, CALLER, REPORT = (table(m) for m in (Broadcast, Subscriber, Caller, Report))
STOPPED: Final = "asked us to stop"
LEFT_OUT: Final = "left out"
HELD_OUT: Final = "held out"  # the part of an audience that gets nothing, so that the effect can be told
TOO_LATE: Final = "too late"


def sending(session: Session, deployment: Deployment, now: datetime, *, hold: bool = False) -> Sequence[str]:
    """Return the ids of broadcasts whose texts may go at this moment: none in the quiet hours, whatever was scheduled.

    A claim holds on to them until its commit, so that a pause comes before it or waits for it.
    """
    if quiet(deployment, now):
        return ()
    going = select(BROADCAST.c.id).where(BROADCAST.c.state == BroadcastState.SENDING).order_by(BROADCAST.c.id)
    return session.scalars(going.with_for_update(read=True) if hold else going).all()


def people(session: Session, ids: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return what sending needs of subscribers, with `quiet_one`: whether they reported or stopped the line itself.

    They are locked until the transaction ends, so that a STOP either comes before the claim or after its commit.
    """
    columns = (SUBSCRIBER.c.id, SUBSCRIBER.c.number_index, SUBSCRIBER.c.number_sealed, SUBSCRIBER.c.left_at)
    theirs = select(*columns).where(SUBSCRIBER.c.id.in_(set(ids))).order_by(SUBSCRIBER.c.id)
    found = session.execute(theirs.with_for_update(read=True)).mappings().all()
    reported = exists().where(REPORT.c.caller_id == CALLER.c.id)
    away = or_(CALLER.c.opted_out_at.is_not(None), CALLER.c.panic_at.is_not(None), reported)
    indexes = [row["number_index"] for row in found]
    known = set(session.scalars(select(CALLER.c.number_index).where(CALLER.c.number_index.in_(indexes), away)))
    return [{**row, "quiet_one": row["number_index"] in known} for row in found]


def why_not(person: Mapping[str, Any]) -> str | None:
    """Return why somebody gets nothing after all."""
    if person["left_at"] is not None:
        return STOPPED
    return LEFT_OUT if person["quiet_one"] else None
