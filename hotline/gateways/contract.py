"""What every gateway promises: prove a webhook genuine, read it, answer it, and send.

Pure: a gateway never touches the database or the queue. `verify` and `receive` run inside the webhook and must be quick;
`read` and `send` run in workers. Errors carry a decision, never a provider's text, which may hold a number.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Protocol
from urllib.parse import unquote_to_bytes

PLAIN_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Webhook:
    """A request as it came. `target` is path and query exactly as signed; header names are lower case."""

    kind: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The body as an urlencoded form; signature and fields both need it."""
        return form(self.body)

    @cached_property
    def fields(self) -> dict[str, str]:
        """The form's fields by name; of a doubled field the first counts."""
        return {words(key): words(value) for key, value in reversed(self.pairs)}

    def packed(self) -> bytes:
        """Return the whole request as bytes to seal: one line of JSON, then the body untouched."""
        return json.dumps([self.kind, self.target, dict(self.headers)]).encode() + b"\n" + self.body

    @classmethod
    def unpacked(cls, raw: bytes) -> "Webhook":
        """Return what `packed` packed."""
        head, _, body = raw.partition(b"\n")
        kind, target, headers = json.loads(head)
        return cls(kind, target, headers, body)


@dataclass(frozen=True)
class Answer:
    """What the gateway wants to hear once the row is stored."""

    body: str
    content_type: str


class Forged(Exception):
    """The webhook does not prove that it is the gateway's. `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreadable(Exception):
    """A genuine webhook lacks what it must have. `field` names what; the row is parked for a person."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True)
class InboundText:
    """One text from a phone (MO). `sender` and `body` are as the gateway wrote them.

    `sent_at` is the gateway's own time of the text, where it tells one. `doubled` says that this gateway now and then tells
    of one SMS under two ids, as phones with Android do; intake then folds the two into one.
    """

    sender: str
    to: str
    body: str
    sent_at: datetime | None = None
    doubled: bool = False


@dataclass(frozen=True)
class Hop:
    """One hop of a USSD session (MO). `text` is all that was typed so far, joined by `*`; `sender` and it are as they came."""

    session: str
    sender: str
    text: str


@dataclass(frozen=True)
class HopsEnd:
    """The network says that a session is over; `whole` that it came to its own end."""

    session: str
    sender: str
    whole: bool


class Progress(StrEnum):
    """How far a sent text got; the order is the rank, and rank only rises."""

    ACCEPTED = "accepted"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a text we sent (DLR). `message_id` is ours when the gateway carries it back, else `provider_id` names it.

    All of it is plain: ids and codes that could not be stored, or could quote a person, never leave the gateway.
    """

    provider_id: str
    message_id: str | None
    progress: Progress
    code: str | None
    opted_out: bool = False


@dataclass(frozen=True)
class OutboundText:
    """One text to send. `id` is the message's id, given to the gateway as reference wherever it takes one."""

    id: str
    to: str
    body: str
    valid_for: int | None = None


class Certainty(StrEnum):
    """What we know after a try: only `refused` is surely not sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sent:
    """The outcome of one try. `retry` says that a refused text may be tried again; `opted_out` that it must never be."""

    id: str
    certainty: Certainty
    provider_id: str | None = None
    code: str | None = None
    retry: bool = False
    opted_out: bool = False


class Gateway(Protocol):
    """One provider, both directions."""

    name: str
    kinds: frozenset[str]

    def verify(self, webhook: Webhook) -> None:
        """Return if the webhook is genuine. Raises Forged."""

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the provider's own id of this event, by which a repeat is recognised; None when it has none."""

    def answer(self, kind: str) -> Answer:
        """Return what to answer once the event is stored."""

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read an inbound text. Raises Unreadable."""

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read a status callback. Raises Unreadable."""

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand texts over and say what is known of each, in the same order. Never raises for a provider's fault."""


def read_hop(webhook: Webhook) -> Hop:
    """Read a USSD hop in Africa's Talking's field names, which the demo's network uses too. Raises Unreadable.

    developers.africastalking.com/docs/ussd/handle_sessions: sessionId, phoneNumber, networkCode, serviceCode, text.
    """
    fields = webhook.fields
    if not fields.get("sessionId"):
        raise Unreadable("sessionId")
    return Hop(fields["sessionId"], fields.get("phoneNumber", ""), fields.get("text", ""))


def read_hops_end(webhook: Webhook) -> HopsEnd:
    """Read a USSD end notification: sessionId, phoneNumber, status (Success, Incomplete, Failed). Raises Unreadable.

    It repeats everything that was typed, which is not read: each hop was stored when it came.
    """
    fields = webhook.fields
    if not fields.get("sessionId"):
        raise Unreadable("sessionId")
    return HopsEnd(fields["sessionId"], fields.get("phoneNumber", ""), fields.get("status", "").lower() == "success")


def form(body: bytes) -> list[tuple[bytes, bytes]]:
    """Split an urlencoded body into pairs of raw bytes, in order, doubles and blanks kept.

    Bytes, because a signature covers bytes: what is not UTF-8 must neither break the check nor be altered by it.
    """
    pairs = []
    for part in body.replace(b"+", b" ").split(b"&"):
        if part:
            key, _, value = part.partition(b"=")
            pairs.append((_unquoted(key), _unquoted(value)))
    return pairs


def _unquoted(raw: bytes) -> bytes:
    return unquote_to_bytes(raw) if b"%" in raw else raw


def words(raw: bytes) -> str:
    """Decode a field for reading. Bytes that are no UTF-8 become lone surrogates, so the original can be had back."""
    return raw.decode("utf-8", "surrogateescape")


def plain_id(external_id: str | None) -> str | None:
    """Return a provider's id in a form any index can hold: as it is when it is short printable ASCII, else its hash."""
    if external_id is None or PLAIN_ID.fullmatch(external_id):
        return external_id
    return f"h-{hashlib.sha256(external_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
