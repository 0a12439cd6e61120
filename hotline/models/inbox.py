"""What gateways sent us, sealed as it came, before anybody has looked at it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class InboxKind(StrEnum):
    """What a webhook tells of."""

    SMS = "sms"
    STATUS = "status"
    USSD = "ussd"
    USSD_END = "ussd_end"
    OPT_OUT = "optout"
    BEEP = "beep"
    VOICE = "voice"
    VOICE_EVENT = "voice_event"
    RECORDING = "recording"
    DESK = "desk"


CALLS = frozenset({InboxKind.VOICE, InboxKind.VOICE_EVENT, InboxKind.RECORDING})


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


UNREAD = (InboxState.RECEIVED, InboxState.CLAIMED, InboxState.POISON)
SET_ASIDE = (InboxState.PARKED, InboxState.POISON)


class Inbox(Base):
    """One genuine webhook: the promise behind our 200. `sealed` opens only in a worker.

    Of a text that may be one told twice, `likeness` is a keyed hash of sender and words and `said_at` its time; `flag` says
    what it was found to be, and `same_as` beside which row.

    `found_at`: when the gateway's own list told us of a text whose webhook never came. `handled_at`: when a person settled a
    row that was set aside. `reason` of a row that is done says what became of it where no message holds its words.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("gateway", "kind", "external_id"),
        partial_index("ix_inbox_waiting", "state", "id", where=f"state IN {listed(UNREAD)}"),
        partial_index("ix_inbox_aside", "state", "id", where=f"state IN {listed(SET_ASIDE)} AND handled_at IS NULL"),
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
    found_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]


class QuarantineState(StrEnum):
    """held → asked (a person wants it checked again) → held | genuine; or left, when a person says that it is noise."""

    HELD = "held"
    ASKED = "asked"
    GENUINE = "genuine"
    LEFT = "left"


class Quarantine(Base):
    """A webhook whose signature failed: refused with 403, kept sealed in case our own token was the wrong one."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("ix_quarantine_state_id", "state", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    gateway: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    sealed: Mapped[bytes]
    size: Mapped[int]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=QuarantineState.HELD)


class Reconciled(Base):
    """How far a gateway's own list of what it received has been compared with the inbox. `cursor` is the gateway's to read."""

    __tablename__ = "reconciled"

    gateway: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    asked_at: Mapped[datetime]
    found: Mapped[int] = mapped_column(default=0)


class Counter(Base):
    """A running total, so that nothing on the webhook's path ever has to count rows."""

    QUARANTINED_BYTES = "quarantine.bytes"
    SPOOL_BAD = "spool.bad"

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
