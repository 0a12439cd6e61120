"""The network's own address: the hotline hands its texts over here, signed, many at a time.

In comes a JSON list of id, to and text; the answer `[]` means all of them are on their phones or held for them. The batch is
one transaction, and one that comes twice changes nothing.
"""

import json
from collections.abc import Sequence

from flask import Blueprint, Response, request

from hotline.deployment import Deployment
from hotline.gateways.contract import Forged, OutboundText, Webhook
from hotline.gateways.simulator import CALLS_PATH, SEND_PATH, SIGNATURE, TAPES_PATH, Simulator
from hotline.simulator.calling import Calling
from hotline.simulator.crowd import Crowd
from hotline.simulator.handsets import Handsets, Mood
from hotline.simulator.receipts import Receipts

LARGEST_BATCH = 1000


class Network:
    """Takes texts for the phones and promises a receipt for each."""

    def __init__(self, deployment: Deployment, handsets: Handsets, receipts: Receipts | None, calling: Calling) -> None:
        self._calling, self._tapes, self._crowd = calling, calling.tapes, Crowd(calling)
        self._deployment = deployment
        self._handsets = handsets
        self._receipts = receipts

    def texts(self) -> Response:
        """Take a signed batch. 403 when the signature does not cover it, 400 when it cannot be read."""
        body = request.get_data(cache=False)
        gateway = self._deployment.shelf.get(Simulator.name)
        if gateway is None:
            return Response(status=404)
        headers = {SIGNATURE: given} if (given := request.headers.get(SIGNATURE)) else {}
        try:
            gateway.verify(Webhook("texts", SEND_PATH, headers, body))
        except Forged:
            return Response(status=403)
        batch = read_batch(body)
        if batch is None:
            return Response(status=400)
        self._take(batch)
        return Response("[]", content_type="application/json")

    def tape(self, tape: str) -> Response:
        """Give a recording, or remove it, where the signature covers its path and the method."""
        gateway = self._deployment.shelf.get(Simulator.name)
        if gateway is None:
            return Response(status=404)
        headers = {SIGNATURE: given} if (given := request.headers.get(SIGNATURE)) else {}
        try:
            gateway.verify(Webhook("tape", f"{TAPES_PATH}/{tape}", headers, request.method.encode()))
        except Forged:
            return Response(status=403)
        if request.method == "DELETE":
            self._tapes.remove(tape)
            return Response(status=204)
        held = self._tapes.get(tape)
        return Response(status=404) if held is None else Response(held, content_type="audio/wav")

    def call(self) -> Response:
        """Let a phone ring. 403 when the signature does not cover it, 400 when it cannot be read."""
        body, gateway = request.get_data(cache=False), self._deployment.shelf.get(Simulator.name)
        if gateway is None:
            return Response(status=404)
        headers = {SIGNATURE: given} if (given := request.headers.get(SIGNATURE)) else {}
        try:
            gateway.verify(Webhook("call", CALLS_PATH, headers, body))
            asked = json.loads(body)
            number, name = str(asked["to"]), str(asked["name"])
            self._calling.comes(number, name)
            if not self._handsets.in_hand(number):
                self._crowd.hears(number, name)
        except Forged:
            return Response(status=403)
        except (ValueError, KeyError, TypeError):
            return Response(status=400)
        return Response(status=204)

    def _take(self, batch: Sequence[OutboundText]) -> None:
        if not batch:
            return
        moods = self._handsets.deliver(batch, sender=self._deployment.settings.tips_code, head=_head())
        if self._receipts is not None:
            for mood, ids in moods.items():
                status = "undelivered" if mood is Mood.OFF else "delivered"
                self._receipts.promise(ids * mood.copies, status, after=mood.delay)


def read_batch(body: bytes) -> list[OutboundText] | None:
    """Return the texts of a batch, or None when it is not a list of id, to and text."""
    try:
        entries = json.loads(body)
        texts = [OutboundText(entry["id"], entry["to"], entry["text"]) for entry in entries]
    except (ValueError, KeyError, TypeError):
        return None
    fields = [value for text in texts for value in (text.id, text.to, text.body)]
    return texts if len(texts) <= LARGEST_BATCH and all(isinstance(value, str) for value in fields) else None


def _head() -> str:
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\n".join(lines)


def blueprint(network: Network) -> Blueprint:
    """Return the network's door. Its signature guards it, so it takes no CSRF token and serves workers on any machine."""
    made = Blueprint("simulator_network", __name__)
    made.add_url_rule(SEND_PATH, view_func=network.texts, methods=["POST"])
    made.add_url_rule(f"{TAPES_PATH}/<tape>", view_func=network.tape, methods=["GET", "DELETE"])
    made.add_url_rule(CALLS_PATH, view_func=network.call, methods=["POST"])
    return made
