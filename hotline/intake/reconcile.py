"""Compares what a gateway says it received with what we have, and takes in what is missing.

A webhook that failed, with its fallback, is not sent again by any gateway we know. Missing texts and calls come in under the very
key their webhook would have had, so whichever comes second folds. The gateway is asked with no session open.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hotline.db import after_commit, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import Found, Gateway, Listing, Page, plain_id
from hotline.intake.voice.heard import call_of
from hotline.models import Inbox, InboxKind, InboxState, Reconciled, VoiceCall, new_id, table
from hotline.queue import QueueName

log = logging.getLogger(__name__)

CALL, INBOX, RECONCILED = table(VoiceCall), table(Inbox), table(Reconciled)
FIRST_LOOK = timedelta(hours=1)
CALL_DIGITS = 32  # of a call's keyed hash (hotline.intake.voice.heard)


def able(deployment: Deployment) -> list[str]:
    """Return the gateways that can be asked for what they received."""
    return [name for name in deployment.shelf.names if isinstance(deployment.shelf.get(name), Listing)]


def last_asked(session: Session, name: str) -> datetime | None:
    """Return when a gateway last gave its whole list."""
    return session.scalar(select(RECONCILED.c.asked_at).where(RECONCILED.c.gateway == name))


def reconcile(deployment: Deployment, name: str) -> int:
    """Ask one gateway and take in what is missing. Returns how many texts and calls that were. Raises NotListed."""
    gateway = deployment.shelf.get(name)
    if gateway is None or not isinstance(gateway, Listing):
        raise LookupError(name)
    with deployment.db.reading() as session:
        now = deployment.db.now(session)
        cursor = session.scalar(select(RECONCILED.c.cursor).where(RECONCILED.c.gateway == name))
    missing = 0
    for page in gateway.listed(cursor, _floor(deployment, cursor, now)):
        with deployment.db.transaction() as session:
            missing += _take_in(session, deployment, gateway, page, missing)
    if missing:
        log.warning("texts or calls whose webhook never came", extra={"gateway": name, "count": missing})
    return missing


def _floor(deployment: Deployment, cursor: str | None, now: datetime) -> datetime:
    """Return the time before which nothing is asked for.

    Handled webhooks are removed after some days; what is older than they are would look missing and come in twice.
    """
    kept = timedelta(days=max(deployment.settings.inbox_days - 1, 0), hours=1)
    return now - (kept if cursor else FIRST_LOOK)


def _take_in(session: Session, deployment: Deployment, gateway: Gateway, page: Page, before: int) -> int:
    """Take in what is missing of a page, `before` having been missing of those before it. Returns how many that were."""
    now = deployment.db.now(session)
    rows = [_row(deployment, gateway, one, now) for one in _unknown(session, deployment, gateway, page.found)]
    if rows:
        insert_unless_there(session.connection(), INBOX, rows)
        after_commit(session, partial(deployment.bell.ring, QueueName.INTAKE))
    if page.cursor is not None:
        start = {"gateway": gateway.name, "cursor": page.cursor, "asked_at": now, "found": before}
        insert_unless_there(session.connection(), RECONCILED, [start])
    reached = {"cursor": page.cursor, "asked_at": now} if page.cursor is not None else {}
    counted = {"found": RECONCILED.c.found + len(rows), **reached}
    session.execute(update(RECONCILED).where(RECONCILED.c.gateway == gateway.name).values(**counted))
    return len(rows)


def _unknown(session: Session, deployment: Deployment, gateway: Gateway, found: Sequence[Found]) -> list[Found]:
    """Return what is not in the inbox. One without an id is left: it could only be taken in again and again."""
    by_id = {(one.webhook.kind, plain_id(external)): one for one in found if (external := gateway.external_id(one.webhook))}
    ids = [external for _, external in by_id]
    ours = (INBOX.c.gateway == gateway.name, INBOX.c.kind.in_({kind for kind, _ in by_id}), INBOX.c.external_id.in_(ids))
    known = {(row.kind, row.external_id) for row in session.execute(select(INBOX.c.kind, INBOX.c.external_id).where(*ours))}
    missing = [one for key, one in by_id.items() if key not in known]
    answered = _answered(session, gateway, {call_of(deployment, gateway.name, one.call) for one in missing if one.call})
    return [one for one in missing if not one.call or call_of(deployment, gateway.name, one.call) not in answered]


def _answered(session: Session, gateway: Gateway, calls: set[str]) -> set[str]:
    """Return which of these calls we spoke in: their steps are known by the call and its turn, and need no event."""
    if not calls:
        return set()
    step = func.substr(INBOX.c.external_id, 1, CALL_DIGITS)
    waiting = select(step).where(INBOX.c.gateway == gateway.name, INBOX.c.kind == InboxKind.VOICE, step.in_(calls))
    return set(session.scalars(select(CALL.c.id).where(CALL.c.id.in_(calls)))) | set(session.scalars(waiting))


def _row(deployment: Deployment, gateway: Gateway, one: Found, now: datetime) -> dict[str, object]:
    row_id = new_id()
    return {
        "id": row_id,
        "gateway": gateway.name,
        "kind": one.webhook.kind,
        "external_id": plain_id(gateway.external_id(one.webhook)),
        "sealed": deployment.keyring.inbox_seal().seal(one.webhook.packed(), f"inbox|sealed|{row_id}"),
        "received_at": min(one.at, now),
        "state": InboxState.RECEIVED,
        "attempts": 0,
        "found_at": now,
    }
