"""SMS Gateway for Android (capcom6): a phone with a local SIM as gateway, for pilots and as a second way.

The phone signs each webhook with its own clock, anew on every try. Cheap phones have wrong clocks, so a good signature with a
wrong time is taken, and the time noted: the event's id, not the time, is what keeps a replay out. Sources:
docs.sms-gate.app/features/webhooks, /integration/api, and PayloadSigningPlugin.kt of the app.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Sequence
from datetime import datetime

from hotline.config import Settings
from hotline.gateways.contract import (
    Answer,
    Certainty,
    Forged,
    InboundText,
    OutboundText,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    moment,
    plain_id,
    said,
)
from hotline.gateways.wire import Wire, by_status
from hotline.privacy import Keyring

log = logging.getLogger(__name__)

SIGNATURE, TIMESTAMP = "x-signature", "x-timestamp"
TOLERANCE = 300  # seconds; what the vendor's guide allows
UNIX_TIME = re.compile(r"[0-9]{1,12}")
RECEIVED = "sms:received"
PROGRESS = {
    "sms:sent": Progress.SENT,
    "sms:delivered": Progress.DELIVERED,
    "sms:failed": Progress.FAILED,
    "sms:cancelled": Progress.FAILED,
}
REASON = re.compile(r"[A-Z][A-Z_]{3,60}")  # RESULT_ERROR_NO_SERVICE and its like; other sentences may quote the number
URGENT = 100  # priority from which the app's own speed limits do not count


class SmsGate:
    """One or more phones behind one account."""

    name = "smsgate"
    kinds = frozenset({"sms", "status"})
    per_request = 1
    folds_copies = True
    methods = frozenset({"POST"})

    def __init__(self, settings: Settings) -> None:
        self._url, self._sim = settings.smsgate_send_url, settings.smsgate_sim
        self._base = settings.public_url.rstrip("/")
        self._user, self._password = settings.smsgate_username, settings.smsgate_password.get_secret_value()
        self._keys = [key.get_secret_value() for key in settings.smsgate_signing_keys]
        self._wire = Wire(settings)
        self.secrets = (*self._keys, *filter(None, [self._password]))

    def address(self, kind: str) -> str:
        """Return the address to register in the app for a kind: `sms` for sms:received, `status` for the others."""
        return f"{self._base}/in/{self.name}/{kind}"

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {
            "HOTLINE_SMSGATE_SIGNING_KEYS": self._keys,
            "HOTLINE_SMSGATE_USERNAME": self._user,
            "HOTLINE_SMSGATE_PASSWORD": self._password,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if one of our keys signed these bytes and this time. Raises Forged."""
        given, at = webhook.headers.get(SIGNATURE, ""), webhook.headers.get(TIMESTAMP, "")
        if not given:
            raise Forged("unsigned")
        signed = webhook.body + at.encode("latin-1", "replace")
        if not any(hmac.compare_digest(given.lower().encode(), sign(key, signed)) for key in self._keys):
            raise Forged("signature")
        off = abs(webhook.heard_at - int(at)) if UNIX_TIME.fullmatch(at) else None
        if off is None or off > TOLERANCE:
            log.warning("the clock of a phone is wrong", extra={"gateway": self.name, "seconds": int(off or 0)})

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the event's id. A text's own id is a hash of its words: two people who write the same share it."""
        return said(webhook.json.get("id")) or None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; the app looks at the status alone
        """Return an empty body."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read sender, recipient and message; older apps call the sender phoneNumber. Raises Unreadable."""
        payload = _payload(webhook)
        if said(webhook.json.get("event")) != RECEIVED:
            raise Unreadable("event")
        sender = said(payload.get("sender")) or said(payload.get("phoneNumber"))
        if not sender:
            raise Unreadable("sender")
        at = moment(said(payload.get("receivedAt")))
        return InboundText(sender, said(payload.get("recipient")), said(payload.get("message")), sent_at=at, doubled=True)

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read what became of a text; its id is ours. A long text is told of once a piece. Raises Unreadable."""
        payload, event = _payload(webhook), said(webhook.json.get("event"))
        if event not in PROGRESS:
            raise Unreadable("event")
        ours = plain_id(said(payload.get("messageId")) or None)
        if ours is None:
            raise Unreadable("messageId")
        reason = said(payload.get("reason"))
        return StatusUpdate(ours, ours, PROGRESS[event], reason if REASON.fullmatch(reason) else None)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand each text to the phone's server, which queues it under our own id."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        wish = {
            "id": text.id,
            "phoneNumbers": [text.to],
            "textMessage": {"text": text.body},
            "withDeliveryReport": True,
            "priority": URGENT,
            **({"simNumber": self._sim} if self._sim else {}),
            **({"ttl": max(5, text.valid_for)} if text.valid_for else {}),
        }
        pair = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        reply = self._wire.ask("POST", self._url, body=json.dumps(wish).encode(), headers=headers)
        if reply.status in (200, 201, 202, 409):  # 409: it has this id already, from a try whose answer we never heard
            return Sent(text.id, Certainty.ACCEPTED, provider_id=text.id)
        if reply.status == 503:  # its queue is full
            return Sent(text.id, Certainty.REFUSED, code="503", retry=True)
        return by_status(text, reply)


def make(settings: Settings, keyring: Keyring) -> SmsGate | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when a signing key is set."""
    return SmsGate(settings) if settings.smsgate_signing_keys else None


def sign(key: str, signed: bytes) -> bytes:
    """Return the hexadecimal HMAC-SHA256 of body and time, as X-Signature carries it."""
    return hmac.digest(key.encode(), signed, hashlib.sha256).hex().encode()


def _payload(webhook: Webhook) -> dict[str, object]:
    payload = webhook.json.get("payload")
    return payload if isinstance(payload, dict) else {}
