"""What Jasmin 0.11 really posts and answers, from its source and a real one on this machine. People and numbers are invented."""

from dataclasses import replace
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
from hotline.gateways.jasmin import Jasmin
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import Pairs, knock, made

TEXT = OutboundText("01a", "+250780000101", "Murakoze")
MO = {"id": "e1", "from": "250780000101", "to": "7788", "origin-connector": "mtn", "priority": "LEVEL_0", "validity": "None"}


@pytest.fixture
def gateway(tmp_path: Path) -> Jasmin:
    return made("jasmin", tmp_path)  # type: ignore[return-value]


def pairs(fields: dict[str, str]) -> Pairs:
    return [(name, value.encode("utf-8", "surrogateescape")) for name, value in fields.items()]


def told(coding: str, octets: bytes, content: str = "?") -> dict[str, str]:
    return MO | {"coding": coding, "content": content, "binary": octets.hex()}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (told("0", b"Mudufashe"), "Mudufashe"),
        (told("0", b"\x00 \x1b\x65 \x05 \x11"), "@ € é _"),
        (told("0", b"\x1b\x28a\x1b\x29"), "{a}"),
        (told("0", "Où".encode(), "Où"), "Où"),
        (told("0", b"\xe9t\xe9", ""), "\udce9t\udce9"),
        (told("1", b"Mudufashe"), "Mudufashe"),
        (told("3", b"O\xf9 \xe9t\xe9"), "Où été"),
        (told("8", "\u0451\U0001f44d".encode("utf-16-be")), "\u0451\U0001f44d"),
        (told("8", b"\x04", "half"), "half"),
        (told("4", b"\x01\x02", "\x01\x02"), "\x01\x02"),
        (told("99", b"Mudufashe", "Mudufashe"), "Mudufashe"),
        (MO | {"coding": "0", "content": "Mudufashe"}, "Mudufashe"),
        (MO | {"coding": "0", "content": "Mudufashe", "binary": "xyz"}, "Mudufashe"),
        (MO | {"coding": "0", "content": "Mudufashe", "binary": ""}, "Mudufashe"),
        (MO | {"content": "Mudufashe", "binary": b"Mudufashe".hex()}, "Mudufashe"),
        (MO, ""),
    ],
)
def test_a_text_is_read_from_its_octets(gateway: Jasmin, fields: dict[str, str], body: str, method: str) -> None:
    webhook = knock(gateway, "sms", pairs(fields), method=method).webhook("sms")
    gateway.verify(webhook)
    assert gateway.read_text(webhook) == InboundText("250780000101", "7788", body)
    assert gateway.external_id(webhook) == "e1"


def test_a_text_without_sender_waits_for_a_person_and_a_nameless_one_is_taken(gateway: Jasmin) -> None:
    nobody = {name: value for name, value in told("0", b"x").items() if name != "from"}
    with pytest.raises(Unreadable, match="from"):
        gateway.read_text(knock(gateway, "sms", pairs(nobody)).webhook("sms"))
    named = knock(gateway, "sms", pairs(nobody | {"from": "MTN"})).webhook("sms")
    assert gateway.read_text(named).sender == "MTN"


def receipt(gateway: Jasmin, status: str, level: str = "2", query: str = "message=01a", **more: str) -> Webhook:
    fields = {"id": "j-1", "level": level, "message_status": status, "connector": "mtn"} | more
    target = gateway.address("status").removeprefix("http://127.0.0.1:8000")
    return Webhook("status", f"{target}?{query}", {}, urlencode(fields).encode())


@pytest.mark.parametrize(
    ("status", "level", "err", "progress", "code"),
    [
        ("ESME_ROK", "1", "", Progress.SENT, None),
        ("ACCEPTD", "2", "000", Progress.SENT, None),
        ("ENROUTE", "2", "000", Progress.SENT, None),
        ("DELIVRD", "2", "000", Progress.DELIVERED, None),
        ("UNDELIV", "2", "001", Progress.UNDELIVERED, "001"),
        ("UNDELIV", "2", "69", Progress.UNDELIVERED, "69"),
        ("EXPIRED", "2", "000", Progress.UNDELIVERED, None),
        ("UNKNOWN", "2", "000", Progress.UNDELIVERED, None),
        ("DELETED", "2", "000", Progress.FAILED, None),
        ("REJECTD", "2", "042", Progress.FAILED, "042"),
        ("REJECTD", "2", "+250780000101", Progress.FAILED, None),
        ("ESME_RTHROTTLED", "1", "", Progress.FAILED, "ESME_RTHROTTLED"),
        ("ESME_RINVDSTADR", "1", "", Progress.FAILED, "ESME_RINVDSTADR"),
        ("ESME_RSUBMITFAIL", "1", "", Progress.FAILED, "ESME_RSUBMITFAIL"),
        ("ESME_RSYSERR", "1", "", Progress.FAILED, "ESME_RSYSERR"),
    ],
)
def test_every_receipt_is_understood(
    gateway: Jasmin, status: str, level: str, err: str, progress: Progress, code: str | None
) -> None:
    webhook = receipt(gateway, status, level, id_smsc="7", err=err)
    gateway.verify(webhook)
    assert gateway.read_status(webhook) == StatusUpdate("j-1", "01a", progress, code)
    assert gateway.external_id(webhook) == f"j-1:{level}:{status}"


def test_a_receipt_nobody_can_read_waits_for_a_person(gateway: Jasmin) -> None:
    for status in ("", "DELIVERED", "ESME_" + "X" * 99, "ESME_+250780000101"):
        with pytest.raises(Unreadable, match="message_status"):
            gateway.read_status(receipt(gateway, status))
    with pytest.raises(Unreadable, match="id"):
        gateway.read_status(receipt(gateway, "DELIVRD", query="", id=""))
    assert gateway.read_status(receipt(gateway, "DELIVRD", query="")).message_id is None


@pytest.mark.parametrize("kind", ["sms", "status"])
def test_the_answer_is_the_one_after_which_jasmin_lets_go(gateway: Jasmin, kind: str) -> None:
    assert gateway.answer(kind).body == "ACK/Jasmin"


def test_only_the_secret_opens(gateway: Jasmin) -> None:
    for target in ("/in/jasmin/sms", "/in/jasmin/sms/x"):
        with pytest.raises(Forged, match="secret"):
            gateway.verify(Webhook("sms", target, {}, urlencode(MO).encode()))


def refused(code: str, *, retry: bool = True) -> Sent:
    return Sent("01a", Certainty.REFUSED, code=code, retry=retry)


def unknown(code: str | None) -> Sent:
    return Sent("01a", Certainty.UNKNOWN, code=code)


ID = "07033084-5cfd-4812-90a4-e4d24ffb6e3d"
OUT: list[tuple[Behaviour, Sent]] = [
    (say(200, f'Success "{ID}"'), Sent("01a", Certainty.ACCEPTED, ID)),
    (say(200, 'Success ""'), unknown(None)),
    (say(200, "Success"), unknown(None)),
    (say(200, ""), unknown(None)),
    (say(200, b"\xff"), unknown(None)),
    (say(400, 'Error "Mandatory argument [to] is not found."'), refused("400", retry=False)),
    (say(400, 'Error "Argument [to] has an invalid value: [+250780000101]."'), refused("400", retry=False)),
    (say(403, 'Error "Authentication failure for username:hotline"'), refused("403")),
    (say(403, 'Error "Cannot charge submit_sm, check RouterPB log file for details"'), refused("403")),
    (say(403, 'Error "User throughput exceeded"'), refused("403")),
    (say(404), refused("404")),
    (say(412, 'Error "No route found"'), refused("412")),
    (say(429), replace(refused("429"), retry_after=1.0)),
    (say(500, 'Error "Cannot send submit_sm, check SMPPClientManagerPB log file for details"'), unknown("500")),
    (say(503, 'Error "InterceptorPB not connected !"'), unknown("503")),
    (say(302, Location="http://127.0.0.1:9/"), unknown("302")),
    (reset, unknown("no answer")),
    (hang, unknown("no answer")),
]


@pytest.mark.parametrize(("behaviour", "outcome"), OUT)
def test_what_is_answered_to_a_text_says_what_is_known_of_it(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, outcome: Sent
) -> None:
    far.next.append(behaviour)
    gateway = made("jasmin", tmp_path, jasmin_send_url=far.url + "/send")
    assert gateway.send([TEXT]) == [outcome]
    (request,) = far.asked
    assert (request.method, request.target) == ("POST", "/send")
    assert request.form == {
        "username": "hotline",
        "password": "invented-pass",
        "from": "7788",
        "to": "+250780000101",
        "dlr": "yes",
        "dlr-level": "3",
        "dlr-method": "POST",
        "dlr-url": gateway.address("status") + "?message=01a",
        "coding": "0",
        "hex-content": b"Murakoze".hex(),
    }


@pytest.mark.parametrize(
    ("body", "coding", "octets"),
    [
        ("@ € {é}", "0", b"\x00 \x1b\x65 \x1b\x28\x05\x1b\x29"),
        ("\U0001f44d", "8", "\U0001f44d".encode("utf-16-be")),
        ("ë", "8", "ë".encode("utf-16-be")),
        ("", "0", b""),
    ],
)
def test_a_text_goes_out_as_octets_in_the_smallest_alphabet(
    tmp_path: Path, far: FarEnd, body: str, coding: str, octets: bytes
) -> None:
    far.next.append(say(200, f'Success "{ID}"'))
    made("jasmin", tmp_path, jasmin_send_url=far.url).send([OutboundText("01a", "+250780000101", body, valid_for=180)])
    asked = far.asked[0].form
    assert (asked["coding"], bytes.fromhex(asked["hex-content"]), asked["validity-period"]) == (coding, octets, "3")


def test_a_jasmin_that_is_not_there_has_surely_sent_nothing(gateway: Jasmin) -> None:
    assert gateway.send([TEXT]) == [refused("unreachable")]
