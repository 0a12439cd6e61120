"""What httpSMS really posts and answers. Shapes as in its source, events/ and webhook_service.go; people are invented."""

import json
import time
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
from hotline.gateways.httpsms import HttpSms
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import PUBLIC_URL, made, token

TEXT = OutboundText("01a", "+250780000101", "Murakoze")
URL = f"{PUBLIC_URL}/in/httpsms/sms"
DATA = {"message_id": "32343a19", "user_id": "u", "owner": "+250780000900", "encrypted": False, "contact": "+250780000101",
        "timestamp": "2026-06-22T15:46:11.000Z", "content": "Mudufashe", "sim": "SIM1"}  # fmt: skip
ME = InboundText("+250780000101", "+250780000900", "Mudufashe")


@pytest.fixture
def gateway(tmp_path: Path) -> HttpSms:
    return made("httpsms", tmp_path)  # type: ignore[return-value]


def hook(body: bytes, bearer: str | None = None, kind: str = "sms") -> Webhook:
    held = f"Bearer {token(f'{PUBLIC_URL}/in/httpsms/{kind}')}" if bearer is None else bearer
    return Webhook(kind, f"/in/httpsms/{kind}", {"authorization": held}, body)


def event(data: object, name: str = "message.phone.received", **more: object) -> bytes:
    whole = {"specversion": "1.0", "id": "ce-1", "source": "/v1/messages/receive", "type": name,
             "datacontenttype": "application/json", "time": "2026-06-22T15:46:11Z", "data": data} | more  # fmt: skip
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("body", "text", "external_id"),
    [
        (event(DATA), ME, "ce-1"),
        (event({"id": "m", "owner": "+250780000900", "contact": "+250780000101", "content": "Mudufashe"}), ME, "ce-1"),
        (event(DATA | {"contact": "MTN"}), InboundText("MTN", "+250780000900", "Mudufashe"), "ce-1"),
        (event(DATA | {"contact": "0780000101"}), InboundText("0780000101", "+250780000900", "Mudufashe"), "ce-1"),
        (event(DATA | {"content": ""}), InboundText("+250780000101", "+250780000900", ""), "ce-1"),
        (event(DATA | {"content": None}), InboundText("+250780000101", "+250780000900", ""), "ce-1"),
        (event(DATA | {"owner": None}), InboundText("+250780000101", "", "Mudufashe"), "ce-1"),
        (event(DATA | {"content": "\U0001f6a8"}), InboundText("+250780000101", "+250780000900", "\U0001f6a8"), "ce-1"),
        (event(DATA | {"content": "\udcff\x00"}), InboundText("+250780000101", "+250780000900", "\udcff\x00"), "ce-1"),
        (
            event(DATA | {"encrypted": True, "content": "aGVsbG8="}),
            InboundText("+250780000101", "+250780000900", "aGVsbG8="),
            "ce-1",
        ),
        (event(DATA | {"sim": "SIM2"}), ME, "ce-1"),
        (event(DATA, subject="new in 2031"), ME, "ce-1"),
        (event(DATA, id=""), ME, None),
        (event(DATA, id=None), ME, None),
        (event(DATA, time=None), ME, "ce-1"),
    ],
)
def test_a_text_is_read_as_it_was_written(gateway: HttpSms, body: bytes, text: InboundText, external_id: str | None) -> None:
    gateway.verify(hook(body))
    read = gateway.read_text(hook(body))
    assert replace(read, sent_at=None) == replace(text, doubled=True), "phones tell of one SMS twice"
    assert gateway.external_id(hook(body)) == external_id


@pytest.mark.parametrize(
    ("body", "lacks"),
    [
        (event({}), "contact"),
        (event("text"), "contact"),
        (event(DATA, "message.phone.sent"), "type"),
        (event(DATA, "message.call.missed"), "type"),
        (event({}, "phone.heartbeat.offline"), "type"),
        (b"", "type"),
        (b"\xff", "type"),
    ],
)
def test_what_is_no_text_waits_for_a_person(gateway: HttpSms, body: bytes, lacks: str) -> None:
    with pytest.raises(Unreadable, match=lacks):
        gateway.read_text(hook(body))


@pytest.mark.parametrize(
    ("name", "data", "update"),
    [
        ("message.phone.sent", {"id": "m-1", "request_id": "01a"}, StatusUpdate("m-1", "01a", Progress.SENT, None)),
        ("message.phone.delivered", {"id": "m-1"}, StatusUpdate("m-1", None, Progress.DELIVERED, None)),
        ("message.send.failed", {"id": "m", "error_message": "+250780000101"}, StatusUpdate("m", None, Progress.FAILED, None)),
        ("message.send.expired", {"message_id": "m-1"}, StatusUpdate("m-1", None, Progress.UNDELIVERED, None)),
        ("message.phone.sent", {"request_id": "01a"}, StatusUpdate("", "01a", Progress.SENT, None)),
        ("message.phone.sent", {"id": "\x00", "request_id": None}, StatusUpdate("h-", None, Progress.SENT, None)),
    ],
)  # fmt: skip
def test_every_receipt_is_understood(gateway: HttpSms, name: str, data: dict[str, str], update: StatusUpdate) -> None:
    webhook = hook(event(data, name), kind="status")
    gateway.verify(webhook)
    read = gateway.read_status(webhook)
    assert (read.message_id, read.progress, read.code) == (update.message_id, update.progress, update.code)
    assert read.provider_id.startswith(update.provider_id)


@pytest.mark.parametrize("body", [event({"id": "m"}, "message.new"), event({}, "message.phone.sent"), event(DATA), b"{}"])
def test_a_receipt_nobody_can_read_waits_for_a_person(gateway: HttpSms, body: bytes) -> None:
    with pytest.raises(Unreadable):
        gateway.read_status(hook(body, kind="status"))


NOW = int(time.time())


@pytest.mark.parametrize(
    ("bearer", "reason"),
    [
        ("", "unsigned"),
        ("Bearer", "unsigned"),
        (f"Basic {token(URL)}", "unsigned"),
        ("Bearer x", "signature"),
        ("Bearer a.b.c", "signature"),
        ("Bearer ...", "signature"),
        ("Bearer \xff.\xff.\xff", "signature"),
        (f"Bearer {token(URL)}x", "signature"),
        (f"Bearer {token(URL, key='another-key-' + '3' * 32)}", "signature"),
        (f"Bearer {token(URL, alg='none')}", "signature"),
        (f"Bearer {token(URL, alg='HS512')}", "signature"),
        (f"Bearer {token(URL).rpartition('.')[0]}.", "signature"),
        (f"Bearer {token(PUBLIC_URL + '/in/httpsms/status')}", "address"),
        (f"Bearer {token('https://elsewhere.example.org')}", "address"),
        (f"Bearer {token(None)}", "address"),
        (f"Bearer {token([])}", "address"),
        (f"Bearer {token(URL, exp=NOW - 301)}", "time"),
        (f"Bearer {token(URL, nbf=NOW + 900)}", "time"),
        (f"Bearer {token(URL, exp='later')}", "time"),
        (f"Bearer {token(URL, exp=None)}", "time"),
    ],
)
def test_only_a_token_for_this_address_and_now_opens(gateway: HttpSms, bearer: str, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        gateway.verify(replace(hook(event(DATA), bearer), heard_at=NOW))


@pytest.mark.parametrize("audience", [URL, [URL], ["https://elsewhere.example.org", URL]])
def test_the_address_may_be_one_of_several(gateway: HttpSms, audience: object) -> None:
    gateway.verify(hook(event(DATA), f"bearer {token(audience)}"))


def test_a_token_is_judged_by_the_time_it_was_heard_so_that_a_mended_key_opens_the_quarantine(gateway: HttpSms) -> None:
    heard = hook(event(DATA))
    days_later = Webhook.unpacked(heard.packed())
    assert days_later.heard_at == heard.heard_at
    old = f"Bearer {token(URL, nbf=NOW - 90_600, exp=NOW - 89_400)}"
    gateway.verify(Webhook("sms", "/in/httpsms/sms", {"authorization": old}, event(DATA), heard_at=NOW - 90_000))


def refused(code: str, *, retry: bool = True) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry)


def unknown(code: str | None) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


TAKEN = {"status": "success", "message": "message added to queue", "data": {"id": "m-9", "status": "pending"}}
ACCEPTED = Sent("01a", Certainty.ACCEPTED, "m-9")
OUT: list[tuple[Behaviour, Sent]] = [
    (say(200, TAKEN), ACCEPTED),
    (say(202, TAKEN), ACCEPTED),
    (say(201, TAKEN), ACCEPTED),
    (say(200, {"status": "success", "data": {}}), unknown(None)),
    (say(200, {"status": "success", "data": []}), unknown(None)),
    (say(200, []), unknown(None)),
    (say(200, "<html>"), unknown(None)),
    (say(400, {"status": "error", "message": "The request body is not a valid JSON string"}), refused("400", retry=False)),
    (say(401, {"status": "error", "message": "You are not authorized"}), refused("401")),
    (say(402, {"status": "error", "message": "You have exceeded your limit"}), refused("402")),
    (say(403), refused("403")),
    (say(404), refused("404")),
    (say(412, {"message": "We cannot find your phone +250780000900"}), refused("412")),
    (say(422, {"status": "error", "data": {"to": ["The to field must be a valid phone number"]}}), refused("422", retry=False)),
    (say(429), replace(refused("429"), retry_after=1.0)),
    (say(500), unknown("500")),
    (say(503), unknown("503")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    assert made("httpsms", tmp_path, httpsms_api_url=far.url).send([TEXT]) == [outcome]
    (asked,) = far.asked
    assert (asked.method, asked.target, asked.headers["x-api-key"]) == ("POST", "/v1/messages/send", "invented-api-key")
    assert asked.json == {"from": "+250780000900", "to": "+250780000101", "content": "Murakoze", "request_id": "01a"}


def test_a_server_that_is_not_there_has_surely_sent_nothing(gateway: HttpSms) -> None:
    assert gateway.send([TEXT]) == [refused("unreachable")]
