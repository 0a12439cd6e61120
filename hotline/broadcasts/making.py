"""Makes the rows of a broadcast while it is sent, a page ahead of the gateways, and ends it when all are settled.

A page is drawn up while others may write, and laid down in one commit with the mark up to whom it reaches, if that mark is still
where it was: after a crash it goes on from there, and the unique key of person and broadcast makes a second row impossible. Never
more people than were approved. Who left after a page was drawn up is left out when it is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.orm import Session

from hotline.broadcasts import campaign, recordings
from hotline.broadcasts.audience import Audience, Part, page
from hotline.broadcasts.check import call_gateway, shares, wording
from hotline.broadcasts.texts import closest
from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastState, Lane, Message, MessageKind, MessageState, Reach, table
from hotline.outbound.compose import Draft
from hotline.outbound.recipients import HELD_OUT, sending

BROADCAST, MESSAGE = table(Broadcast), table(Message)
AHEAD: Final = 1000
OPEN: Final = (MessageState.QUEUED, MessageState.CLAIMED)


def make(deployment: Deployment) -> int:
    """Make the next rows of each broadcast that is sending. Returns how many were made."""
    with deployment.db.reading() as session:
        now = deployment.db.now(session)
        unmade = session.scalars(select(BROADCAST.c.id).where(*_unmade(sending(session, deployment, now)))).all()
        short = [one for one in unmade if _waiting(session, one, MessageState.QUEUED) < AHEAD]
        pages = [one for broadcast_id in short if (one := _page(session, deployment, broadcast_id, now))]
    return sum(_lay(deployment, one) for one in pages)


def waiting(session: Session, deployment: Deployment, now: datetime) -> bool:
    """Whether rows are to be made now."""
    going = sending(session, deployment, now)
    return bool(going) and session.scalar(select(BROADCAST.c.id).where(*_unmade(going)).limit(1)) is not None


def finish(session: Session, deployment: Deployment, now: datetime) -> int:
    """End the broadcasts of which all rows are made and settled. Returns how many ended."""
    del deployment
    made = (BROADCAST.c.state == BroadcastState.SENDING, BROADCAST.c.made_at.is_not(None))
    over = [one for one in session.scalars(select(BROADCAST.c.id).where(*made)) if not _waiting(session, one, *OPEN)]
    if over:
        ended = update(BROADCAST).where(BROADCAST.c.id.in_(over), BROADCAST.c.state == BroadcastState.SENDING)
        session.execute(ended.values(state=BroadcastState.DONE, ended_at=now))
    return len(over)


@dataclass(frozen=True)
class _Page:
    """The next rows of a broadcast, drawn up while others may write; `since` is up to whom its rows reached before."""

    broadcast_id: str
    since: str
    upto: str
    rows: Sequence[Mapping[str, object]]
    texted: int
    last: bool


def _page(session: Session, deployment: Deployment, broadcast_id: str, now: datetime) -> _Page | None:
    row = campaign.get(session, broadcast_id)
    if row is None:
        return None
    audience = Audience.of(row)
    people = page(session, audience, now, row["upto"], AHEAD)
    rows, texted = _rows(deployment, row, audience, people, now)
    upto = people[-1].id if people else row["upto"]
    return _Page(broadcast_id, row["upto"], upto, rows, texted, last=len(people) < AHEAD)


def _lay(deployment: Deployment, drawn: _Page) -> int:
    """Write a page down, unless the broadcast was stopped meanwhile or somebody else made that page. Returns how many rows."""
    mine = (BROADCAST.c.id == drawn.broadcast_id, BROADCAST.c.upto == drawn.since)
    going = (BROADCAST.c.state == BroadcastState.SENDING, BROADCAST.c.made_at.is_(None))
    with deployment.db.transaction() as session:
        now = deployment.db.now(session) if drawn.last else None
        on = update(BROADCAST).where(*mine, *going).values(upto=drawn.upto, rows=BROADCAST.c.rows + drawn.texted, made_at=now)
        if not session.execute(on.returning(BROADCAST.c.id)).first():
            return 0
        add_rows(session, MESSAGE, drawn.rows)
    return drawn.texted


def _rows(
    deployment: Deployment, row: Mapping[str, Any], audience: Audience, people: Sequence[Row[Any]], now: datetime
) -> tuple[list[dict[str, object]], int]:
    """Return the rows of a page of people, and how many of them are to be texted or called."""
    words, turns, key = wording(deployment, row), shares(deployment), deployment.keyring.fields
    tapes, via = recordings.of(row), call_gateway(deployment) or deployment.settings.gateway
    rows, texted = list[dict[str, object]](), 0
    for person in people:
        part = audience.part(row["id"], person.id)
        held = part is Part.HELD_OUT
        if part is Part.NOT_SAMPLED or (not held and row["rows"] + texted >= row["people"]):
            continue
        called = person.reach == Reach.CALL
        language = closest(deployment.words, person.language, tapes if called else words.texts)
        told = f"{language}.{tapes[language].name}" if called else words.text(language, person.sector)
        draft = Draft(
            kind=MessageKind.CALL if called else MessageKind.BROADCAST,
            lane=Lane.BULK,
            body="" if held else told,
            gateway=via if called else turns[(row["rows"] + texted) % len(turns)],
            broadcast_id=row["id"],
            subscriber_id=person.id,
            state=MessageState.SUPPRESSED if held else MessageState.QUEUED,
        )
        settled = {"settled_at": now, "reason": HELD_OUT} if held else {"settled_at": None, "reason": None}
        rows.append(draft.row(key, now) | settled | {"valid_until": row["valid_until"]})
        texted += not held
    return rows, texted


def _unmade(ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return BROADCAST.c.id.in_(ids), BROADCAST.c.made_at.is_(None)


def _waiting(session: Session, broadcast_id: str, *states: MessageState) -> int:
    """Return how many rows of a broadcast are in these states, up to a page."""
    some = select(MESSAGE.c.id).where(MESSAGE.c.broadcast_id == broadcast_id, MESSAGE.c.state.in_(states)).limit(AHEAD)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0
