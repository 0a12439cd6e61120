"""What the desk keeps beside its cases: the word by which a person is known again."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base


class CheckWord(Base):
    """The word a person chose, so that we know next time that it is them, sealed. `wrong` counts failed tries in a row."""

    __tablename__ = "check_word"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    sealed: Mapped[bytes]
    wrong: Mapped[int] = mapped_column(default=0)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    at: Mapped[datetime]
