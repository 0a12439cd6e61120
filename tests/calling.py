"""A phone that calls a hotline under test: steps go in by the real door, signed, as the demo's network brings them."""

import json
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode, urlsplit

from werkzeug.test import TestResponse

from hotline.gateways.simulator import Simulator
from tests.line import Line

NUMBERS = count(1)


@dataclass
class Called:
    """One call. `page` is what is heard now, as the network was told."""

    line: Line
    number: str = "+250780000101"
    call: str = field(default_factory=lambda: f"call-{next(NUMBERS):032x}")
    page: dict[str, object] = field(default_factory=dict)

    def ring(self) -> str:
        """Call the number."""
        return self.step()

    def press(self, *keys: str) -> str:
        """Press a key at each page; an empty one is silence."""
        for key in keys:
            self.step(keys=key)
        return self.heard

    def speak(self, recording: str, seconds: int = 12, **more: str) -> str:
        """Leave a message after the tone."""
        return self.step(recording=recording, seconds=str(seconds), **more)

    def hang_up(self, **more: str) -> None:
        """Put the phone down; the network says so."""
        answer = self.post(over="1", **more)
        assert (answer.status_code, answer.text) == (200, "")

    def step(self, **fields: str) -> str:
        answer = self.post(**fields)
        assert answer.status_code == 200
        self.page = json.loads(answer.text)
        assert self.page["says"], "somebody is on the line"
        return self.heard

    @property
    def heard(self) -> str:
        """The words that are heard."""
        return " ".join(one["words"] for one in self.page["says"])  # type: ignore[attr-defined,index]

    def post(self, **fields: str) -> TestResponse:
        onward = urlsplit(str(self.page.get("onward") or "/in/simulator/voice"))
        target = onward.path + (f"?{onward.query}" if onward.query else "")
        return knock(self.line, target, {"call": self.call, "from": self.number, **fields})


def knock(line: Line, target: str, fields: dict[str, str] | bytes, *, signed: bool = True) -> TestResponse:
    """Post a step as the demo's network does."""
    network = line.carriers["simulator"].real
    assert isinstance(network, Simulator)
    body = fields if isinstance(fields, bytes) else urlencode(fields, errors="surrogatepass").encode()
    headers = {"X-Simulator-Signature": network.sign(target, body)} if signed else {}
    path, _, query = target.partition("?")
    kind = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return line.client.post(path, query_string=query, data=body, headers=kind)
