"""Forgeries by the thousand: none is taken for genuine, each is counted, and the genuine one they were made of adds one row.

The secrets and numbers are invented.
"""

import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from hotline.deployment import Deployment
from hotline.gateways.contract import form
from hotline.inbound import FORGED
from hotline.models import Counter, Inbox, Quarantine
from tests.line import PUBLIC_URL, TOKEN, Line, signature

TARGET = "/in/twilio/sms"


@dataclass(frozen=True)
class Knock:
    """One request: what it is, how it is made, and what it must hear."""

    kind: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    target: str = TARGET
    method: str = "POST"
    hears: int = 403


def genuine(number: int) -> bytes:
    return urlencode({"MessageSid": f"SM{number:032x}", "From": "+250780000101", "To": "7788", "Body": f"Text {number}"}).encode()


def signed(body: bytes, target: str = TARGET, token: str = TOKEN) -> dict[str, str]:
    return {"X-Twilio-Signature": signature(target, body, token)}


def altered(body: bytes, draw: random.Random) -> bytes:
    """Flip one bit so that the form says something else; %2B and %2b say the same."""
    while True:
        at = draw.randrange(len(body))
        other = body[:at] + bytes([body[at] ^ 1 << draw.randrange(7)]) + body[at + 1 :]
        if form(other) != form(body):
            return other


def elsewhere(body: bytes) -> dict[str, str]:
    """A signature for the same webhook at another host, with headers that would move us there."""
    there = signature(TARGET.replace("/in", "https://evil.example.org/in"), body)
    return {"X-Twilio-Signature": there, "Host": "evil.example.org", "X-Forwarded-Host": "evil.example.org"}


def forwarded(body: bytes) -> dict[str, str]:
    spoofed = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": PUBLIC_URL,
        "X-Real-IP": "127.0.0.1",
    }
    return {**signed(body, "/in/twilio/status"), **spoofed}


FORGERS: dict[str, Callable[[bytes, random.Random], Knock]] = {
    "unsigned": lambda body, _: Knock("unsigned", body),
    "empty": lambda body, _: Knock("empty", body, {"X-Twilio-Signature": ""}),
    "short": lambda body, _: Knock("short", body, {"X-Twilio-Signature": signed(body)["X-Twilio-Signature"][:-2]}),
    "other key": lambda body, draw: Knock("other key", body, signed(body, token=f"{draw.getrandbits(128):032x}")),
    "altered": lambda body, draw: Knock("altered", altered(body, draw), signed(body)),
    "added": lambda body, _: Knock("added", body + b"&Urgent=1", signed(body)),
    "other query": lambda body, _: Knock("other query", body, signed(body), f"{TARGET}?x=1"),
    "other host": lambda body, _: Knock("other host", body, elsewhere(body)),
    "forwarded": lambda body, _: Knock("forwarded", body, forwarded(body)),
    "other kind": lambda body, _: Knock("other kind", body, signed(body), "/in/twilio/status"),
    "other gateway": lambda body, _: Knock("other gateway", body, signed(body), "/in/simulator/sms"),
    "get": lambda body, _: Knock("get", b"", signed(body), f"{TARGET}?{body.decode()}", method="GET", hears=405),
}


def forgeries(number: int) -> Iterator[Knock]:
    """Yield so many forgeries, all kinds in turn, each made of a genuine webhook."""
    for at, kind in zip(range(number), list(FORGERS) * (number // len(FORGERS) + 1), strict=False):
        yield FORGERS[kind](genuine(at), random.Random(zlib.crc32(f"{at}".encode())))


@pytest.mark.parametrize("number", [1_200, pytest.param(10_000, marks=pytest.mark.faults)])
def test_no_forgery_is_taken_and_all_are_counted(deployment: Deployment, number: int) -> None:
    line = Line(deployment)
    knocks = list(forgeries(number))

    def knock(one: Knock) -> tuple[str, int]:
        kind_of_body = "application/x-www-form-urlencoded"
        answer = line.client.open(
            one.target, method=one.method, data=one.body, headers={"Content-Type": kind_of_body, **one.headers}
        )
        return one.kind, answer.status_code

    with ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(knock, knocks))
    assert [answer for answer, one in zip(heard, knocks, strict=True) if answer[1] != one.hears] == []
    assert line.rows(Inbox) == []
    refused = sum(one.hears == 403 for one in knocks)
    (counted,) = [row["value"] for row in line.rows(Counter) if row["name"] == FORGED]
    assert counted == len(line.rows(Quarantine)) == refused


def test_a_replay_of_a_genuine_webhook_adds_no_row_however_often(deployment: Deployment) -> None:
    line = Line(deployment)
    body = genuine(1)
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: line.post(body).status_code, range(200)))
    assert heard == [200] * 200, "a repeat must hear that it was taken, or its gateway tries for ever"
    assert len(line.rows(Inbox)) == 1
