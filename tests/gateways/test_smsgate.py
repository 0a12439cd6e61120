"""What the Android app of capcom6 really posts and its server answers. Shapes as in its guide and source; people are invented."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

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
from hotline.gateways.smsgate import SmsGate, sign
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import SIGNING_KEY, made

TEXT = OutboundText("01a", "+250780000101", "Murakoze")
NOW = 1_795_000_000
PAYLOAD = {"messageId": "abc123", "message": "Mudufashe", "sender": "+250780000101", "recipient": "+250780000900", "simNumber": 1,
           "receivedAt": "2026-06-22T15:46:11.000+02:00"}  # fmt: skip
OLDER = {"messageId": "abc123", "message": "Mudufashe", "phoneNumber": "0780000101", "simNumber": None}
ME = InboundText("+250780000101", "+250780000900", "Mudufashe")


@pytest.fixture
def gateway(tmp_path: Path) -> SmsGate:
    return made("smsgate", tmp_path)  # type: ignore[return-value]


def hook(body: bytes, *, at: str = str(NOW), key: str = SIGNING_KEY, heard_at: float = NOW) -> Webhook:
    signature = sign(key, body + at.encode()).decode()
    return Webhook("sms", "/in/smsgate/sms", {"x-signature": signature, "x-timestamp": at}, body, heard_at=heard_at)


def event(payload: object, name: str = "sms:received", **more: object) -> bytes:
    whole = {"deviceId": "ff", "event": name, "id": "Ey6ECgOk", "payload": payload, "webhookId": "LreFUt"} | more
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("body", "text", "external_id"),
    [
        (event(PAYLOAD), ME, "Ey6ECgOk"),
        (event(OLDER), InboundText("0780000101", "", "Mudufashe"), "Ey6ECgOk"),
        (event(PAYLOAD | {"recipient": None}), InboundText("+250780000101", "", "Mudufashe"), "Ey6ECgOk"),
        (event(PAYLOAD | {"simNumber": None}), ME, "Ey6ECgOk"),
        (event(PAYLOAD | {"sender": "MTN"}), InboundText("MTN", "+250780000900", "Mudufashe"), "Ey6ECgOk"),
        (event(PAYLOAD | {"sender": "166"}), InboundText("166", "+250780000900", "Mudufashe"), "Ey6ECgOk"),
        (event(PAYLOAD | {"message": ""}), InboundText("+250780000101", "+250780000900", ""), "Ey6ECgOk"),
        (event(PAYLOAD | {"message": None}), InboundText("+250780000101", "+250780000900", ""), "Ey6ECgOk"),
        (event(PAYLOAD | {"message": "\U0001f6a8\n"}), InboundText("+250780000101", "+250780000900", "\U0001f6a8\n"), "Ey6ECgOk"),
        (event(PAYLOAD | {"message": "\udcff"}), InboundText("+250780000101", "+250780000900", "\udcff"), "Ey6ECgOk"),
        (event(PAYLOAD | {"message": "\x00"}), InboundText("+250780000101", "+250780000900", "\x00"), "Ey6ECgOk"),
        (event(PAYLOAD, new="in 2031"), ME, "Ey6ECgOk"),
        (event(PAYLOAD, id=None), ME, None),
        (event(PAYLOAD, id=77), ME, "77"),
        (event(PAYLOAD).replace(b"}}", b'},"id":"other"}').replace(b"}}", b"}"), ME, "Ey6ECgOk"),
        (event(PAYLOAD | {"message": {"a": 1}}), InboundText("+250780000101", "+250780000900", ""), "Ey6ECgOk"),
    ],
)
def test_a_text_is_read_as_it_was_written(gateway: SmsGate, body: bytes, text: InboundText, external_id: str | None) -> None:
    gateway.verify(hook(body))
    read = gateway.read_text(hook(body))
    assert replace(read, sent_at=None) == replace(text, doubled=True), "phones tell of one SMS twice"
    assert gateway.external_id(hook(body)) == external_id


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        (event({}), "sender"),
        (event(None), "sender"),
        (event([1]), "sender"),
        (event(PAYLOAD, "sms:delivered"), "event"),
        (event(PAYLOAD, "mms:received"), "event"),
        (event({"health": {}}, "system:ping"), "event"),
        (b"", "event"),
        (b"[]", "event"),
        (b"{", "event"),
        (b"[" * 100_000, "event"),
    ],
)
def test_what_is_no_text_waits_for_a_person(gateway: SmsGate, body: bytes, lacks: str) -> None:
    with pytest.raises(Unreadable, match=lacks):
        gateway.read_text(hook(body))


@pytest.mark.parametrize(
    ("name", "payload", "update"),
    [
        ("sms:sent", {}, StatusUpdate("01a", "01a", Progress.SENT, None)),
        ("sms:delivered", {}, StatusUpdate("01a", "01a", Progress.DELIVERED, None)),
        ("sms:failed", {"reason": "RESULT_NO_SERVICE"}, StatusUpdate("01a", "01a", Progress.FAILED, "RESULT_NO_SERVICE")),
        ("sms:failed", {"reason": "Can't send to +250780000101"}, StatusUpdate("01a", "01a", Progress.FAILED, None)),
        ("sms:failed", {}, StatusUpdate("01a", "01a", Progress.FAILED, None)),
        ("sms:cancelled", {}, StatusUpdate("01a", "01a", Progress.FAILED, None)),
    ],
)  # fmt: skip
def test_every_receipt_is_understood(gateway: SmsGate, name: str, payload: dict[str, str], update: StatusUpdate) -> None:
    assert gateway.read_status(hook(event({"messageId": "01a", "phoneNumber": "+250780000101"} | payload, name))) == update


@pytest.mark.parametrize("body", [event({"messageId": "01a"}, "sms:new"), event({}, "sms:sent"), event({"messageId": "x"}), b""])
def test_a_receipt_nobody_can_read_waits_for_a_person(gateway: SmsGate, body: bytes) -> None:
    with pytest.raises(Unreadable):
        gateway.read_status(hook(body))


def test_the_vendors_own_way_of_signing_is_ours() -> None:
    """The guide's Python: hmac.new(key, (payload + timestamp)).hexdigest()."""
    assert sign("k" * 32, b'{"a":1}1719046000') == b"e1f91e5dd795324a964f9102a3b0f1fe853b326651c293eb1b7eb73dc4f45e89"


def test_body_and_time_are_both_signed(gateway: SmsGate) -> None:
    genuine = hook(event(PAYLOAD))
    for forged, reason in (
        (Webhook("sms", genuine.target, {}, genuine.body), "unsigned"),
        (Webhook("sms", genuine.target, {"x-timestamp": str(NOW)}, genuine.body), "unsigned"),
        (Webhook("sms", genuine.target, genuine.headers, genuine.body + b" "), "signature"),
        (Webhook("sms", genuine.target, {**genuine.headers, "x-timestamp": str(NOW + 1)}, genuine.body), "signature"),
        (Webhook("sms", genuine.target, {"x-signature": genuine.headers["x-signature"]}, genuine.body), "signature"),
        (Webhook("sms", genuine.target, {**genuine.headers, "x-signature": "\xff"}, genuine.body), "signature"),
        (hook(event(PAYLOAD), key="another-key-" + "3" * 32), "signature"),
    ):
        with pytest.raises(Forged, match=reason):
            gateway.verify(forged)
    upper = {**genuine.headers, "x-signature": genuine.headers["x-signature"].upper()}
    gateway.verify(Webhook("sms", genuine.target, upper, genuine.body, heard_at=NOW))


@pytest.mark.parametrize(
    ("at", "noted"),
    [
        (str(NOW), False),
        (str(NOW - 299), False),
        (str(NOW + 299), False),
        (str(NOW - 301), True),
        (str(NOW + 9000), True),
        ("0", True),
        ("yesterday", True),
        ("9" * 5000, True),
    ],
)
def test_a_phone_with_a_wrong_clock_loses_no_report_and_is_noted(
    gateway: SmsGate, caplog: pytest.LogCaptureFixture, at: str, *, noted: bool
) -> None:
    with caplog.at_level(logging.WARNING, "hotline"):
        gateway.verify(hook(event(PAYLOAD), at=at))
    assert bool(caplog.records) == noted


def refused(code: str, *, retry: bool = True) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry)


def unknown(code: str) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


ACCEPTED = Sent("01a", Certainty.ACCEPTED, "01a")
OUT: list[tuple[Behaviour, Sent]] = [
    (say(202, {"id": "01a", "state": "Pending", "recipients": []}), ACCEPTED),
    (say(201, {"id": "01a", "state": "Pending"}), ACCEPTED),
    (say(200, {"id": "01a"}), ACCEPTED),
    (say(202, ""), ACCEPTED),
    (say(409, {"message": "duplicate id"}), ACCEPTED),
    (say(400, {"message": "invalid phone number +250780000101"}), refused("400", retry=False)),
    (say(401, {"message": "unauthorized"}), refused("401")),
    (say(403), refused("403")),
    (say(404), refused("404")),
    (say(413), refused("413", retry=False)),
    (say(429), replace(refused("429"), retry_after=1.0)),
    (say(500, {"message": "boom"}), unknown("500")),
    (say(502), unknown("502")),
    (say(503, {"message": "queue limit"}), refused("503")),
    (say(307, Location="http://127.0.0.1:9/"), unknown("307")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    assert made("smsgate", tmp_path, smsgate_send_url=far.url + "/3rdparty/v1/messages").send([TEXT]) == [outcome]
    (asked,) = far.asked
    assert (asked.method, asked.target) == ("POST", "/3rdparty/v1/messages")
    assert asked.headers["authorization"] == "Basic dXNlcjppbnZlbnRlZC1wYXNzd29yZA=="
    assert asked.json == {
        "id": "01a",
        "phoneNumbers": ["+250780000101"],
        "textMessage": {"text": "Murakoze"},
        "withDeliveryReport": True,
        "priority": 100,
    }


def test_a_text_may_be_bound_to_a_sim_and_a_time(tmp_path: Path, far: FarEnd) -> None:
    far.next.append(say(202))
    gateway = made("smsgate", tmp_path, smsgate_send_url=far.url, smsgate_sim=2)
    gateway.send([OutboundText("01a", "+250780000101", "\U0001f44d", valid_for=300)])
    assert (far.asked[0].json["simNumber"], far.asked[0].json["ttl"]) == (2, 300)
    assert far.asked[0].json["textMessage"] == {"text": "\U0001f44d"}


def test_a_phone_that_is_not_there_has_surely_sent_nothing(gateway: SmsGate) -> None:
    assert gateway.send([TEXT]) == [refused("unreachable")]
