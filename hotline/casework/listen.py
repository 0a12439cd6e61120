"""Opens a recording for listening: disguised by default, as it was spoken only after a second act; both are put on record.

No record, no sound: the audit row is written in the transaction that opens it. A browser asks for a sound in many small pieces,
so one row stands for ten minutes of listening by one officer. The act that lets the original out lasts as long.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.deployment import Deployment
from hotline.models import AudioForm, AuditEvent, Case, Officer, RecordedAudio, Recording, RecordingState, sound_bound_to

ONE_LISTENING: Final = timedelta(minutes=10)
HEARD, HEARD_ORIGINAL, ASKED_ORIGINAL = "recording.heard", "recording.heard_original", "recording.asked_original"


class NotToHear(Exception):
    """There is no such sound, or nobody here has asked to hear it undisguised."""


@dataclass(frozen=True)
class Tape:
    """One recording as its case shows it. `original`: this officer has asked for the voice as it was spoken, a moment ago."""

    id: str
    state: str
    seconds: int | None
    forms: frozenset[str]
    original: bool

    @property
    def lasts(self) -> str:
        """Its length as people say it."""
        return "" if self.seconds is None else f"{self.seconds // 60}:{self.seconds % 60:02d}"

    @property
    def coming(self) -> bool:
        """Whether it is still on its way from the provider."""
        return self.state == RecordingState.WAITING


def tapes(session: Session, case: Case, *, officer: Officer, now: datetime) -> Mapping[str, Tape]:
    """Return the recordings of a case by the message that tells of each."""
    found = session.scalars(select(Recording).where(Recording.case_id == case.id, Recording.message_id.is_not(None))).all()
    if not found:
        return {}
    held = session.execute(select(RecordedAudio.recording_id, RecordedAudio.form).where(RecordedAudio.case_id == case.id)).all()
    forms: dict[str, set[str]] = {}
    for recording_id, form in held:
        forms.setdefault(recording_id, set()).add(form)
    return {
        str(one.message_id): Tape(
            one.id,
            one.state,
            one.seconds,
            frozenset(forms.get(one.id, ())),
            _lately(session, officer, ASKED_ORIGINAL, one.id, now) is not None,
        )
        for one in found
    }


def ask_original(session: Session, case: Case, recording_id: str, *, officer: Officer, now: datetime) -> None:
    """Put on record that an officer asks for a voice as it was spoken. Raises NotToHear."""
    _found(session, case, recording_id)
    audit.record(session, now, actor=_actor(officer), action=ASKED_ORIGINAL, subject=recording_id, case=case.handle)


def hear(
    session: Session, deployment: Deployment, case: Case, of: tuple[str, AudioForm], *, officer: Officer, now: datetime
) -> tuple[bytes, str]:
    """Return a sound (`of`: which, in which form) and its type, and put that on record. Raises NotToHear, Shredded."""
    recording_id, form = of
    recording = _found(session, case, recording_id)
    plain = form is AudioForm.ORIGINAL
    if plain and _lately(session, officer, ASKED_ORIGINAL, recording_id, now) is None:
        raise NotToHear
    audio = session.get(RecordedAudio, (recording.id, str(form)))
    if audio is None:
        raise NotToHear
    action = HEARD_ORIGINAL if plain else HEARD
    if _lately(session, officer, action, recording_id, now) is None:
        audit.record(session, now, actor=_actor(officer), action=action, subject=recording_id, case=case.handle)
    key = key_of(session, deployment, case)
    return key.open(audio.sealed, sound_bound_to(recording.id, form)), audio.kind


def _found(session: Session, case: Case, recording_id: str) -> Recording:
    recording = session.get(Recording, recording_id)
    if recording is None or recording.case_id != case.id or recording.message_id is None:
        raise NotToHear
    return recording


def _lately(session: Session, officer: Officer, action: str, recording_id: str, now: datetime) -> int | None:
    mine = (AuditEvent.object == recording_id, AuditEvent.actor == _actor(officer), AuditEvent.action == action)
    return session.scalars(select(AuditEvent.seq).where(*mine, AuditEvent.at > now - ONE_LISTENING).limit(1)).first()


def _actor(officer: Officer) -> str:
    return f"officer:{officer.name}"
