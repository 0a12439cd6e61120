"""Texts that came in and texts that go out, and each try to send one."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class Direction(StrEnum):
    """Seen from us."""

    IN = "in"
    OUT = "out"


class Lane(StrEnum):
    """Which workers carry a message. A broadcast cannot delay an alert because it has other workers."""

    LIFE = "life"
    REPLY = "reply"
    BULK = "bulk"


class MessageKind(StrEnum):
    """What a message is, which decides what is done when we do not know whether it was sent (docs/safety.md)."""

    REPORT = "report"
    ANSWER_IN = "answer_in"
    AUTO = "auto"
    REPLY = "reply"
    ALERT = "alert"
    NOTICE = "notice"
    BROADCAST = "broadcast"
    CALL = "call"


class MessageState(StrEnum):
    """queued → claimed → accepted → sent → delivered | undelivered; also held, unknown, failed, suppressed, dead, cancelled."""

    STORED = "stored"
    HELD = "held"
    QUEUED = "queued"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    DEAD = "dead"


DEAD_STATES = (MessageState.DEAD, MessageState.FAILED, MessageState.UNKNOWN)
ON_THE_WAY = (MessageState.QUEUED, MessageState.CLAIMED)


class Message(Base):
    """One text. The body is sealed with its case's key; the number is read from caller or contact when it is sent.

    One of a broadcast names it and its subscriber, and there is one such row for each of them at most; of the kind `call` it is
    no text but a call, and its body says which recording is played.
    A piece of a long text names the one that came first (`joined_to`), its place (`piece`) and its `reference`.
    `handled_at`: when a person, or an answer to the case, settled a text that had been set aside.
    """

    __tablename__ = "message"
    __table_args__ = (
        partial_index("ix_message_due", "lane", "state", "due_at", where=f"state IN {listed(ON_THE_WAY)}"),
        Index("ix_message_case", "case_id", "created_at"),
        partial_index("ix_message_provider", "gateway", "provider_id", where="provider_id IS NOT NULL", unique=True),
        partial_index("ix_message_inbox", "inbox_id", where="inbox_id IS NOT NULL"),
        partial_index("ix_message_broadcast", "broadcast_id", "state", "due_at", where="broadcast_id IS NOT NULL"),
        partial_index("ix_message_call", "state", "accepted_at", where=f"kind IN {listed([MessageKind.CALL])}"),
        partial_index("uq_message_once", "subscriber_id", "broadcast_id", where="subscriber_id IS NOT NULL", unique=True),
        partial_index("ix_message_dead", "lane", "settled_at", where=f"state IN {listed(DEAD_STATES)} AND handled_at IS NULL"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("case.id"))
    direction: Mapped[str]
    kind: Mapped[str]
    lane: Mapped[str | None]
    caller_id: Mapped[str | None] = mapped_column(ForeignKey("caller.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    officer_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    broadcast_id: Mapped[str | None]
    subscriber_id: Mapped[str | None]
    inbox_id: Mapped[str | None]
    template: Mapped[str | None]
    joined_to: Mapped[str | None]
    piece: Mapped[int | None]
    reference: Mapped[str | None]
    sealed: Mapped[bytes]
    gateway: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    claim_token: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    handled_at: Mapped[datetime | None]


class Attempt(Base):
    """One try to hand a message to a gateway, written before the gateway is called so that a crash leaves a trace.

    `faulty` says that it went wrong, or took too long, and the gateway, not the number, was to blame.
    """

    __tablename__ = "attempt"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    message_id: Mapped[str] = mapped_column(ForeignKey("message.id"), index=True)
    gateway: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    code: Mapped[str | None]
    faulty: Mapped[bool | None]


class GatewayHealth(Base):
    """What all workers know of a gateway that failed: a row is written only when something goes wrong, or right again.

    Tries before `since` no longer count against it. Its circuit is open until `shut_until`, and has opened `trips` times in a
    row; `paused_until` is when it asked us to come back.
    """

    __tablename__ = "gateway_health"

    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    trips: Mapped[int] = mapped_column(default=0)
    shut_until: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
