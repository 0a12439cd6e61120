"""A number that somebody asked to see, who decided it, and when it was seen."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, new_id, partial_index
from hotline.models.cases import Case
from hotline.models.people import Officer


class RevealState(StrEnum):
    """asked → granted | refused; granted → seen, once. What nobody used in time is granted no more."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    SEEN = "seen"


class RevealReason(StrEnum):
    """For what a number is asked."""

    DANGER = "danger"
    CALL_BACK = "call_back"
    HAND_OVER = "hand_over"
    COURT = "court"


class Reveal(Base):
    """One asking. `sealed` is why, in the officer's own words, with the key of the case.

    `unheard`: a life was in danger, so that it was granted before anybody else had looked; somebody else must, within a day.
    """

    __tablename__ = "reveal"
    __table_args__ = (partial_index("ix_reveal_open", "asked_at", where=f"state = '{RevealState.ASKED}' OR unheard"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    reason: Mapped[str]
    sealed: Mapped[bytes]
    state: Mapped[str]
    unheard: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    decided_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship(lazy="joined")
    officer: Mapped[Officer] = relationship(lazy="joined", foreign_keys=officer_id)
    decided_by: Mapped[Officer | None] = relationship(lazy="joined", foreign_keys=decided_by_id)
