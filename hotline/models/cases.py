"""Cases, the key each is sealed with, who was told of them, and what officers noted."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, listed, new_id, partial_index
from hotline.models.people import Contact, Officer


class CaseState(StrEnum):
    """unfinished → new → open → waiting → passed_on → closed (reopen 30 days); frozen blocks every send."""

    UNFINISHED = "unfinished"
    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    PASSED_ON = "passed_on"
    CLOSED = "closed"
    FROZEN = "frozen"


class Aside(StrEnum):
    """parked: noise that waits in a view of its own. sampled: noise that stays in the queue, so that a person looks at it."""

    PARKED = "parked"
    SAMPLED = "sampled"


AT_REST = (CaseState.CLOSED, CaseState.FROZEN)


class Case(Base):
    """What officers work on. `handle` is said aloud and texted; `token` stands in addresses; neither proves anything alone.

    `next_step_at` is when the ladder climbs if nobody has answered; empty means nobody has to. `aside` is empty but for noise.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_queue", "state", "rank", "opened_at"),
        partial_index("ix_case_ladder", "next_step_at", where="next_step_at IS NOT NULL"),
        partial_index("ix_case_unanswered", "rank", "id", where=f"acknowledged_at IS NULL AND state NOT IN {listed(AT_REST)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    token: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_urlsafe(16))
    handle: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=CaseState.NEW)
    category: Mapped[str]
    urgency: Mapped[str]
    rank: Mapped[int]
    minors: Mapped[str]
    language: Mapped[str]
    channel: Mapped[str]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    claimed_at: Mapped[datetime | None]
    ladder_from: Mapped[datetime | None]
    ladder_step: Mapped[int] = mapped_column(default=0)
    next_step_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    version: Mapped[int] = mapped_column(default=0)
    aside: Mapped[str | None]

    owner: Mapped[Officer | None] = relationship(lazy="joined")
    acknowledged_by: Mapped[Contact | None] = relationship(lazy="joined")


class CaseKey(Base):
    """The data key of one case, wrapped by the key-encryption key `kid`. Deleting this row shreds the case."""

    __tablename__ = "case_key"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    kid: Mapped[str]
    wrapped: Mapped[bytes]


class Verb(StrEnum):
    """A contact's answer to an alert."""

    TAKE = "take"
    PASS_ON = "pass_on"  # noqa: S105  "pass on" an alert, not a password
    NOT_OURS = "not_ours"


class ReferralState(StrEnum):
    """queued → told → acknowledged | passed_on | declined. Only a person's answer moves it past told."""

    QUEUED = "queued"
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"
    PASSED_ON = "passed_on"
    DECLINED = "declined"


class Referral(Base):
    """One contact told, or about to be told, of one case."""

    __tablename__ = "referral"
    __table_args__ = (UniqueConstraint("case_id", "contact_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    state: Mapped[str] = mapped_column(default=ReferralState.QUEUED)
    why: Mapped[str]
    step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]

    contact: Mapped[Contact] = relationship(lazy="joined")


class Note(Base):
    """What an officer or a contact wrote for colleagues. Never shown or sent to a caller."""

    __tablename__ = "note"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    officer_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    sealed: Mapped[bytes]
    at: Mapped[datetime]

    officer: Mapped[Officer | None] = relationship(lazy="joined")
    contact: Mapped[Contact | None] = relationship(lazy="joined")
