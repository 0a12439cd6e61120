"""Africa's Talking's calls: one hook for steps and the final word, XML out, recordings fetched from an address it names.

Sources: developers.africastalking.com/docs/voice (actions, handle_calls, making_calls, notifications). Everything of a number
comes to its one address, of calls we place too: those carry our name as `clientRequestId`. `isActive=0` is the bill and no
question: it is stored and answered with nothing. GetDigits wraps one prompt; what is said before it cannot be cut short by a
key. Recordings are MP3, and no call of its API removes one. A second phone is rung by Dial; of it the bill says for how many
seconds both spoke, and an event may say `Bridged` before, where the number's Events URL is set.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from hotline.config import Settings
from hotline.gateways.bridging import LONGEST_TALK, Joining
from hotline.gateways.contract import Answer, Certainty, Sent, Unreadable, Webhook, plain_id, said
from hotline.gateways.ringing import Ring
from hotline.gateways.voice import (
    AT,
    LONGEST_RECORDING,
    NOT_OFFERED,
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
from hotline.gateways.wire import Download, Reply

STEP = ("sessionId", "isActive", "callerNumber", "destinationNumber", "dtmfDigits", "direction")
FIELDS = {
    "voice": STEP,
    "beep": STEP,
    "voice_event": ("sessionId", "callSessionState", "callerNumber", "destinationNumber", "direction"),
}
VOICES = frozenset({"en"})  # its speech is English
JOINED = "bridged"
UNNAMED = "outbound"  # what an event of a call of ours that does not bring our name back is known by: it is nobody's report
ENDED = frozenset({"completed", "failed", "notanswered", "busy", "aborted", "rejected", "hungup"})


def event_id(webhook: Webhook) -> str | None:
    """Return the id of an event; a step has none, and is known by its place (hotline.calls)."""
    fields = webhook.fields
    said_in_it = {"voice_event": "callSessionState", "beep": "isActive"}.get(webhook.kind)
    if said_in_it and fields.get("sessionId"):
        return f"{fields['sessionId']}:{fields.get(said_in_it, '')}"
    return None


def read(webhook: Webhook) -> CallStep:
    """Read a webhook of a call. Raises Unreadable where it names none."""
    fields = webhook.fields
    if not fields.get("sessionId"):
        raise Unreadable("sessionId")
    call, caller = fields["sessionId"], fields.get("callerNumber", "")
    tape = Tape(fields["recordingUrl"]) if fields.get("recordingUrl", "").startswith("http") else None
    placed = (plain_id(fields.get("clientRequestId") or None) or "") if ours(webhook) else ""
    if webhook.kind == "voice_event":
        state = fields.get("callSessionState", "").lower()
        far, named = Far.ANSWERED if state == JOINED else None, placed or (UNNAMED if ours(webhook) else "")
        return CallStep(call, caller, tape=tape, asks=False, over=state in ENDED, placed=named, far=far)
    over, at = fields.get("isActive") == "0", webhook.query.get(AT, "")
    far, talked = _far(fields) if over else (None, None)
    said_in_it = (call, caller, fields.get("dtmfDigits", ""), at, tape)
    return CallStep(*said_in_it, asks=not over, over=over, placed=placed, far=far, talked=talked)


def _far(fields: Mapping[str, str]) -> tuple[Far | None, int | None]:
    """Return what the bill of a call says of a second phone that was rung in it, and for how many seconds both spoke."""
    length = fields.get("dialDurationInSeconds", "")
    if not length.isascii() or not length.isdecimal():
        return None, None
    return (Far.ENDED, int(length[:6])) if int(length[:6]) else (Far.UNANSWERED, None)


def ours(webhook: Webhook) -> bool:
    """Whether a call is one that we placed."""
    return webhook.fields.get("direction", "").lower() == "outbound"


def ring(webhook: Webhook) -> Ring:
    """Read a missed call, or the word that it is over. Raises Unreadable."""
    if webhook.fields.get("isActive") == "0":
        return Ring()
    if not webhook.fields.get("callerNumber"):
        raise Unreadable("callerNumber")
    return Ring(webhook.fields["callerNumber"])


def turn_away() -> Answer:
    """Return what ends a call before it is answered."""
    return as_xml(wait_for([("Reject", {}, "")]))


def placed(reference: str, reply: Reply) -> Sent:
    """Return what is known of a call after the answer to asking for it."""
    if reply.status not in (200, 201):
        certainty = Certainty.UNKNOWN if reply.status >= 500 else Certainty.REFUSED
        return Sent(reference, certainty, code=str(reply.status), retry=reply.status == 429)
    entries = reply.json.get("entries") if isinstance(reply.json, dict) else None
    first = entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], dict) else {}
    if said(first.get("status")) != "Queued":
        return Sent(reference, Certainty.REFUSED, code="not queued")
    return Sent(reference, Certainty.ACCEPTED, provider_id=plain_id(said(first.get("sessionId")) or None))


def speak(page: CallPage) -> Answer:
    """Return a page as XML; what hears nothing falls through to the same address."""
    response = ET.Element("Response")
    inside = response
    for spoken in page.says[:-1]:
        _say(response, spoken)
    if page.digits:
        asked = {"numDigits": str(page.digits), "timeout": str(PATIENCE), "callbackUrl": page.onward}
        inside = ET.SubElement(response, "GetDigits", asked)
    if page.then is Then.RECORD:
        limits = {"finishOnKey": "#", "maxLength": str(LONGEST_RECORDING), "timeout": str(SPEECH_ENDS)}
        kept = {"trimSilence": "false", "playBeep": "true", "callbackUrl": page.onward}
        inside = ET.SubElement(response, "Record", {**limits, **kept})
    for spoken in page.says[-1:]:
        _say(inside, spoken)
    if page.then is not Then.HANG_UP:
        ET.SubElement(response, "Redirect").text = page.onward
    return as_xml(response)


def join(joining: Joining, shown: str) -> Answer:
    """Return what rings a second phone under the number `shown`. Where it ends, the bill says so."""
    limits = {"maxDuration": str(LONGEST_TALK), "record": "false", "sequential": "true"}
    return as_xml(wait_for([("Dial", {"phoneNumbers": joining.number, "callerId": shown, **limits}, "")]))


def _say(inside: ET.Element, spoken: Spoken) -> None:
    if spoken.audio:
        ET.SubElement(inside, "Play", {"url": spoken.audio})
    else:
        ET.SubElement(inside, "Say", {"voice": "woman"}).text = spoken.words


class Tapes:
    """The recordings of one account, at the addresses its webhooks name."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = settings.africastalking_recording_hosts
        self._wire = Download(settings)

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording. Raises NotFetched; an address elsewhere is not called, since nothing here is signed."""
        parts = urlsplit(tape)
        host = (parts.hostname or "").lower()
        if not any(host == one or host.endswith(f".{one}") for one in self._hosts):
            raise NotFetched("host not allowed")
        if parts.scheme != "https" and host not in ("127.0.0.1", "localhost"):
            raise NotFetched("not https")
        return self._wire.get(tape, {})

    def remove(self, tape: str) -> None:
        """Say that it cannot be removed by us. Raises NotFetched."""
        del tape
        raise NotFetched(NOT_OFFERED)
