"""The fake gateway itself: it answers in the shapes Twilio publishes, signs as Twilio does, and keeps an honest record.

The fields are those of schema `api.v2010.account.message` in Twilio's OpenAPI description (github.com/twilio/twilio-oai,
spec/json/twilio_api_v2010.json), read in November 2026 and written down here; requests are made by Twilio's own SDK, which is
generated from that description.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import parse_qsl

import pytest
import urllib3
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from tests.fakes.faults import FAULTS, MAGIC_FROM, MAGIC_TO, Plan
from tests.fakes.gateway import FakeGateway
from tests.fakes.receipts import Habit

ACCOUNT, TOKEN, PHONE = "AC" + "0" * 32, "invented-auth-token", "+250780000101"
STATUS = {"queued", "sending", "sent", "failed", "delivered", "undelivered", "receiving", "received", "accepted", "scheduled"}
DIRECTION = {"inbound", "outbound-api", "outbound-call", "outbound-reply"}
TEXTS = ("body", "num_segments", "from", "to", "price", "error_message", "uri", "num_media", "price_unit", "api_version")
MOMENTS = ("date_created", "date_updated", "date_sent")


def in_shape(message: dict[str, object]) -> None:
    """Compare one message with the schema: its fields, their types, patterns and enumerations."""
    rest = {"direction", "account_sid", "status", "messaging_service_sid", "sid", "error_code", "subresource_uris"}
    assert message.keys() == {*TEXTS, *MOMENTS} | rest
    assert all(isinstance(message[name], str | None) for name in TEXTS)
    assert re.fullmatch("(SM|MM)[0-9a-fA-F]{32}", str(message["sid"]))
    assert re.fullmatch("AC[0-9a-fA-F]{32}", str(message["account_sid"]))
    assert message["status"] in STATUS
    assert message["direction"] in DIRECTION
    assert isinstance(message["error_code"], int | None)
    assert all(parsedate_to_datetime(str(message[name])).tzinfo for name in MOMENTS if message[name] is not None)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    server = FakeGateway(token=TOKEN).start()
    yield server
    server.stop()


class Elsewhere(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """Twilio's own client, asked to call another address."""

    def __init__(self, address: str) -> None:
        super().__init__(timeout=10)
        self._address = address

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        return super().request(method, url.replace("https://api.twilio.com", self._address, 1), *args, **kwargs)


def client(gateway: FakeGateway, token: str = TOKEN) -> Client:
    return Client(ACCOUNT, token, http_client=Elsewhere(gateway.url))


def sent(gateway: FakeGateway, to: str = PHONE, sender: str = "7788", body: str = "Muraho") -> MessageInstance:
    return client(gateway).messages.create(to=to, from_=sender, body=body)


def test_a_message_that_was_taken_has_the_published_shape_and_twilios_sdk_reads_it(gateway: FakeGateway) -> None:
    message = sent(gateway)
    assert (message.status, message.to, message.direction) == ("queued", PHONE, "outbound-api")
    (kept,) = gateway.store.messages.values()
    in_shape(kept)
    assert client(gateway).messages(str(message.sid)).fetch().body == "Muraho"


@pytest.mark.parametrize(("number", "code"), MAGIC_TO.items())
def test_twilios_magic_receivers_are_refused_with_twilios_codes(gateway: FakeGateway, number: str, code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        sent(gateway, to=number)
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize(("number", "code"), MAGIC_FROM.items())
def test_twilios_magic_senders_are_refused_with_twilios_codes(gateway: FakeGateway, number: str, code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        sent(gateway, sender=number)
    assert refused.value.code == code
    assert sent(gateway, sender="+15005550006").sid


def test_a_wrong_token_a_missing_receiver_and_an_unknown_field_are_refused(gateway: FakeGateway) -> None:
    with pytest.raises(TwilioRestException) as wrong:
        client(gateway, "another").messages.create(to=PHONE, from_="7788", body="x")
    assert (wrong.value.status, wrong.value.code) == (401, 20003)
    with pytest.raises(TwilioRestException) as missing:
        client(gateway).messages.create(to="", from_="7788", body="x")
    assert missing.value.code == 21604
    auth = urllib3.make_headers(basic_auth=f"{ACCOUNT}:{TOKEN}")
    fields = {"To": PHONE, "From": "7788", "Body": "x", "Colour": "red"}
    path = f"{gateway.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    with urllib3.PoolManager() as http:
        reply = http.request("POST", path, fields=fields, headers=auth, encode_multipart=False)
    assert (reply.status, reply.json()["code"]) == (400, 20001)


def test_messages_are_listed_newest_first_both_directions_in_pages_that_nothing_new_shifts(gateway: FakeGateway) -> None:
    for number in range(7):
        sent(gateway, body=f"text {number}")
    gateway.store.arrive({"from": PHONE, "body": "Muraho"})
    pages = client(gateway).messages.stream(page_size=3)
    first = next(pages)
    sent(gateway, body="after the first page")
    listed = [first, *pages]
    assert [one.body for one in listed] == ["Muraho", *(f"text {number}" for number in range(6, -1, -1))]
    assert [one.direction for one in listed] == ["inbound"] + ["outbound-api"] * 7
    assert {one.body for one in client(gateway).messages.list(from_=PHONE)} == {"Muraho"}
    today = parsedate_to_datetime(str(next(iter(gateway.store.messages.values()))["date_created"]))
    assert len(client(gateway).messages.list(date_sent_after=today, to=PHONE)) == 8
    assert client(gateway).messages.list(date_sent_before=today.replace(year=2000)) == []


def test_a_call_is_taken_and_listed(gateway: FakeGateway) -> None:
    call = client(gateway).calls.create(to=PHONE, from_="+250780000100", twiml="<Response/>")
    assert (call.status, call.direction) == ("queued", "outbound-api")
    assert [one.sid for one in client(gateway).calls.list(to=PHONE)] == [call.sid]


# ---- faults -----------------------------------------------------------------------------------------------------


def test_which_text_meets_which_fault_does_not_depend_on_the_order_of_requests() -> None:
    texts = [(f"+25078{number:07}", f"text {number}") for number in range(2000)]
    one, other = Plan(seed=7), Plan(seed=7)
    for plan in (one, other):
        plan.weigh("429:10,hang-sent:5,reset:20")
    met = {text: one.choose(*text)[0] for text in texts}
    assert {text: other.choose(*text)[0] for text in reversed(texts)} == met
    counted = {name: sum(met[text] == name for text in texts) / 20 for name in ("429", "hang-sent", "reset", "ok")}
    assert counted == pytest.approx({"429": 10, "hang-sent": 5, "reset": 20, "ok": 65}, abs=3)
    assert {one.choose(PHONE, "again")[0] for _ in range(100)} > {"ok"}, "another try of the same text may meet another fault"


def test_a_fault_that_is_misspelt_is_named() -> None:
    with pytest.raises(ValueError, match="hangs"):
        Plan().weigh("hangs:5")


# ---- as a process, with callbacks -------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[str, "Queue[tuple[str, bytes, str]]"]]:
    heard: Queue[tuple[str, bytes, str]] = Queue()

    class Hearer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.put((self.path, body, self.headers["X-Twilio-Signature"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hearer)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def process(tmp_path: Path, listener: tuple[str, object]) -> Iterator[tuple[str, Path]]:
    record = tmp_path / "taken.jsonl"
    options = ["--record", str(record), "--token", TOKEN, "--deliver-to", listener[0], "--callbacks", "shuffle,double:100"]
    words = [sys.executable, "-m", "tests.fakes.gateway", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip(), record
        running.kill()


def test_as_a_process_it_records_each_text_before_it_answers_and_signs_each_callback(
    process: tuple[str, Path], listener: tuple[str, "Queue[tuple[str, bytes, str]]"]
) -> None:
    url, record = process
    callback = "https://hooks.example.org/in/twilio/status?message=0123"
    api = Client(ACCOUNT, TOKEN, http_client=Elsewhere(url))
    sid = str(api.messages.create(to=PHONE, from_="7788", body="Muraho", status_callback=callback).sid)
    (line,) = (json.loads(one) for one in record.read_text().splitlines() if '"text"' in one)
    assert (line["sid"], line["message"], line["taken"], line["fault"]) == (sid, "0123", True, "ok")
    steps = []
    for _ in range(6):
        path, body, signature = listener[1].get(timeout=10)
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        assert path == "/in/twilio/status?message=0123"
        assert RequestValidator(TOKEN).validate(callback, fields, signature)
        steps.append(fields["MessageStatus"])
    assert sorted(steps) == sorted(["sending", "sent", "delivered"] * 2)


def test_it_is_steered_while_it_runs_and_tells_what_went_out_though_nobody_heard(process: tuple[str, Path]) -> None:
    url, record = process
    with urllib3.PoolManager(retries=False) as http:
        assert http.request("POST", f"{url}/control", json={"faults": "500-sent", "next": ["429"]}).status == 200
        api = Client(ACCOUNT, TOKEN, http_client=Elsewhere(url))
        for status in (429, 500):
            with pytest.raises(TwilioRestException) as failed:
                api.messages.create(to=PHONE, from_="7788", body="Muraho")
            assert failed.value.status == status
        arrived = {"inbound": [{"from": PHONE, "body": "help"}], "deliver": False}
        assert http.request("POST", f"{url}/control", json=arrived).json()["sids"]
        assert http.request("GET", f"{url}/control").json()["taken"] == 2
    assert {one.direction for one in api.messages.list()} == {"inbound", "outbound-api"}
    until = time.monotonic() + 5
    while len(lines := record.read_text().splitlines()) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    texts = [json.loads(one) for one in lines]
    assert [(one["taken"], one["fault"]) for one in texts] == [(False, "listed"), (True, "500-sent")]


def test_the_browser_phones_network_is_spoken_too(process: tuple[str, Path]) -> None:
    url, record = process
    with urllib3.PoolManager() as http:
        texts = [{"id": "01", "to": PHONE, "text": "Muraho"}, {"id": "02", "to": PHONE, "text": "Mwiriwe"}]
        assert http.request("POST", f"{url}/simulator/network/texts", json=texts).status == 200
    assert [json.loads(one)["message"] for one in record.read_text().splitlines()] == ["01", "02"]


def test_every_fault_and_habit_can_be_named() -> None:
    Plan().weigh(",".join(FAULTS))
    assert Habit.read("-") == Habit(never=0)
    assert Habit.read("shuffle,late:5") == Habit(shuffle=100, late=5, never=0)
