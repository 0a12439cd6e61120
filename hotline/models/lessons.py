"""What links reports, and what officers taught us: clues as keyed hashes, and corrections of triage."""

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, new_id

# Kinds of clue by which cases are found and counted; that two cases name one sector links them to nothing.
PLACE: Final = "place"
SECTOR: Final = "sector"


class NamedClue(Base):
    """One thing a case names: a plate, a phone, an agency, a wording, a place.

    Only its keyed hash is here; words are with the case.
    """

    __tablename__ = "clue"
    __table_args__ = (Index("ix_clue_value", "value_index"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    value_index: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]


class Correction(Base):
    """An officer's correction of category or urgency, with what triage had made of the words inside `sealed`."""

    __tablename__ = "correction"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    said_category: Mapped[str]
    said_urgency: Mapped[str]
    category: Mapped[str]
    urgency: Mapped[str]
    rules_version: Mapped[str]
    sealed: Mapped[bytes]
    at: Mapped[datetime]
