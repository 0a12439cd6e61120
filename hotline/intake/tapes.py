"""Recordings on their way from the provider to us: claimed, sealed with their case's key, removed there, each step once at least.

The order is fetch, seal, commit, remove: until ours is on disk the provider's is not touched. A worker that dies between two
steps leaves a row that is due again, and doing a step twice changes nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, delete, select, update
from sqlalchemy.orm import Session

from hotline.db import claim, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.voice import NotFetched
from hotline.models import (
    UNSETTLED,
    AudioForm,
    Case,
    CaseKey,
    CaseState,
    RecordedAudio,
    Recording,
    RecordingState,
    sound_bound_to,
    table,
    written_out,
)
from hotline.privacy import Key

log = logging.getLogger(__name__)

AUDIO, CASE, CASE_KEY, RECORDING = table(RecordedAudio), table(Case), table(CaseKey), table(Recording)
EXPIRED_AT_ONCE = 100
LEASE = timedelta(seconds=90)  # longer than a fetch and a removal may take together
LONGEST_PAUSE = timedelta(minutes=30)
LATE = timedelta(minutes=15)
WORN = 200  # tries, which is four days


@dataclass(frozen=True)
class Sound:
    """Audio as it came, and with the voice disguised; the latter is missing where it could not be read."""

    original: tuple[bytes, str]
    disguised: tuple[bytes, str] | None


def due(session: Session, now: datetime) -> bool:
    """Whether any recording waits for something."""
    return session.execute(select(RECORDING.c.id).where(*_due(now)).limit(1)).first() is not None


def troubled(session: Session, now: datetime) -> tuple[int, int, int]:
    """Return how many recordings are overdue, are lost, and are left at a provider; each counted as far as a hundred."""
    overdue = (written_out(RECORDING.c.state, UNSETTLED), RECORDING.c.created_at < now - LATE)
    lost = (RECORDING.c.state == RecordingState.LOST,)
    ways = (overdue, lost, (RECORDING.c.left_there,))
    stuck, gone, left = (len(session.execute(select(RECORDING.c.id).where(*where).limit(100)).all()) for where in ways)
    return stuck, gone, left


def take(session: Session, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Claim recordings that are due, for as long as a try takes."""
    values = {"due_at": now + LEASE, "attempts": RECORDING.c.attempts + 1}
    return claim(session, RECORDING, where=_due(now), order_by=[RECORDING.c.due_at], limit=limit, values=values)


def key_of(session: Session, deployment: Deployment, row: RowMapping) -> Key | None:
    """Return the key of a recording's case, None where it was shredded."""
    wrapped = session.scalar(select(CASE_KEY.c.wrapped).where(CASE_KEY.c.case_id == row["case_id"]))
    return None if wrapped is None else deployment.keyring.case_key(row["case_id"], wrapped)


def reference(row: RowMapping, key: Key) -> str:
    """Return by what a recording is fetched at its provider."""
    return key.open_text(row["sealed"], f"recording|sealed|{row['id']}")


def keep(session: Session, row: RowMapping, key: Key, sound: Sound, now: datetime) -> bool:
    """Seal a sound with its case's key. Returns whether it was kept: one that was erased meanwhile is not."""
    mine = (RECORDING.c.id == row["id"], RECORDING.c.state == RecordingState.WAITING)
    kept = {"state": RecordingState.KEPT, "fetched_at": now, "code": None, "attempts": 0}
    if not session.connection().execute(update(RECORDING).where(*mine).values(**kept)).rowcount:
        return False
    forms = {AudioForm.ORIGINAL: sound.original, AudioForm.DISGUISED: sound.disguised}
    for form, held in forms.items():
        if held is not None:
            audio = {"recording_id": row["id"], "form": str(form), "case_id": row["case_id"], "kind": held[1]}
            audio["sealed"] = key.seal(held[0], sound_bound_to(row["id"], form))
            insert_unless_there(session.connection(), AUDIO, [audio])
    return True


def removed(session: Session, row: RowMapping, now: datetime, *, left_there: bool = False) -> None:
    """Note that the provider's own is gone, or that it can only be removed there by a person."""
    ends = {RecordingState.KEPT: RecordingState.DONE, RecordingState.ERASING: RecordingState.ERASED}
    for before, after in ends.items():
        mine = (RECORDING.c.id == row["id"], RECORDING.c.state == before)
        values = {"state": after, "settled_at": now, "code": None, "left_there": left_there}
        session.execute(update(RECORDING).where(*mine).values(**values))


def failed(session: Session, row: RowMapping, state: str, error: NotFetched, now: datetime) -> None:
    """Note why a try failed and when the next is due: after seconds at first, since a file is often late, then ever more."""
    waiting = state == RecordingState.WAITING
    gone = error.gone and waiting and row["attempts"] > 8
    worn = row["attempts"] >= WORN
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(row["attempts"], 11)))
    values: dict[str, object] = {"due_at": now + pause, "code": error.code[:40]}
    if gone or worn:
        values |= {"state": RecordingState.LOST if waiting else RecordingState.DONE, "settled_at": now, "left_there": not gone}
        log.error("recording given up", extra={"row": row["id"], "state": values["state"], "code": error.code})
    session.execute(update(RECORDING).where(RECORDING.c.id == row["id"], RECORDING.c.state == state).values(**values))


def expire(session: Session, deployment: Deployment, now: datetime) -> int:
    """Remove the sound of some recordings past their day, of closed cases alone: in an open one it may still be needed.

    The line that tells of it stays. Returns how many went.
    """
    days = deployment.settings.recording_days
    if not days:
        return 0
    old = (RECORDING.c.state == RecordingState.DONE, RECORDING.c.fetched_at < now - timedelta(days=days))
    closed = select(RECORDING.c.id).join(CASE, CASE.c.id == RECORDING.c.case_id).where(*old, CASE.c.state == CaseState.CLOSED)
    ids = session.scalars(closed.limit(EXPIRED_AT_ONCE)).all()
    session.execute(delete(AUDIO).where(AUDIO.c.recording_id.in_(ids)))
    gone = {"state": RecordingState.ERASED, "settled_at": now}
    session.execute(update(RECORDING).where(RECORDING.c.id.in_(ids)).values(**gone))
    return len(ids)


def _due(now: datetime) -> list[ColumnElement[bool]]:
    return [written_out(RECORDING.c.state, UNSETTLED), RECORDING.c.due_at <= now]
