"""Calls of officers to who reported a case, joined by a gateway so that neither phone sees the other's number."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, listed, new_id, partial_index
from hotline.models.people import Officer

NO_WORD = "no word of the call"


class BridgedState(StrEnum):
    """waiting → under_way → over; cancelled: it was not placed."""

    WAITING = "waiting"
    UNDER_WAY = "under_way"
    OVER = "over"
    CANCELLED = "cancelled"


IN_PROGRESS = (BridgedState.WAITING, BridgedState.UNDER_WAY)


class Stage(StrEnum):
    """How far a call has come, for whoever asked for it. The first four are before its end."""

    ASKED = "asked"
    RINGING_YOU = "ringing_you"
    RINGING_THEM = "ringing_them"
    JOINED = "joined"
    ENDED = "ended"
    UNANSWERED = "unanswered"
    MISSED = "missed"
    REFUSED = "refused"
    LOST = "lost"
    CANCELLED = "cancelled"


BEFORE_THE_END = (Stage.ASKED, Stage.RINGING_YOU, Stage.RINGING_THEM, Stage.JOINED)


class BridgedCall(Base):
    """One call. `far_sealed` is the number to be joined, sealed for the door, and gone once the call is over.

    What networks tell are facts, each noted once: when the officer pressed the key, when both were joined, when it ended. In
    whichever order word of them comes, they say the same. `talked` is in seconds; `reason` is why it came to nothing.
    """

    __tablename__ = "bridged_call"
    __table_args__ = (
        *(
            partial_index(f"uq_bridged_call_of_{whose}", f"{whose}_id", where=f"state IN {listed(IN_PROGRESS)}", unique=True)
            for whose in ("case", "officer")
        ),
        partial_index("ix_bridged_call_due", "due_at", where=f"state IN {listed(IN_PROGRESS)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    gateway: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    provider_id: Mapped[str | None]
    far_sealed: Mapped[bytes | None]
    pressed_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    talked: Mapped[int | None]

    officer: Mapped[Officer] = relationship(lazy="joined")

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        if self.state == BridgedState.WAITING:
            return Stage.ASKED
        if self.state == BridgedState.CANCELLED:
            return Stage.CANCELLED
        if self.state == BridgedState.UNDER_WAY:
            return Stage.JOINED if self.joined_at else Stage.RINGING_THEM if self.pressed_at else Stage.RINGING_YOU
        if self.joined_at:
            return Stage.ENDED
        if self.reason:
            return Stage.LOST if self.reason == NO_WORD else Stage.REFUSED
        return Stage.UNANSWERED if self.pressed_at else Stage.MISSED

    @property
    def seconds(self) -> int | None:
        """How long the two were joined, None where nobody can say."""
        if self.talked is not None or not self.joined_at or not self.ended_at or self.reason == NO_WORD:
            return self.talked
        return int((self.ended_at - self.joined_at).total_seconds())
