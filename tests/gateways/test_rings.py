"""Missed calls and calls back: what Twilio and Africa's Talking post, are answered and are asked. Invented people."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hotline.config import Settings
from hotline.gateways.africastalking import AfricasTalking
from hotline.gateways.bridging import LONGEST_OF_ALL, LONGEST_TALK, Joining, bridges
from hotline.gateways.contract import Certainty, Unreadable, Webhook
from hotline.gateways.ringing import ANSWER_WITHIN, LONGEST_CALL, Ring
from hotline.gateways.twilio import Twilio
from hotline.gateways.voice import CallPage, CallStep, Far, Then
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import form as encoded
from tests.gateways.vendors import made

ME, OURS = "+250780000101", "01a20edd42f1773cbadf133679f2022d"
CALL, PLACED = "CA" + "0" * 32, f"placed={OURS}"
RINGING = {"CallSid": CALL, "From": ME, "To": "+250780000900", "CallStatus": "ringing", "Direction": "inbound"}
BACK = RINGING | {"From": "+250780000900", "To": ME, "CallStatus": "in-progress", "Direction": "outbound-api"}
ACTIVE = {
    "isActive": "1", "sessionId": "ATVId_1", "direction": "Inbound", "callerNumber": ME, "destinationNumber": "+250780000900",
    "callSessionState": "Ringing",
}  # fmt: skip
OUT = ACTIVE | {"direction": "Outbound", "clientRequestId": OURS, "callSessionState": "Answered"}


def hook(fields: dict[str, str], query: str = "", kind: str = "beep") -> Webhook:
    body = encoded([(name, value.encode()) for name, value in fields.items()])
    return Webhook(kind, f"/in/x/{kind}/secret{query and f'?{query}'}", {}, body)


@pytest.fixture
def africas(tmp_path: Path) -> AfricasTalking:
    gateway = made("africastalking", tmp_path)
    assert isinstance(gateway, AfricasTalking)
    return gateway


def without(fields: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (RINGING, ME),
        (RINGING | {"CallStatus": "completed"}, ME),
        (RINGING | {"From": "anonymous"}, "anonymous"),
        (RINGING | {"From": "+266696687"}, "+266696687"),
        (RINGING | {"From": "0780000101"}, "0780000101"),
        (RINGING | {"Digits": "1"}, ME),
        (without(RINGING, "Direction"), ME),
    ],
)
def test_what_twilio_posts_of_a_ring(twilio: Twilio, fields: dict[str, str], number: str) -> None:
    assert (twilio.read_ring(hook(fields)), twilio.ours(hook(fields))) == (Ring(number), False)


@pytest.mark.parametrize(
    ("kind", "fields", "query", "step"),
    [
        ("voice", BACK, PLACED, CallStep(CALL, ME, placed=OURS)),
        ("voice", BACK | {"AnsweredBy": "human"}, PLACED, CallStep(CALL, ME, placed=OURS)),
        ("voice", BACK | {"AnsweredBy": "unknown"}, PLACED, CallStep(CALL, ME, placed=OURS)),
        ("voice", BACK | {"AnsweredBy": "machine_start"}, PLACED, CallStep(CALL, ME, placed=OURS, machine=True)),
        ("voice", BACK | {"AnsweredBy": "fax"}, PLACED, CallStep(CALL, ME, placed=OURS, machine=True)),
        ("voice", BACK | {"Digits": "1"}, "at=abc", CallStep(CALL, ME, "1", "abc")),
        ("voice", BACK | {"Digits": ""}, "at=abc", CallStep(CALL, ME, "", "abc")),
        ("voice_event", BACK | {"CallStatus": "completed"}, PLACED, CallStep(CALL, ME, asks=False, over=True, placed=OURS)),
        ("voice_event", BACK | {"CallStatus": "no-answer"}, PLACED, CallStep(CALL, ME, asks=False, over=True, placed=OURS)),
        ("voice_event", BACK | {"CallStatus": "busy"}, PLACED, CallStep(CALL, ME, asks=False, over=True, placed=OURS)),
        ("voice", RINGING, "placed=", CallStep(CALL, ME)),
    ],
)
def test_what_twilio_posts_of_a_call_of_ours(
    twilio: Twilio, kind: str, fields: dict[str, str], query: str, step: CallStep
) -> None:
    assert twilio.read_call(hook(fields, query, kind)) == step


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (ACTIVE, ME),
        (without(ACTIVE, "isActive"), ME),
        (without(ACTIVE, "direction"), ME),
        (ACTIVE | {"direction": "inbound"}, ME),
        (ACTIVE | {"callerNumber": "anonymous"}, "anonymous"),
        (ACTIVE | {"callerNumber": "+257 79 000 101"}, "+257 79 000 101"),
        (ACTIVE | {"dtmfDigits": "1"}, ME),
        (ACTIVE | {"isActive": "0", "durationInSeconds": "0"}, ""),
        (without(ACTIVE | {"isActive": "0"}, "callerNumber"), ""),
    ],
)
def test_what_africas_talking_posts_of_a_ring(africas: AfricasTalking, fields: dict[str, str], number: str) -> None:
    assert (africas.read_ring(hook(fields)), africas.ours(hook(fields))) == (Ring(number), False)


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        (OUT, CallStep("ATVId_1", ME, placed=OURS)),
        (OUT | {"direction": "outbound"}, CallStep("ATVId_1", ME, placed=OURS)),
        (OUT | {"dtmfDigits": ""}, CallStep("ATVId_1", ME, placed=OURS)),
        (OUT | {"dtmfDigits": "1"}, CallStep("ATVId_1", ME, "1", placed=OURS)),
        (OUT | {"dtmfDigits": "1#"}, CallStep("ATVId_1", ME, "1#", placed=OURS)),
        (OUT | {"isActive": "0", "status": "Success"}, CallStep("ATVId_1", ME, asks=False, over=True, placed=OURS)),
        (OUT | {"clientRequestId": ""}, CallStep("ATVId_1", ME)),
    ],
)
def test_what_africas_talking_posts_of_a_call_of_ours(africas: AfricasTalking, fields: dict[str, str], step: CallStep) -> None:
    for kind in ("beep", "voice"):
        assert africas.read_call(hook(fields, kind=kind)) == step
        assert africas.ours(hook(fields, kind=kind))


CHILD = {"CallSid": "CA-child", "ParentCallSid": CALL, "To": "+250780000177", "Direction": "outbound-dial"}
DIALLED = OUT | {"isActive": "0", "dialDestinationNumber": "+250780000177"}


@pytest.mark.parametrize(
    ("kind", "fields", "step"),
    [
        ("voice_event", CHILD | {"CallStatus": "ringing"}, CallStep(CALL, asks=False, placed=OURS)),
        ("voice_event", CHILD | {"CallStatus": "in-progress"}, CallStep(CALL, asks=False, placed=OURS, far=Far.ANSWERED)),
        (
            "voice_event",
            CHILD | {"CallStatus": "completed", "CallDuration": "41"},
            CallStep(CALL, asks=False, placed=OURS, far=Far.ENDED, talked=41),
        ),
        ("voice_event", CHILD | {"CallStatus": "busy"}, CallStep(CALL, asks=False, placed=OURS, far=Far.UNANSWERED)),
        ("voice", BACK | {"DialCallStatus": "no-answer"}, CallStep(CALL, ME, placed=OURS, far=Far.UNANSWERED)),
        (
            "voice",
            BACK | {"DialCallStatus": "completed", "DialCallDuration": "x" * 70_000},
            CallStep(CALL, ME, placed=OURS, far=Far.ENDED),
        ),
    ],
)
def test_what_twilio_posts_of_the_second_phone_never_tells_its_number(
    twilio: Twilio, kind: str, fields: dict[str, str], step: CallStep
) -> None:
    assert twilio.read_call(hook(fields, PLACED, kind)) == step


@pytest.mark.parametrize(
    ("kind", "fields", "step"),
    [
        (
            "voice_event",
            OUT | {"callSessionState": "Bridged"},
            CallStep("ATVId_1", ME, asks=False, placed=OURS, far=Far.ANSWERED),
        ),
        (
            "voice_event",
            without(OUT, "clientRequestId") | {"callSessionState": "Completed"},
            CallStep("ATVId_1", ME, asks=False, over=True, placed="outbound"),
        ),
        (
            "voice",
            DIALLED | {"dialDurationInSeconds": "41"},
            CallStep("ATVId_1", ME, asks=False, over=True, placed=OURS, far=Far.ENDED, talked=41),
        ),
        (
            "voice",
            DIALLED | {"dialDurationInSeconds": "0"},
            CallStep("ATVId_1", ME, asks=False, over=True, placed=OURS, far=Far.UNANSWERED),
        ),
    ],
)
def test_what_africas_talking_posts_of_the_second_phone(
    africas: AfricasTalking, kind: str, fields: dict[str, str], step: CallStep
) -> None:
    assert africas.read_call(hook(fields, kind=kind)) == step


def test_africas_talking_is_told_to_ring_the_second_phone_under_our_number_and_to_record_nothing(
    africas: AfricasTalking, tmp_path: Path
) -> None:
    assert bridges(africas) is None, "without a number of ours to show it would show another"
    africas = made("africastalking", tmp_path, voice_number="+250780000900")  # type: ignore[assignment]
    assert bridges(africas) is africas
    (verb,) = ET.fromstring(africas.join(Joining("+250780000177", "https://x/?at=1", OURS)).body.encode())  # noqa: S314  our own
    shown = africas.join(Joining("+250780000177", "", OURS)).body
    assert (verb.tag, verb.get("phoneNumbers"), verb.get("record")) == ("Dial", "+250780000177", "false")
    assert (verb.get("maxDuration"), verb.get("callerId")) == (str(LONGEST_TALK), "+250780000900")
    assert OURS not in shown, "our name of the call is for nobody"


def test_a_ring_without_its_number_waits_for_a_person(twilio: Twilio, africas: AfricasTalking) -> None:
    with pytest.raises(Unreadable, match="From"):
        twilio.read_ring(hook(without(RINGING, "From")))
    with pytest.raises(Unreadable, match="callerNumber"):
        africas.read_ring(hook(without(ACTIVE, "callerNumber")))


def test_each_event_of_a_ring_is_known_by_the_call_and_what_it_says(twilio: Twilio, africas: AfricasTalking) -> None:
    assert twilio.external_id(hook(RINGING)) == f"{CALL}:ringing"
    assert twilio.external_id(hook(without(RINGING, "CallSid"))) is None
    assert [africas.external_id(hook(one)) for one in (ACTIVE, ACTIVE | {"isActive": "0"})] == ["ATVId_1:1", "ATVId_1:0"]
    assert africas.external_id(hook(without(ACTIVE, "sessionId"))) is None


def test_a_missed_call_is_turned_away_before_it_is_answered_and_nobody_pays(twilio: Twilio, africas: AfricasTalking) -> None:
    (verb,) = ET.fromstring(twilio.turn_away().body.encode())  # noqa: S314  our own
    assert (verb.tag, verb.attrib) == ("Reject", {"reason": "busy"})
    (verb,) = ET.fromstring(africas.turn_away().body.encode())  # noqa: S314  our own
    assert (verb.tag, verb.attrib) == ("Reject", {})


def test_a_machine_hears_nothing(twilio: Twilio, africas: AfricasTalking) -> None:
    assert [verb.tag for verb in ET.fromstring(twilio.speak(CallPage((), Then.HANG_UP)).body.encode())] == ["Hangup"]  # noqa: S314
    assert [*ET.fromstring(africas.speak(CallPage((), Then.HANG_UP)).body.encode())] == []  # noqa: S314  our own


@pytest.fixture
def caller(account: Settings, far: FarEnd) -> Twilio:
    return Twilio(account.model_copy(update={"twilio_api_url": far.url, "voice_number": "+250780000900"}))


def test_twilio_is_asked_for_one_call_that_tells_us_who_answered_and_how_it_ended(caller: Twilio, far: FarEnd) -> None:
    far.next.append(say(201, {"sid": "CA" + "1" * 32, "status": "queued"}))
    sent = caller.call(ME, OURS)
    assert (sent.id, sent.certainty, sent.provider_id) == (OURS, Certainty.ACCEPTED, "CA" + "1" * 32)
    (asked,) = far.asked
    assert (asked.method, asked.target) == ("POST", f"/2010-04-01/Accounts/{'AC' + '0' * 32}/Calls.json")
    form = asked.form
    assert (form["To"], form["From"], form["MachineDetection"]) == (ME, "+250780000900", "Enable")
    assert (form["Timeout"], form["TimeLimit"]) == (str(ANSWER_WITHIN), str(LONGEST_CALL))
    assert form["Url"] == f"{caller.address('voice')}?{PLACED}"
    assert form["StatusCallback"] == f"{caller.address('voice_event')}?{PLACED}"
    far.next.append(say(201, {"sid": "CA" + "2" * 32, "status": "queued"}))
    caller.ring_first(ME, OURS)
    assert far.asked[-1].form["TimeLimit"] == str(LONGEST_OF_ALL), "two people may be joined in it"


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
    gateway = made("africastalking", tmp_path, africastalking_voice_url=far.url, voice_number="+250780000900")
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
    gateway = made("africastalking", tmp_path, africastalking_voice_url=far.url, voice_number="+250780000900")
    assert isinstance(gateway, AfricasTalking)
    far.next.append(behaviour)
    sent = gateway.call(ME, OURS)
    assert (sent.certainty, len(far.asked)) == (certainty, 1)
    assert ME not in str(sent.code)
