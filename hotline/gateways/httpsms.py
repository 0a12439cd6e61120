"""httpSMS: an Android phone as gateway, through a server of httpSMS or one's own.

Its webhook carries a token (JWT, HS256) that names the address and ten minutes, but does not cover the body; so time and
address are held to strictly. It tries only twice, five seconds each: what it could not bring is fetched from its list. Sources:
docs.httpsms.com/webhooks, api.httpsms.com (OpenAPI), webhook_service.go and events/ of NdoleStudio/httpsms.
"""

import base64
import binascii
import hashlib
import hmac
import json
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
from hotline.gateways.ringing import Ring
from hotline.gateways.wire import Wire, by_status
from hotline.privacy import Keyring

LEEWAY = 300  # seconds our clock and theirs may differ
RECEIVED = "message.phone.received"
MISSED = "message.call.missed"
PROGRESS = {
    "message.phone.sent": Progress.SENT,
    "message.phone.delivered": Progress.DELIVERED,
    "message.send.failed": Progress.FAILED,
    "message.send.expired": Progress.UNDELIVERED,
}


class HttpSms:
    """One phone of one account."""

    name = "httpsms"
    kinds = frozenset({"sms", "status", "beep"})
    per_request = 1
    folds_copies = False
    methods = frozenset({"POST"})

    def __init__(self, settings: Settings) -> None:
        self._url, self._from = settings.httpsms_api_url.rstrip("/") + "/v1/messages/send", settings.httpsms_from
        self._base, self._key = settings.public_url.rstrip("/"), settings.httpsms_api_key.get_secret_value()
        self._keys = [key.get_secret_value() for key in settings.httpsms_signing_keys]
        self._wire = Wire(settings)
        self.secrets = (*self._keys, *filter(None, [self._key]))

    def address(self, kind: str) -> str:
        """Return the address to enter at httpSMS for a kind.

        `sms` is for message.phone.received, `beep` for message.call.missed, `status` for the others.
        """
        return f"{self._base}/in/{self.name}/{kind}"

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {
            "HOTLINE_HTTPSMS_SIGNING_KEYS": self._keys,
            "HOTLINE_HTTPSMS_API_KEY": self._key,
            "HOTLINE_HTTPSMS_FROM": self._from,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if the token is signed with one of our keys, for this address and now. Raises Forged."""
        scheme, _, token = webhook.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Forged("unsigned")
        signed, _, signature = token.strip().rpartition(".")
        head, _, claims = signed.partition(".")
        given = signature.encode("latin-1", "replace")
        genuine = any(hmac.compare_digest(given, sign(key, signed)) for key in self._keys)
        if not genuine or _decoded(head).get("alg") != "HS256":
            raise Forged("signature")
        self._check(webhook, _decoded(claims))

    def _check(self, webhook: Webhook, claims: dict[str, object]) -> None:
        audience = claims.get("aud")
        if self.address(webhook.kind) not in (audience if isinstance(audience, list) else [audience]):
            raise Forged("address")
        start, end = claims.get("nbf"), claims.get("exp")
        if not isinstance(start, int) or not isinstance(end, int):
            raise Forged("time")
        if not start - LEEWAY <= webhook.heard_at <= end + LEEWAY:
            raise Forged("time")

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the CloudEvent's id."""
        return said(webhook.json.get("id")) or None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; httpSMS looks at the status alone
        """Return an empty body."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read contact, owner and content. Raises Unreadable when it is no text or has no sender."""
        data = _data(webhook)
        if said(webhook.json.get("type")) != RECEIVED:
            raise Unreadable("type")
        if not said(data.get("contact")):
            raise Unreadable("contact")
        sender, to, body = (said(data.get(name)) for name in ("contact", "owner", "content"))
        return InboundText(sender, to, body, sent_at=moment(said(data.get("timestamp"))), doubled=True)

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read a missed call: contact, owner, timestamp. Raises Unreadable."""
        data = _data(webhook)
        if said(webhook.json.get("type")) != MISSED:
            raise Unreadable("type")
        if not said(data.get("contact")):
            raise Unreadable("contact")
        return Ring(said(data.get("contact")), at=moment(said(data.get("timestamp"))))

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read what became of a text; `request_id` is ours where an event carries it. Raises Unreadable."""
        data, event = _data(webhook), said(webhook.json.get("type"))
        if event not in PROGRESS:
            raise Unreadable("type")
        theirs = plain_id(said(data.get("id")) or said(data.get("message_id")) or None)
        ours = plain_id(said(data.get("request_id")) or None)
        if theirs is None and ours is None:
            raise Unreadable("id")
        return StatusUpdate(theirs or "", ours, PROGRESS[event], None)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand each text to httpSMS, which wakes the phone."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        wish = {"from": self._from, "to": text.to, "content": text.body, "request_id": text.id}
        headers = {"x-api-key": self._key, "Content-Type": "application/json", "Accept": "application/json"}
        reply = self._wire.ask("POST", self._url, body=json.dumps(wish).encode(), headers=headers)
        if reply.status not in (200, 201, 202):
            return by_status(text, reply)
        data = reply.json.get("data") if isinstance(reply.json, dict) else None
        theirs = said(data.get("id")) if isinstance(data, dict) else ""
        return Sent(text.id, Certainty.ACCEPTED if theirs else Certainty.UNKNOWN, provider_id=plain_id(theirs or None))


def make(settings: Settings, keyring: Keyring) -> HttpSms | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when a signing key is set."""
    return HttpSms(settings) if settings.httpsms_signing_keys else None


def sign(key: str, signed: str) -> bytes:
    """Return the base64url HMAC-SHA256 of head and claims (RFC 7515)."""
    digest = hmac.digest(key.encode(), signed.encode("latin-1", "replace"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _decoded(part: str) -> dict[str, object]:
    try:
        read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _data(webhook: Webhook) -> dict[str, object]:
    data = webhook.json.get("data")
    return data if isinstance(data, dict) else {}
