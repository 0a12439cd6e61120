"""What gateways sent us, sealed as it came, before anybody has looked at it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, new_id, partial_index


class InboxKind(StrEnum):
    """What a webhook tells of."""

    SMS = "sms"
    STATUS = "status"
    USSD = "ussd"
    USSD_END = "ussd_end"


class InboxState(StrEnum):
    """received → claimed → done | parked | poison. Nothing is deleted before its retention day."""

    RECEIVED = "received"
    CLAIMED = "claimed"
    DONE = "done"
    PARKED = "parked"
    POISON = "poison"


class InboxFlag(StrEnum):
    """twin: the gateway told of one SMS twice, and this telling did nothing. alike: the same words without an id; both count."""

    TWIN = "twin"
    ALIKE = "alike"


class Inbox(Base):
    """One genuine webhook: the promise behind our 200. `sealed` opens only in a worker.

    Of a text that may be one told twice, `likeness` is a keyed hash of sender and words and `said_at` its time; `flag` says
    what it was found to be, and `same_as` beside which row.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("gateway", "kind", "external_id"),
        partial_index("ix_inbox_waiting", "state", "id", where="state IN ('received', 'claimed', 'poison')"),
        partial_index("ix_inbox_likeness", "likeness", "said_at", where="likeness IS NOT NULL"),
        partial_index("ix_inbox_flag", "flag", where="flag IS NOT NULL"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str]
    kind: Mapped[str]
    external_id: Mapped[str]
    sealed: Mapped[bytes]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=InboxState.RECEIVED)
    claim_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None]
    likeness: Mapped[bytes | None]
    said_at: Mapped[datetime | None]
    flag: Mapped[str | None]
    same_as: Mapped[str | None]


class QuarantineState(StrEnum):
    """held until its signature can be checked again with a mended token."""

    HELD = "held"
    GENUINE = "genuine"


class Quarantine(Base):
    """A webhook whose signature failed: refused with 403, kept sealed in case our own token was the wrong one."""

    __tablename__ = "quarantine"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    sealed: Mapped[bytes]
    size: Mapped[int]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=QuarantineState.HELD, index=True)


class Counter(Base):
    """A running total, so that nothing on the webhook's path ever has to count rows."""

    QUARANTINED_BYTES = "quarantine.bytes"
    SPOOL_BAD = "spool.bad"

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
