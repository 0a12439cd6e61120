"""The door gateways knock on: prove the webhook genuine, store one sealed row, answer.

Nothing else happens here. The answer is our promise, so it is given only after the row is on disk; a webhook that cannot be
stored hears 503 and is sent again by its gateway. A forged one hears 403 and is kept aside, because the wrong token may be ours.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, request
from sqlalchemy import select

from hotline.db import GroupCommit, Unavailable
from hotline.deployment import Deployment
from hotline.gateways.contract import Forged, Gateway, Webhook, plain_id
from hotline.models import Counter, Inbox, InboxState, Quarantine, QuarantineState, new_id, table
from hotline.queue import QueueName, Ringer

KEPT_HEADERS = ("content-type", "x-twilio-signature", "x-simulator-signature", "i-twilio-idempotency-token")
LARGEST_QUARANTINED = 64 * 1024
FORGED = "webhooks.forged"
QUARANTINED_BYTES = "quarantine.bytes"


@dataclass
class Door:
    """Stores webhooks of one deployment, many threads at a time."""

    deployment: Deployment
    _room_checked: float = field(default=0.0, init=False)
    _room: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        db, bell = self.deployment.db, self.deployment.bell
        self._seal = self.deployment.keyring.inbox_seal()
        self._insert = db.insert_once(table(Inbox))
        self._insert_aside = db.insert_once(table(Quarantine))
        self._count = db.insert_or_add(table(Counter))
        ringer = Ringer(bell, QueueName.INTAKE)
        self._writer = GroupCommit(db, wait=self.deployment.settings.commit_wait_seconds, after=ringer.ring)

    def accept(self, gateway: Gateway, webhook: Webhook) -> None:
        """Return once the webhook is on disk, or was already. Raises Forged or Unavailable."""
        try:
            gateway.verify(webhook)
        except Forged as forged:
            self._set_aside(gateway, webhook, forged.reason)
            raise
        row_id = new_id()
        row = {
            "id": row_id,
            "gateway": gateway.name,
            "kind": webhook.kind,
            "external_id": plain_id(gateway.external_id(webhook)) or f"none-{row_id}",
            "sealed": self._seal.seal(webhook.packed(), f"inbox|sealed|{row_id}"),
            "received_at": datetime.now(UTC),
            "state": InboxState.RECEIVED,
            "attempts": 0,
        }
        self._writer.put((self._insert, row))

    def _set_aside(self, gateway: Gateway, webhook: Webhook, reason: str) -> None:
        writes = [(self._count, {"name": FORGED, "value": 1})]
        size = len(webhook.body)
        if size <= LARGEST_QUARANTINED and size <= self._quarantine_room():
            row_id = new_id()
            row = {
                "id": row_id,
                "gateway": gateway.name,
                "kind": webhook.kind,
                "reason": reason,
                "sealed": self._seal.seal(webhook.packed(), f"quarantine|sealed|{row_id}"),
                "size": size,
                "received_at": datetime.now(UTC),
                "state": QuarantineState.HELD,
            }
            writes += [(self._insert_aside, row), (self._count, {"name": QUARANTINED_BYTES, "value": size})]
        self._writer.put(*writes)

    def _quarantine_room(self) -> int:
        if time.monotonic() - self._room_checked > 1:
            with self.deployment.db.reading() as session:
                used = session.scalar(select(Counter.value).where(Counter.name == QUARANTINED_BYTES)) or 0
            self._room = self.deployment.settings.quarantine_mib * 1024 * 1024 - used
            self._room_checked = time.monotonic()
        return self._room


def install(app: Flask, deployment: Deployment) -> None:
    """Put the door into a web application."""
    door = Door(deployment)
    blueprint = Blueprint("inbound", __name__)

    @blueprint.post("/in/<name>/<kind>")
    def receive(name: str, kind: str) -> Response:
        gateway = deployment.shelf.get(name)
        if gateway is None or kind not in gateway.kinds:
            return Response(status=404)
        try:
            door.accept(gateway, _webhook(kind))
        except Forged:
            return Response(status=403)
        except Unavailable:
            return Response(status=503, headers={"Retry-After": "5"})
        answer = gateway.answer(kind)
        return Response(answer.body, content_type=answer.content_type)

    app.register_blueprint(blueprint)


def _webhook(kind: str) -> Webhook:
    query = request.environ.get("QUERY_STRING", "")
    headers = {name: value for name in KEPT_HEADERS if (value := request.headers.get(name)) is not None}
    return Webhook(kind, f"{request.path}?{query}" if query else request.path, headers, request.get_data(cache=False))
