"""Twilio's calls: webhooks in, TwiML out, missed calls turned away, calls placed, recordings fetched and removed.

Sources: twilio.com/docs/voice/twiml (Gather, Record, Say, Reject: as the first verb nothing is answered or billed),
/docs/voice/make-calls (StatusCallback, MachineDetection, TimeLimit), /docs/voice/api/recording. The word of a recording that
counts is its status callback: after a hang-up the action's answer is heard by nobody, and its file may not be there yet. A second
phone is rung by Dial (/docs/voice/twiml/dial, /number): its own callbacks name the first as `ParentCallSid`, and its action says
`DialCallStatus` once it is over. Nothing is said to it: that would take a `url` on its Number.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import urllib3

from hotline.config import Settings
from hotline.gateways.bridging import LONGEST_TALK, Joining
from hotline.gateways.contract import Answer, Unreadable, Webhook, plain_id
from hotline.gateways.ringing import ANSWER_WITHIN, LONGEST_CALL, Ring
from hotline.gateways.voice import (
    AT,
    LONGEST_RECORDING,
    PATIENCE,
    SPEECH_ENDS,
    CallPage,
    CallStep,
    Far,
    NotFetched,
    Spoken,
    Tape,
    Then,
    as_xml,
    wait_for,
)
from hotline.gateways.wire import Download

KINDS = frozenset({"voice", "voice_event", "recording", "beep"})
# Languages of ours that Twilio's standard voices speak; it has none for Kinyarwanda or Kirundi.
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
HUNG_UP = "hangup"
PLACED = "placed"  # the field of the query that carries our own name of a call we placed
HUMAN = ("", "human", "unknown")
FAR = {"in-progress": Far.ANSWERED, "answered": Far.ENDED, "completed": Far.ENDED}
SID = re.compile(r"RE[0-9a-f]{32}")


def event_id(webhook: Webhook) -> str | None:
    """Return the id of an event; a step has none, and is known by its place (hotline.calls)."""
    fields = webhook.fields
    if webhook.kind == "recording" and fields.get("RecordingSid"):
        return f"{fields['RecordingSid']}:{fields.get('RecordingStatus', '')}"
    if webhook.kind in ("voice_event", "beep") and fields.get("CallSid"):
        return f"{fields['CallSid']}:{fields.get('CallStatus', '')}"
    return None


def read(webhook: Webhook) -> CallStep:
    """Read a webhook of a call. Raises Unreadable where it names no call, or word of a recording names none.

    In a call of ours `From` is our own number.
    """
    fields, placed = webhook.fields, plain_id(webhook.query.get(PLACED) or None) or ""
    caller = fields.get("To" if ours(webhook) else "From", "")
    if not fields.get("CallSid"):
        raise Unreadable("CallSid")
    status, keys = fields.get("CallStatus", "").lower(), fields.get("Digits", "")
    if webhook.kind == "voice_event" and fields.get("ParentCallSid"):
        far, talked = _far(status, fields.get("CallDuration", ""))
        return CallStep(fields["ParentCallSid"], asks=False, placed=placed, far=far, talked=talked)
    if webhook.kind == "recording":
        return CallStep(fields["CallSid"], tape=_tape_of(webhook), asks=False)
    over = status in ENDED or keys == HUNG_UP
    if webhook.kind == "voice_event":
        return CallStep(fields["CallSid"], caller, asks=False, over=over, placed=placed)
    machine = fields.get("AnsweredBy", "") not in HUMAN
    pressed = "" if keys == HUNG_UP else keys
    at = webhook.query.get(AT, "")
    far, talked = _far(fields.get("DialCallStatus", "").lower(), fields.get("DialCallDuration", ""))
    told = {"asks": not over, "over": over, "machine": machine}
    return CallStep(fields["CallSid"], caller, pressed, at, _tape(fields), placed=placed, far=far, talked=talked, **told)


def _far(status: str, length: str) -> tuple[Far | None, int | None]:
    """Return what a status says of the second phone, and for how many seconds both spoke."""
    far = FAR.get(status) or (Far.UNANSWERED if status in ENDED else None)
    return far, int(length[:6]) if far is Far.ENDED and length.isascii() and length.isdecimal() else None


def ours(webhook: Webhook) -> bool:
    """Whether a call is one that we placed."""
    return webhook.fields.get("Direction", "").startswith("outbound")


def ring(webhook: Webhook) -> Ring:
    """Read a missed call. Raises Unreadable."""
    if not webhook.fields.get("From"):
        raise Unreadable("From")
    return Ring(webhook.fields["From"])


def turn_away() -> Answer:
    """Return what ends a call before it is answered, as if somebody talked."""
    return as_xml(wait_for([("Reject", {"reason": "busy"}, "")]))


def wish(steps: str, events: str, reference: str, longest: int = LONGEST_CALL) -> Mapping[str, object]:
    """Return how a call of `longest` seconds is asked for, in the words of Twilio's library; `steps` and `events` are ours."""
    name = urlencode({PLACED: reference})
    return {
        "url": f"{steps}?{name}",
        "status_callback": f"{events}?{name}",
        "status_callback_event": ["completed"],
        "machine_detection": "Enable",
        "timeout": ANSWER_WITHIN,
        "time_limit": longest,
    }


def _tape_of(webhook: Webhook) -> Tape | None:
    fields = webhook.fields
    if not fields.get("RecordingSid") and not fields.get("RecordingUrl"):
        raise Unreadable("RecordingSid")
    return _tape(fields) if fields.get("RecordingStatus", "completed").lower() == "completed" else None


def _tape(fields: dict[str, str]) -> Tape | None:
    """Return the recording a webhook names. It is fetched by its id from the API's own address, never from one it was given."""
    named = fields.get("RecordingSid") or urlsplit(fields.get("RecordingUrl", "")).path.rpartition("/")[2]
    found = SID.search(named)
    if found is None:
        return None
    length = fields.get("RecordingDuration", "")
    seconds = int(length[:6]) if length.isascii() and length.isdecimal() else None
    return None if seconds == 0 else Tape(found.group(), seconds)


def speak(page: CallPage, recordings: str) -> Answer:
    """Return a page as TwiML. A Gather or Record that hears nothing falls through to the same address."""
    response = wait_for([])
    inside = response
    if page.digits:
        asked = {"numDigits": str(page.digits), "timeout": str(PATIENCE), "actionOnEmptyResult": "true"}
        inside = ET.SubElement(response, "Gather", {**asked, "input": "dtmf", "action": page.onward, "method": "POST"})
    for spoken in page.says:
        _say(inside, spoken)
    if page.then is Then.RECORD:
        limits = {"maxLength": str(LONGEST_RECORDING), "timeout": str(SPEECH_ENDS), "finishOnKey": "#*", "playBeep": "true"}
        told = {"recordingStatusCallback": recordings, "recordingStatusCallbackEvent": "completed absent"}
        kept = {"action": page.onward, "method": "POST", "trim": "do-not-trim", **told}
        ET.SubElement(response, "Record", {**limits, **kept})
    if page.then is Then.HANG_UP:
        ET.SubElement(response, "Hangup")
    else:
        ET.SubElement(response, "Redirect", {"method": "POST"}).text = page.onward
    return as_xml(response)


def join(joining: Joining, shown: str, events: str) -> Answer:
    """Return what rings a second phone under the number `shown`; word of it comes to `events`."""
    response = wait_for([])
    limits = {"timeLimit": str(LONGEST_TALK), "timeout": str(ANSWER_WITHIN), "record": "do-not-record"}
    dial = ET.SubElement(response, "Dial", {"callerId": shown, **limits, "action": joining.onward, "method": "POST"})
    word = {"statusCallback": f"{events}?{urlencode({PLACED: joining.reference})}", "statusCallbackEvent": "answered completed"}
    ET.SubElement(dial, "Number", word).text = joining.number
    return as_xml(response)


def _say(inside: ET.Element, spoken: Spoken) -> None:
    if spoken.audio:
        ET.SubElement(inside, "Play").text = spoken.audio
    else:
        ET.SubElement(inside, "Say", {"language": LOCALES.get(spoken.language, LOCALES["en"])}).text = spoken.words


def _as_callback(call: str, one: dict[str, object]) -> Webhook:
    told = {"CallSid": call, "RecordingSid": str(one["sid"]), "RecordingStatus": "completed"}
    body = urlencode({**told, "RecordingDuration": str(one.get("duration") or "")}).encode()
    return Webhook("recording", "/in/twilio/recording", {"content-type": "application/x-www-form-urlencoded"}, body)


class Tapes:
    """The recordings of one account."""

    def __init__(self, settings: Settings, account: str, token: str) -> None:
        self._base = f"{settings.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{account}/Recordings/"
        self._headers = urllib3.make_headers(basic_auth=f"{account}:{token}")
        self._wire = Download(settings)

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording as WAV. Raises NotFetched."""
        return self._wire.get(f"{self._base}{tape}.wav", self._headers)

    def recorded(self, call: str) -> list[Webhook]:
        """Return the finished recordings of a call as the callbacks that should have told of them. Raises NotFetched.

        twilio.com/docs/voice/api/recording#read-multiple-recording-resources; a call has two or three at most.
        """
        asked = urlencode({"CallSid": call, "PageSize": "50"})
        body, _ = self._wire.get(f"{self._base.rstrip('/')}.json?{asked}", self._headers)
        try:
            listed = json.loads(body)["recordings"]
            found = [_as_callback(call, one) for one in listed if one["status"] == "completed" and one["call_sid"] == call]
        except (ValueError, KeyError, TypeError) as error:
            raise NotFetched(type(error).__name__) from None
        return found

    def remove(self, tape: str) -> None:
        """Remove a recording; 404 says that it is gone. Raises NotFetched."""
        self._wire.remove(f"{self._base}{tape}.json", self._headers)
