"""What every gateway promises: prove a webhook genuine, read it, answer it, and send.

Pure: a gateway never touches the database or the queue. `verify` and `receive` run inside the webhook and must be quick;
`read` and `send` run in workers. Errors carry a decision, never a provider's text, which may hold a number.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cached_property
from typing import Protocol, runtime_checkable
from urllib.parse import unquote_to_bytes

PLAIN_ID = re.compile(r"[!-~]{1,128}")
BESIDE = ("mail", "webhook")  # gateways that reach a contact at an address of its own, beside the text to their phone


@dataclass(frozen=True)
class Webhook:
    """A request as it came. `target` is path and query exactly as signed; header names are lower case.

    `peer` is the address of the client, behind a proxy the one the proxy saw; `heard_at` is when it came, in Unix seconds.
    """

    kind: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: str = ""
    heard_at: float = field(default_factory=time.time)

    @cached_property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The body as an urlencoded form; signature and fields both need it."""
        return form(self.body)

    @cached_property
    def fields(self) -> dict[str, str]:
        """The form's fields by name; of a doubled field the first counts."""
        return {words(key): words(value) for key, value in reversed(self.pairs)}

    @cached_property
    def query(self) -> dict[str, str]:
        """The fields of the query by name; of a doubled field the first counts."""
        asked = form(self.target.partition("?")[2].encode("latin-1", "replace"))
        return {words(key): words(value) for key, value in reversed(asked)}

    @cached_property
    def json(self) -> dict[str, object]:
        """The body as a JSON object, empty when it is none; of a doubled field the first counts."""
        try:
            read = json.loads(words(self.body), strict=False, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}

    def packed(self) -> bytes:
        """Return the whole request as bytes to seal: one line of JSON, then the body untouched."""
        head = [self.kind, self.target, dict(self.headers), self.peer, self.heard_at]
        return json.dumps(head).encode() + b"\n" + self.body

    @classmethod
    def unpacked(cls, raw: bytes) -> "Webhook":
        """Return what `packed` packed."""
        head, _, body = raw.partition(b"\n")
        kind, target, headers, *origin = json.loads(head)
        return cls(kind, target, headers, body, *origin)


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
class Part:
    """Which piece of a long text this is (3GPP TS 23.040, 9.2.3.24.1): `number` of `total`, counted from 1.

    `reference` is the same for all pieces of one text; a phone uses it again after 256 or 65,536 texts.
    """

    reference: int
    number: int
    total: int


@dataclass(frozen=True)
class InboundText:
    """One text from a phone (MO). `sender` and `body` are as the gateway wrote them.

    `sent_at` is the gateway's own time of the text, where it tells one. `doubled` says that this gateway now and then tells
    of one SMS under two ids, as phones with Android do; intake then folds the two into one. `part` says which piece of a
    long text this is, where the gateway tells.
    """

    sender: str
    to: str
    body: str
    sent_at: datetime | None = None
    doubled: bool = False
    part: Part | None = None


@dataclass(frozen=True)
class OptOut:
    """The gateway says that whoever holds this number has stopped our texts there. `sender` is as the gateway wrote it."""

    sender: str


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
    """The outcome of one try. `retry` says that a refused text may be tried again; `opted_out` that it must never be.

    `retry_after` is how many seconds the gateway asked us to wait before we send it anything more; `slow` that the answer
    took longer than a healthy gateway's; `theirs` that whoever was written to is to blame, and nothing sent to others suffers.
    """

    id: str
    certainty: Certainty
    provider_id: str | None = None
    code: str | None = None
    retry: bool = False
    opted_out: bool = False
    retry_after: float | None = None
    slow: bool = False
    theirs: bool = False

    @property
    def faulty(self) -> bool:
        """Whether the gateway is to blame. Being asked to wait is no fault, and neither is a number that is dead."""
        if self.theirs:
            return False
        refused = self.certainty is Certainty.REFUSED and self.retry and self.retry_after is None
        return refused or self.slow or self.certainty is Certainty.UNKNOWN


class Gateway(Protocol):
    """One provider, both directions.

    `methods` are the HTTP methods its webhooks come by. `secrets` are all words of its settings that must never be seen.
    """

    name: str
    kinds: frozenset[str]
    folds_copies: bool  # whether a text given again under the same id goes out once only
    per_request: int  # texts that one request carries; `send` is given so many at a time, from many threads
    methods: frozenset[str]
    secrets: tuple[str, ...]

    def address(self, kind: str) -> str:
        """Return the address the gateway is to be told for this kind of webhook. It may hold a secret."""

    def lacking(self) -> tuple[str, ...]:
        """Return the names of settings without which a direction does not work; empty when all is there."""

    def verify(self, webhook: Webhook) -> None:
        """Return if the webhook is genuine. Raises Forged."""

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the provider's own id of this event, by which a repeat is recognised; None when it has none."""

    def answer(self, kind: str) -> Answer:
        """Return what to answer once the event is stored."""

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read an inbound text. Raises Unreadable."""

    def read_status(self, webhook: Webhook) -> StatusUpdate | OptOut:
        """Read a callback of any kind that is no text. Raises Unreadable."""

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand texts over and say what is known of each, in the same order. Never raises for a provider's fault."""

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:
        """Return the provider's ids of what it has been sent since then that may be this very text, oldest first.

        Asked before a text in doubt is sent again. Nothing when it has none, cannot be asked, or does not answer.
        """


def seconds_to_wait(status: int, said: str | None) -> float | None:
    """Return for how long an answer asks us to stay away, by its status and its Retry-After; None where it does not.

    The header holds seconds or a date (RFC 9110, 10.2.3). A 429 without one that can be read asks for a second.
    """
    unsaid = 1.0 if status == 429 else None
    if said is None:
        return unsaid
    if said.strip().isascii() and said.strip().isdigit():
        return float(said.strip()[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return unsaid


@dataclass(frozen=True)
class Found:
    """A text or call of a gateway's own list, as the webhook that should have told of it, and when the gateway had received it.

    `call` is the gateway's own id of a call.
    """

    webhook: Webhook
    at: datetime
    call: str = ""


@dataclass(frozen=True)
class Page:
    """Some texts and calls of a gateway's list. `cursor`: everything before it has been listed; None while more follow."""

    found: tuple[Found, ...]
    cursor: str | None


class NotListed(Exception):
    """The gateway did not give its list. `code` is a status or a class, never a provider's text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@runtime_checkable
class Listing(Protocol):
    """What a gateway can do besides: tell what it has received, so that a webhook that never came is not a person lost."""

    def listed(self, cursor: str | None, since: datetime) -> Iterator[Page]:
        """Yield the inbound texts, and calls where it lists them, after `cursor`, none older than `since`. Raises NotListed.

        The cursor is the gateway's own: a time, or the last id it gave. Each comes as the very webhook that was missed,
        so that it has the same unique key; texts and calls may be listed again.
        """


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
            if b"%" in part:
                key, value = unquote_to_bytes(key), unquote_to_bytes(value)
            pairs.append((key, value))
    return pairs


def words(raw: bytes) -> str:
    """Decode a field for reading. Bytes that are no UTF-8 become lone surrogates, so the original can be had back."""
    return raw.decode("utf-8", "surrogateescape")


def moment(written: str) -> datetime | None:
    """Read a time in ISO 8601; without a zone it is UTC. What is no time is None."""
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def said(value: object) -> str:
    """Return a JSON value as text: a number as it is written, anything that is neither text nor number as nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def plain_id(external_id: str | None) -> str | None:
    """Return a provider's id in a form any index can hold: as it is when it is short printable ASCII, else its hash."""
    if external_id is None or PLAIN_ID.fullmatch(external_id):
        return external_id
    return f"h-{hashlib.sha256(external_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
