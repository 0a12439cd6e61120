"""What the desk keeps beside its cases: the word by which a person is known again, and what a shift leaves to the next."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, new_id
from hotline.models.people import Officer


class CheckWord(Base):
    """The word a person chose, so that we know next time that it is them, sealed. `wrong` counts failed tries in a row."""

    __tablename__ = "check_word"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    sealed: Mapped[bytes]
    wrong: Mapped[int] = mapped_column(default=0)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    at: Mapped[datetime]


class Handover(Base):
    """A word left for the next shift, sealed; about no case and nobody."""

    __tablename__ = "handover"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    sealed: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(index=True)

    officer: Mapped[Officer] = relationship(lazy="joined")


class QueueFilter(Base):
    """What somebody narrows the queue to, under a name. `asked` is its address after the question mark: a view and facts.

    `role` is the role that sees it too; None for one's own.
    """

    __tablename__ = "queue_filter"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    role: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    asked: Mapped[str]
    at: Mapped[datetime]
