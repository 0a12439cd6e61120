"""A phone that dials a hotline under test: hops go in by the real door, signed, in the field names of Africa's Talking."""

from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from hotline.gateways.simulator import Simulator
from hotline.intake.ussd.screens import septets
from tests.line import Line

NUMBERS = count(1)


@dataclass
class Dialled:
    """One session. `text` is what the network has joined so far."""

    line: Line
    number: str = "+250780000101"
    session: str = field(default_factory=lambda: f"ATUid_{next(NUMBERS):032x}")
    text: str = ""
    page: str = ""

    def dial(self, ahead: str = "") -> str:
        """Dial the code, with answers already in it where there are any."""
        self.text = ahead
        return self.hop()

    def answer(self, *typed: str) -> str:
        """Answer the screens one after the other."""
        for one in typed:
            self.text = f"{self.text}*{one}" if self.text else one
            self.hop()
        return self.page

    def hop(self) -> str:
        """Let the network ask for the page of what was typed so far."""
        answer = post(self.line, "ussd", self.fields(text=self.text))
        assert answer.status_code == 200
        assert answer.content_type.startswith("text/plain")
        self.page = answer.text
        length = septets(self.page)
        assert self.page[:4] in {"CON ", "END "}
        assert length is not None
        assert 0 < length <= 160
        return self.page

    def end(self, status: str = "Incomplete") -> None:
        """Let the network tell that the session is over."""
        more = {"status": status, "input": self.text, "hopsCount": "3", "durationInMillis": "41000", "lastAppResponse": self.page}
        assert post(self.line, "ussd_end", self.fields(date="2026-11-23 20:30:00", **more)).status_code == 200

    def fields(self, **more: str) -> dict[str, str]:
        known = {"sessionId": self.session, "phoneNumber": self.number, "networkCode": "63510", "serviceCode": "*778#"}
        return known | more


def post(line: Line, kind: str, fields: dict[str, str] | bytes, *, signed: bool = True) -> TestResponse:
    """Post a webhook as the demo's network does."""
    network = line.carriers["simulator"].real
    assert isinstance(network, Simulator)
    body = fields if isinstance(fields, bytes) else urlencode(fields, errors="surrogatepass").encode()
    target = f"/in/simulator/{kind}"
    headers = {"X-Simulator-Signature": network.sign(target, body)} if signed else {}
    return line.client.post(target, data=body, headers={"Content-Type": "application/x-www-form-urlencoded", **headers})
