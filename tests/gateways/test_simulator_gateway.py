"""The browser phones' network as a gateway: signed with a key of the instance, read and answered like any other."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.gateways.contract import (
    Certainty,
    Forged,
    InboundText,
    OutboundText,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
)
from hotline.gateways.simulator import SEND_PATH, SIGNATURE, Simulator

KEY = bytes(range(32))
TEXTS = [OutboundText("01a", "+250780000101", "Murakoze"), OutboundText("01b", "+250780000102", "Urakoze \U0001f44d")]


def phones(url: str = "http://127.0.0.1:9") -> Simulator:
    return Simulator(KEY, url, connect=0.3, read=0.3)


def hook(body: bytes, target: str = "/in/simulator/sms", kind: str = "sms") -> Webhook:
    return Webhook(kind, target, {SIGNATURE: phones().sign(target, body)}, body)


@given(body=st.binary(), target=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_our_own_key_signed_is_genuine(body: bytes, target: str) -> None:
    phones().verify(hook(body, target))


@given(body=st.binary(min_size=1), at=st.integers(0))
def test_one_changed_byte_shows(body: bytes, at: int) -> None:
    place = at % len(body)
    changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    with pytest.raises(Forged, match="signature"):
        phones().verify(Webhook("sms", "/in/simulator/sms", hook(body).headers, changed))


def test_a_signature_holds_for_its_path_alone_and_for_its_key_alone() -> None:
    genuine = hook(b"from=x")
    with pytest.raises(Forged, match="signature"):
        phones().verify(Webhook("status", "/in/simulator/status", genuine.headers, genuine.body))
    with pytest.raises(Forged, match="signature"):
        Simulator(bytes(32), "http://127.0.0.1:9", connect=1, read=1).verify(genuine)
    with pytest.raises(Forged, match="unsigned"):
        phones().verify(Webhook("sms", genuine.target, {}, genuine.body))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"from": "+250780000101", "to": "7788", "text": "Muraho"}, InboundText("+250780000101", "7788", "Muraho")),
        ({"from": "MTN"}, InboundText("MTN", "", "")),
        ({"from": "x", "text": "\x00\U0001f6a8"}, InboundText("x", "", "\x00\U0001f6a8")),
    ],
)
def test_a_text_is_read_as_it_was_written(fields: dict[str, str], text: InboundText) -> None:
    assert phones().read_text(hook(urlencode(fields).encode())) == text


@pytest.mark.parametrize("body", [b"", b"from=", b"text=Muraho"])
def test_a_text_without_sender_is_set_aside_for_a_person(body: bytes) -> None:
    with pytest.raises(Unreadable, match="from"):
        phones().read_text(hook(body))


def test_an_event_is_known_by_its_id_and_may_have_none() -> None:
    assert phones().external_id(hook(b"id=e1&from=x")) == "e1"
    assert phones().external_id(hook(b"id=&from=x")) is None
    assert phones().external_id(hook(b"from=x")) is None


@pytest.mark.parametrize(
    ("status", "progress"),
    [("sent", Progress.SENT), ("delivered", Progress.DELIVERED), ("undelivered", Progress.UNDELIVERED)],
)
def test_a_receipt_names_our_message_and_theirs(status: str, progress: Progress) -> None:
    body = urlencode({"id": "e1", "message": "01a", "provider_id": "sim-01a", "status": status}).encode()
    assert phones().read_status(hook(body)) == StatusUpdate("sim-01a", "01a", progress, None)


@pytest.mark.parametrize(
    "body", [b"", b"message=01a", b"message=01a&status=lost", b"status=delivered", b"status=sent&message=&provider_id="]
)
def test_a_receipt_that_names_no_message_or_no_known_status_is_set_aside(body: bytes) -> None:
    with pytest.raises(Unreadable):
        phones().read_status(hook(body))


def test_absurd_ids_in_a_receipt_become_plain() -> None:
    update = phones().read_status(hook(b"status=sent&message=%00&provider_id=%ff&code=%00"))
    assert [str(field)[:2] for field in (update.message_id, update.provider_id, update.code)] == ["h-"] * 3


class Network:
    """The other end: keeps what it was sent and answers what it was told to."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes, str | None]] = []
        self.status = 200
        self.location = ""
        network = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                network.received.append((self.path, body, self.headers.get(SIGNATURE)))
                if not network.status:
                    return
                self.send_response(network.status)
                if network.location:
                    self.send_header("Location", network.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"[]")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_all_texts_go_in_one_signed_request(network: Network) -> None:
    sent = phones(network.url + "/").send(TEXTS)
    assert sent == [Sent(text.id, Certainty.ACCEPTED, provider_id=f"sim-{text.id}") for text in TEXTS]
    ((path, body, signature),) = network.received
    assert json.loads(body) == [{"id": text.id, "to": text.to, "text": text.body} for text in TEXTS]
    phones().verify(Webhook("texts", path, {SIGNATURE: str(signature)}, body))
    assert path == SEND_PATH


@pytest.mark.parametrize("status", [0, 500, 503])
def test_an_answer_that_says_nothing_leaves_all_of_them_unknown(network: Network, status: int) -> None:
    network.status = status
    assert {sent.certainty for sent in phones(network.url).send(TEXTS)} == {Certainty.UNKNOWN}


def test_a_redirect_is_not_followed(network: Network) -> None:
    network.status, network.location = 307, f"{network.url}/elsewhere"
    phones(network.url).send(TEXTS)
    assert [path for path, _, _ in network.received] == [SEND_PATH]


def test_a_network_that_is_not_there_has_surely_sent_nothing() -> None:
    assert phones("http://127.0.0.1:9").send(TEXTS) == [
        Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True) for text in TEXTS
    ]
