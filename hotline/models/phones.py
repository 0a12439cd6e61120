"""The browser phones of a demo: what a handset would hold. Empty in a real deployment."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, new_id


class PhoneText(Base):
    """One text on a browser phone, as its network delivered it."""

    __tablename__ = "phone_text"
    __table_args__ = (Index("ix_phone_text_phone", "number_index", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    number_index: Mapped[bytes]
    direction: Mapped[str]
    sender_sealed: Mapped[bytes]
    sealed: Mapped[bytes]
    at: Mapped[datetime]
