"""Kannel: an SMPP gateway of one's own for a short code, over HTTP on this machine.

Its smsbox posts an incoming text as the body with X-Kannel headers, or puts all into the query of a GET. Whatever we answered
would be texted to the caller, so the answer is empty. It keeps no queue on disk for our hooks: docs/deploy-a-short-code.md has
the settings under which nothing is lost. Sources: Kannel 1.4.5 User's Guide, chapters 6 (sms-service, sendsms) and 10 (receipts).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes, urlencode

from hotline import gsm7
from hotline.config import Settings
from hotline.gateways.contract import (
    Answer,
    Certainty,
    InboundText,
    OutboundText,
    Part,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    moment,
    plain_id,
    words,
)
from hotline.gateways.unsigned import Hook
from hotline.gateways.wire import Wire, by_status
from hotline.privacy import Keyring

FIELDS = {"sms": ("id", "udh", "from", "to", "text"), "status": ("message", "type", "foreign")}
# Bits of a receipt, one at a time.
PROGRESS = {
    "1": Progress.DELIVERED,
    "2": Progress.UNDELIVERED,
    "4": Progress.ACCEPTED,  # buffered by the network
    "8": Progress.SENT,
    "16": Progress.FAILED,
}
MASK = "27"  # all but 4, which says nothing new
UCS2 = "2"
CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_-]+)")
CHARSETS = {"utf-8": "utf-8", "utf-16be": "utf-16-be", "iso-8859-1": "latin-1"}
ACCEPTED = re.compile(r"(?:0: Accepted for delivery|3: Queued for later delivery)")
CONCAT_8, CONCAT_16 = 0x00, 0x08  # information elements of TS 23.040 section 9.2.3.24


class Kannel:
    """One smsbox."""

    name = "kannel"
    kinds = frozenset(FIELDS)
    per_request = 1
    folds_copies = False
    methods = frozenset({"GET", "POST"})

    def __init__(self, settings: Settings) -> None:
        self._url, self._from = settings.kannel_send_url, settings.kannel_from
        self._user, self._password = settings.kannel_username, settings.kannel_password.get_secret_value()
        self._hook = Hook(self.name, self.kinds, settings, base=settings.inner_url)
        self._wire = Wire(settings)
        self.secrets = (*self._hook.secrets, *filter(None, [self._password]))

    def address(self, kind: str) -> str:
        """Return the address for Kannel's own configuration; a receipt's is given with each text."""
        return self._hook.address(kind) + {"sms": "?id=%I&udh=%u", "status": "?type=%d&foreign=%F"}[kind]

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {
            "HOTLINE_HOOK_SECRETS": self._hook.secrets,
            "HOTLINE_KANNEL_USERNAME": self._user,
            "HOTLINE_KANNEL_PASSWORD": self._password,
            "HOTLINE_KANNEL_FROM": self._from,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if the secret in the path is ours. Raises Forged."""
        self._hook.verify(webhook, FIELDS[webhook.kind])

    def external_id(self, webhook: Webhook) -> str | None:
        """Return Kannel's id of a text; of a receipt what it says of which try."""
        asked = webhook.query
        if webhook.kind == "sms":
            return asked.get("id") or webhook.fields.get("id") or None
        known = asked.get("message") and asked.get("type")
        return ":".join([asked["message"], asked["type"], asked.get("foreign", "")]) if known else None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; words would be texted to the caller
        """Return an empty body."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read sender, addressee and words from headers and body, or from the query. Raises Unreadable without sender."""
        asked, headers = webhook.query, webhook.headers
        sender = headers.get("x-kannel-from") or asked.get("from")
        if not sender:
            raise Unreadable("from")
        body = asked["text"] if "text" in asked else _decoded(webhook.body, headers.get("content-type", ""))
        udh = unquote_to_bytes(headers.get("x-kannel-udh", "")) or asked.get("udh", "").encode("utf-8", "surrogateescape")
        to, at = headers.get("x-kannel-to") or asked.get("to", ""), moment(headers.get("x-kannel-time", ""))
        return InboundText(sender, to, body, sent_at=at, part=part(udh))

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read a receipt; our own id stands in the query we gave with the text. Raises Unreadable."""
        asked = webhook.query
        if asked.get("type") not in PROGRESS or not asked.get("message"):
            raise Unreadable("type" if asked.get("message") else "message")
        return StatusUpdate("", plain_id(asked["message"]), PROGRESS[asked["type"]], None)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand each text to smsbox, which queues it."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        receipt = f"{self.address('status')}&{urlencode({'message': text.id})}"
        headers = {
            "X-Kannel-Username": self._user,
            "X-Kannel-Password": self._password,
            "X-Kannel-From": self._from,
            "X-Kannel-To": quote(text.to, safe="+"),
            "X-Kannel-DLR-Mask": MASK,
            "X-Kannel-DLR-Url": receipt,
            "Content-Type": "text/plain; charset=UTF-8",
            **({} if gsm7.fits(text.body) else {"X-Kannel-Coding": UCS2}),
            **({"X-Kannel-Validity": str(max(1, text.valid_for // 60))} if text.valid_for else {}),
        }
        reply = self._wire.ask("POST", self._url, body=text.body.encode("utf-8", "replace"), headers=headers)
        if reply.status in (200, 202) and ACCEPTED.match(reply.text):
            return Sent(text.id, Certainty.ACCEPTED)
        return by_status(text, reply)


def make(settings: Settings, keyring: Keyring) -> Kannel | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when the address of an smsbox is set."""
    return Kannel(settings) if settings.kannel_send_url else None


def part(udh: bytes) -> Part | None:
    """Read which piece of a long text a user data header says this is, or None."""
    for element, data in _elements(udh):
        if element == CONCAT_8 and len(data) == 3:
            return Part(data[0], data[2], data[1])
        if element == CONCAT_16 and len(data) == 4:
            return Part(int.from_bytes(data[:2]), data[3], data[2])
    return None


def _elements(udh: bytes) -> Iterator[tuple[int, bytes]]:
    at = 1  # behind the header's own length
    while at + 1 < len(udh):
        end = at + 2 + udh[at + 1]
        yield udh[at], udh[at + 2 : end]
        at = end


def _decoded(body: bytes, content_type: str) -> str:
    named = CHARSET.search(content_type)
    known = CHARSETS.get(named[1].lower()) if named else None
    try:
        return body.decode(known) if known else words(body)
    except UnicodeDecodeError:
        return words(body)
