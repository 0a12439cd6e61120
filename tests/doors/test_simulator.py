"""The browser phones: real signatures, a real HTTP server as the hotline's webhook, a real database."""

import json
import queue
import re
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import ANY

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from sqlalchemy import func, select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from hotline import inbound, simulator
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Progress, Webhook
from hotline.gateways.simulator import CALLS_PATH, SEND_PATH, SIGNATURE, Simulator
from hotline.gateways.voice import CallStep, Far
from hotline.models import Lane, PhoneText, new_id
from hotline.simulator import crowd
from hotline.simulator.calling import STEP, Call, Calling, Tapes
from hotline.simulator.handsets import Handsets, Mood, Way
from hotline.simulator.network import read_batch
from hotline.simulator.pages import Pages, answers
from hotline.simulator.receipts import Receipts
from hotline.simulator.replay import NotADemo, Replayed, Step, percentile, read_lines, replay
from hotline.simulator.send import Carrier, NoSuchLine, send_sms
from workers import jobs

FARM, POST = "picker", "bugarama-police-post"
FARM_NUMBER, POST_NUMBER = "+250780000101", "+250780000201"
LIVE = f"/simulator/phones/{FARM}/{POST}"
MANY_NAME = "many.rw.0f.01"


@dataclass
class Hook:
    """The other end of the webhook: keeps what it hears and answers what it is told to."""

    heard: queue.Queue[Webhook] = field(default_factory=queue.Queue)
    answers: list[int] = field(default_factory=list)
    page: bytes = b""

    def next(self) -> Webhook:
        return self.heard.get(timeout=10)


@pytest.fixture
def hook() -> Iterator[tuple[Hook, str]]:
    end = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            end.heard.put(Webhook(self.path.rpartition("/")[2], self.path, headers, body))
            self.send_response(end.answers.pop(0) if end.answers else 200)
            self.send_header("Content-Length", str(len(end.page)))
            self.end_headers()
            self.wfile.write(end.page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield end, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(settings: Settings, hook: tuple[Hook, str]) -> Settings:
    return settings.model_copy(update={"public_url": hook[1]})


@pytest.fixture
def end(hook: tuple[Hook, str]) -> Hook:
    return hook[0]


@pytest.fixture
def network(deployment: Deployment) -> Simulator:
    gateway = deployment.shelf.get("simulator")
    assert isinstance(gateway, Simulator)
    return gateway


@pytest.fixture
def client(deployment: Deployment) -> FlaskClient:
    return desk(deployment).test_client()


def desk(deployment: Deployment, *, receipts: bool = True) -> Flask:
    app = Flask("desk")
    app.secret_key = "invented"
    simulator.install(app, deployment, receipts=receipts)
    return app


def hand_over(client: FlaskClient, network: Simulator, *texts: tuple[str, str, str]) -> TestResponse:
    body = json.dumps([{"id": row_id, "to": to, "text": text} for row_id, to, text in texts]).encode()
    return client.post(SEND_PATH, data=body, headers={SIGNATURE: network.sign(SEND_PATH, body)})


def live(client: FlaskClient) -> str:
    return client.get(LIVE).get_data(as_text=True)


def send(client: FlaskClient, text: str, key: str = FARM) -> None:
    assert client.post(f"/simulator/phones/{key}/texts", data={"text": text}).status_code == 303


# ---- from a phone to the hotline


def test_a_text_takes_the_signed_webhook_and_the_page_shows_both_sides(
    client: FlaskClient, end: Hook, network: Simulator
) -> None:
    send(client, "they locked the door")
    webhook = end.next()
    network.verify(webhook)
    text = network.read_text(webhook)
    assert (webhook.target, text.sender, text.to, text.body) == ("/in/simulator/sms", FARM_NUMBER, "7788", "they locked the door")
    page = live(client)
    assert "sent ✓" in page
    assert "POST /in/simulator/sms HTTP/1.1" in page
    assert f"{SIGNATURE}: {webhook.headers[SIGNATURE]}" in page
    assert "text=they+locked+the+door" in page
    assert "HTTP/1.1 200 OK" in page
    assert re.search(r"in \d+\.\d ms", page)


def test_what_is_shown_is_every_header_that_was_sent(deployment: Deployment, end: Hook) -> None:
    exchange = send_sms(deployment, sender=FARM_NUMBER, text="hello")
    assert {name.lower(): value for name, value in exchange.request_headers.items()} == dict(end.next().headers)


def test_a_refused_text_stays_on_the_phone_and_goes_out_again_under_its_id(
    client: FlaskClient, end: Hook, network: Simulator
) -> None:
    end.answers = [503]
    send(client, "please help")
    page = live(client)
    assert "Not sent: network said 503" in " ".join(page.split())
    retry = re.search(r'formaction="(/simulator/phones/[^"]+/again)"', page)
    assert retry
    assert client.post(retry[1]).status_code == 303
    first, second = end.next(), end.next()
    assert network.external_id(first) == network.external_id(second)
    assert "Not sent" not in live(client)
    assert live(client).count("please help") == 1


def test_a_hotline_that_does_not_answer_is_named_as_that(deployment: Deployment) -> None:
    away = Deployment(deployment.settings.model_copy(update={"public_url": "http://127.0.0.1:9"}))
    client = desk(away).test_client()
    send(client, "hello")
    assert "the network got no answer" in live(client)
    away.close()


def test_a_text_cut_off_with_its_process_can_be_sent_again(deployment: Deployment) -> None:
    phones = Handsets(deployment)
    with time_machine.travel("2026-11-24 10:00:00Z", tick=False) as clock:
        text_id = phones.begin(FARM_NUMBER, "hello")
        assert phones.thread(FARM_NUMBER)[0].way is Way.SENDING
        assert phones.unsent(FARM_NUMBER, text_id) is None
        clock.shift(31)
        assert phones.unsent(FARM_NUMBER, text_id) == "hello"


def test_an_empty_text_is_not_sent(client: FlaskClient, end: Hook) -> None:
    send(client, "  \r\n ")
    assert end.heard.empty()


def test_texts_rest_sealed(client: FlaskClient, deployment: Deployment) -> None:
    send(client, "they locked the door")
    with deployment.db.reading() as session:
        row = session.scalars(select(PhoneText)).one()
    assert b"locked" not in row.sealed
    assert b"780" not in row.sender_sealed
    assert deployment.keyring.fields.open_text(row.sender_sealed, f"phone_text|sender|{row.id}") == FARM_NUMBER


# ---- from the hotline to a phone


def test_an_alert_shows_on_the_phone_and_its_first_30_characters_on_the_locked_screen(
    client: FlaskClient, network: Simulator
) -> None:
    live(client)
    reply = hand_over(client, network, (new_id(), POST_NUMBER, "[K7-4QM9] URGENT, Rusizi, minor. Reply 1 K7-4QM9 takes it."))
    assert (reply.status_code, reply.json) == (200, [])
    page = live(client)
    assert '<p class="glimpse">[K7-4QM9] URGENT, Rusizi, mino<span' in page
    assert "1 unread" in page
    client.post(f"/simulator/phones/{POST}/read")
    assert "1 unread" not in live(client)


def test_the_wire_shows_the_hotlines_request_without_other_phones_texts(client: FlaskClient, network: Simulator) -> None:
    live(client)
    hand_over(client, network, (new_id(), POST_NUMBER, "for the officer"), (new_id(), "+250780000999", "for somebody else"))
    page = live(client)
    assert "POST /simulator/network/texts HTTP/1.1" in page
    assert "with 1 text to other phones, left out here" in page
    assert "for somebody else" not in page


def test_a_phone_that_rings_where_nobody_looks_is_offered_until_it_is_picked_up(client: FlaskClient, network: Simulator) -> None:
    assert "Ringing elsewhere" not in live(client)
    hand_over(client, network, (new_id(), "+250780000204", "[K7-4QM9] URGENT"), (new_id(), POST_NUMBER, "on the shown phone"))
    ringing = re.findall(r'name="profile" value="([^"]+)" id="ring', live(client))
    assert ringing == ["child-protection-rusizi"]
    client.post("/simulator/phones/child-protection-rusizi/read")
    assert "Ringing elsewhere" not in live(client)


@pytest.mark.parametrize("signature", [None, "0" * 64, "é"])
def test_a_batch_without_a_right_signature_is_refused(client: FlaskClient, deployment: Deployment, signature: str | None) -> None:
    body = json.dumps([{"id": "x", "to": POST_NUMBER, "text": "forged"}]).encode()
    headers = {} if signature is None else {SIGNATURE: signature.encode("utf-8").decode("latin-1")}
    assert client.post(SEND_PATH, data=body, headers=headers).status_code == 403
    with deployment.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(PhoneText)) == 0


def test_a_batch_that_comes_twice_changes_nothing(client: FlaskClient, network: Simulator) -> None:
    text = (new_id(), POST_NUMBER, "once only")
    assert hand_over(client, network, text).status_code == 200
    assert hand_over(client, network, text, (new_id(), POST_NUMBER, "another")).status_code == 200
    assert live(client).count(">once only<") == 1
    assert ">another<" in live(client)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}x", b"7", b'[{"id": "a"}]', b'[{"id": 1, "to": "2", "text": "3"}]', b'["a"]', b"\xff"]
)
def test_a_signed_batch_that_cannot_be_read_is_answered_400(client: FlaskClient, network: Simulator, body: bytes) -> None:
    assert client.post(SEND_PATH, data=body, headers={SIGNATURE: network.sign(SEND_PATH, body)}).status_code == 400


def test_an_empty_batch_is_well(client: FlaskClient, network: Simulator) -> None:
    assert hand_over(client, network).json == []


def test_the_gateway_itself_can_reach_the_network(deployment: Deployment, end: Hook) -> None:
    server = make_server("127.0.0.1", 0, desk(deployment), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    gateway = Deployment(deployment.settings.model_copy(update={"simulator_url": url})).shelf.get("simulator")
    assert isinstance(gateway, Simulator)
    [sent] = gateway.send([OutboundText("a" * 32, POST_NUMBER, "hello")])
    assert sent.provider_id == "sim-" + "a" * 32
    status = gateway.read_status(end.next())
    assert (status.message_id, status.provider_id, status.progress) == ("a" * 32, sent.provider_id, Progress.DELIVERED)
    server.shutdown()
    server.server_close()
    thread.join()


# ---- receipts and the network's moods


def test_each_text_is_followed_by_a_signed_receipt(client: FlaskClient, network: Simulator, end: Hook) -> None:
    ids = [new_id(), new_id()]
    hand_over(client, network, *((row_id, POST_NUMBER, "hello") for row_id in ids))
    heard = [end.next(), end.next()]
    for webhook in heard:
        network.verify(webhook)
    assert [network.read_status(webhook).message_id for webhook in heard] == ids
    assert [network.external_id(webhook) for webhook in heard] == [f"{row_id}-delivered" for row_id in ids]


def test_receipts_can_be_left_out(deployment: Deployment, network: Simulator, end: Hook) -> None:
    client = desk(deployment, receipts=False).test_client()
    hand_over(client, network, (new_id(), POST_NUMBER, "hello"))
    client.post(f"/simulator/phones/{POST}/network", data={"mood": "good"})
    send(client, "the next thing heard is this text")
    assert end.next().target == "/in/simulator/sms"
    assert end.heard.empty()


def test_receipts_beyond_the_room_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    posted: queue.Queue[tuple[str, str]] = queue.Queue()
    receipts = Receipts(lambda message_id, status: posted.put((message_id, status)), room=2)
    receipts.promise(["late-1", "late-2", "late-3", "late-4"], "delivered", after=0.05)
    assert [posted.get(timeout=10)[0] for _ in range(2)] == ["late-1", "late-2"]
    assert [record.count for record in caplog.records if record.msg == "receipts dropped"] == [2]  # type: ignore[attr-defined]
    receipts.promise(["after"], "undelivered")
    assert posted.get(timeout=10) == ("after", "undelivered")


def test_a_network_that_delivers_twice_repeats_the_webhook_under_one_id(
    client: FlaskClient, network: Simulator, end: Hook
) -> None:
    client.post(f"/simulator/phones/{FARM}/network", data={"mood": "twice"})
    send(client, "hello")
    assert network.external_id(end.next()) == network.external_id(end.next())
    assert "delivery 2 of 2, same id" in live(client)
    assert live(client).count(">hello<") == 1


def test_a_phone_that_is_off_gets_its_texts_when_it_is_switched_on(client: FlaskClient, network: Simulator, end: Hook) -> None:
    client.post(f"/simulator/phones/{POST}/network", data={"mood": "off"})
    hand_over(client, network, ("b" * 32, POST_NUMBER, "are you there"))
    assert network.read_status(end.next()).progress is Progress.UNDELIVERED
    assert ">are you there<" not in live(client)
    assert "1 text waits in the network" in live(client)
    client.post(f"/simulator/phones/{POST}/network", data={"mood": "good"})
    assert network.read_status(end.next()).progress is Progress.DELIVERED
    assert ">are you there<" in live(client)


def test_a_phone_that_is_off_sends_nothing_and_keeps_the_text(client: FlaskClient, end: Hook) -> None:
    client.post(f"/simulator/phones/{FARM}/network", data={"mood": "off"})
    send(client, "hello")
    assert "this phone is off" in live(client)
    assert end.heard.empty()


def test_a_slow_network_takes_two_seconds_either_way(deployment: Deployment, network: Simulator, end: Hook) -> None:
    handsets, waited = Handsets(deployment), []
    with Carrier(deployment) as carrier:
        pages = Pages(handsets, carrier, None, Calling(handsets, carrier, Tapes()), profiles=simulator.shipped())
        pages.pause = waited.append
        app = Flask("desk")
        app.secret_key = "invented"
        app.register_blueprint(pages.blueprint())
        client = app.test_client()
        client.post(f"/simulator/phones/{FARM}/network", data={"mood": "slow"})
        send(client, "hello")
    assert waited == [2.0]
    with time_machine.travel("2026-11-24 10:00:00Z", tick=False) as clock:
        handsets.deliver([OutboundText(new_id(), FARM_NUMBER, "late")], sender="7788", head="")
        assert "late" not in [text.body for text in handsets.thread(FARM_NUMBER)]
        clock.shift(2)
        assert "late" in [text.body for text in handsets.thread(FARM_NUMBER)]


def test_a_careless_network_cuts_texts_off_at_160_either_way(
    client: FlaskClient, deployment: Deployment, end: Hook, network: Simulator
) -> None:
    client.post(f"/simulator/phones/{FARM}/network", data={"mood": "trims"})
    send(client, "a" * 159 + "bc")
    assert end.heard.get(timeout=1).fields["text"] == "a" * 159 + "b"
    hand_over(client, network, (new_id(), FARM_NUMBER, "d" * 159 + "ef"))
    assert [text.body for text in Handsets(deployment).thread(FARM_NUMBER) if text.arrived] == ["d" * 159 + "e"]


def test_where_texts_are_mixed_up_a_later_one_overtakes(deployment: Deployment) -> None:
    handsets = Handsets(deployment)
    handsets.switch(FARM_NUMBER, Mood.MIXES)
    with time_machine.travel("2026-11-24 10:00:00Z", tick=False) as clock:
        handsets.deliver([OutboundText(new_id(), FARM_NUMBER, "one")], sender="7788", head="")
        handsets.deliver([OutboundText(new_id(), FARM_NUMBER, "two")], sender="7788", head="")
        assert [text.body for text in handsets.thread(FARM_NUMBER)] == ["two"]
        clock.shift(4)
        assert [text.body for text in handsets.thread(FARM_NUMBER)] == ["two", "one"]


def test_an_unknown_mood_is_refused(client: FlaskClient) -> None:
    assert client.post(f"/simulator/phones/{FARM}/network", data={"mood": "stormy"}).status_code == 400


# ---- the page


def test_the_page_says_that_everything_is_invented(client: FlaskClient) -> None:
    assert "All people and numbers are invented" in client.get("/simulator").get_data(as_text=True)


def test_words_from_either_side_are_inert(client: FlaskClient, network: Simulator) -> None:
    send(client, "<script>alert(1)</script>")
    hand_over(client, network, (new_id(), POST_NUMBER, "<img src=x onerror=alert(2)>"))
    client.post("/simulator/choose", data={"side": "b", "profile": POST})
    page = client.get("/simulator").get_data(as_text=True) + live(client)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_has_no_inline_script_or_style(client: FlaskClient) -> None:
    reply = client.get("/simulator")
    page = reply.get_data(as_text=True)
    assert "script-src 'self'; style-src 'self'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)
    for path in re.findall(r'(?:src|href)="(/simulator/static/[^"]+)"', page):
        with client.get(path) as asset:
            assert asset.status_code == 200


@pytest.mark.parametrize(
    ("address", "host", "headers"),
    [
        ("10.0.0.5", "localhost", {}),
        ("127.0.0.1", "evil.example.org", {}),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "203.0.113.9"}),
        ("", "localhost", {}),
    ],
)
def test_only_a_browser_on_this_machine_is_answered(
    client: FlaskClient, address: str, host: str, headers: dict[str, str]
) -> None:
    for path in ("/simulator", LIVE, "/simulator/static/phones.css", f"/simulator/phones/{FARM}/transcript"):
        reply = client.get(path, headers={"Host": host, **headers}, environ_base={"REMOTE_ADDR": address})
        assert reply.status_code == 404
    assert client.get("/simulator", environ_base={"REMOTE_ADDR": "::1"}, headers={"Host": "[::1]:8001"}).status_code == 200


def test_the_network_serves_workers_on_any_machine_by_signature(client: FlaskClient, network: Simulator) -> None:
    client.environ_base["REMOTE_ADDR"] = "10.0.0.5"
    assert hand_over(client, network, (new_id(), POST_NUMBER, "hello")).status_code == 200


def test_the_page_is_asked_for_anew_only_when_something_changed(client: FlaskClient, network: Simulator) -> None:
    etag = client.get(LIVE).headers["ETag"]
    assert client.get(LIVE, headers={"If-None-Match": etag}).status_code == 304
    hand_over(client, network, (new_id(), POST_NUMBER, "news"))
    changed = client.get(LIVE, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_ones_own_number_works_and_stands_in_no_address(client: FlaskClient, end: Hook, network: Simulator) -> None:
    chosen = client.post("/simulator/choose", data={"side": "a", "profile": FARM, "number": " +250 780 000 777 "})
    page = client.get("/simulator").get_data(as_text=True)
    assert "+250 780 000 777" in page
    addresses = [chosen.headers["Location"], *re.findall(r'(?:href|src|action|formaction|data-live-url)="([^"]*)"', page)]
    assert any("/phones/own-a/" in address for address in addresses)
    assert not [address for address in addresses if "777" in address]
    send(client, "hello", "own-a")
    assert network.read_text(end.next()).sender == "+250780000777"


def test_a_phone_can_be_handed_to_somebody_else(client: FlaskClient) -> None:
    assert client.post("/simulator/choose", data={"side": "b", "profile": "trader"}).status_code == 303
    assert f'data-live-url="/simulator/phones/{FARM}/trader"' in client.get("/simulator").get_data(as_text=True)
    assert client.post("/simulator/choose", data={"side": "c", "profile": "trader"}).status_code == 400
    assert client.post("/simulator/choose", data={"side": "a", "profile": "nobody"}).status_code == 404
    assert client.get(f"/simulator/phones/{FARM}/own-b").status_code == 404


def test_reset_empties_that_phone_alone(client: FlaskClient, network: Simulator) -> None:
    hand_over(client, network, (new_id(), FARM_NUMBER, "for the farm"), (new_id(), POST_NUMBER, "for the post"))
    client.post(f"/simulator/phones/{FARM}/reset")
    assert "for the farm" not in live(client)
    assert ">for the post<" in live(client)


def test_the_transcript_is_plain_text(client: FlaskClient, network: Simulator) -> None:
    send(client, "<b>hello</b>")
    hand_over(client, network, (new_id(), FARM_NUMBER, "thank you"))
    reply = client.get(f"/simulator/phones/{FARM}/transcript")
    assert reply.mimetype == "text/plain"
    first, second = reply.get_data(as_text=True).splitlines()
    assert first.endswith("  sent: <b>hello</b>")
    assert second.endswith("  7788: thank you")


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("Is it OK? Reply 1 Yes, 2 No, 3 Later. No name needed.", (("1", "1 Yes"), ("2", "2 No"), ("3", "3 Later"))),
        ("Reply 1 K7-4QM9 takes it, 2 K7-4QM9 passes on.", (("1 K7-4QM9", "1 K7-4QM9"), ("2 K7-4QM9", "2 K7-4QM9"))),
        ("A trained person reads it within 1 hour.", ()),
        ("K7-4QM9 goes on. Reply 1 K7-4QM9 to take it after all.", (("1 K7-4QM9", "1 K7-4QM9"),)),
        ("", ()),
    ],
)
def test_answers_a_text_offers_can_be_tapped(text: str, offered: tuple[tuple[str, str], ...]) -> None:
    assert answers(text) == offered


# ---- with the console's CSRF protection


@pytest.mark.parametrize("by_default", [True, False])
def test_phones_need_a_token_and_the_network_a_signature(deployment: Deployment, network: Simulator, *, by_default: bool) -> None:
    app = Flask("desk")
    app.secret_key = "invented"
    app.config["WTF_CSRF_CHECK_DEFAULT"] = by_default
    CSRFProtect(app)
    simulator.install(app, deployment)
    client = app.test_client()
    send_path = f"/simulator/phones/{FARM}/texts"
    assert client.post(send_path, data={"text": "hello"}).status_code == 400
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/simulator").get_data(as_text=True))
    assert token
    assert client.post(send_path, data={"text": "hello", "csrf_token": token[1]}).status_code == 303
    fresh = client.get(LIVE).headers["X-CSRF-Token"]
    assert client.post(send_path, data={"text": "again", "csrf_token": fresh}).status_code == 303
    assert hand_over(client, network, (new_id(), POST_NUMBER, "hello")).status_code == 200


# ---- the command line's side


def test_a_text_can_be_signed_as_twilio_signs_it(deployment: Deployment, end: Hook) -> None:
    exchange = send_sms(deployment, sender=FARM_NUMBER, text="muraho ✓", gateway="twilio")
    webhook = end.next()
    gateway = deployment.shelf.get("twilio")
    assert gateway is not None
    gateway.verify(webhook)
    text = gateway.read_text(webhook)
    assert (webhook.target, text.sender, text.to, text.body) == ("/in/twilio/sms", FARM_NUMBER, "7788", "muraho ✓")
    assert gateway.external_id(webhook) == exchange.external_id
    assert re.fullmatch(r"SM[0-9a-f]{32}", exchange.external_id)
    assert exchange.taken


def test_a_gateway_without_settings_cannot_be_imitated(settings: Settings) -> None:
    bare = Deployment(settings.model_copy(update={"twilio_auth_tokens": (), "demo": False}))
    for gateway in ("twilio", "simulator", "carrier pigeon"):
        with pytest.raises(NoSuchLine):
            send_sms(bare, sender=FARM_NUMBER, text="hello", gateway=gateway)


def test_a_text_no_encoding_can_hold_is_still_sent_whole(deployment: Deployment, end: Hook, network: Simulator) -> None:
    send_sms(deployment, sender=FARM_NUMBER, text="cut \ud83d emoji")
    webhook = end.next()
    network.verify(webhook)
    assert network.read_text(webhook).body.startswith("cut ")


# ---- replay


@pytest.fixture
def hotline(district: Deployment) -> Iterator[Deployment]:
    """A whole hotline on this machine: webhook and desk on real ports, workers in a thread, all on one database."""
    web, phones = Flask("web"), desk(district, receipts=False)
    servers = [make_server("127.0.0.1", 0, app, threaded=True) for app in (web, phones)]
    public, network = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    settings = district.settings.model_copy(
        update={"public_url": public, "simulator_url": network, "twilio_api_url": "http://127.0.0.1:9"}
    )
    site, door = Deployment(settings), Deployment(settings)
    inbound.install(web, door)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in servers]
    stop = threading.Event()
    threads.append(threading.Thread(target=_work, args=(site, stop)))
    for thread in threads:
        thread.start()
    yield site
    stop.set()
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()
    for opened in (site, door):
        opened.close()


def finished(run: Generator[Step, None, Replayed]) -> tuple[list[Step], Replayed]:
    steps = []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as over:
            return steps, over.value


def _work(site: Deployment, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        jobs.drain_batch(site)
        for lane in (Lane.LIFE, Lane.REPLY):
            jobs.deliver_batch(site, lane)


@pytest.mark.parametrize("gateway", ["simulator", "twilio"])
def test_a_replayed_text_is_followed_until_an_officer_is_told(hotline: Deployment, tmp_path: Path, gateway: str) -> None:
    file = tmp_path / "texts.jsonl"
    texts = {
        "danger": "They locked us in a house in Bugarama and keep our passports, they beat us, please help now",
        "chat": "good evening what time is the show",
        "stop": "STOP",
    }
    file.write_text("\n".join(json.dumps({"id": key, "text": text}) for key, text in texts.items()) + "\n\n")
    steps, result = finished(replay(hotline, file, gateway=gateway, wait_seconds=30))
    assert [step.sent for step in steps[:3]] == [1, 2, 3]
    assert steps[-1].settled == 3
    fates = dict(result.fates)
    assert fates["danger"] is simulator.Fate.TOLD
    assert fates["stop"] is simulator.Fate.COMMAND
    assert result.stored == 3
    assert result.failed == result.unfinished == ()
    assert len(result.told) == result.counts[simulator.Fate.TOLD]
    assert all(0 < seconds < 30 for seconds in result.told)


def test_a_webhook_that_is_down_is_tried_again_and_then_named(deployment: Deployment, end: Hook, tmp_path: Path) -> None:
    end.answers = [503, 503, 503]
    file = tmp_path / "texts.jsonl"
    file.write_text('{"id": 7, "text": "hello"}')
    _, result = finished(replay(deployment, file, at_once=1, wait_seconds=0))
    assert result.failed == ("7",)
    assert end.heard.qsize() == 3


def test_a_replay_never_runs_beside_real_reports_or_a_real_account(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("")
    real = Deployment(settings.model_copy(update={"demo": False}))
    with pytest.raises(NotADemo):
        next(replay(real, file))
    with pytest.raises(NotADemo):
        next(replay(Deployment(settings), file, gateway="twilio"))


def test_a_line_that_cannot_be_read_is_named_by_its_number_alone(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"id": 1, "text": "fine"}\n\n{"id": 2, "txet": "secret words"}\n')
    with pytest.raises(ValueError, match=r"^line 3 has no id and text$"):
        read_lines(file)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([float(value) for value in range(1, 101)], 0.95) == 95.0


def test_a_batch_is_bounded() -> None:
    entries = [{"id": str(number), "to": "+250780000101", "text": ""} for number in range(1001)]
    assert read_batch(json.dumps(entries).encode()) is None
    assert len(read_batch(json.dumps(entries[:1000]).encode()) or ()) == 1000


def test_moods_say_how_a_network_behaves() -> None:
    assert {mood: (mood.delay, mood.copies) for mood in Mood} == {
        Mood.GOOD: (0.0, 1),
        Mood.SLOW: (2.0, 1),
        Mood.TWICE: (0.0, 2),
        Mood.TRIMS: (0.0, 1),
        Mood.MIXES: (0.0, 1),
        Mood.OFF: (0.0, 1),
    }


# ---- calls of the hotline's


def let_ring(
    client: FlaskClient, network: Simulator, number: str = FARM_NUMBER, name: str = "beep-1", **signed: str
) -> TestResponse:
    body = json.dumps({"to": number, "name": name}).encode()
    headers = {SIGNATURE: network.sign(CALLS_PATH, body)} | signed
    return client.post(CALLS_PATH, data=body, headers=headers)


def test_a_beep_is_a_missed_call_at_the_hotline_and_the_phone_says_what_comes(client: FlaskClient, end: Hook) -> None:
    assert client.post(f"/simulator/phones/{FARM}/beep").status_code == 303
    heard = end.next()
    assert (heard.target, heard.fields["from"]) == ("/in/simulator/beep", FARM_NUMBER)
    assert "calls back within a minute" in live(client)


def test_a_call_of_the_hotlines_rings_and_is_picked_up_under_its_name(client: FlaskClient, network: Simulator, end: Hook) -> None:
    assert let_ring(client, network).status_code == 204
    assert "Incoming call" in live(client)
    assert end.heard.empty(), "nothing is said before somebody picks up"
    client.post(f"/simulator/phones/{FARM}/pick-up")
    heard = end.next()
    assert (heard.target, heard.query["placed"]) == ("/in/simulator/voice?placed=beep-1", "beep-1")
    assert network.ours(heard)
    assert network.read_call(heard).placed == "beep-1"


def test_a_call_that_is_not_picked_up_is_told_as_over(client: FlaskClient, network: Simulator, end: Hook) -> None:
    let_ring(client, network)
    client.post(f"/simulator/phones/{FARM}/hang-up")
    assert network.read_call(end.next()) == CallStep(call=ANY, caller=FARM_NUMBER, asks=False, over=True, placed="beep-1")
    assert "Incoming call" not in live(client)


def test_a_phone_rings_for_half_a_minute(client: FlaskClient, network: Simulator, end: Hook) -> None:
    let_ring(client, network)
    with time_machine.travel(time.time() + 31, tick=False):
        assert "Incoming call" not in live(client)
    assert end.next().fields["over"] == "1"


def test_a_phone_that_is_off_takes_no_call(client: FlaskClient, network: Simulator, end: Hook) -> None:
    client.post(f"/simulator/phones/{FARM}/network", data={"mood": "off"})
    let_ring(client, network)
    assert end.next().fields["over"] == "1"
    assert "Incoming call" not in live(client)


def test_whoever_nobody_plays_takes_a_call_to_many_or_does_not(
    client: FlaskClient, network: Simulator, end: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One listens, one hangs up before the message, one lets it ring; a phone somebody looks at is left to them."""
    monkeypatch.setattr(crowd, "SOON", 0.0)
    end.page = json.dumps({"says": [], "then": "key", "onward": f"{STEP}?at=gate"}).encode()
    live(client)
    let_ring(client, network, FARM_NUMBER, MANY_NAME)
    drawn = {"+250780077001": 5, "+250780077002": 2, "+250780077003": 0}
    monkeypatch.setattr(crowd, "_drawn", drawn.get)
    for number in drawn:
        let_ring(client, network, number, MANY_NAME)
    told = dict[str, list[str]]()
    for heard in (end.next() for _ in range(6)):
        told.setdefault(heard.fields["from"], []).append(heard.fields.get("keys") or heard.fields.get("over") or "up")
    listener, doubter, away = drawn
    assert told == {listener: ["up", "1", "1"], doubter: ["up", "1"], away: ["1"]}
    assert "Incoming call" in live(client)


def joining(client: FlaskClient, network: Simulator, end: Hook) -> Webhook:
    """Ring an officer's phone, pick up, and have the network asked to join the farm's; return the step in which it was."""
    asked = {"says": [], "then": "join", "onward": f"{STEP}?at=joining", "to": FARM_NUMBER, "from": "7788", "name": "bridge.en.1"}
    end.page = json.dumps(asked).encode()
    let_ring(client, network, POST_NUMBER, "bridge.en.1")
    client.post(f"/simulator/phones/{POST}/pick-up")
    end.page = json.dumps({"says": [], "then": "hang up", "onward": ""}).encode()
    return end.next()


def test_a_second_phone_is_rung_joined_and_parted_under_the_hotlines_number(
    client: FlaskClient, network: Simulator, end: Hook
) -> None:
    assert joining(client, network, end).query["placed"] == "bridge.en.1"
    assert "The hotline rings this phone. It shows 7788." in live(client)
    client.post(f"/simulator/phones/{FARM}/pick-up")
    step = network.read_call(end.next())
    assert (step.far, step.asks, step.placed) == (Far.ANSWERED, False, "bridge.en.1")
    assert live(client).count("You are joined") == 2
    client.post(f"/simulator/phones/{FARM}/hang-up")
    step = network.read_call(end.next())
    assert (step.far, step.asks, step.at, step.talked is not None) == (Far.ENDED, True, "joining", True)


@pytest.mark.parametrize("who", [FARM, POST])
def test_a_second_phone_that_is_not_picked_up_is_told_as_such(
    client: FlaskClient, network: Simulator, end: Hook, who: str
) -> None:
    joining(client, network, end)
    client.post(f"/simulator/phones/{who}/hang-up")
    step = network.read_call(end.next())
    assert (step.far, step.over) == (Far.UNANSWERED, who == POST)
    assert ("They hung up." in live(client)) == (who == POST)
    assert "Incoming call" not in live(client)


def test_an_officers_phone_that_rings_where_nobody_looks_is_offered(client: FlaskClient, network: Simulator) -> None:
    let_ring(client, network, "+250780000211")
    assert "Ringing elsewhere" in live(client)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"to": "+250780000101"}', b"\xff"])
def test_a_call_that_cannot_be_read_is_answered_400(client: FlaskClient, network: Simulator, body: bytes) -> None:
    assert client.post(CALLS_PATH, data=body, headers={SIGNATURE: network.sign(CALLS_PATH, body)}).status_code == 400


def test_a_call_without_a_right_signature_is_refused(client: FlaskClient, network: Simulator) -> None:
    assert let_ring(client, network, **{SIGNATURE: "f" * 64}).status_code == 403


def test_the_gateway_itself_can_let_a_phone_ring(deployment: Deployment, end: Hook) -> None:
    server = make_server("127.0.0.1", 0, desk(deployment), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        gateway = Simulator(deployment.keyring.secret("simulator.key"), url, connect=2, read=5)
        assert gateway.call(FARM_NUMBER, "beep-1").certainty is Certainty.ACCEPTED
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert gateway.call(FARM_NUMBER, "beep-2").certainty is Certainty.REFUSED, "nobody listens any more"
    assert end.heard.empty()


def test_a_number_is_brought_once_it_is_whole(deployment: Deployment) -> None:
    brought: list[str] = []
    calling = Calling(Handsets(deployment), Carrier(deployment), Tapes())
    calling._step = lambda _number, call, **fields: (
        brought.append(fields["keys"])
        or calling._put(  # type: ignore[method-assign]
            FARM_NUMBER, replace(call, typed="")
        )
    )
    calling._put(FARM_NUMBER, Call("c", datetime.now(UTC), then="number"))
    for key in "0754821903":
        calling.press(FARM_NUMBER, key)
    for key in "12#":
        calling.press(FARM_NUMBER, key)
    calling.press(FARM_NUMBER, "*")
    assert brought == ["0754821903", "12", "*"]
