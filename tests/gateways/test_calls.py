"""What Twilio and Africa's Talking post of a call, and what they are answered. Fields as documented; people are invented."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hotline.config import Settings
from hotline.gateways.africastalking import AfricasTalking
from hotline.gateways.contract import Unreadable, Webhook
from hotline.gateways.twilio import Twilio
from hotline.gateways.voice import NOT_OFFERED, CallPage, CallStep, NotFetched, Spoken, Tape, Then
from tests.gateways.far_end import Behaviour, FarEnd, hang, reset, say
from tests.gateways.vendors import form as encoded
from tests.gateways.vendors import made

ME = "+250780000101"
CALL, TAPE = "CA" + "0" * 32, "RE" + "a" * 32
RINGING = {
    "CallSid": CALL, "AccountSid": "AC" + "0" * 32, "From": ME, "To": "+250780000900", "Caller": ME, "Called": "+250780000900",
    "CallStatus": "ringing", "ApiVersion": "2010-04-01", "Direction": "inbound", "CallToken": "t", "FromCountry": "RW",
}  # fmt: skip
ADDRESS = f"https://api.twilio.com/2010-04-01/Accounts/AC/Recordings/{TAPE}"
TAPED = RINGING | {"CallStatus": "in-progress", "RecordingUrl": ADDRESS, "RecordingSid": TAPE, "RecordingDuration": "12"}
WORD = {
    "CallSid": CALL, "RecordingSid": TAPE, "RecordingUrl": ADDRESS, "RecordingStatus": "completed", "RecordingDuration": "12",
    "RecordingChannels": "1", "RecordingSource": "RecordVerb",
}  # fmt: skip
ENDED = RINGING | {"CallStatus": "completed", "CallDuration": "41", "SequenceNumber": "3"}
SESSION = "ATVId_1"
ACTIVE = {
    "isActive": "1", "sessionId": SESSION, "direction": "Inbound", "callerNumber": ME, "destinationNumber": "+250780000900",
    "callerCountryCode": "250", "callerCarrierName": "MTN", "callSessionState": "Ringing", "callStartTime": "2026-05-03+06:04:45",
}  # fmt: skip
BILL = ACTIVE | {
    "isActive": "0", "callSessionState": "Completed", "durationInSeconds": "41", "currencyCode": "RWF", "amount": "12.0",
    "hangupCause": "NORMAL_CLEARING", "status": "Success",
}  # fmt: skip
MP3 = "https://voice.africastalking.com/recordings/1.mp3"


def hook(kind: str, fields: dict[str, str], at: str = "") -> Webhook:
    target = f"/in/x/{kind}/secret" + (f"?at={at}" if at else "")
    return Webhook(kind, target, {}, encoded([(name, value.encode()) for name, value in fields.items()]))


def without(fields: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    ("kind", "fields", "step"),
    [
        ("voice", RINGING, CallStep(CALL, ME)),
        ("voice", RINGING | {"Digits": "1"}, CallStep(CALL, ME, "1")),
        ("voice", RINGING | {"Digits": ""}, CallStep(CALL, ME)),
        ("voice", RINGING | {"Digits": "*"}, CallStep(CALL, ME, "*")),
        ("voice", without(RINGING, "From"), CallStep(CALL, "")),
        ("voice", RINGING | {"From": "anonymous"}, CallStep(CALL, "anonymous")),
        ("voice", RINGING | {"From": "+266696687"}, CallStep(CALL, "+266696687")),
        ("voice", without(RINGING, "CallStatus", "Direction"), CallStep(CALL, ME)),
        ("voice", TAPED | {"Digits": "#"}, CallStep(CALL, ME, "#", tape=Tape(TAPE, 12))),
        ("voice", TAPED | {"Digits": "hangup"}, CallStep(CALL, ME, tape=Tape(TAPE, 12), asks=False, over=True)),
        ("voice", TAPED | {"CallStatus": "completed"}, CallStep(CALL, ME, tape=Tape(TAPE, 12), asks=False, over=True)),
        ("voice", without(TAPED, "RecordingSid"), CallStep(CALL, ME, tape=Tape(TAPE, 12))),
        ("voice", TAPED | {"RecordingDuration": "0"}, CallStep(CALL, ME)),
        ("voice", without(TAPED, "RecordingDuration"), CallStep(CALL, ME, tape=Tape(TAPE, None))),
        ("voice", TAPED | {"RecordingDuration": "x" * 70_000}, CallStep(CALL, ME, tape=Tape(TAPE, None))),
        ("voice", TAPED | {"RecordingSid": "../../x", "RecordingUrl": "http://elsewhere/"}, CallStep(CALL, ME)),
        ("voice_event", ENDED, CallStep(CALL, ME, asks=False, over=True)),
        *(
            ("voice_event", ENDED | {"CallStatus": one}, CallStep(CALL, ME, asks=False, over=True))
            for one in ("busy", "failed", "no-answer", "canceled")
        ),
        ("voice_event", ENDED | {"CallStatus": "in-progress"}, CallStep(CALL, ME, asks=False)),
        ("recording", WORD, CallStep(CALL, tape=Tape(TAPE, 12), asks=False)),
        ("recording", WORD | {"RecordingStatus": "in-progress"}, CallStep(CALL, asks=False)),
        ("recording", WORD | {"RecordingStatus": "absent", "RecordingDuration": "0"}, CallStep(CALL, asks=False)),
        ("recording", without(WORD, "RecordingSid"), CallStep(CALL, tape=Tape(TAPE, 12), asks=False)),
    ],
)
def test_what_twilio_posts_of_a_call(twilio: Twilio, kind: str, fields: dict[str, str], step: CallStep) -> None:
    assert twilio.read_call(hook(kind, fields)) == step


@pytest.mark.parametrize(
    ("kind", "fields", "step"),
    [
        ("voice", ACTIVE, CallStep(SESSION, ME)),
        ("voice", ACTIVE | {"dtmfDigits": "1"}, CallStep(SESSION, ME, "1")),
        ("voice", ACTIVE | {"dtmfDigits": ""}, CallStep(SESSION, ME)),
        ("voice", ACTIVE | {"callerNumber": "250780000101"}, CallStep(SESSION, "250780000101")),
        ("voice", ACTIVE | {"callerNumber": "00250780000101"}, CallStep(SESSION, "00250780000101")),
        ("voice", ACTIVE | {"callerNumber": "anonymous"}, CallStep(SESSION, "anonymous")),
        ("voice", without(ACTIVE, "callerNumber"), CallStep(SESSION, "")),
        ("voice", without(ACTIVE, "isActive"), CallStep(SESSION, ME)),
        ("voice", ACTIVE | {"recordingUrl": MP3}, CallStep(SESSION, ME, tape=Tape(MP3))),
        ("voice", ACTIVE | {"recordingUrl": ""}, CallStep(SESSION, ME)),
        ("voice", ACTIVE | {"recordingUrl": "None"}, CallStep(SESSION, ME)),
        ("voice", ACTIVE | {"direction": "Outbound", "clientRequestId": "x"}, CallStep(SESSION, ME, placed="x")),
        ("voice", BILL, CallStep(SESSION, ME, asks=False, over=True)),
        ("voice", BILL | {"recordingUrl": MP3}, CallStep(SESSION, ME, tape=Tape(MP3), asks=False, over=True)),
        ("voice", BILL | {"hangupCause": "ORIGINATOR_CANCEL"}, CallStep(SESSION, ME, asks=False, over=True)),
        ("voice", BILL | {"hangupCause": "", "status": "Aborted"}, CallStep(SESSION, ME, asks=False, over=True)),
        ("voice_event", BILL, CallStep(SESSION, ME, asks=False, over=True)),
        ("voice_event", ACTIVE | {"callSessionState": "Active"}, CallStep(SESSION, ME, asks=False)),
        ("voice_event", ACTIVE | {"callSessionState": "NotAnswered"}, CallStep(SESSION, ME, asks=False, over=True)),
        ("voice_event", without(ACTIVE, "callSessionState"), CallStep(SESSION, ME, asks=False)),
    ],
)  # fmt: skip
def test_what_africas_talking_posts_of_a_call(tmp_path: Path, kind: str, fields: dict[str, str], step: CallStep) -> None:
    gateway = made("africastalking", tmp_path)
    assert isinstance(gateway, AfricasTalking)
    assert gateway.read_call(hook(kind, fields)) == step


def test_the_place_comes_back_from_the_address_and_a_call_without_name_waits_for_a_person(twilio: Twilio, tmp_path: Path) -> None:
    africas = made("africastalking", tmp_path)
    assert isinstance(africas, AfricasTalking)
    assert twilio.read_call(hook("voice", RINGING, at="abc-_")).at == "abc-_"
    assert africas.read_call(hook("voice", ACTIVE, at="abc-_")).at == "abc-_"
    with pytest.raises(Unreadable, match="CallSid"):
        twilio.read_call(hook("voice", without(RINGING, "CallSid")))
    with pytest.raises(Unreadable, match="RecordingSid"):
        twilio.read_call(hook("recording", without(WORD, "RecordingSid", "RecordingUrl")))
    with pytest.raises(Unreadable, match="sessionId"):
        africas.read_call(hook("voice", without(ACTIVE, "sessionId")))


@pytest.mark.parametrize("caller", ["", "anonymous", "Restricted", "+266696687", "+7378742833", "+8656696", "+86282452253"])
def test_a_withheld_number_is_told_by_its_call(caller: str) -> None:
    assert CallStep(CALL, caller).sender == f"call {CALL}"
    assert CallStep(CALL, ME).sender == ME


SAYS = (Spoken("Muraho & <mwaramutse>", "rw", "https://hooks.example.org/prompts/1/rw/gate.wav"), Spoken("Tapez 4 & <4>", "fr"))
ONWARD = "https://hooks.example.org/in/x/voice?at=abc"


def shape(answer: str) -> list[tuple[str, dict[str, str], str]]:
    return [(verb.tag, dict(verb.attrib), verb.text or "") for verb in ET.fromstring(answer.encode()).iter()]  # noqa: S314  ours


def test_twilio_is_asked_for_a_key_and_falls_through_to_the_same_address(twilio: Twilio) -> None:
    answer = twilio.speak(CallPage(SAYS, Then.KEY, ONWARD))
    assert answer.content_type.startswith("text/xml")
    _, gather, play, speech, redirect = shape(answer.body)
    assert gather[0] == "Gather"
    assert gather[1] | {"numDigits": "1", "action": ONWARD, "actionOnEmptyResult": "true", "input": "dtmf"} == gather[1]
    assert play == ("Play", {}, SAYS[0].audio)
    assert speech == ("Say", {"language": "fr-FR"}, "Tapez 4 & <4>")
    assert redirect == ("Redirect", {"method": "POST"}, ONWARD)


def test_twilio_records_for_two_minutes_and_tells_when_the_file_is_there(twilio: Twilio) -> None:
    record = shape(twilio.speak(CallPage(SAYS[:1], Then.RECORD, ONWARD)).body)[2]
    wanted = {"maxLength": "120", "playBeep": "true", "action": ONWARD, "recordingStatusCallbackEvent": "completed absent"}
    assert record[0] == "Record"
    assert record[1] | wanted == record[1]
    assert record[1]["recordingStatusCallback"] == "https://hooks.example.org/in/twilio/recording"
    assert [verb[0] for verb in shape(twilio.speak(CallPage(SAYS[:1], Then.HANG_UP)).body)] == ["Response", "Play", "Hangup"]


def test_africas_talking_is_asked_for_a_key_a_message_or_nothing(tmp_path: Path) -> None:
    gateway = made("africastalking", tmp_path)
    assert isinstance(gateway, AfricasTalking)
    asked = shape(gateway.speak(CallPage(SAYS, Then.KEY, ONWARD)).body)
    assert [verb[0] for verb in asked] == ["Response", "Play", "GetDigits", "Say", "Redirect"]
    assert asked[2][1]["callbackUrl"] == ONWARD
    taped = shape(gateway.speak(CallPage(SAYS[:1], Then.RECORD, ONWARD)).body)
    assert [verb[0] for verb in taped] == ["Response", "Record", "Play", "Redirect"]
    assert taped[1][1] | {"finishOnKey": "#", "maxLength": "120", "callbackUrl": ONWARD} == taped[1][1]
    assert [verb[0] for verb in shape(gateway.speak(CallPage(SAYS[:1], Then.HANG_UP)).body)] == ["Response", "Play"]


def test_africas_talking_is_fetched_from_listed_hosts_alone_and_removes_nothing(tmp_path: Path, far: FarEnd) -> None:
    gateway = made("africastalking", tmp_path, africastalking_recording_hosts=("127.0.0.1",))
    assert isinstance(gateway, AfricasTalking)
    far.next.append(say(200, b"ID3 invented", **{"Content-Type": "audio/mpeg"}))
    assert gateway.fetch(f"{far.url}/1.mp3") == (b"ID3 invented", "audio/mpeg")
    for address in (
        "https://elsewhere.example/1.mp3",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "https://127.0.0.1.evil.example/",
    ):
        with pytest.raises(NotFetched, match="host not allowed"):
            gateway.fetch(address)
    with pytest.raises(NotFetched, match=NOT_OFFERED):
        gateway.remove(MP3)
    plain = made("africastalking", tmp_path)
    with pytest.raises(NotFetched, match="not https"):
        plain.fetch("http://voice.africastalking.com/1.mp3")  # type: ignore[attr-defined]


@pytest.fixture
def tapes(account: Settings, far: FarEnd) -> Twilio:
    return Twilio(account.model_copy(update={"twilio_api_url": far.url}))


def test_twilio_gives_a_recording_by_its_id_to_whoever_has_the_token(tapes: Twilio, far: FarEnd) -> None:
    far.next.append(say(200, b"RIFF invented", **{"Content-Type": "audio/x-wav"}))
    assert tapes.fetch(TAPE) == (b"RIFF invented", "audio/x-wav")
    (asked,) = far.asked
    assert (asked.method, asked.target) == ("GET", f"/2010-04-01/Accounts/{'AC' + '0' * 32}/Recordings/{TAPE}.wav")
    assert asked.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("behaviour", "code", "gone"),
    [
        (say(404), "404", True),
        (say(410), "410", True),
        (say(401), "401", False),
        (say(500), "500", False),
        (say(302, Location="http://127.0.0.1:9/"), "302", False),
        (say(200, b""), "empty", False),
        (say(200, b"x" * (4 * 1024 * 1024 + 1)), "too large", False),
        (reset, "ProtocolError", False),
        (hang, "ReadTimeoutError", False),
    ],
    ids=["404", "410", "401", "500", "302", "empty", "too large", "reset", "hang"],
)
def test_a_recording_that_does_not_come_is_named_and_tried_again(
    tapes: Twilio, far: FarEnd, behaviour: Behaviour, code: str, *, gone: bool
) -> None:
    far.next.append(behaviour)
    with pytest.raises(NotFetched) as failed:
        tapes.fetch(TAPE)
    assert (failed.value.code, failed.value.gone) == (code, gone)


def test_a_recording_is_removed_once_and_once_more_is_no_fault(tapes: Twilio, far: FarEnd) -> None:
    far.next += [say(204), say(404)]
    tapes.remove(TAPE)
    tapes.remove(TAPE)
    assert [asked.method for asked in far.asked] == ["DELETE", "DELETE"]
    for behaviour, code in ((say(500), "500"), (say(401), "401"), (hang, "ReadTimeoutError")):
        far.next.append(behaviour)
        with pytest.raises(NotFetched, match=code):
            tapes.remove(TAPE)


def test_twilio_is_asked_what_it_recorded_in_a_call(tapes: Twilio, far: FarEnd) -> None:
    listed = [
        {"sid": TAPE, "call_sid": CALL, "status": "completed", "duration": "12"},
        {"sid": "RE" + "b" * 32, "call_sid": CALL, "status": "processing", "duration": None},
        {"sid": "RE" + "c" * 32, "call_sid": "CA" + "9" * 32, "status": "completed", "duration": "3"},
    ]
    far.next.append(say(200, {"recordings": listed}))
    (found,) = tapes.recorded(CALL)
    assert tapes.read_call(found) == CallStep(CALL, tape=Tape(TAPE, 12), asks=False)
    assert tapes.external_id(found) == tapes.external_id(hook("recording", WORD)), "the very webhook that was missed"
    assert far.asked[0].query == {"CallSid": CALL, "PageSize": "50"}


@pytest.mark.parametrize("behaviour", [say(500), say(200, "no json"), say(200, {"recordings": [{}]}), say(200, {}), reset, hang])
def test_a_list_that_does_not_come_is_no_empty_list(tapes: Twilio, far: FarEnd, behaviour: Behaviour) -> None:
    far.next.append(behaviour)
    with pytest.raises(NotFetched):
        tapes.recorded(CALL)
