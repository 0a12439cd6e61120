"""Makes message rows: the body sealed with its case's key, the lane and the life span that its kind calls for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hotline.models import Direction, Lane, MessageKind, MessageState, new_id
from hotline.privacy import Key


def bound_to(message_id: str) -> str:
    """Return what a message's body is bound to."""
    return f"message|sealed|{message_id}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A text before it is a row. `valid_for` says after how long it is dropped unsent; without it, never.

    `known_as` is the id of its row, where whoever writes it chose one.
    """

    kind: MessageKind
    body: str
    gateway: str
    case_id: str | None = None
    caller_id: str | None = None
    contact_id: str | None = None
    officer_id: str | None = None
    broadcast_id: str | None = None
    subscriber_id: str | None = None
    inbox_id: str | None = None
    joined_to: str | None = None
    piece: int | None = None
    reference: str | None = None
    template: str | None = None
    lane: Lane | None = None
    state: MessageState = MessageState.QUEUED
    due_at: datetime | None = None
    valid_for: timedelta | None = None
    known_as: str | None = None

    def row(self, key: Key, now: datetime) -> dict[str, object]:
        """Return the row to insert, sealed with the case's key, or the deployment's where there is no case."""
        row_id = self.known_as or new_id()
        incoming = self.state is MessageState.STORED
        return {
            "id": row_id,
            "case_id": self.case_id,
            "direction": Direction.IN if incoming else Direction.OUT,
            "kind": self.kind,
            "lane": self.lane,
            "caller_id": self.caller_id,
            "contact_id": self.contact_id,
            "officer_id": self.officer_id,
            "broadcast_id": self.broadcast_id,
            "subscriber_id": self.subscriber_id,
            "inbox_id": self.inbox_id,
            "joined_to": self.joined_to,
            "piece": self.piece,
            "reference": self.reference,
            "template": self.template,
            "sealed": key.seal_text(self.body, bound_to(row_id)),
            "gateway": self.gateway,
            "state": self.state,
            "created_at": now,
            "due_at": None if incoming else self.due_at or now,
            "valid_until": now + self.valid_for if self.valid_for else None,
            "attempts": 0,
        }
