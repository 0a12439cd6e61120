"""Return codes, by keyed hash, and how often a phone has tried one on a day."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base


class ReturnCode(Base):
    """One code that was given for a case. `id` is a keyed hash of its ten digits, which stand nowhere."""

    __tablename__ = "return_code"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    at: Mapped[datetime]


class CodeTry(Base):
    """How many codes one phone has tried on one day. `name` is a keyed hash of both; removed two days later."""

    __tablename__ = "code_try"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
