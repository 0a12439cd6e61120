"""Missed calls: whoever cannot pay for a call rings once and is called back."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class BeepState(StrEnum):
    """waiting → dialling → reached | unreached. refused: not to be called by the rules; cancelled: the phone asked us to stop."""

    WAITING = "waiting"
    DIALLING = "dialling"
    REACHED = "reached"
    UNREACHED = "unreached"
    REFUSED = "refused"
    CANCELLED = "cancelled"


IN_FLIGHT = (BeepState.WAITING, BeepState.DIALLING)


class Beep(Base):
    """Missed calls of one phone within some minutes, folded into one, with the one call-back they get. A beep is a contact."""

    __tablename__ = "beep"
    __table_args__ = (
        partial_index("uq_beep_in_flight", "number_index", where=f"state IN {listed(IN_FLIGHT)}", unique=True),
        partial_index("ix_beep_due", "due_at", where=f"state IN {listed(IN_FLIGHT)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    number_index: Mapped[bytes] = mapped_column(index=True)
    number_sealed: Mapped[bytes]
    gateway: Mapped[str]
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str]
    reason: Mapped[str | None]
    due_at: Mapped[datetime]
    dialled_at: Mapped[datetime | None] = mapped_column(index=True)
    provider_id: Mapped[str | None]
    settled_at: Mapped[datetime | None]
