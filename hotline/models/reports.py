"""A report is what one caller tells over one conversation; an assessment is what triage made of it."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, new_id, partial_index

RANK = {"immediate": 0, "soon": 1, "routine": 2}


@dataclass(frozen=True)
class Reading:
    """Triage's result as the other stages need it.

    `whole` is the full assessment in JSON, to be sealed with the case; `signs` are the names of its findings. `clues` are kind
    and value of what strangers may name too. `noise` says that it is surely a scam, an advertisement or a prank. `words` is what
    was read, for as long as it is on its way. `least_everyday` is how likely the least harmless of its sentences tells of nobody,
    1 when none had to be asked about.
    """

    category: str
    urgency: str
    minors: str
    language: str
    language_confident: bool
    places: tuple[str, ...]
    rules_version: str
    whole: str
    clues: tuple[tuple[str, str], ...] = ()
    words: str = field(default="", repr=False)
    noise: bool = False
    least_everyday: float = 1.0
    signs: frozenset[str] = frozenset()

    @property
    def rank(self) -> int:
        """Place in the queue: 0 needs help now, 1 soon, 2 routine."""
        return RANK[self.urgency]


class Report(Base):
    """One conversation. Its words are the inbound `message` rows of its case.

    `broadcast_id` names the text to many that this number had got shortly before, and never whose row of it.
    `settles_at` is set while somebody may still be telling by a dialled code: then contacts are told of what there is so far.
    """

    __tablename__ = "report"
    __table_args__ = (
        Index("ix_report_conversation", "caller_id", "last_inbound_at"),
        partial_index("ix_report_broadcast", "broadcast_id", where="broadcast_id IS NOT NULL"),
        partial_index("ix_report_settles", "settles_at", where="settles_at IS NOT NULL"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), unique=True)
    caller_id: Mapped[str] = mapped_column(ForeignKey("caller.id"))
    channel: Mapped[str]
    gateway: Mapped[str]
    opened_at: Mapped[datetime]
    last_inbound_at: Mapped[datetime]
    settles_at: Mapped[datetime | None]
    broadcast_id: Mapped[str | None] = mapped_column(ForeignKey("broadcast.id"))


class Assessed(Base):
    """Triage's reading of a report at one time; the newest counts. Words and places are inside `sealed`."""

    __tablename__ = "assessment"
    __table_args__ = (Index("ix_assessment_case", "case_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"))
    category: Mapped[str]
    urgency: Mapped[str]
    minors: Mapped[str]
    rules_version: Mapped[str]
    sealed: Mapped[bytes]
    at: Mapped[datetime]
