"""Receives missed calls: each is stored, folded with others of the same phone, and gets one call back or the reason why not.

A beep is a contact in itself: it stands in the console whatever becomes of its call (docs/adr/0028).
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.ringing import Ring
from hotline.intake.arrivals import Arrival
from hotline.intake.voice.heard import CallHeard
from hotline.models import IN_FLIGHT, Beep, BeepState, new_id, table
from hotline.phone import Sender, is_mobile
from hotline.radio import polls

BEEP = table(Beep)
SOONEST, SPREAD = 20, 40  # seconds until a call back, and over how many more they are spread


def take(session: Session, deployment: Deployment, arrivals: Sequence[Arrival], now: datetime) -> bool:
    """Write down a batch of events of calls. Returns whether a call back now waits."""
    waits = False
    for arrival in arrivals:
        event = arrival.event
        if isinstance(event, Ring) and event.number and not _votes(session, deployment, event):
            waits |= ring(session, deployment, arrival, deployment.sender(event.number), now)
        elif isinstance(event, CallHeard) and event.placed:
            _went_on(session, event, now)
    return waits


def _votes(session: Session, deployment: Deployment, event: Ring) -> bool:
    """Whether ringing this line is a vote; such a phone wants no call back."""
    return bool(event.to) and polls.rung(session, deployment.sender(event.to).address) is not None


def ring(session: Session, deployment: Deployment, arrival: Arrival, rang: Sender, now: datetime) -> bool:
    """Write down that a phone rang, or asked by a text to be called. Returns whether a call back now waits."""
    index = deployment.number_index(rang.address)
    if earlier := _earlier(session, index, arrival.received_at - timedelta(minutes=deployment.settings.beep_fold_minutes)):
        last = max(earlier["last_at"], arrival.received_at)
        session.execute(update(BEEP).where(BEEP.c.id == earlier["id"]).values(times=BEEP.c.times + 1, last_at=last))
        return False
    row_id, foreign = new_id(), not (rang.reachable and is_mobile(rang.address, deployment.settings.region))
    row = {
        "id": row_id,
        "number_index": index,
        "number_sealed": deployment.keyring.fields.seal_text(rang.address, f"beep|number|{row_id}"),
        "gateway": arrival.gateway,
        "times": 1,
        "first_at": arrival.received_at,
        "last_at": arrival.received_at,
        "state": BeepState.REFUSED if foreign else BeepState.WAITING,
        "reason": "not a mobile number of this country" if foreign else None,
        "due_at": arrival.received_at + timedelta(seconds=SOONEST + secrets.randbelow(SPREAD)),
        "settled_at": now if foreign else None,
    }
    insert_unless_there(session.connection(), BEEP, [row])
    return not foreign


def _earlier(session: Session, index: bytes, since: datetime) -> RowMapping | None:
    """Return the beep that one more of the same phone belongs to: one that waits or is being called, or a recent one."""
    mine = select(BEEP.c.id, BEEP.c.state, BEEP.c.last_at).where(BEEP.c.number_index == index).with_for_update()
    newest = session.execute(mine.order_by(BEEP.c.last_at.desc()).limit(1)).mappings().one_or_none()
    return newest if newest is not None and (newest["state"] in IN_FLIGHT or newest["last_at"] > since) else None


def numbers_of(session: Session, deployment: Deployment, ids: Sequence[str]) -> dict[str, str]:
    """Return whom calls back are for, by the ids of their beeps: a gateway may name either end of a call of ours."""
    rows = session.execute(select(BEEP.c.id, BEEP.c.number_sealed).where(BEEP.c.id.in_(ids)))
    return {row.id: deployment.keyring.fields.open_text(row.number_sealed, f"beep|number|{row.id}") for row in rows}


def _went_on(session: Session, heard: CallHeard, now: datetime) -> None:
    """Note what became of a call back: whoever pressed the key was reached, whatever order the events come in."""
    this = BEEP.c.id == heard.placed
    if heard.reached:
        reached = {"state": BeepState.REACHED, "reason": None, "settled_at": now}
        session.execute(update(BEEP).where(this, BEEP.c.state != BeepState.REACHED).values(**reached))
    elif heard.over:
        missed = {"state": BeepState.UNREACHED, "reason": "nobody pressed the key", "settled_at": now}
        session.execute(update(BEEP).where(this, BEEP.c.state == BeepState.DIALLING).values(**missed))
