"""Aggregators taken on by settings alone: three that are known in the region by their shapes, and what else they may say."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

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
from hotline.gateways.external import External
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import PUBLIC_URL, made

TEXT = OutboundText("01a", "+250780000101", 'Muraho "wa" & ü\n<b>')
JSON_FIELDS = {"external_fields": ("from=data.sender.number", "to=data.to", "text=data.body", "id=eventId")}
ME = InboundText("250780000101", "7788", "Mudufashe")


@pytest.fixture
def gateway(tmp_path: Path) -> External:
    return made("external", tmp_path)  # type: ignore[return-value]


def hook(gateway: External, body: bytes = b"", query: str = "", kind: str = "sms") -> Webhook:
    target = gateway.address(kind).removeprefix(PUBLIC_URL)
    return Webhook(kind, f"{target}?{query}" if query else target, {}, body)


FORM = {"msisdn": "250780000101", "shortcode": "7788", "message": "Mudufashe", "messageId": "x-1"}


def form(**changed: str | None) -> bytes:
    return urlencode(
        {name: value for name, value in (FORM | changed).items() if value is not None}, errors="surrogateescape"
    ).encode()


@pytest.mark.parametrize(
    ("body", "text", "external_id"),
    [
        (form(), ME, "x-1"),
        (form(operator="MTN"), ME, "x-1"),
        (form(shortcode=None), InboundText("250780000101", "", "Mudufashe"), "x-1"),
        (form(message=None), InboundText("250780000101", "7788", ""), "x-1"),
        (form(message=""), InboundText("250780000101", "7788", ""), "x-1"),
        (form(messageId=None), ME, None),
        (form(msisdn="MTN"), InboundText("MTN", "7788", "Mudufashe"), "x-1"),
        (form(message="é \U0001f6a8"), InboundText("250780000101", "7788", "é \U0001f6a8"), "x-1"),
        (form(message="\udcff"), InboundText("250780000101", "7788", "\udcff"), "x-1"),
        (form(message="\x00"), InboundText("250780000101", "7788", "\x00"), "x-1"),
        (form() + b"&message=second", ME, "x-1"),
        (b'{"msisdn": "250780000101", "shortcode": 7788, "message": "Mudufashe", "messageId": "x-1"}', ME, "x-1"),
        (b'{"msisdn": 250780000101, "shortcode": "7788", "message": "Mudufashe", "messageId": 1}', ME, "1"),
        (b'{"msisdn": "250780000101", "message": null}', InboundText("250780000101", "", ""), None),
        (
            b'{"msisdn": "250780000101", "shortcode": "7788", "message": "\\ud83d"}',
            InboundText("250780000101", "7788", "\ud83d"),
            None,
        ),
    ],
)
def test_a_text_is_read_under_the_names_of_the_settings(
    gateway: External, body: bytes, text: InboundText, external_id: str | None
) -> None:
    webhook = hook(gateway, body)
    gateway.verify(webhook)
    assert gateway.read_text(webhook) == text
    assert gateway.external_id(webhook) == external_id


def test_a_text_may_come_in_a_query(gateway: External) -> None:
    webhook = hook(gateway, query=form().decode())
    gateway.verify(webhook)
    assert gateway.read_text(webhook) == ME


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"eventId":"e","data":{"sender":{"number":"250780000101"},"to":"7788","body":"Mudufashe"}}', ME),
        (b'{"eventId":"e","data":{"sender":{"number":"250780000101"},"body":["x"]}}', InboundText("250780000101", "", "")),
    ],
)
def test_a_dot_leads_into_an_object(tmp_path: Path, body: bytes, text: InboundText) -> None:
    deep = made("external", tmp_path, **JSON_FIELDS)
    webhook = hook(deep, body)  # type: ignore[arg-type]
    deep.verify(webhook)
    assert deep.read_text(webhook) == text


@pytest.mark.parametrize("body", [form(msisdn=None), form(msisdn=""), b'{"msisdn": {}, "message": "x"}'])
def test_a_text_without_sender_waits_for_a_person(gateway: External, body: bytes) -> None:
    webhook = hook(gateway, body)
    gateway.verify(webhook)
    with pytest.raises(Unreadable, match="from"):
        gateway.read_text(webhook)


@pytest.mark.parametrize(
    ("fields", "update"),
    [
        ({"messageId": "x", "state": "DELIVRD"}, StatusUpdate("x", None, Progress.DELIVERED, None)),
        ({"messageId": "x", "state": "delivered"}, StatusUpdate("x", None, Progress.DELIVERED, None)),
        ({"messageId": "x", "state": "SENT", "clientRef": "01a"}, StatusUpdate("x", "01a", Progress.SENT, None)),
        ({"messageId": "x", "state": "ACCEPTD"}, StatusUpdate("x", None, Progress.SENT, None)),
        ({"messageId": "x", "state": "UNDELIV", "error": "69"}, StatusUpdate("x", None, Progress.UNDELIVERED, "69")),
        ({"messageId": "x", "state": "EXPIRED"}, StatusUpdate("x", None, Progress.UNDELIVERED, None)),
        ({"messageId": "x", "state": "FAILED", "error": "to 250780000101"}, StatusUpdate("x", None, Progress.FAILED, None)),
        ({"messageId": "x", "state": "FAILED", "error": "250780000101"}, StatusUpdate("x", None, Progress.FAILED, None)),
        ({"clientRef": "01a", "state": "REJECTD", "error": "E12"}, StatusUpdate("", "01a", Progress.FAILED, "E12")),
    ],
)
def test_a_receipt_is_read_in_the_words_of_the_settings(
    gateway: External, fields: Mapping[str, str], update: StatusUpdate
) -> None:
    webhook = hook(gateway, urlencode(fields).encode(), kind="status")
    gateway.verify(webhook)
    assert gateway.read_status(webhook) == update


def test_our_own_id_may_stand_in_the_address_we_gave(gateway: External) -> None:
    webhook = hook(gateway, b"state=SENT", "message=01a", kind="status")
    assert gateway.read_status(webhook) == StatusUpdate("", "01a", Progress.SENT, None)


@pytest.mark.parametrize("body", [b"messageId=x&state=LOST", b"messageId=x", b"state=SENT"])
def test_a_receipt_nobody_can_read_waits_for_a_person(gateway: External, body: bytes) -> None:
    with pytest.raises(Unreadable):
        gateway.read_status(hook(gateway, body, kind="status"))


def test_only_the_secret_opens(gateway: External) -> None:
    with pytest.raises(Forged, match="secret"):
        gateway.verify(Webhook("sms", "/in/external/sms/x", {}, form()))
    with pytest.raises(Forged, match="shape"):
        gateway.verify(hook(gateway, b"hello=1"))


def test_the_answer_is_what_the_aggregator_wants(tmp_path: Path, gateway: External) -> None:
    assert gateway.answer("sms").body == ""
    assert made("external", tmp_path, external_answer="OK").answer("sms").body == "OK"


# ---- sending: one aggregator that takes a query, one a form, one JSON, one XML

BY_QUERY = {
    "external_send_url": "{far}/send?user=u&key={{key}}&to={{digits}}&from={{from}}&text={{text}}",
    "external_send_method": "GET",
    "external_send_headers": "",
}
BY_FORM = {"external_send_url": "{far}/send", "external_send_body": "to={{to}}&text={{text}}&ref={{id}}&dlr={{receipt}}"}
BY_JSON = {
    "external_send_url": "{far}/api/v1/sms",
    "external_send_headers": "Authorization: Bearer {{key}}|Content-Type: application/json",
    "external_send_body": '{"textContacts": ["{{digits}}"], "message": "{{text}}", "senderId": "{{from}}"}',
}
BY_XML = {"external_send_url": "{far}/x", "external_send_headers": "Content-Type: text/xml",
          "external_send_body": "<sms><to>{{to}}</to><text>{{text}}</text></sms>"}  # fmt: skip


def at(far: FarEnd, template: Mapping[str, str], folder: Path, **more: object) -> External:
    settings = {name: value.replace("{far}", far.url) for name, value in template.items()}
    return made("external", folder, **{**settings, **more})  # type: ignore[return-value]


def test_a_query_is_filled_and_escaped(tmp_path: Path, far: FarEnd) -> None:
    far.next.append(say(200, "OK"))
    at(far, BY_QUERY, tmp_path).send([TEXT])
    (asked,) = far.asked
    assert asked.method == "GET"
    assert asked.query == {"user": "u", "key": "invented-key", "to": "250780000101", "from": "7788", "text": TEXT.body}


def test_a_form_is_filled_and_escaped(tmp_path: Path, far: FarEnd) -> None:
    far.next.append(say(200, "OK"))
    gateway = at(far, BY_FORM, tmp_path)
    gateway.send([TEXT])
    receipt = gateway.address("status") + "?message=01a"
    assert far.asked[0].form == {"to": "+250780000101", "text": TEXT.body, "ref": "01a", "dlr": receipt}


def test_json_is_filled_and_escaped(tmp_path: Path, far: FarEnd) -> None:
    far.next.append(say(200, "OK"))
    at(far, BY_JSON, tmp_path).send([TEXT])
    assert far.asked[0].json == {"textContacts": ["250780000101"], "message": TEXT.body, "senderId": "7788"}
    assert far.asked[0].headers["authorization"] == "Bearer invented-key"


def test_xml_is_filled_and_escaped(tmp_path: Path, far: FarEnd) -> None:
    far.next.append(say(200, "OK"))
    at(far, BY_XML, tmp_path).send([TEXT])
    assert far.asked[0].body.decode() == '<sms><to>+250780000101</to><text>Muraho "wa" &amp; ü\n&lt;b&gt;</text></sms>'


def refused(code: str, *, retry: bool = True) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry)


def unknown(code: str) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


OUT: list[tuple[Behaviour, Sent]] = [
    (say(200, {"status": "OK", "id": "m-1"}), Sent("01a", Certainty.ACCEPTED, "m-1")),
    (say(201, {"status": "OK", "id": "m-1"}), Sent("01a", Certainty.ACCEPTED, "m-1")),
    (say(202, '"status": "OK", "id": "two words"'), Sent("01a", Certainty.ACCEPTED, "h-")),
    (say(200, {"status": "OK"}), Sent("01a", Certainty.ACCEPTED)),
    (say(200, {"status": "ERROR", "message": "no balance for +250780000101"}), unknown("not accepted")),
    (say(200, ""), unknown("not accepted")),
    (say(200, b"\xff\x00"), unknown("not accepted")),
    (say(400), refused("400", retry=False)),
    (say(401), refused("401")),
    (say(403), refused("403")),
    (say(404), refused("404")),
    (say(422), refused("422", retry=False)),
    (say(429), refused("429")),
    (say(500), unknown("500")),
    (say(503), unknown("503")),
    (say(301, Location="http://127.0.0.1:9/"), unknown("301")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    patterns = {"external_accepted": r'"status":\s*"OK"', "external_id_pattern": r'"id":\s*"([^"]+)"'}
    (sent,) = at(far, BY_JSON, tmp_path, **patterns).send([TEXT])
    assert (sent.certainty, sent.code, sent.retry) == (outcome.certainty, outcome.code, outcome.retry)
    assert (sent.provider_id or "").startswith(outcome.provider_id or "")
    assert bool(sent.provider_id) == bool(outcome.provider_id)


def test_an_aggregator_that_is_not_there_has_surely_sent_nothing(gateway: External) -> None:
    assert gateway.send([TEXT]) == [refused("unreachable")]
