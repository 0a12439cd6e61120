"""Calls, and the messages people speak in them: sealed here with their case's key, and then removed at the provider."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class VoiceCall(Base):
    """One call, by a keyed hash of the provider's id, which is in `sealed`. `erased`: its caller had what was recorded erased.

    `ask_at` is when the provider is to be asked what it recorded; empty once it has said.
    """

    __tablename__ = "voice_call"
    __table_args__ = (partial_index("ix_voice_call_ask", "ask_at", where="ask_at IS NOT NULL"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str]
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    caller_id: Mapped[str] = mapped_column(ForeignKey("caller.id"), index=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    erased: Mapped[bool] = mapped_column(default=False)
    sealed: Mapped[bytes]
    ask_at: Mapped[datetime | None]


class RecordingState(StrEnum):
    """waiting → kept (sealed here, still at the provider) → done; erasing → erased; lost, when the provider has it no more."""

    WAITING = "waiting"
    KEPT = "kept"
    DONE = "done"
    ERASING = "erasing"
    ERASED = "erased"
    LOST = "lost"


UNSETTLED = (RecordingState.WAITING, RecordingState.KEPT, RecordingState.ERASING)


class Recording(Base):
    """One recording at a provider. `reference` is a keyed hash of what fetches it there, and `sealed` that itself.

    `left_there`: the provider offers no way to remove it, so that a person must. `code` is why the last try failed.
    """

    __tablename__ = "recording"
    __table_args__ = (
        UniqueConstraint("gateway", "reference"),
        partial_index("ix_recording_due", "due_at", where=f"state IN {listed(UNSETTLED)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str]
    reference: Mapped[str]
    sealed: Mapped[bytes]
    call_id: Mapped[str] = mapped_column(ForeignKey("voice_call.id"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    message_id: Mapped[str | None] = mapped_column(ForeignKey("message.id"), index=True)
    seconds: Mapped[int | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    left_there: Mapped[bool] = mapped_column(default=False)
    code: Mapped[str | None]


class AudioForm(StrEnum):
    """original: as it came. disguised: the voice changed, as it is played unless somebody asks for more."""

    ORIGINAL = "original"
    DISGUISED = "disguised"


class RecordedAudio(Base):
    """The sound of a recording in one form, sealed with its case's key. A table of its own, so that no list ever reads it."""

    __tablename__ = "recorded_audio"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[str]
    sealed: Mapped[bytes]


def sound_bound_to(recording_id: str, form: str) -> str:
    """Return what a recording's sound is bound to when it is sealed."""
    return f"recorded_audio|{form}|{recording_id}"
