"""Who saw and did what, each row chained to the one before."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base


class AuditEvent(Base):
    """One act. `meta` holds handles, states and counts, never words or numbers of people, so shredding a case breaks no chain."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_actor", "actor", "seq"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str] = mapped_column(index=True)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[bytes]
    hash: Mapped[bytes]
