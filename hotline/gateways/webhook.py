"""Signed webhooks to partners: a small JSON body, posted over HTTPS to an address they gave us, that says something waits.

Signed as standardwebhooks.com has it (`webhook-id`, `webhook-timestamp`, `webhook-signature`: HMAC-SHA-256 over id, time and
body), so that any of its libraries checks it. The secret is worked out from our key and the address, so none is stored, and
another address has another. Anybody who may write an address down could point it at machines inside our own network: only
addresses that are public, or of networks that were named, are connected to, and the one that was looked at is the one used.
"""

import base64
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from hotline.config import Settings
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.mail import trusting
from hotline.gateways.outward import Outward
from hotline.privacy import Keyring

LONGEST: Final = 500  # letters of an address
GONE: Final = 410  # standardwebhooks.com: whoever answers so wants no more of them
AGENT: Final = "hotline-webhook/1"


@dataclass(frozen=True)
class Target:
    """Where a webhook goes, taken apart: `path` holds the query too."""

    host: str
    port: int
    path: str


class Barred(Exception):
    """A name leads only to addresses that webhooks may not go to."""


class WebhookOut(Outward):
    """What posts to partners."""

    name = "webhook"
    folds_copies = True  # whoever takes them knows a copy by its webhook-id, as the standard asks
    secrets: tuple[str, ...] = ()

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._keyring, self._ca = keyring, settings.partners_ca
        self._networks = tuple(ip_network(network) for network in settings.webhook_networks)
        self._connect, self._read = settings.connect_timeout_seconds, settings.read_timeout_seconds

    def lacking(self) -> tuple[str, ...]:
        """Return nothing: addresses stand in the directory."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Post each text to its address. What goes wrong is the fault of that address and shuts out nobody else."""
        return [self._send(text) for text in texts]

    def _send(self, text: OutboundText) -> Sent:
        target = taken_apart(text.to)
        if target is None:
            return Sent(text.id, Certainty.REFUSED, code="no address", theirs=True)
        try:
            reached = self._reached(target)
        except Barred:
            return Sent(text.id, Certainty.REFUSED, code="private address", retry=True, theirs=True)
        except (OSError, UnicodeError):
            return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True, theirs=True)
        late = threading.Timer(self._read, _hang_up, [reached])  # a far end that answers a letter at a time holds nobody up
        late.daemon = True
        late.start()
        try:
            return self._post(text, target, reached)
        finally:
            late.cancel()
            reached.close()

    def _post(self, text: OutboundText, target: Target, reached: ssl.SSLSocket) -> Sent:
        try:
            reached.do_handshake()
        except ssl.SSLCertVerificationError:
            return Sent(text.id, Certainty.REFUSED, code="certificate", retry=True, theirs=True)
        except OSError:
            return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True, theirs=True)
        wire, body = HTTPSConnection(target.host, target.port), text.body.encode()
        wire.sock = reached
        try:
            wire.request("POST", target.path, body, self._headers(text.id, text.to, body))
            return _by_status(text, wire.getresponse().status)
        except (OSError, HTTPException):
            return Sent(text.id, Certainty.UNKNOWN, code="no answer", theirs=True)

    def _reached(self, target: Target) -> ssl.SSLSocket:
        """Return a connection to the first address that is allowed. Raises Barred, OSError, also where a name leads nowhere."""
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)}
        allowed = sorted(one for one in found if self._may(ip_address(one.partition("%")[0])))
        if not allowed:
            raise Barred
        context = trusting(self._ca)
        bare = socket.create_connection((allowed[0], target.port), self._connect)
        try:
            reached = context.wrap_socket(bare, server_hostname=target.host, do_handshake_on_connect=False)
        except BaseException:
            bare.close()
            raise
        reached.settimeout(self._read)
        return reached

    def _may(self, address: IPv4Address | IPv6Address) -> bool:
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast

    def _headers(self, message_id: str, address: str, body: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        return {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": now,
            "webhook-signature": signature(self._keyring, address, message_id, now, body),
        }


def taken_apart(address: str) -> Target | None:
    """Return an address taken apart; None where it is none that webhooks may go to: https, a name, no password, no fragment."""
    try:
        parts = urlsplit(address)
        port = parts.port or 443
    except ValueError:
        return None
    clean = address.isascii() and address.isprintable() and " " not in address and len(address) <= LONGEST
    if not clean or parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    return Target(parts.hostname, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def secret(keyring: Keyring, address: str) -> str:
    """Return the secret of an address, as whoever stands behind it enters it: another address, another secret."""
    return "whsec_" + base64.b64encode(keyring.shared_secret("webhook", address)).decode()


def signature(keyring: Keyring, address: str, message_id: str, at: str, body: bytes) -> str:
    """Return what stands in `webhook-signature`; `at` is in Unix seconds."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(keyring.shared_secret("webhook", address), signed, "sha256")).decode()


def make(settings: Settings, keyring: Keyring) -> WebhookOut | None:
    """Return the gateway where signed webhooks may leave."""
    return WebhookOut(settings, keyring) if settings.webhook_out else None


def _by_status(text: OutboundText, status: int) -> Sent:
    if 200 <= status < 300:
        return Sent(text.id, Certainty.ACCEPTED, theirs=True)
    if 300 <= status < 500 and status != 408:
        return Sent(text.id, Certainty.REFUSED, code=str(status), retry=status != GONE, theirs=True)
    return Sent(text.id, Certainty.UNKNOWN, code=str(status), theirs=True)


def _hang_up(reached: ssl.SSLSocket) -> None:
    with suppress(OSError):
        reached.shutdown(socket.SHUT_RDWR)
