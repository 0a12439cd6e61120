"""A broadcast's way from draft to done: who may move it on, and from where.

Each step is one UPDATE that names the state it comes from, so that two people at two screens cannot both take it, and stands on
the record. Nobody approves what they wrote themselves, from a number of people on; and whoever approves types that number.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.check import Found
from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastState, Message, MessageState, new_id, table

BROADCAST, MESSAGE = table(Broadcast), table(Message)
EDITABLE: Final = (BroadcastState.DRAFT, BroadcastState.CHECKED, BroadcastState.APPROVED)
WAITING: Final = (BroadcastState.SCHEDULED, BroadcastState.SENDING, BroadcastState.PAUSED)
CHECK_HOLDS: Final = timedelta(hours=24)
LONGEST_NAME: Final = 80


class Refused(Exception):
    """This step may not be taken. Says why in one sentence."""


MOVED: Final = "It has been moved on or changed meanwhile: look at it again."
NOT_FIT: Final = "The check found what must be put right first."
OLD: Final = "The check is older than a day: check it again."
OWN: Final = "You wrote this one: somebody else must approve it."
COUNT: Final = "That is not the number of people it goes to."
PAST: Final = "That time has passed."
NAME: Final = "Give it a name of at most 80 characters."


def get(session: Session, broadcast_id: str) -> dict[str, Any] | None:
    """Return a broadcast's row."""
    row = session.execute(select(BROADCAST).where(BROADCAST.c.id == broadcast_id)).mappings().one_or_none()
    return {str(name): value for name, value in row.items()} if row else None


def create(  # noqa: PLR0913  a broadcast is made of so many things
    session: Session,
    *,
    name: str,
    texts: Mapping[str, str],
    audience: Audience,
    author: str,
    now: datetime,
    filled: Mapping[str, str] | None = None,
    recorded: Mapping[str, Any] | None = None,
    read_by_native: tuple[str, ...] = (),
    choices: int = 0,
) -> str:
    """Write a draft and return its id. Raises Refused for a name that is none."""
    row_id = new_id()
    written = {"name": _name(name), "texts": dict(texts), "filled": dict(filled or {}), "audience": audience.kept()}
    more = {
        "id": row_id,
        "recorded": dict(recorded or {}),
        "state": BroadcastState.DRAFT,
        "read_by_native": list(read_by_native),
        "choices": choices,
        "people": 0,
        "rows": 0,
        "version": 0,
    }
    session.execute(insert(BROADCAST).values(**written, **more, author=author, created_at=now, upto=""))
    audit.record(session, now, actor=author, action="broadcast.written", subject=row_id)
    return row_id


def edit(session: Session, broadcast_id: str, *, actor: str, now: datetime, **changes: Any) -> None:
    """Change name, texts, recorded, filled, audience, read_by_native or choices.

    It is a draft again, and whoever changed it is its author.
    """
    if "name" in changes:
        changes["name"] = _name(changes["name"])
    values = {**changes, "state": BroadcastState.DRAFT, "author": actor, "approver": None, "found": None, "people": 0}
    values["version"] = BROADCAST.c.version + 1
    _move(session, broadcast_id, EDITABLE, values)
    audit.record(session, now, actor=actor, action="broadcast.changed", subject=broadcast_id)


def checked(session: Session, seen: Mapping[str, Any], found: Found, *, actor: str, now: datetime) -> None:
    """Keep what a check of a row, as it was `seen`, found; with nothing in its way it may be approved. Raises Refused."""
    broadcast_id = str(seen["id"])
    values = {"found": {**found.kept(), "at": now.isoformat()}, "people": found.people, "approver": None}
    state = BroadcastState.DRAFT if found.blocked else BroadcastState.CHECKED
    _move(session, broadcast_id, EDITABLE, {**values, "state": state}, BROADCAST.c.version == seen["version"])
    audit.record(session, now, actor=actor, action="broadcast.checked", subject=broadcast_id, people=found.people)


def approve(session: Session, deployment: Deployment, broadcast_id: str, *, actor: str, typed: int, now: datetime) -> None:
    """Approve a checked broadcast. Raises Refused."""
    row = _there(session, broadcast_id)
    if row["state"] != BroadcastState.CHECKED:
        raise Refused(MOVED if row["state"] != BroadcastState.DRAFT else NOT_FIT)
    if now - datetime.fromisoformat(row["found"]["at"]) > CHECK_HOLDS:
        raise Refused(OLD)
    if row["people"] > deployment.settings.broadcast_second_person and actor == row["author"]:
        raise Refused(OWN)
    if typed != row["people"]:
        raise Refused(COUNT)
    values = {"state": BroadcastState.APPROVED, "approver": actor, "approved_at": now}
    _move(session, broadcast_id, (BroadcastState.CHECKED,), values, BROADCAST.c.people == typed)
    audit.record(session, now, actor=actor, action="broadcast.approved", subject=broadcast_id, people=typed)


def schedule(session: Session, deployment: Deployment, broadcast_id: str, at: datetime, *, actor: str, now: datetime) -> None:
    """Have an approved broadcast begin at a time; in quiet hours it waits for their end. Raises Refused."""
    if at < now - timedelta(minutes=1):
        raise Refused(PAST)
    life = timedelta(hours=deployment.settings.broadcast_validity_hours)
    values = {"state": BroadcastState.SCHEDULED, "send_at": at, "valid_until": at + life}
    _move(session, broadcast_id, (BroadcastState.APPROVED,), values)
    audit.record(session, now, actor=actor, action="broadcast.scheduled", subject=broadcast_id, at=f"{at:%Y-%m-%dT%H:%M}Z")


def pause(session: Session, broadcast_id: str, *, actor: str, now: datetime) -> None:
    """Hold a broadcast: from the commit on none of its texts is claimed. Raises Refused."""
    _move(session, broadcast_id, (BroadcastState.SENDING,), {"state": BroadcastState.PAUSED, "paused_at": now})
    audit.record(session, now, actor=actor, action="broadcast.paused", subject=broadcast_id)


def resume(session: Session, broadcast_id: str, *, actor: str, now: datetime) -> None:
    """Go on with a broadcast that was paused. Raises Refused."""
    _move(session, broadcast_id, (BroadcastState.PAUSED,), {"state": BroadcastState.SENDING, "paused_at": None})
    audit.record(session, now, actor=actor, action="broadcast.resumed", subject=broadcast_id)


def stop(session: Session, broadcast_id: str, *, actor: str, now: datetime) -> None:
    """End a broadcast for good; what has not left is taken back. Raises Refused."""
    _move(session, broadcast_id, WAITING, {"state": BroadcastState.STOPPED, "ended_at": now})
    _take_back(session, MESSAGE.c.broadcast_id == broadcast_id, now)
    audit.record(session, now, actor=actor, action="broadcast.stopped", subject=broadcast_id)


def begin_due(session: Session, deployment: Deployment, now: datetime) -> int:
    """Begin what is scheduled for now, and take back what a stopped one tried again. Returns how many began."""
    del deployment
    stopped = select(BROADCAST.c.id).where(BROADCAST.c.state == BroadcastState.STOPPED)
    _take_back(session, MESSAGE.c.broadcast_id.in_(stopped), now)
    due = (BROADCAST.c.state == BroadcastState.SCHEDULED, BROADCAST.c.send_at <= now)
    began = update(BROADCAST).where(*due).values(state=BroadcastState.SENDING, started_at=now)
    return session.connection().execute(began).rowcount


def _there(session: Session, broadcast_id: str) -> Mapping[str, Any]:
    row = get(session, broadcast_id)
    if row is None:
        raise Refused("There is no such broadcast.")
    return row


def _move(session: Session, broadcast_id: str, come_from: tuple[str, ...], values: Mapping[str, Any], *also: Any) -> None:
    one = (BROADCAST.c.id == broadcast_id, BROADCAST.c.state.in_(come_from), *also)
    if session.connection().execute(update(BROADCAST).where(*one).values(**values)).rowcount != 1:
        raise Refused(MOVED)


def _take_back(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    taken_back = {"state": MessageState.CANCELLED, "reason": "the broadcast was stopped", "settled_at": now}
    session.connection().execute(update(MESSAGE).where(which, MESSAGE.c.state == MessageState.QUEUED).values(**taken_back))


def _name(name: str) -> str:
    tidy = " ".join(name.split())
    if not 0 < len(tidy) <= LONGEST_NAME:
        raise Refused(NAME)
    return tidy
