"""How each vendor knocks: its settings, its signature, and how it packs fields into a request. All keys are invented."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes

from hotline.config import Settings
from hotline.gateways import contract, httpsms, smsgate, twilio
from hotline.gateways.contract import Gateway, Webhook
from hotline.gateways.shelf import GATEWAYS, ONE_WAY
from hotline.privacy import Keyring

SECRET, FORMER = "invented-hook-secret-" + "0" * 43, "invented-former-secret-" + "1" * 43
TWILIO_TOKEN = "invented-auth-token"
SIGNING_KEY = "invented-signing-key-" + "2" * 32
PUBLIC_URL = "https://hooks.example.org"
THEIR_ADDRESS = "203.0.113.7"  # RFC 5737: addresses for examples

SETTINGS: Mapping[str, object] = {
    "public_url": PUBLIC_URL,
    "inner_url": "http://127.0.0.1:8000",
    "hook_secrets": (SECRET, FORMER),
    "africastalking_username": "invented",
    "africastalking_api_key": "invented-api-key",
    "africastalking_from": "7788",
    "africastalking_addresses": ("203.0.113.0/28",),
    "kannel_send_url": "http://127.0.0.1:9/cgi-bin/sendsms",
    "kannel_username": "hotline",
    "kannel_password": "invented-password",
    "kannel_from": "7788",
    "jasmin_send_url": "http://127.0.0.1:9/send",
    "jasmin_username": "hotline",
    "jasmin_password": "invented-pass",
    "jasmin_from": "7788",
    "smsgate_send_url": "http://127.0.0.1:9/messages",
    "smsgate_username": "user",
    "smsgate_password": "invented-password",
    "smsgate_signing_keys": (SIGNING_KEY,),
    "httpsms_api_url": "http://127.0.0.1:9",
    "httpsms_api_key": "invented-api-key",
    "httpsms_from": "+250780000900",
    "httpsms_signing_keys": (SIGNING_KEY,),
    "external_fields": ("from=msisdn", "to=shortcode", "text=message", "id=messageId"),
    "external_receipt_fields": ("id=messageId", "message=clientRef", "status=state", "code=error"),
    "external_send_url": "http://127.0.0.1:9/sms?to={{to}}",
    "external_key": "invented-key",
    "external_from": "7788",
    "mail_host": "127.0.0.1",
    "mail_username": "hotline",
    "mail_password": "invented-password",
    "mail_from": "line@hotline.example",
    "webhook_out": True,
    "connect_timeout_seconds": 0.3,
    "read_timeout_seconds": 0.3,
}
Pairs = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Knock:
    """One request on its way to the door."""

    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    peer: str = THEIR_ADDRESS

    def webhook(self, kind: str) -> Webhook:
        """Return what the door makes of it."""
        return Webhook(kind, self.target, self.headers, self.body, self.peer)


def made(name: str, folder: Path, **changed: object) -> Gateway:
    """Make one gateway with invented settings."""
    settings = Settings(instance=folder, demo=False, **{**SETTINGS, **changed}, _env_file=None)
    keyring = Keyring(settings.keys)
    gateway = {**GATEWAYS, **ONE_WAY}[name](settings, keyring)
    keyring.create_missing()
    assert gateway is not None
    return gateway


def knock(gateway: Gateway, kind: str, pairs: Pairs, *, method: str = "POST") -> Knock:
    """Pack fields as the vendor does, to the address the gateway was given, and sign."""
    target = gateway.address(kind).removeprefix(PUBLIC_URL).removeprefix("http://127.0.0.1:8000").partition("?")[0]
    return PACKERS[gateway.name](target, kind, pairs, method)


def form(pairs: Pairs) -> bytes:
    return b"&".join(name.encode() + b"=" + quote_from_bytes(value, safe="").encode() for name, value in pairs)


def _form(target: str, kind: str, pairs: Pairs, method: str) -> Knock:
    if method == "GET":
        return Knock("GET", f"{target}?{form(pairs).decode()}")
    return Knock("POST", target, form(pairs), {"content-type": "application/x-www-form-urlencoded"})


def _kannel(target: str, kind: str, pairs: Pairs, method: str) -> Knock:
    """A text comes as the body with headers beside it, or all in a query; a receipt always in the query."""
    if method == "GET" or kind == "status":
        return Knock("GET", f"{target}?{form(pairs).decode()}")
    named = dict(pairs)
    query = form([(name, value) for name, value in pairs if name in ("id", "udh")]).decode()
    kept = {"from": "x-kannel-from", "to": "x-kannel-to"}
    headers = {kept[name]: value.decode("latin-1") for name, value in reversed(pairs) if name in kept}
    plain = {"content-type": 'text/plain; charset="UTF-8"'}
    return Knock("POST", f"{target}?{query}", named.get("text", b""), {**plain, **headers})


def _smsgate(target: str, kind: str, pairs: Pairs, method: str) -> Knock:
    body = nested(pairs, "payload", ("messageId", "message", "sender", "recipient", "phoneNumber", "receivedAt", "reason"))
    at = str(int(time.time()))
    signature = smsgate.sign(SIGNING_KEY, body + at.encode()).decode()
    return Knock("POST", target, body, {"x-signature": signature, "x-timestamp": at, "content-type": "application/json"})


def _httpsms(target: str, kind: str, pairs: Pairs, method: str) -> Knock:
    body = nested(pairs, "data", ("message_id", "owner", "contact", "content", "request_id", "timestamp"))
    return Knock("POST", target, body, {"authorization": f"Bearer {token(PUBLIC_URL + target)}"})


def token(audience: object, *, key: str = SIGNING_KEY, alg: str = "HS256", **claims: object) -> str:
    """Make the token httpSMS would."""
    now = int(time.time())
    said = {"iss": "api.httpsms.com", "aud": audience, "nbf": now - 600, "exp": now + 600, "iat": now, "sub": "u"} | claims
    signed = f"{_segment({'alg': alg, 'typ': 'JWT'})}.{_segment(said)}"
    return f"{signed}.{httpsms.sign(key, signed).decode()}"


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def nested(pairs: Pairs, inner: str, inside: Sequence[str]) -> bytes:
    """Write JSON by hand, so that a field can stand twice and hold bytes that are no text."""
    held = b",".join(_member(name, value) for name, value in pairs if name in inside)
    outer = b",".join(_member(name, value) for name, value in pairs if name not in inside)
    return b"{" + (outer + b"," if outer else b"") + f'"{inner}":'.encode() + b"{" + held + b"}}"


def _member(name: str, value: bytes) -> bytes:
    return json.dumps(name).encode() + b':"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _twilio(target: str, kind: str, pairs: Pairs, method: str) -> Knock:
    body = form(pairs)
    signed = twilio.signed_bytes(PUBLIC_URL + target, contract.form(body))
    signature = twilio.sign(TWILIO_TOKEN, signed).decode()
    return Knock("POST", target, body, {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"})


PACKERS = {
    "twilio": _twilio,
    "africastalking": _form,
    "external": _form,
    "jasmin": _form,
    "kannel": _kannel,
    "smsgate": _smsgate,
    "httpsms": _httpsms,
}
