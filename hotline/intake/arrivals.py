"""Claims rows of the inbox and reads them: sealed bytes in, arrivals out.

A row that cannot be read is parked for a person, never dropped. Nothing here decides what a text means.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from hotline.db import among, claim
from hotline.deployment import Deployment
from hotline.gateways.contract import (
    Gateway,
    HopsEnd,
    InboundText,
    OptOut,
    StatusUpdate,
    Unreadable,
    Webhook,
    read_hop,
    read_hops_end,
)
from hotline.gateways.ringing import Hearing, Ring, carries
from hotline.gateways.voice import Calls
from hotline.intake.envelope import session_of, without_id
from hotline.intake.told import Told
from hotline.intake.ussd.heard import Heard, understood
from hotline.intake.ussd.walk import Walk
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.heard import understood as call_understood
from hotline.models import CALLS, UNREAD, Inbox, InboxKind, InboxState, table, written_out
from hotline.places import sectors
from hotline.privacy import CannotOpen
from hotline.radio import moderation

INBOX = table(Inbox)
Event = InboundText | StatusUpdate | OptOut | Heard | HopsEnd | CallHeard | Ring | Told
WAITING = (written_out(INBOX.c.state, UNREAD), INBOX.c.state == InboxState.RECEIVED)
NO_SUCH_MESSAGE = "no such message"


@dataclass(frozen=True)
class Arrival:
    """One genuine webhook, read.

    `nameless`: its gateway gave it no id. `late`: its text was found so long after it was sent that its sender waits no more.
    """

    inbox_id: str
    gateway: str
    received_at: datetime
    event: Event
    nameless: bool = False
    late: bool = False


@dataclass(frozen=True)
class Claimed:
    """Rows we hold under one token, read as far as they can be. `parked` maps the id of an unreadable row to its reason."""

    token: str
    arrivals: tuple[Arrival, ...]
    parked: dict[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all claimed rows."""
        return (*(arrival.inbox_id for arrival in self.arrivals), *self.parked)


def waiting(session: Session) -> bool:
    """Whether any webhook waits to be taken, be it one that a moderator gave back."""
    return session.execute(select(INBOX.c.id).where(*WAITING).limit(1)).first() is not None or moderation.moving(session)


def take(session: Session, deployment: Deployment, now: datetime) -> tuple[str, Sequence[RowMapping]]:
    """Claim the oldest waiting rows and return our token with them.

    A row that was tried before goes alone: it may be the one that brings workers down, and would take its batch with it.
    """
    token, ids = secrets.token_hex(8), _together(session, deployment.settings.drain_batch)
    rows = claim(
        session,
        INBOX,
        where=[among(session, INBOX.c.id, ids), *WAITING],
        order_by=[INBOX.c.id],
        limit=len(ids),
        values={
            "state": InboxState.CLAIMED,
            "claim_token": token,
            "lease_until": now + timedelta(seconds=deployment.settings.lease_seconds),
            "attempts": INBOX.c.attempts + 1,
        },
    )
    return token, sorted(rows, key=lambda row: row["id"])


def read(deployment: Deployment, token: str, rows: Sequence[RowMapping]) -> Claimed:
    """Unseal and parse claimed rows. No session is open while this runs."""
    arrivals, parked = [], {}
    for row in rows:
        try:
            arrivals.append(_read(deployment, row))
        except Unreadable as missing:
            parked[row["id"]] = f"without {missing.field}"
        except CannotOpen:
            parked[row["id"]] = "sealed with another key"
        except LookupError:
            parked[row["id"]] = "gateway has no settings"
    return Claimed(token, tuple(arrivals), parked)


def finish(
    session: Session, claimed: Claimed, *, later: frozenset[str] = frozenset(), obeyed: Mapping[str, str] | None = None
) -> None:
    """Mark claimed rows done or parked; those for `later` stay claimed until the clock frees them.

    `obeyed` says what became of texts that no message keeps. Raises LookupError when another worker holds the rows by now.
    """
    reasons = dict.fromkeys(later, NO_SUCH_MESSAGE) | dict(obeyed or {}) | claimed.parked
    fates: dict[tuple[InboxState, str | None], list[str]] = {}
    for row_id in claimed.ids:
        fates.setdefault((_state(claimed, row_id, later), reasons.get(row_id)), []).append(row_id)
    settled = 0
    for (state, reason), ids in fates.items():
        held = (among(session, INBOX.c.id, ids), INBOX.c.claim_token == claimed.token)
        settled += session.connection().execute(update(INBOX).where(*held).values(state=state, reason=reason)).rowcount
    if settled != len(claimed.ids):
        raise LookupError("claim lost")


def give_up(session: Session, row_id: str, token: str, *, max_attempts: int, error: str) -> None:
    """Note why a row failed; one that has failed too often is set aside as poison, any other waits out its lease."""
    held = (INBOX.c.id == row_id, INBOX.c.claim_token == token, INBOX.c.state == InboxState.CLAIMED)
    worn = INBOX.c.attempts >= max_attempts
    session.execute(update(INBOX).where(*held).values(reason=error))
    session.execute(update(INBOX).where(*held, worn).values(state=InboxState.POISON))


def _together(session: Session, limit: int) -> list[str]:
    """Return the ids of the oldest waiting rows that may be handled together."""
    waiting = select(INBOX.c.id, INBOX.c.attempts, INBOX.c.reason).where(*WAITING)
    ids: list[str] = []
    for row in session.execute(waiting.order_by(INBOX.c.id).limit(limit).with_for_update(skip_locked=True)):
        suspect = row.attempts > 0 and row.reason != NO_SUCH_MESSAGE
        if suspect and ids:
            break
        ids.append(row.id)
        if suspect:
            break
    return ids


def _read(deployment: Deployment, row: RowMapping) -> Arrival:
    if row["kind"] == InboxKind.DESK:
        told = Told.unpacked(deployment.opener.open(row["sealed"], f"inbox|sealed|{row['id']}"))
        return Arrival(row["id"], row["gateway"], row["received_at"], told)
    gateway = deployment.shelf.get(row["gateway"])
    if gateway is None:
        raise LookupError(row["gateway"])
    webhook = Webhook.unpacked(deployment.opener.open(row["sealed"], f"inbox|sealed|{row['id']}"))
    event = _event(deployment, gateway, row["kind"], webhook)
    patience = timedelta(seconds=deployment.settings.auto_reply_validity_seconds)
    late = row["found_at"] is not None and row["found_at"] - row["received_at"] > patience
    return Arrival(row["id"], row["gateway"], row["received_at"], event, without_id(row["external_id"]), late)


def _event(deployment: Deployment, gateway: Gateway, kind: str, webhook: Webhook) -> Event:
    if kind == InboxKind.SMS:
        return gateway.read_text(webhook)
    if kind == InboxKind.USSD:
        return _heard(deployment, gateway, webhook)
    if (kind in CALLS or is_ours(gateway, webhook)) and isinstance(gateway, Calls):
        return call_understood(deployment, gateway.name, gateway, webhook)
    if kind == InboxKind.BEEP and isinstance(gateway, Hearing):
        return gateway.read_ring(webhook)
    return read_hops_end(webhook) if kind == InboxKind.USSD_END else gateway.read_status(webhook)


def is_ours(gateway: Gateway, webhook: Webhook) -> bool:
    """Whether what came to the address for missed calls is about a call that we placed."""
    places = carries(gateway) if webhook.kind == InboxKind.BEEP else None
    return places is not None and places.ours(webhook)


def _heard(deployment: Deployment, gateway: Gateway, webhook: Webhook) -> Heard:
    hop, chosen = read_hop(webhook), deployment.settings
    walk = Walk(sectors(chosen.templates, chosen.district), chosen.default_language, deployment.keyring.repeat_index)
    return understood(webhook, hop, walk, session_of(deployment, gateway.name, hop))


def _state(claimed: Claimed, row_id: str, later: frozenset[str]) -> InboxState:
    if row_id in claimed.parked:
        return InboxState.PARKED
    return InboxState.CLAIMED if row_id in later else InboxState.DONE
