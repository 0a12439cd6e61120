"""Keys by which a partner's program writes to us and asks us. Only a hash of a key is here."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, new_id
from hotline.models.people import Agency


class Scope(StrEnum):
    """What a key may be used for, each by itself."""

    REPORT = "report"
    REFERRALS = "referrals"
    FIGURES = "figures"


class ApiKey(Base):
    """A key of one agency's program: what is kept from the agency is kept from it. `seen_at` is when it was used last."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    revoked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]

    agency: Mapped[Agency] = relationship(lazy="joined")
