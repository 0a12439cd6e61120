"""What Africa's Talking really posts and answers. Fields, states and codes are as in its documentation; people are invented."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotline.gateways.africastalking import AfricasTalking
from hotline.gateways.contract import (
    Certainty,
    Forged,
    InboundText,
    NotListed,
    OptOut,
    OutboundText,
    Page,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
)
from hotline.gateways.unsigned import Hook
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import FORMER, SECRET, SETTINGS, Pairs, knock, made

TEXT = OutboundText("01a", "+250780000101", "Murakoze")
SMS = {
    "from": "+250780000101",
    "to": "7788",
    "text": "Mudufashe",
    "id": "ATXid_1",
    "linkId": "L1",
    "date": "2017-05-03T06:04:45Z",
}


@pytest.fixture
def gateway(tmp_path: Path) -> AfricasTalking:
    return made("africastalking", tmp_path)  # type: ignore[return-value]


def pairs(fields: dict[str, str]) -> Pairs:
    return [(name, value.encode("utf-8", "surrogateescape")) for name, value in fields.items()]


def hook(gateway: AfricasTalking, kind: str, fields: dict[str, str]) -> Webhook:
    return knock(gateway, kind, pairs(fields)).webhook(kind)


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in SMS.items() if name not in names}


@pytest.mark.parametrize(
    ("fields", "text", "external_id"),
    [
        (SMS, InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"date": "2017-05-03 06:04:45"}, InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"linkId": ""}, InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (without("linkId"), InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (without("date"), InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"networkCode": "63510", "cost": "None"}, InboundText("+250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"from": "MTN"}, InboundText("MTN", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"from": "250780000101"}, InboundText("250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"from": "00250780000101"}, InboundText("00250780000101", "7788", "Mudufashe"), "ATXid_1"),
        (SMS | {"text": ""}, InboundText("+250780000101", "7788", ""), "ATXid_1"),
        (without("text"), InboundText("+250780000101", "7788", ""), "ATXid_1"),
        (without("to"), InboundText("+250780000101", "", "Mudufashe"), "ATXid_1"),
        (without("id"), InboundText("+250780000101", "7788", "Mudufashe"), None),
        (
            SMS | {"text": "Ndi i Goma \U0001f6a8 + & ="},
            InboundText("+250780000101", "7788", "Ndi i Goma \U0001f6a8 + & ="),
            "ATXid_1",
        ),
        (SMS | {"text": "a\x00b"}, InboundText("+250780000101", "7788", "a\x00b"), "ATXid_1"),
        (SMS | {"text": "\udcff"}, InboundText("+250780000101", "7788", "\udcff"), "ATXid_1"),
        (SMS | {"text": "STOP"}, InboundText("+250780000101", "7788", "STOP"), "ATXid_1"),
    ],
)
def test_a_text_is_read_as_it_was_written(
    gateway: AfricasTalking, fields: dict[str, str], text: InboundText, external_id: str | None
) -> None:
    webhook = hook(gateway, "sms", fields)
    gateway.verify(webhook)
    read = gateway.read_text(webhook)
    assert replace(read, sent_at=None) == replace(text, doubled=True)
    assert (read.sent_at == datetime(2017, 5, 3, 6, 4, 45, tzinfo=UTC)) == ("date" in fields)
    assert gateway.external_id(webhook) == external_id


@pytest.mark.parametrize("fields", [without("from"), SMS | {"from": ""}])
def test_a_text_without_sender_is_genuine_and_waits_for_a_person(gateway: AfricasTalking, fields: dict[str, str]) -> None:
    webhook = hook(gateway, "sms", fields)
    gateway.verify(webhook)
    with pytest.raises(Unreadable, match="from"):
        gateway.read_text(webhook)


@pytest.mark.parametrize(
    ("status", "reason", "progress", "code", "opted_out"),
    [
        ("Submitted", "", Progress.SENT, None, False),
        ("Sent", "", Progress.SENT, None, False),
        ("Buffered", "", Progress.SENT, None, False),
        ("Success", "", Progress.DELIVERED, None, False),
        ("success", "", Progress.DELIVERED, None, False),
        ("Rejected", "InsufficientCredit", Progress.FAILED, "InsufficientCredit", False),
        ("Rejected", "InvalidLinkId", Progress.FAILED, "InvalidLinkId", False),
        ("Rejected", "UserIsInactive", Progress.FAILED, "UserIsInactive", False),
        ("Rejected", "UserInBlackList", Progress.FAILED, "UserInBlackList", True),
        ("Rejected", "UserAccountSuspended", Progress.FAILED, "UserAccountSuspended", False),
        ("Rejected", "NotNetworkSubscriber", Progress.FAILED, "NotNetworkSubscriber", False),
        ("Rejected", "UserNotSubscribedToProduct", Progress.FAILED, "UserNotSubscribedToProduct", False),
        ("Rejected", "UserDoesNotExist", Progress.FAILED, "UserDoesNotExist", False),
        ("Failed", "DeliveryFailure", Progress.FAILED, "DeliveryFailure", False),
        ("Failed", "+250780000101 is off", Progress.FAILED, "not a code", False),
        ("Expired", "", Progress.UNDELIVERED, None, False),
        ("AbsentSubscriber", "", Progress.UNDELIVERED, None, False),
    ],
)
def test_every_receipt_is_understood(
    gateway: AfricasTalking, status: str, reason: str, progress: Progress, code: str | None, *, opted_out: bool
) -> None:
    fields = {"id": "ATXid_2", "status": status, "phoneNumber": "+250780000101", "networkCode": "63510", "failureReason": reason}
    webhook = hook(gateway, "status", fields)
    gateway.verify(webhook)
    assert gateway.read_status(webhook) == StatusUpdate("ATXid_2", None, progress, code, opted_out)
    assert gateway.external_id(webhook) == f"ATXid_2:{status}:{reason}"


@pytest.mark.parametrize(
    ("kind", "fields", "lacks"),
    [
        ("status", {"id": "ATXid_2", "status": "Unheard"}, "status"),
        ("status", {"id": "ATXid_2"}, "status"),
        ("status", {"status": "Success"}, "id"),
        ("optout", {"senderId": "7788"}, "phoneNumber"),
    ],
)
def test_a_callback_that_lacks_something_waits_for_a_person(
    gateway: AfricasTalking, kind: str, fields: dict[str, str], lacks: str
) -> None:
    webhook = hook(gateway, kind, fields)
    gateway.verify(webhook)
    with pytest.raises(Unreadable, match=lacks):
        gateway.read_status(webhook)


def test_an_opt_out_names_the_person(gateway: AfricasTalking) -> None:
    webhook = hook(gateway, "optout", {"senderId": "IJWI", "phoneNumber": "+250780000101"})
    gateway.verify(webhook)
    assert gateway.read_status(webhook) == OptOut("+250780000101")
    again = (gateway.external_id(webhook), gateway.external_id(webhook))
    assert again[0] != again[1], "whoever took it back may say it once more"
    assert "780000101" not in str(again)


def changed(webhook: Webhook, **fields: object) -> Webhook:
    return Webhook(**{**vars(webhook), **fields})  # type: ignore[arg-type]


def test_path_address_and_shape_are_all_asked(gateway: AfricasTalking) -> None:
    genuine = hook(gateway, "sms", SMS)
    base = genuine.target.rpartition("/")[0]
    of_status = gateway.address("status").rpartition("/")[2]
    for forged, reason in (
        (changed(genuine, target=base), "secret"),
        (changed(genuine, target=f"{base}/"), "secret"),
        (changed(genuine, target=f"{base}/{of_status}"), "secret"),
        (changed(genuine, target=f"{base}/{SECRET}"), "secret"),
        (changed(genuine, target=genuine.target + "x"), "secret"),
        (changed(genuine, target=base + "?" + genuine.target.rpartition("/")[2]), "secret"),
        (changed(genuine, target=f"{base}/\u00e9"), "secret"),
        (changed(genuine, peer="203.0.113.16"), "address"),
        (changed(genuine, peer="::ffff:198.51.100.1"), "address"),
        (changed(genuine, peer=""), "address"),
        (changed(genuine, peer="unknown"), "address"),
        (changed(genuine, body=b""), "shape"),
        (changed(genuine, body=b"Body=x&From=y"), "shape"),
        (changed(genuine, body=b"\xff\x00"), "shape"),
    ):
        with pytest.raises(Forged, match=reason):
            gateway.verify(forged)
    gateway.verify(changed(genuine, peer="::ffff:203.0.113.7"))


def test_a_former_secret_is_taken_while_it_is_being_rotated(tmp_path: Path, gateway: AfricasTalking) -> None:
    before = made("africastalking", tmp_path, hook_secrets=(FORMER,))
    gateway.verify(knock(before, "sms", pairs(SMS)).webhook("sms"))
    with pytest.raises(Forged, match="secret"):
        before.verify(hook(gateway, "sms", SMS))


def test_without_secrets_nothing_is_genuine_and_the_doctor_is_told_what_lacks(tmp_path: Path) -> None:
    bare = made("africastalking", tmp_path, hook_secrets=(), africastalking_addresses=(), africastalking_from="")
    with pytest.raises(Forged, match="secret"):
        bare.verify(Webhook("sms", "/in/africastalking/sms/", {}, b"from=x", "203.0.113.7"))
    assert bare.lacking() == (
        "HOTLINE_HOOK_SECRETS",
        "HOTLINE_AFRICASTALKING_FROM",
        "HOTLINE_AFRICASTALKING_ADDRESSES",
    )


def test_the_secret_of_a_hook_is_its_own_and_as_long_as_256_bits(gateway: AfricasTalking) -> None:
    tokens = {gateway.address(kind).rpartition("/")[2] for kind in gateway.kinds}
    assert len(tokens) == len(gateway.kinds)
    assert {len(token) for token in tokens} == {43}
    assert isinstance(gateway._hook, Hook)
    assert SECRET in gateway.secrets
    assert SETTINGS["africastalking_api_key"] in gateway.secrets


# ---- sending


def recipients(code: int, status: str, message_id: str = "ATXid_9") -> dict[str, object]:
    one = {"statusCode": code, "number": TEXT.to, "status": status, "cost": "RWF 12", "messageId": message_id}
    return {"SMSMessageData": {"Message": "Sent to 1/1 Total Cost: RWF 12", "Recipients": [one]}}


def refused(code: str, *, retry: bool = True, opted_out: bool = False) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry, opted_out=opted_out)


def unknown(code: str) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


NOBODY = {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
BAD_NUMBER = {"SMSMessageData": {"Message": "The number +250780000101 is invalid", "Recipients": []}}
OUT: list[tuple[Behaviour, Sent]] = [
    (say(201, recipients(100, "Processed")), Sent("01a", Certainty.ACCEPTED, "ATXid_9")),
    (say(201, recipients(101, "Success")), Sent("01a", Certainty.ACCEPTED, "ATXid_9")),
    (say(201, recipients(102, "Queued")), Sent("01a", Certainty.ACCEPTED, "ATXid_9")),
    (say(200, recipients(101, "Success")), Sent("01a", Certainty.ACCEPTED, "ATXid_9")),
    (say(201, recipients(401, "RiskHold", "None")), refused("401")),
    (say(201, recipients(402, "InvalidSenderId", "None")), refused("402")),
    (say(201, recipients(403, "InvalidPhoneNumber", "None")), refused("403", retry=False)),
    (say(201, recipients(404, "UnsupportedNumberType", "None")), refused("404", retry=False)),
    (say(201, recipients(405, "InsufficientBalance", "None")), refused("405")),
    (say(201, recipients(406, "UserInBlacklist", "None")), refused("406", retry=False, opted_out=True)),
    (say(201, recipients(407, "CouldNotRoute", "None")), refused("407")),
    (say(201, recipients(409, "DoNotDisturbRejection", "None")), refused("409")),
    (say(201, recipients(500, "InternalServerError", "None")), unknown("500")),
    (say(201, recipients(501, "GatewayError", "None")), unknown("501")),
    (say(201, recipients(502, "RejectedByGateway", "None")), refused("502")),
    (say(201, NOBODY), refused("InvalidSenderId")),
    (say(201, BAD_NUMBER), refused("nobody")),
    (say(201, {"SMSMessageData": {"Message": "Sent"}}), unknown("no recipients")),
    (say(201, {"SMSMessageData": {"Recipients": [{}]}}), unknown("KeyError")),
    (say(201, "<html>"), unknown("no recipients")),
    (say(201, b"\xff\x00"), unknown("no recipients")),
    (say(400, "Must have username in your request"), refused("400", retry=False)),
    (say(401, "The supplied authentication is invalid", **{"Content-Type": "text/plain"}), refused("401")),
    (say(404), refused("404")),
    (say(429), replace(refused("429"), retry_after=1.0)),
    (say(500), unknown("500")),
    (say(503), unknown("503")),
    (say(302, Location="http://127.0.0.1:9/elsewhere"), unknown("302")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    assert made("africastalking", tmp_path, africastalking_api_url=far.url).send([TEXT]) == [outcome]
    (asked,) = far.asked
    assert (asked.method, asked.target) == ("POST", "/version1/messaging")
    assert asked.headers["apikey"] == "invented-api-key"
    assert asked.form == {
        "username": "invented",
        "to": TEXT.to,
        "message": TEXT.body,
        "from": "7788",
        "bulkSMSMode": "1",
        "enqueue": "1",
    }


def test_a_server_that_is_not_there_has_surely_sent_nothing(gateway: AfricasTalking, tmp_path: Path) -> None:
    nowhere = made("africastalking", tmp_path, africastalking_api_url="http://127.0.0.1:9")
    assert nowhere.send([TEXT]) == [refused("unreachable")]


def test_many_texts_are_answered_for_each_in_their_order(tmp_path: Path, far: FarEnd) -> None:
    far.next += [say(201, recipients(101, "Success"))] * 20
    texts = [OutboundText(f"t{number}", "+250780000101", "x") for number in range(20)]
    sent = made("africastalking", tmp_path, africastalking_api_url=far.url + "/", read_timeout_seconds=9.0).send(texts)
    assert [one.id for one in sent] == [text.id for text in texts]
    assert {one.certainty for one in sent} == {Certainty.ACCEPTED}


# ---- what came in and was never told of


def inbox(*numbers: int, at: str = "2026-11-24 10:00:00") -> dict[str, object]:
    found = [
        {"id": number, "from": "+250780000101", "to": "7788", "text": f"Text {number} é", "linkId": None, "date": at}
        for number in numbers
    ]
    return {"SMSMessageData": {"Messages": found}}


SINCE = datetime(2026, 11, 23, tzinfo=UTC)


def test_its_own_list_is_read_page_by_page_from_the_last_id(tmp_path: Path, far: FarEnd) -> None:
    far.next += [say(200, inbox(8, 9, 10)), say(200, inbox(11)), say(200, inbox())]
    gateway = made("africastalking", tmp_path, africastalking_api_url=far.url)
    pages = list(gateway.listed("7", SINCE))  # type: ignore[attr-defined]
    assert [page.cursor for page in pages] == ["10", "11"]
    assert [asked.query for asked in far.asked] == [
        {"username": "invented", "lastReceivedId": last} for last in ("7", "10", "11")
    ]
    webhooks = [found.webhook for page in pages for found in page.found]
    assert [gateway.external_id(webhook) for webhook in webhooks] == ["8", "9", "10", "11"]
    assert [gateway.read_text(webhook).body for webhook in webhooks] == [f"Text {number} é" for number in (8, 9, 10, 11)]


def test_what_is_older_than_we_keep_is_passed_over(tmp_path: Path, far: FarEnd) -> None:
    far.next += [say(200, inbox(8, at="2026-11-22T10:00:00Z")), say(200, inbox())]
    (page,) = made("africastalking", tmp_path, africastalking_api_url=far.url).listed(None, SINCE)  # type: ignore[attr-defined]
    assert page == Page((), "8")
    assert far.asked[0].query["lastReceivedId"] == "0"


def test_a_server_that_gives_the_last_one_again_is_not_asked_for_ever(tmp_path: Path, far: FarEnd) -> None:
    far.next += [say(200, inbox(8)), say(200, inbox(8))]
    assert len(list(made("africastalking", tmp_path, africastalking_api_url=far.url).listed(None, SINCE))) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "behaviour", [say(401, "no"), say(500), say(200, "<html>"), say(200, {"SMSMessageData": []}), reset, hang]
)
def test_a_list_that_is_not_given_is_said_so(tmp_path: Path, far: FarEnd, behaviour: Behaviour) -> None:
    far.next.append(behaviour)
    with pytest.raises(NotListed):
        list(made("africastalking", tmp_path, africastalking_api_url=far.url).listed(None, SINCE))  # type: ignore[attr-defined]
