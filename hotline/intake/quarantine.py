"""Looks again at webhooks that failed their signature. When the fault was our token, the people behind them are not lost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from hotline.db import after_commit, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import Forged, Gateway, Webhook
from hotline.intake.envelope import enclose
from hotline.models import Inbox, Quarantine, QuarantineState, table
from hotline.privacy import CannotOpen
from hotline.queue import QueueName

ASIDE, INBOX = table(Quarantine), table(Inbox)
AT_ONCE = 200
LONGEST_CHECK = 20.0


@dataclass(frozen=True)
class Checked:
    """How many were genuine after all, and how many still fail."""

    genuine: int
    forged: int


def held(session: Session) -> Sequence[Row[tuple[str, str, str, int]]]:
    """Return counts of what is held by gateway, kind and reason."""
    columns = (ASIDE.c.gateway, ASIDE.c.kind, ASIDE.c.reason)
    grouped = select(*columns, func.count().label("number")).where(ASIDE.c.state == QuarantineState.HELD).group_by(*columns)
    return session.execute(grouped).all()


def verify_again(deployment: Deployment) -> Checked:
    """Check every held webhook with today's tokens; genuine ones go to the inbox under their own unique key."""
    genuine = forged = 0
    last = ""
    while True:
        checked, last = _check(deployment, QuarantineState.HELD, after=last)
        genuine, forged = genuine + checked.genuine, forged + checked.forged
        if not last:
            return Checked(genuine, forged)


def asked(session: Session) -> bool:
    """Whether somebody at the desk has asked for webhooks to be checked again."""
    return session.execute(select(ASIDE.c.id).where(ASIDE.c.state == QuarantineState.ASKED).limit(1)).first() is not None


def verify_asked(deployment: Deployment) -> None:
    """Check what the desk asked for, for some seconds at most: texts wait behind this. What still fails is held again."""
    until, last = time.monotonic() + LONGEST_CHECK, "0"
    while last and time.monotonic() < until:
        _, last = _check(deployment, QuarantineState.ASKED)


def _check(deployment: Deployment, state: QuarantineState, *, after: str = "") -> tuple[Checked, str]:
    """Check one batch of webhooks in a state; returns also the last id of it, empty when there was none."""
    with deployment.db.transaction() as session:
        waiting = (ASIDE.c.state == state, ASIDE.c.id > after)
        rows = session.execute(select(ASIDE).where(*waiting).order_by(ASIDE.c.id).limit(AT_ONCE)).all()
        failed = [row.id for row in rows if not _take(session, deployment, row)]
        session.execute(update(ASIDE).where(ASIDE.c.id.in_(failed)).values(state=QuarantineState.HELD))
        after_commit(session, lambda: deployment.bell.ring(QueueName.INTAKE))
    return Checked(len(rows) - len(failed), len(failed)), rows[-1].id if rows else ""


def _take(session: Session, deployment: Deployment, row: Row[tuple[object, ...]]) -> bool:
    gateway = deployment.shelf.get(row.gateway)
    webhook = _opened(deployment, row)
    if gateway is None or webhook is None or not _genuine(gateway, webhook):
        return False
    fields = enclose(deployment, deployment.keyring.inbox_seal(), gateway, webhook, row.received_at)
    insert_unless_there(session.connection(), INBOX, [fields])
    session.execute(update(ASIDE).where(ASIDE.c.id == row.id).values(state=QuarantineState.GENUINE))
    return True


def _opened(deployment: Deployment, row: Row[tuple[object, ...]]) -> Webhook | None:
    try:
        return Webhook.unpacked(deployment.opener.open(row.sealed, f"quarantine|sealed|{row.id}"))
    except CannotOpen:
        return None


def _genuine(gateway: Gateway, webhook: Webhook) -> bool:
    try:
        gateway.verify(webhook)
    except Forged:
        return False
    return True
