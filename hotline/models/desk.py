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
