"""Missed calls and calls back: what Twilio and Africa's Talking post, are answered and are asked. Invented people."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from hotline.config import Settings
from hotline.gateways import africastalking_rings, twilio_rings
from hotline.gateways.africastalking import AfricasTalking
from hotline.gateways.contract import Certainty, Unreadable, Webhook
from hotline.gateways.ringing import ANSWER_WITHIN, LONGEST_CALL, Ring, Stage
from hotline.gateways.twilio import Twilio
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import form as encoded
from tests.gateways.vendors import made

ME, OURS = "+250780000101", "01a20edd42f1773cbadf133679f2022d"
RINGING = {"CallSid": "CA" + "0" * 32, "From": ME, "To": "+250780000900", "CallStatus": "ringing", "Direction": "inbound"}
BACK = RINGING | {"From": "+250780000900", "To": ME, "CallStatus": "in-progress", "Direction": "outbound-api"}
ACTIVE = {
    "isActive": "1", "sessionId": "ATVId_1", "direction": "Inbound", "callerNumber": ME, "destinationNumber": "+250780000900",
    "callSessionState": "Ringing",
}  # fmt: skip
OUT = ACTIVE | {"direction": "Outbound", "clientRequestId": OURS, "callSessionState": "Answered"}


def hook(fields: dict[str, str], query: str = "") -> Webhook:
    body = encoded([(name, value.encode()) for name, value in fields.items()])
    return Webhook("beep", f"/in/x/beep/secret{query and f'?{query}'}", {}, body)


def without(fields: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    ("fields", "query", "ring"),
    [
        (RINGING, "", Ring(Stage.MISSED, ME)),
        (RINGING | {"CallStatus": "completed"}, "", Ring(Stage.MISSED, ME)),
        (RINGING | {"From": "anonymous"}, "", Ring(Stage.MISSED, "anonymous")),
        (RINGING | {"From": "+266696687"}, "", Ring(Stage.MISSED, "+266696687")),
        (RINGING | {"From": "0780000101"}, "", Ring(Stage.MISSED, "0780000101")),
        (RINGING | {"Digits": "1"}, "", Ring(Stage.MISSED, ME)),
        (RINGING, "back=", Ring(Stage.MISSED, ME)),
        (BACK, f"back={OURS}", Ring(Stage.ANSWERED, reference=OURS)),
        (BACK | {"AnsweredBy": "human"}, f"back={OURS}", Ring(Stage.ANSWERED, reference=OURS)),
        (BACK | {"AnsweredBy": "unknown"}, f"back={OURS}", Ring(Stage.ANSWERED, reference=OURS)),
        (BACK | {"AnsweredBy": "machine_start"}, f"back={OURS}", Ring(Stage.MACHINE, reference=OURS)),
        (BACK | {"AnsweredBy": "fax"}, f"back={OURS}", Ring(Stage.MACHINE, reference=OURS)),
        (BACK | {"Digits": "1"}, f"back={OURS}", Ring(Stage.PRESSED, reference=OURS)),
        (BACK | {"Digits": "2"}, f"back={OURS}", Ring(Stage.MACHINE, reference=OURS)),
        (BACK | {"Digits": ""}, f"back={OURS}", Ring(Stage.MACHINE, reference=OURS)),
        (BACK | {"CallStatus": "completed"}, f"back={OURS}&over=1", Ring(Stage.OVER, reference=OURS)),
        (BACK | {"CallStatus": "no-answer"}, f"back={OURS}&over=1", Ring(Stage.OVER, reference=OURS)),
        (BACK | {"CallStatus": "busy", "Digits": "1"}, f"back={OURS}&over=1", Ring(Stage.OVER, reference=OURS)),
    ],
)  # fmt: skip
def test_what_twilio_posts_of_a_ring(fields: dict[str, str], query: str, ring: Ring) -> None:
    assert twilio_rings.read(hook(fields, query)) == ring


@pytest.mark.parametrize(
    ("fields", "ring"),
    [
        (ACTIVE, Ring(Stage.MISSED, ME)),
        (without(ACTIVE, "isActive"), Ring(Stage.MISSED, ME)),
        (without(ACTIVE, "direction"), Ring(Stage.MISSED, ME)),
        (ACTIVE | {"direction": "inbound"}, Ring(Stage.MISSED, ME)),
        (ACTIVE | {"callerNumber": "anonymous"}, Ring(Stage.MISSED, "anonymous")),
        (ACTIVE | {"callerNumber": "+257 79 000 101"}, Ring(Stage.MISSED, "+257 79 000 101")),
        (ACTIVE | {"dtmfDigits": "1"}, Ring(Stage.MISSED, ME)),
        (ACTIVE | {"isActive": "0", "durationInSeconds": "0"}, Ring(Stage.OVER)),
        (without(ACTIVE | {"isActive": "0"}, "callerNumber"), Ring(Stage.OVER)),
        (OUT, Ring(Stage.ANSWERED, reference=OURS)),
        (OUT | {"direction": "outbound"}, Ring(Stage.ANSWERED, reference=OURS)),
        (OUT | {"dtmfDigits": ""}, Ring(Stage.ANSWERED, reference=OURS)),
        (OUT | {"dtmfDigits": "1"}, Ring(Stage.PRESSED, reference=OURS)),
        (OUT | {"dtmfDigits": "9"}, Ring(Stage.MACHINE, reference=OURS)),
        (OUT | {"dtmfDigits": "1#"}, Ring(Stage.MACHINE, reference=OURS)),
        (OUT | {"isActive": "0", "status": "Success"}, Ring(Stage.OVER, reference=OURS)),
        (OUT | {"isActive": "0", "status": "Aborted", "dtmfDigits": "1"}, Ring(Stage.OVER, reference=OURS)),
    ],
)  # fmt: skip
def test_what_africas_talking_posts_of_a_ring(fields: dict[str, str], ring: Ring) -> None:
    assert africastalking_rings.read(hook(fields)) == ring


def test_a_ring_without_its_number_or_our_name_waits_for_a_person() -> None:
    with pytest.raises(Unreadable, match="From"):
        twilio_rings.read(hook(without(RINGING, "From")))
    with pytest.raises(Unreadable, match="callerNumber"):
        africastalking_rings.read(hook(without(ACTIVE, "callerNumber")))
    with pytest.raises(Unreadable, match="clientRequestId"):
        africastalking_rings.read(hook(OUT | {"clientRequestId": ""}))


def test_each_event_of_a_call_is_known_by_the_call_and_what_it_says() -> None:
    ends = hook(BACK | {"CallStatus": "completed"}, f"back={OURS}&over=1")
    ids = [twilio_rings.event_id(one) for one in (hook(RINGING), hook(BACK), hook(BACK | {"Digits": "1"}), ends)]
    assert len(set(ids)) == 4
    assert twilio_rings.event_id(hook(without(RINGING, "CallSid"))) is None
    ids = [africastalking_rings.event_id(hook(one)) for one in (OUT, OUT | {"dtmfDigits": "1"}, OUT | {"isActive": "0"})]
    assert len(set(ids)) == 3
    assert africastalking_rings.event_id(hook(without(ACTIVE, "sessionId"))) is None


def test_a_missed_call_is_turned_away_before_it_is_answered_and_nobody_pays(twilio: Twilio, tmp_path: Path) -> None:
    (verb,) = ET.fromstring(twilio.page(Stage.MISSED, "", "").body)  # noqa: S314  our own
    assert (verb.tag, verb.attrib) == ("Reject", {"reason": "busy"})
    gateway = made("africastalking", tmp_path)
    assert isinstance(gateway, AfricasTalking)
    (verb,) = ET.fromstring(gateway.page(Stage.MISSED, "", "").body)  # noqa: S314  our own
    assert (verb.tag, verb.attrib) == ("Reject", {})


def test_whoever_picks_up_is_asked_for_a_key_first_and_on_none_the_call_ends(twilio: Twilio, tmp_path: Path) -> None:
    gather, end = ET.fromstring(twilio.page(Stage.ANSWERED, "Press 1 & wait", OURS).body)  # noqa: S314  our own
    assert (gather.tag, gather.get("numDigits"), end.tag) == ("Gather", "1", "Hangup")
    assert parse_qs(urlsplit(gather.get("action") or "").query) == {"back": [OURS]}
    assert gather[0].text == "Press 1 & wait"
    for stage in (Stage.MACHINE, Stage.OVER):
        assert [verb.tag for verb in ET.fromstring(twilio.page(stage, "", OURS).body)] == ["Hangup"]  # noqa: S314  our own
    gateway = made("africastalking", tmp_path)
    assert isinstance(gateway, AfricasTalking)
    (asks,) = ET.fromstring(gateway.page(Stage.ANSWERED, "Press 1", OURS).body)  # noqa: S314  our own
    assert (asks.tag, asks.get("callbackUrl"), asks[0].text) == ("GetDigits", gateway.address("beep"), "Press 1")
    assert gateway.page(Stage.OVER, "", OURS).body == ""


@pytest.fixture
def caller(account: Settings, far: FarEnd) -> Twilio:
    return Twilio(account.model_copy(update={"twilio_api_url": far.url, "beep_number": "+250780000900"}))


def test_twilio_is_asked_for_one_call_that_tells_us_who_answered_and_how_it_ended(caller: Twilio, far: FarEnd) -> None:
    far.next.append(say(201, {"sid": "CA" + "1" * 32, "status": "queued"}))
    sent = caller.call(ME, OURS)
    assert (sent.id, sent.certainty, sent.provider_id) == (OURS, Certainty.ACCEPTED, "CA" + "1" * 32)
    (asked,) = far.asked
    assert (asked.method, asked.target) == ("POST", f"/2010-04-01/Accounts/{'AC' + '0' * 32}/Calls.json")
    form = asked.form
    assert (form["To"], form["From"], form["MachineDetection"]) == (ME, "+250780000900", "Enable")
    assert (form["Timeout"], form["TimeLimit"]) == (str(ANSWER_WITHIN), str(LONGEST_CALL))
    assert form["Url"] == f"{caller.address('beep')}?back={OURS}"
    assert form["StatusCallback"] == f"{form['Url']}&over=1"


@pytest.mark.parametrize(
    ("behaviour", "certainty"),
    [
        (say(400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}), Certainty.REFUSED),
        (say(401, {"code": 20003, "message": "Authenticate", "status": 401}), Certainty.REFUSED),
        (say(429, {"code": 20429, "message": "Too Many Requests", "status": 429}), Certainty.REFUSED),
        (say(500, {"code": 20500, "message": "Internal", "status": 500}), Certainty.UNKNOWN),
        (say(201, "no JSON"), Certainty.UNKNOWN),
        (reset, Certainty.UNKNOWN),
        (hang, Certainty.UNKNOWN),
    ],
    ids=["dead number", "wrong token", "too many", "500", "garbage", "reset", "hang"],
)
def test_a_call_that_may_have_been_placed_is_unknown_and_never_called_refused(
    caller: Twilio, far: FarEnd, behaviour: Behaviour, certainty: Certainty
) -> None:
    far.next.append(behaviour)
    sent = caller.call(ME, OURS)
    assert sent.certainty is certainty
    assert ME not in str(sent.code)
    assert len(far.asked) == 1, "never by itself a second time: a phone would ring twice"


def test_africas_talking_is_asked_for_one_call_under_our_name(tmp_path: Path, far: FarEnd) -> None:
    gateway = made("africastalking", tmp_path, africastalking_voice_url=far.url, beep_number="+250780000900")
    assert isinstance(gateway, AfricasTalking)
    placed = {"phoneNumber": ME, "status": "Queued", "sessionId": "ATVId_9"}
    far.next.append(say(200, {"entries": [placed], "errorMessage": "None"}))
    sent = gateway.call(ME, OURS)
    assert (sent.certainty, sent.provider_id) == (Certainty.ACCEPTED, "ATVId_9")
    (asked,) = far.asked
    assert (asked.method, asked.target, asked.headers["apikey"] != "") == ("POST", "/call", True)
    assert (asked.form["to"], asked.form["clientRequestId"]) == (ME, OURS)


@pytest.mark.parametrize(
    ("behaviour", "certainty"),
    [
        (say(200, {"entries": [{"phoneNumber": ME, "status": "InvalidPhoneNumber"}], "errorMessage": "None"}), Certainty.REFUSED),
        (say(200, {"entries": [], "errorMessage": "Invalid callerId"}), Certainty.REFUSED),
        (say(401, "The supplied API key is invalid"), Certainty.REFUSED),
        (say(500, "oops"), Certainty.UNKNOWN),
        (reset, Certainty.UNKNOWN),
        (hang, Certainty.UNKNOWN),
    ],
    ids=["dead number", "no entry", "wrong key", "500", "reset", "hang"],
)
def test_what_africas_talking_says_of_a_call_it_did_not_place(
    tmp_path: Path, far: FarEnd, behaviour: Behaviour, certainty: Certainty
) -> None:
    gateway = made("africastalking", tmp_path, africastalking_voice_url=far.url, beep_number="+250780000900")
    assert isinstance(gateway, AfricasTalking)
    far.next.append(behaviour)
    sent = gateway.call(ME, OURS)
    assert (sent.certainty, len(far.asked)) == (certainty, 1)
    assert ME not in str(sent.code)
