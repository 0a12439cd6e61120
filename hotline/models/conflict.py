"""Who must not know of a case: a person, a station, an agency or a kind of agency that a report names or accuses."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, new_id
from hotline.models.people import Officer


class Cause(StrEnum):
    """Why somebody may not know."""

    NAMED = "named"  # by name, nickname or badge
    THEIR_STATION = "their_station"  # somebody of that station is named
    ACCUSED = "accused"  # the report accuses this kind of people
    BY_HAND = "by_hand"  # an officer says so


class ExclusionState(StrEnum):
    """proposed → excluded | dismissed. What is proposed holds like what is excluded, until a person decides."""

    PROPOSED = "proposed"
    EXCLUDED = "excluded"
    DISMISSED = "dismissed"


class Exclusion(Base):
    """One subject that must not know of one case. `subject` is as Subject writes it; `sealed` holds the words that said so."""

    __tablename__ = "exclusion"
    __table_args__ = (UniqueConstraint("case_id", "subject"), Index("ix_exclusion_subject", "subject", "case_id"))

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"))
    subject: Mapped[str]
    cause: Mapped[str]
    state: Mapped[str] = mapped_column(default=ExclusionState.PROPOSED)
    sealed: Mapped[bytes]
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))

    decided_by: Mapped[Officer | None] = relationship(lazy="joined")


def subject(kind: str, name: str) -> str:
    """Return how a subject is written: contact, officer or agency with its id, station or kind with its name."""
    return f"{kind}:{name}"


def subjects_of(
    *, contact: str = "", officer: str = "", agency: str | None = None, kind: str | None = None, station: str | None = None
) -> frozenset[str]:
    """Return every subject that somebody is or belongs to: an exclusion of any of them is one of theirs."""
    about = {"contact": contact, "officer": officer, "agency": agency, "kind": kind, "station": station}
    return frozenset(subject(what, name) for what, name in about.items() if name)
