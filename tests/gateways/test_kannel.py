"""What Kannel 1.4.5 really posts and answers, as a real one on this machine showed it. People and numbers are invented."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotline.gateways.contract import (
    Certainty,
    Forged,
    InboundText,
    OutboundText,
    Part,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
)
from hotline.gateways.kannel import Kannel, part
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import SECRET, made

TEXT = OutboundText("01a", "+250780000101", "Murakoze")
UTF8, UTF16, OCTETS = 'text/plain; charset="UTF-8"', 'text/plain; charset="UTF-16BE"', "application/octet-stream"
EIGHT, SIXTEEN = "%05%00%03*%02%01", "%06%08%04%01%2A%03%02"


@pytest.fixture
def gateway(tmp_path: Path) -> Kannel:
    return made("kannel", tmp_path)  # type: ignore[return-value]


def posted(gateway: Kannel, query: str, body: bytes, content_type: str = UTF8, **headers: str) -> Webhook:
    """A text as smsbox posts it; the header names of `headers` lack their x-kannel-."""
    target = gateway._hook.address("sms").removeprefix("http://127.0.0.1:8000")
    named = {f"x-kannel-{name}": value for name, value in headers.items()}
    return Webhook("sms", f"{target}?{query}", {"content-type": content_type, **named}, body)


def asked(gateway: Kannel, kind: str, query: str) -> Webhook:
    return Webhook(kind, gateway._hook.address(kind).removeprefix("http://127.0.0.1:8000") + f"?{query}", {}, b"")


ME = {"from": "+250780000101", "to": "7788"}


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "text"),
    [
        (b"Mudufashe", UTF8, ME, InboundText("+250780000101", "7788", "Mudufashe")),
        ("Où est-ce".encode(), UTF8, ME, InboundText("+250780000101", "7788", "Où est-ce")),
        (b"U\x04", UTF8, ME, InboundText("+250780000101", "7788", "U\x04")),
        ("U\u0451\U0001f44d".encode("utf-16-be"), UTF16, ME, InboundText("+250780000101", "7788", "U\u0451\U0001f44d")),
        (b"\x00U\x04", UTF16, ME, InboundText("+250780000101", "7788", "\x00U\x04")),
        (b"part one", OCTETS, ME | {"udh": EIGHT}, InboundText("+250780000101", "7788", "part one", part=Part(42, 1, 2))),
        (b"part two", UTF8, ME | {"udh": SIXTEEN}, InboundText("+250780000101", "7788", "part two", part=Part(298, 2, 3))),
        (b"\x00\xa3x", OCTETS, ME, InboundText("+250780000101", "7788", "\x00\udca3x")),
        (b"\xff", UTF8, ME, InboundText("+250780000101", "7788", "\udcff")),
        (b"x", 'text/plain; charset="KLINGON"', ME, InboundText("+250780000101", "7788", "x")),
        (b"", UTF8, ME, InboundText("+250780000101", "7788", "")),
        (b"hello", UTF8, {"from": "MTN", "to": "7788"}, InboundText("MTN", "7788", "hello")),
        (b"hello", UTF8, {"from": "250780000101"}, InboundText("250780000101", "", "hello")),
        (b"hello", "", ME, InboundText("+250780000101", "7788", "hello")),
        (b"STOP", UTF8, ME | {"udh": "%05%00"}, InboundText("+250780000101", "7788", "STOP")),
        (b"A=1&text=2", UTF8, ME, InboundText("+250780000101", "7788", "A=1&text=2")),
    ],
)
def test_a_posted_text_is_read_as_it_was_written(
    gateway: Kannel, body: bytes, content_type: str, headers: dict[str, str], text: InboundText
) -> None:
    webhook = posted(gateway, "id=99513817-8680&udh=", body, content_type, **headers)
    gateway.verify(webhook)
    assert gateway.read_text(webhook) == text
    assert gateway.external_id(webhook) == "99513817-8680"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("id=a&from=%2B250780000101&to=7788&text=Join", InboundText("+250780000101", "7788", "Join")),
        ("id=a&from=250780000101&to=7788&text=", InboundText("250780000101", "7788", "")),
        ("id=a&from=MTN&to=7788&text=Join", InboundText("MTN", "7788", "Join")),
        ("id=a&from=1&to=7788&text=%F0%9F%91%8D+ok", InboundText("1", "7788", "\U0001f44d ok")),
        ("id=a&from=1&to=7788&text=a&udh=%05%00%03*%02%02", InboundText("1", "7788", "a", part=Part(42, 2, 2))),
        ("id=a&from=1&to=7788&text=a&udh=%05%00%03%ff%02%02", InboundText("1", "7788", "a", part=Part(255, 2, 2))),
        ("id=a&from=1&text=%ff%00", InboundText("1", "", "\udcff\x00")),
    ],
)
def test_a_text_in_a_query_is_read_as_it_was_written(gateway: Kannel, query: str, text: InboundText) -> None:
    webhook = asked(gateway, "sms", query)
    gateway.verify(webhook)
    assert gateway.read_text(webhook) == text
    assert gateway.external_id(webhook) == "a"


def test_the_time_kannel_heard_a_text_is_its_own(gateway: Kannel) -> None:
    heard = posted(gateway, "id=a&udh=", b"x", **ME, time="2026-11-24 15:02:19")
    assert gateway.read_text(heard).sent_at == datetime(2026, 11, 24, 15, 2, 19, tzinfo=UTC)


def test_a_text_whose_sender_kannel_keeps_to_itself_waits_for_a_person(gateway: Kannel) -> None:
    with pytest.raises(Unreadable, match="from"):
        gateway.read_text(posted(gateway, "id=a&udh=", b"Mudufashe", to="7788"))


@pytest.mark.parametrize(
    ("udh", "piece"),
    [
        (b"", None),
        (b"\x05\x00\x03\x2a\x02\x01", Part(42, 1, 2)),
        (b"\x06\x08\x04\x01\x2a\x03\x02", Part(298, 2, 3)),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x07\x02\x01", Part(7, 1, 2)),
        (b"\x05\x00\x03\x2a\x02", None),
        (b"\x05\x00", None),
        (b"\xff\xff\xff", None),
        (b"\x03\x24\x01\x01", None),
    ],
)
def test_the_header_of_a_piece_says_which_it_is(udh: bytes, piece: Part | None) -> None:
    assert part(udh) == piece


@pytest.mark.parametrize(
    ("query", "update", "external_id"),
    [
        ("type=1&foreign=s1&message=01a", StatusUpdate("", "01a", Progress.DELIVERED, None), "01a:1:s1"),
        ("type=2&foreign=s1&message=01a", StatusUpdate("", "01a", Progress.UNDELIVERED, None), "01a:2:s1"),
        ("type=4&foreign=&message=01a", StatusUpdate("", "01a", Progress.ACCEPTED, None), "01a:4:"),
        ("type=8&message=01a", StatusUpdate("", "01a", Progress.SENT, None), "01a:8:"),
        ("type=16&foreign=s1&message=01a", StatusUpdate("", "01a", Progress.FAILED, None), "01a:16:s1"),
    ],
)
def test_every_bit_of_a_receipt_is_understood(gateway: Kannel, query: str, update: StatusUpdate, external_id: str) -> None:
    webhook = asked(gateway, "status", query)
    gateway.verify(webhook)
    assert gateway.read_status(webhook) == update
    assert gateway.external_id(webhook) == external_id


@pytest.mark.parametrize("query", ["type=66&message=01a", "type=&message=01a", "message=01a", "type=1", "type=1&message="])
def test_a_receipt_nobody_can_read_waits_for_a_person(gateway: Kannel, query: str) -> None:
    with pytest.raises(Unreadable):
        gateway.read_status(asked(gateway, "status", query))


@pytest.mark.parametrize("kind", ["sms", "status"])
def test_the_answer_is_empty_because_words_would_be_texted_to_the_caller(gateway: Kannel, kind: str) -> None:
    assert gateway.answer(kind).body == ""


def test_only_the_secret_opens(gateway: Kannel) -> None:
    genuine = asked(gateway, "sms", "id=a&from=1&text=x")
    for target in ("/in/kannel/sms?id=a", f"/in/kannel/sms/{SECRET}?id=a", genuine.target.replace("?", "x?")):
        with pytest.raises(Forged, match="secret"):
            gateway.verify(Webhook("sms", target, {}, b""))
    with pytest.raises(Forged, match="shape"):
        gateway.verify(asked(gateway, "sms", "hello=1"))


def accepted() -> Sent:
    return Sent("01a", Certainty.ACCEPTED)


def refused(code: str, *, retry: bool = True) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry)


def unknown(code: str) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


OUT: list[tuple[Behaviour, Sent]] = [
    (say(202, "0: Accepted for delivery"), accepted()),
    (say(200, "0: Accepted for delivery"), accepted()),
    (say(202, "3: Queued for later delivery"), accepted()),
    (say(202, "0: Accepted for delivery: 3 splits"), accepted()),
    (say(202, ""), unknown("202")),
    (say(202, "<html>a proxy's page</html>"), unknown("202")),
    (say(400, "Sender missing and no global set, rejected"), refused("400", retry=False)),
    (say(400, "Empty receiver number not allowed, rejected"), refused("400", retry=False)),
    (say(400, "Invalid content-type"), refused("400", retry=False)),
    (say(403, "Authorization failed for sendsms"), refused("403")),
    (say(403, "Not routable. Do not try again."), refused("403")),
    (say(404, "Unknown request."), refused("404")),
    (say(503, "Temporal failure, try again later."), unknown("503")),
    (say(500), unknown("500")),
    (say(307, Location="http://127.0.0.1:9/"), unknown("307")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    gateway = made("kannel", tmp_path, kannel_send_url=far.url + "/cgi-bin/sendsms")
    assert gateway.send([TEXT]) == [outcome]
    (request,) = far.asked
    assert (request.method, request.target, request.body) == ("POST", "/cgi-bin/sendsms", b"Murakoze")
    assert "+250780000101" not in request.target, "no number in an address: addresses are logged"
    assert request.headers["x-kannel-to"] == "+250780000101"
    assert request.headers["x-kannel-password"] == "invented-password"
    assert request.headers["x-kannel-dlr-url"] == gateway.address("status") + "&message=01a"
    assert request.headers["x-kannel-dlr-mask"] == "27"
    assert "x-kannel-coding" not in request.headers


@pytest.mark.parametrize(
    ("text", "header", "value"),
    [
        (OutboundText("01a", "+250780000101", "\U0001f44d \u0451"), "x-kannel-coding", "2"),
        (OutboundText("01a", "+250780000101", "x", valid_for=300), "x-kannel-validity", "5"),
        (OutboundText("01a", "+250780000101", "x", valid_for=5), "x-kannel-validity", "1"),
        (OutboundText("01a", "3512", "x"), "x-kannel-to", "3512"),
        (OutboundText("01a", "a\r\nX: y", "x"), "x-kannel-to", "a%0D%0AX%3A%20y"),
    ],
)
def test_a_text_goes_out_as_it_should_be_shown(tmp_path: Path, far: FarEnd, text: OutboundText, header: str, value: str) -> None:
    far.next.append(say(202, "0: Accepted for delivery"))
    assert made("kannel", tmp_path, kannel_send_url=far.url).send([text])[0].certainty is Certainty.ACCEPTED
    assert far.asked[0].headers[header] == value
    assert far.asked[0].body.decode() == text.body


def test_an_smsbox_that_is_not_there_has_surely_sent_nothing(gateway: Kannel) -> None:
    assert gateway.send([TEXT]) == [refused("unreachable")]
