"""The browser phones' network: what a gateway is to the world, this is to a demo and to the tests.

Webhooks are signed with a key of the instance folder, so the path they take is the one a real gateway takes. Outgoing texts
go over HTTP to the network's own address, many at a time.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import urllib3

from hotline.config import Settings
from hotline.gateways.bridging import Joining
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
    seconds_to_wait,
)
from hotline.gateways.ringing import Ring
from hotline.gateways.voice import AT, CallPage, CallStep, Far, NotFetched, Tape, Then
from hotline.privacy import Keyring

SIGNATURE = "x-simulator-signature"
SEND_PATH = "/simulator/network/texts"
TAPES_PATH = "/simulator/network/recordings"
CALLS_PATH = "/simulator/network/calls"
PLACED = "placed"  # the field of the query that carries our own name of a call we placed
PROGRESS = {"sent": Progress.SENT, "delivered": Progress.DELIVERED, "undelivered": Progress.UNDELIVERED}


class Simulator:
    """The network of the browser phones."""

    name = "simulator"
    secrets: tuple[str, ...] = ()  # its key is bytes of a file
    kinds = frozenset({"sms", "status", "ussd", "ussd_end", "voice", "beep"})
    voices = frozenset({"rw", "rn", "sw", "fr", "en"})  # a browser phone shows the words where it has no audio
    per_request = 100
    folds_copies = True
    methods = frozenset({"POST"})

    def __init__(self, key: bytes, network_url: str, *, connect: float, read: float, shown: str = "") -> None:
        self._key, self.shown = key, shown
        self._base = network_url.rstrip("/")
        self._http = urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(connect=connect, read=read), retries=False)

    def address(self, kind: str) -> str:
        """Return the path of a kind; the phones know the listener's address themselves."""
        return f"/in/{self.name}/{kind}"

    def lacking(self) -> tuple[str, ...]:
        """Return nothing: a demo needs no settings."""
        return ()

    def sign(self, target: str, body: bytes) -> str:
        """Return the signature of a body posted to `target` (path and query)."""
        return hmac.new(self._key, target.encode() + b"\n" + body, hashlib.sha256).hexdigest()

    def verify(self, webhook: Webhook) -> None:
        """Return if the signature covers this path and these bytes. Raises Forged."""
        given = webhook.headers.get(SIGNATURE)
        if given is None:
            raise Forged("unsigned")
        if not hmac.compare_digest(given.encode(), self.sign(webhook.target, webhook.body).encode()):
            raise Forged("signature")

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the network's id of the event; a step of a call has none, and is known by its place."""
        if webhook.kind == "voice":
            return None
        return webhook.fields.get("id") or None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; this network does not care
        """Return an empty body: this network texts nothing back by itself."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read from, to and text. Raises Unreadable when there is no sender.

        The network can play another: `at` is a time of sending in ISO 8601, `doubled=1` a phone that tells of an SMS twice.
        """
        fields = webhook.fields
        if not fields.get("from"):
            raise Unreadable("from")
        return InboundText(
            sender=fields["from"],
            to=fields.get("to", ""),
            body=fields.get("text", ""),
            sent_at=moment(fields.get("at", "")),
            doubled=fields.get("doubled") == "1",
        )

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read provider_id, message and status; one of the ids is enough. Raises Unreadable."""
        fields = webhook.fields
        if fields.get("status") not in PROGRESS:
            raise Unreadable("status")
        theirs, ours, code = (plain_id(fields.get(name) or None) for name in ("provider_id", "message", "code"))
        if theirs is None and ours is None:
            raise Unreadable("message")
        return StatusUpdate(provider_id=theirs or "", message_id=ours, progress=PROGRESS[fields["status"]], code=code)

    def read_call(self, webhook: Webhook) -> CallStep:
        """Read call, from, keys, recording and seconds; `over=1` says that the phone hung up. Raises Unreadable.

        `far` tells of a second phone that was rung from within the call; that it picked up is told beside the steps.
        """
        fields = webhook.fields
        if not fields.get("call"):
            raise Unreadable("call")
        over, length = fields.get("over") == "1", fields.get("seconds", "")
        tape = Tape(fields["recording"], int(length[:6]) if length.isdecimal() else None) if fields.get("recording") else None
        at, placed = webhook.query.get(AT, ""), webhook.query.get(PLACED, "")
        said = (fields["call"], fields.get("from", ""), fields.get("keys", ""), at, tape)
        far = Far(fields["far"]) if fields.get("far") in set(Far) else None
        talked = int(length[:6]) if far is Far.ENDED and length.isdecimal() else None
        asks = not over and far is not Far.ANSWERED
        return CallStep(*said, asks=asks, over=over, placed=placed, far=far, talked=talked)

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read a missed call. Raises Unreadable."""
        if not webhook.fields.get("from"):
            raise Unreadable("from")
        return Ring(webhook.fields["from"], to=webhook.fields.get("to", ""))

    def ours(self, webhook: Webhook) -> bool:
        """Whether a call is one that we placed."""
        return PLACED in webhook.query

    def turn_away(self) -> Answer:
        """Return what ends a call before it is answered."""
        return self.speak(CallPage((), Then.HANG_UP))

    def call(self, number: str, reference: str) -> Sent:
        """Let a browser phone ring."""
        body = json.dumps({"to": number, "name": reference}).encode()
        try:
            reply = self._post(CALLS_PATH, body)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return Sent(reference, Certainty.REFUSED, code="unreachable", retry=True)
        except urllib3.exceptions.HTTPError:
            return Sent(reference, Certainty.UNKNOWN, code="no answer")
        certainty = Certainty.ACCEPTED if reply.status == 204 else Certainty.REFUSED
        return Sent(reference, certainty, code=None if reply.status == 204 else str(reply.status))

    def ring_first(self, number: str, reference: str) -> Sent:
        """Let a browser phone ring, as for any call."""
        return self.call(number, reference)

    def join(self, joining: Joining) -> Answer:
        """Return as JSON which other phone is to ring."""
        asked = {"says": [], "then": Then.JOIN, "onward": joining.onward, "to": joining.number, "from": self.shown}
        asked["name"] = joining.reference
        return Answer(json.dumps(asked), "application/json")

    def speak(self, page: CallPage) -> Answer:
        """Return a page as JSON."""
        says = [{"words": one.words, "language": one.language, "audio": one.audio} for one in page.says]
        return Answer(json.dumps({"says": says, "then": page.then, "onward": page.onward}), "application/json")

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording the network holds. Raises NotFetched."""
        reply = self._of_tape("GET", tape)
        return reply.data, reply.headers.get("Content-Type", "")

    def recorded(self, call: str) -> Sequence[Webhook]:  # noqa: ARG002  the contract names it
        """Return nothing: this network loses no word of a recording."""
        return ()

    def remove(self, tape: str) -> None:
        """Remove a recording from the network. Raises NotFetched."""
        self._of_tape("DELETE", tape)

    def _of_tape(self, method: str, tape: str) -> urllib3.BaseHTTPResponse:
        path = f"{TAPES_PATH}/{quote(tape, safe='')}"
        headers = {SIGNATURE: self.sign(path, method.encode())}
        try:
            reply = self._http.request(method, self._base + path, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotFetched(type(error).__name__) from None
        if reply.status not in (200, 204):
            raise NotFetched(str(reply.status), gone=reply.status == 404)
        return reply

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand all texts to the network in one request."""
        body = json.dumps([{"id": text.id, "to": text.to, "text": text.body} for text in texts]).encode()
        try:
            reply = self._post(SEND_PATH, body)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return [Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True) for text in texts]
        except urllib3.exceptions.HTTPError:
            return [Sent(text.id, Certainty.UNKNOWN, code="no answer") for text in texts]
        return [_outcome(text, reply) for text in texts]

    def _post(self, path: str, body: bytes) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json", SIGNATURE: self.sign(path, body)}
        return self._http.request("POST", self._base + path, body=body, headers=headers)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: this network lists no texts."""
        return ()


def _outcome(text: OutboundText, reply: urllib3.BaseHTTPResponse) -> Sent:
    if reply.status == 200 and reply.data.lstrip()[:1] == b"[":
        return Sent(text.id, Certainty.ACCEPTED, provider_id=f"sim-{text.id}")
    if 300 <= reply.status < 500:
        wait = seconds_to_wait(reply.status, reply.headers.get("Retry-After"))
        return Sent(text.id, Certainty.REFUSED, code=str(reply.status), retry=True, retry_after=wait)
    return Sent(text.id, Certainty.UNKNOWN, code=str(reply.status))


def make(settings: Settings, keyring: Keyring) -> Simulator | None:
    """Return the network in a demo, None in a real deployment: its phones must not reach a real queue."""
    if not settings.demo:
        return None
    return Simulator(
        keyring.secret("simulator.key"),
        settings.simulator_url or settings.console_url,
        connect=settings.connect_timeout_seconds,
        read=settings.read_timeout_seconds,
        shown=settings.voice_number or settings.tips_code,
    )
