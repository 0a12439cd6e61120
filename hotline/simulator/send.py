"""The phones' side of a webhook: signs a text as its gateway would and posts it to the public address.

In goes a sender and a text; out comes the whole exchange, request and answer byte for byte, so that it can be shown. A
refusal is an answer like any other and never raises. Texts are never logged.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode, urlsplit

import urllib3

from hotline.deployment import Deployment
from hotline.gateways import simulator, twilio
from hotline.gateways.contract import form
from hotline.gateways.simulator import Simulator
from hotline.models import new_id
from hotline.outbound.meter import measure

FORM = "application/x-www-form-urlencoded"
AT_ONCE = 8
NETWORK_CODE = "99999"  # what Africa's Talking's own sandbox says for its network


class NoSuchLine(Exception):
    """This deployment has no settings for the gateway, so nothing can be signed in its name."""


@dataclass(frozen=True)
class Exchange:
    """One webhook and what it was told. `status` is None when nobody answered; `seconds` is the caller's own clock."""

    external_id: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None
    reason: str
    answer_headers: Mapping[str, str]
    answer_body: bytes
    seconds: float

    @property
    def taken(self) -> bool:
        """Whether the hotline promised to keep it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def request(self) -> str:
        """The request as it went over the wire."""
        return _raw(f"POST {urlsplit(self.url).path} HTTP/1.1", self.request_headers, self.request_body)

    @property
    def answer(self) -> str:
        """The answer as it came, or nothing when none did."""
        return _raw(f"HTTP/1.1 {self.status} {self.reason}", self.answer_headers, self.answer_body) if self.status else ""


@dataclass(frozen=True)
class Signed:
    """A form ready to post: its gateway's id of the event, its target, body and signature headers."""

    external_id: str
    target: str
    body: bytes
    headers: Mapping[str, str]


class Carrier:
    """Carries texts and receipts to the hotline's webhooks over kept-alive connections. Close it when done."""

    def __init__(self, deployment: Deployment) -> None:
        chosen = deployment.settings
        self._deployment = deployment
        self._base = chosen.public_url.rstrip("/")
        limits = urllib3.Timeout(connect=chosen.connect_timeout_seconds, read=chosen.read_timeout_seconds)
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, block=True, timeout=limits, retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def text(
        self, sender: str, text: str, *, to: str | None = None, gateway: str = "simulator", external_id: str | None = None
    ) -> Exchange:
        """Post a text from a phone. The same `external_id` twice is the same text twice. Raises NoSuchLine."""
        if gateway not in SIGNERS:
            raise NoSuchLine(gateway)
        fields = {
            "id": external_id or fresh_id(gateway),
            "from": sender,
            "to": to or self._deployment.settings.tips_code,
            "text": text,
        }
        return self._post(SIGNERS[gateway](self._deployment, fields))

    def report(self, message_id: str, status: str) -> Exchange:
        """Post what became of a text the hotline sent. Raises NoSuchLine."""
        fields = {
            "id": f"{message_id}-{status}",
            "provider_id": f"sim-{message_id}",
            "message": message_id,
            "status": status,
        }
        return self._post(_network_form(self._deployment, "/in/simulator/status", fields))

    def hop(self, session: str, sender: str, text: str) -> Exchange:
        """Post one hop of a dialled session, in the fields of Africa's Talking. Raises NoSuchLine."""
        return self._dialled("ussd", session, {"phoneNumber": sender, "text": text})

    def hops_end(self, session: str, sender: str, text: str, status: str) -> Exchange:
        """Post that a dialled session is over: Success, Incomplete or Failed. Raises NoSuchLine."""
        return self._dialled("ussd_end", session, {"phoneNumber": sender, "status": status, "input": text})

    def call(self, call: str, sender: str, target: str, fields: Mapping[str, str]) -> Exchange:
        """Post one step of a call to the address the page before named. Raises NoSuchLine."""
        return self._post(_network_form(self._deployment, target, {"id": call, "call": call, "from": sender, **fields}))

    def _dialled(self, kind: str, session: str, more: Mapping[str, str]) -> Exchange:
        known = {"id": session, "sessionId": session, "networkCode": NETWORK_CODE}
        fields = {**known, "serviceCode": self._deployment.settings.ussd_code, **more}
        return self._post(_network_form(self._deployment, f"/in/simulator/{kind}", fields))

    def _post(self, signed: Signed) -> Exchange:
        url = self._base + signed.target
        # Everything the client would add by itself is said here, so that what is shown is what was sent.
        headers = {
            "Host": urlsplit(url).netloc,
            "Accept-Encoding": "identity",
            "Content-Length": str(len(signed.body)),
            "User-Agent": "hotline-simulator",
            "Content-Type": FORM,
            **signed.headers,
        }
        started = time.perf_counter()
        try:
            reply = self._http.request("POST", url, body=signed.body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            took = time.perf_counter() - started
            return Exchange(signed.external_id, url, headers, signed.body, None, type(error).__name__, {}, b"", took)
        took = time.perf_counter() - started
        told = dict(reply.headers)
        return Exchange(signed.external_id, url, headers, signed.body, reply.status, reply.reason or "", told, reply.data, took)


def send_sms(deployment: Deployment, *, sender: str, text: str, to: str | None = None, gateway: str = "simulator") -> Exchange:
    """Send one text through a gateway's signed webhook, as the network would. Raises NoSuchLine."""
    with Carrier(deployment) as carrier:
        return carrier.text(sender, text, to=to, gateway=gateway)


def fresh_id(gateway: str) -> str:
    """Return an id as the gateway would give it to a text."""
    return f"SM{new_id()}" if gateway == "twilio" else new_id()


def _network_form(deployment: Deployment, target: str, fields: Mapping[str, str]) -> Signed:
    network = deployment.shelf.get(Simulator.name)
    if not isinstance(network, Simulator):
        raise NoSuchLine(Simulator.name)
    body = _encoded(fields)
    return Signed(fields["id"], target, body, {simulator.SIGNATURE: network.sign(target, body)})


def _as_network(deployment: Deployment, fields: Mapping[str, str]) -> Signed:
    return _network_form(deployment, "/in/simulator/sms", fields)


def _as_twilio(deployment: Deployment, fields: Mapping[str, str]) -> Signed:
    """Fields and signature of twilio.com/docs/messaging/guides/webhook-request, with the first configured token."""
    chosen = deployment.settings
    if not chosen.twilio_auth_tokens:
        raise NoSuchLine("twilio")
    sid = fields["id"]
    body = _encoded(
        {
            "ToCountry": chosen.region,
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": fields["text"],
            "To": chosen.twilio_from or fields["to"],
            "NumSegments": str(measure(fields["text"]).segments),
            "MessageSid": sid,
            "AccountSid": chosen.twilio_account_sid or f"AC{'0' * 32}",
            "From": fields["from"],
            "ApiVersion": "2010-04-01",
        }
    )
    target = "/in/twilio/sms"
    signed = twilio.signed_bytes(chosen.public_url.rstrip("/") + target, form(body))
    signature = twilio.sign(chosen.twilio_auth_tokens[0].get_secret_value(), signed)
    return Signed(sid, target, body, {twilio.SIGNATURE: signature.decode()})


SIGNERS: Mapping[str, Callable[[Deployment, Mapping[str, str]], Signed]] = {"simulator": _as_network, "twilio": _as_twilio}


def _encoded(fields: Mapping[str, str]) -> bytes:
    return urlencode(fields, errors="surrogatepass").encode()


def _raw(first: str, headers: Mapping[str, str], body: bytes) -> str:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), "", body.decode("utf-8", "replace")]
    return "\n".join(lines)
