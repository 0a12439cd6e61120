"""Calls to contacts who have not answered an alert to life."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class DutyCallState(StrEnum):
    """waiting → dialling → answered (a key was pressed) | unreached; cancelled: it was not needed any more."""

    WAITING = "waiting"
    DIALLING = "dialling"
    ANSWERED = "answered"
    UNREACHED = "unreached"
    CANCELLED = "cancelled"


TO_BE_CALLED = (DutyCallState.WAITING, DutyCallState.DIALLING)


class DutyCall(Base):
    """One call to one contact for one case. `attempts` counts how often it was placed, since a try in doubt is made again."""

    __tablename__ = "duty_call"
    __table_args__ = (
        partial_index("uq_duty_call_in_flight", "case_id", "contact_id", where=f"state IN {listed(TO_BE_CALLED)}", unique=True),
        partial_index("ix_duty_call_due", "due_at", where=f"state IN {listed(TO_BE_CALLED)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    gateway: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    provider_id: Mapped[str | None]
    settled_at: Mapped[datetime | None]
