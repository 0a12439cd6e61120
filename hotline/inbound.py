"""The door gateways knock on: prove the webhook genuine, store one sealed row, answer.

Nothing else happens here. The answer is our promise, so it is given only after the row is on disk: in the database, or while
that is away in the spool. A webhook that neither takes hears 503 and is sent again by its gateway. A forged one hears 403 and
is kept aside, because the wrong token may be ours; the spool is for genuine ones alone.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.calls import Lines
from hotline.deployment import Deployment
from hotline.gateways.contract import Answer, Forged, Gateway, Webhook
from hotline.gateways.ringing import carries
from hotline.gateways.shelf import GATEWAYS
from hotline.hops import Hops
from hotline.in_time import Glance, GroupCommit, Unavailable, Write
from hotline.intake.arrivals import is_ours
from hotline.intake.envelope import enclose
from hotline.intake.spool import Spool
from hotline.models import Counter, Inbox, InboxKind, Quarantine, QuarantineState, new_id, table
from hotline.peer import client
from hotline.queue import QueueName, Ringer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

Reply = tuple[str, list[tuple[str, str]], bytes]
KEPT_HEADERS = {
    "content-type": "CONTENT_TYPE",
    "x-twilio-signature": "HTTP_X_TWILIO_SIGNATURE",
    "x-simulator-signature": "HTTP_X_SIMULATOR_SIGNATURE",
    "x-signature": "HTTP_X_SIGNATURE",
    "x-timestamp": "HTTP_X_TIMESTAMP",
    "authorization": "HTTP_AUTHORIZATION",
    "x-kannel-from": "HTTP_X_KANNEL_FROM",
    "x-kannel-to": "HTTP_X_KANNEL_TO",
    "x-kannel-time": "HTTP_X_KANNEL_TIME",
    "x-kannel-udh": "HTTP_X_KANNEL_UDH",
}
LARGEST_QUARANTINED = 64 * 1024
LONGEST_LENGTH = 12  # digits of a Content-Length; one of thousands would not even be read as a number
FORGED = "webhooks.forged"
INBOX, QUARANTINE = table(Inbox), table(Quarantine)

PREFIX = "/in/"
PLAIN = ("Content-Type", "text/plain")
NOT_FOUND: Reply = ("404 Not Found", [PLAIN], b"")
NOT_ALLOWED = "405 Method Not Allowed"
TOO_LARGE: Reply = ("413 Content Too Large", [PLAIN], b"")
FORBIDDEN: Reply = ("403 Forbidden", [PLAIN], b"")
UNAVAILABLE: Reply = ("503 Service Unavailable", [PLAIN, ("Retry-After", "5")], b"")


@dataclass
class Door:
    """Stores webhooks of one deployment, many threads at a time."""

    deployment: Deployment
    _room_checked: float = field(default=0.0, init=False)
    _room: int = field(default=0, init=False)
    _uncounted: int = field(default=0, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        db, bell = self.deployment.hurried_db, self.deployment.bell
        self._seal = self.deployment.keyring.inbox_seal()
        self._count = db.insert_or_add(table(Counter))
        self._trusted = tuple(ip_network(network) for network in self.deployment.settings.trusted_proxies)
        ringer = Ringer(bell, QueueName.INTAKE)
        wait = self.deployment.settings.commit_wait_seconds
        self._writer = GroupCommit(db, wait=wait, after=ringer.ring, threads=self.deployment.settings.web_threads)
        self._glance = Glance(db, wait=wait)
        self._spool = Spool.of(self.deployment.settings)
        self._hops = Hops(self.deployment, self._writer, self._spool, self._seal)
        self._lines = Lines(self.deployment, self._writer, self._spool, self._seal)

    def accept(self, gateway: Gateway, webhook: Webhook) -> None:
        """Return once the webhook is on disk, or was already. Raises Forged, or Unavailable when no disk takes it."""
        self._prove(gateway, webhook)
        row = enclose(self.deployment, self._seal, gateway, webhook, self.deployment.clock())
        try:
            self._writer.put((INBOX, row))
        except Unavailable:
            self._spool.keep(row)

    def _prove(self, gateway: Gateway, webhook: Webhook) -> None:
        try:
            gateway.verify(webhook)
        except Forged as forged:
            self._set_aside(gateway, webhook, forged.reason)
            raise

    def _set_aside(self, gateway: Gateway, webhook: Webhook, reason: str) -> None:
        """Count a forgery and keep its bytes. While the database is away it is counted here, and its bytes are not kept."""
        with self._counting:
            number, self._uncounted = self._uncounted + 1, 0
        try:
            self._writer.put((self._count, {"name": FORGED, "value": number}), *self._kept_aside(gateway, webhook, reason))
        except Unavailable:
            with self._counting:
                self._uncounted += number

    def _kept_aside(self, gateway: Gateway, webhook: Webhook, reason: str) -> list[Write]:
        size = len(webhook.body)
        if size > LARGEST_QUARANTINED or size > self._quarantine_room():
            return []
        self._room -= size
        held = (QUARANTINE, self._aside(gateway, webhook, reason))
        return [held, (self._count, {"name": Counter.QUARANTINED_BYTES, "value": size})]

    def _aside(self, gateway: Gateway, webhook: Webhook, reason: str) -> dict[str, object]:
        row_id = new_id()
        return {
            "id": row_id,
            "gateway": gateway.name,
            "kind": webhook.kind,
            "reason": reason,
            "sealed": self._seal.seal(webhook.packed(), f"quarantine|sealed|{row_id}"),
            "size": len(webhook.body),
            "received_at": self.deployment.clock(),
            "state": QuarantineState.HELD,
        }

    def _quarantine_room(self) -> int:
        if time.monotonic() - self._room_checked > 1:
            if self._writer.outage.known:
                raise Unavailable
            try:
                used = self._glance.at(_quarantined)
            except Unavailable:
                self._writer.outage.begin()
                raise
            self._room = self.deployment.settings.quarantine_mib * 1024 * 1024 - used
            self._room_checked = time.monotonic()
        return self._room

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request under /in/. This is WSGI itself: a framework's request costs as much as all the rest of the way."""
        status, headers, body = self._respond(environ)
        if not body and _addressed(environ["PATH_INFO"])[1] == InboxKind.USSD and status != NOT_FOUND[0]:
            body = self._hops.busy.encode()
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _respond(self, environ: "WSGIEnvironment") -> Reply:
        name, kind = _addressed(environ["PATH_INFO"])
        gateway = self.deployment.shelf.get(name)
        if gateway is None or kind not in gateway.kinds:
            # Some gateways never come again after a 404. The fault is ours to mend, a setting or a path, so they are to wait.
            return UNAVAILABLE if name in GATEWAYS else NOT_FOUND
        if environ["REQUEST_METHOD"] not in gateway.methods:
            return NOT_ALLOWED, [PLAIN, ("Allow", ", ".join(sorted(gateway.methods)))], b""
        body = self._body(environ)
        if body is None:
            return TOO_LARGE
        try:
            return self._heard(gateway, self._webhook(environ, kind, body))
        except Forged:
            return FORBIDDEN
        except Unavailable:
            return UNAVAILABLE

    def _heard(self, gateway: Gateway, webhook: Webhook) -> Reply:
        if webhook.kind == InboxKind.USSD:
            self._prove(gateway, webhook)
            return "200 OK", [("Content-Type", "text/plain; charset=utf-8")], self._hops.answer(gateway, webhook).encode()
        if webhook.kind == InboxKind.VOICE or is_ours(gateway, webhook):
            self._prove(gateway, webhook)
            return _said(self._lines.answer(gateway, webhook))
        self.accept(gateway, webhook)
        turns_away = carries(gateway) if webhook.kind == InboxKind.BEEP else None
        return _said(turns_away.turn_away() if turns_away else gateway.answer(webhook.kind))

    def _webhook(self, environ: "WSGIEnvironment", kind: str, body: bytes) -> Webhook:
        query = environ.get("QUERY_STRING", "")
        path = environ["PATH_INFO"]
        headers = {name: value for name, variable in KEPT_HEADERS.items() if (value := environ.get(variable)) is not None}
        peer = client(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._trusted)
        return Webhook(kind, f"{path}?{query}" if query else path, headers, body, peer)

    def _body(self, environ: "WSGIEnvironment") -> bytes | None:
        """Return the whole body, or None when it is larger than anything a gateway sends. A body cut short is not whole."""
        most = self.deployment.settings.max_body_kib * 1024
        length = environ.get("CONTENT_LENGTH", "")
        if len(length) > LONGEST_LENGTH:
            return None
        if not length.isdecimal():
            body: bytes = environ["wsgi.input"].read(most + 1) if environ.get("HTTP_TRANSFER_ENCODING") else b""
        else:
            body = environ["wsgi.input"].read(min(int(length), most + 1))
        return body if len(body) <= most else None


def _said(answer: Answer) -> Reply:
    return "200 OK", [("Content-Type", answer.content_type)], answer.body.encode()


def install(app: Flask, deployment: Deployment) -> None:
    """Put the door in front of a web application: /in/ goes to the door, everything else to Flask."""
    door, rest = Door(deployment), app.wsgi_app

    def either(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return (door if environ["PATH_INFO"].startswith(PREFIX) else rest)(environ, start_response)

    app.wsgi_app = either  # type: ignore[method-assign]  # Flask documents this as the place for middleware


def _addressed(path: str) -> tuple[str, str]:
    """Return gateway and kind of a path; a secret may follow, which the gateway looks at."""
    name, _, rest = path.removeprefix(PREFIX).partition("/")
    return name, rest.partition("/")[0]


def _quarantined(session: Session) -> int:
    return session.scalar(select(Counter.value).where(Counter.name == Counter.QUARANTINED_BYTES)) or 0
