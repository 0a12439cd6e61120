"""What a gateway that carries calls promises besides: read each step of a call, say the next page, fetch and remove recordings.

Neutral: TwiML, Africa's Talking's XML and the demo's own form are made of the same pages. Pure, as all gateways are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from xml.etree import ElementTree as ET

from hotline.gateways.contract import Answer, Webhook

AT = "at"  # the field of the query that carries where a call stands
LONGEST_RECORDING = 120  # seconds: the prompt says two minutes
PATIENCE = 6  # seconds of silence that count as an answer
NUMBER_DIGITS = 10  # of a return code, which is shaped like a phone number
DUTY = "duty"
MANY = "many"
BRIDGE = "bridge"
SPEECH_ENDS = 10  # seconds of silence that end a recording
NOT_OFFERED = "not offered"  # a code: the provider has no way to remove a recording
PLAIN_XML = "text/xml; charset=utf-8"
# What networks write in place of a number that is withheld; Twilio spells the words on the keys of a phone.
WITHHELD = frozenset({"", "anonymous", "restricted", "unknown", "unavailable", "private", "blocked", "withheld"})
SPELLED = frozenset({"266696687", "7378742833", "8656696", "86282452253", "2562533"})


def duty_name(language: str, call_id: str) -> str:
    """Return our own name of a call to a contact: it tells the language, so that nothing has to be looked up when they answer."""
    return f"{DUTY}.{language}.{call_id}"


def duty_of(placed: str) -> tuple[str, str] | None:
    """Return language and id of a call to a contact by its name, None for any other call."""
    kind, _, rest = placed.partition(".")
    language, _, call_id = rest.partition(".")
    return (language, call_id) if kind == DUTY else None


def bridge_name(language: str, call_id: str) -> str:
    """Return our own name of a call to an officer who is to be joined with somebody; it tells the language, as above."""
    return f"{BRIDGE}.{language}.{call_id}"


def bridge_of(placed: str) -> tuple[str, str] | None:
    """Return language and id of such a call by its name, None for any other call."""
    kind, _, rest = placed.partition(".")
    language, _, call_id = rest.partition(".")
    return (language, call_id) if kind == BRIDGE else None


class Far(StrEnum):
    """What became of a second phone that was rung from within a call: picked up, hung up after it was, or not picked up."""

    ANSWERED = "answered"
    ENDED = "ended"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class ToMany:
    """What our own name of a call to one of many tells: the language, the name of what is played, and the id of its row."""

    language: str
    recording: str
    message_id: str

    @property
    def name(self) -> str:
        """The name itself. It tells all, so that nothing has to be looked up when somebody answers."""
        return f"{MANY}.{self.language}.{self.recording}.{self.message_id}"


def many_of(placed: str) -> ToMany | None:
    """Return what a call's name tells, None where it is no call to one of many."""
    kind, *rest = placed.split(".")
    return ToMany(*rest) if kind == MANY and len(rest) == 3 else None


@dataclass(frozen=True)
class Tape:
    """A recording at the provider: by what it is fetched there, and how many seconds it says it has; None where it does not."""

    reference: str
    seconds: int | None = None


@dataclass(frozen=True)
class CallStep:
    """One webhook of a call. `asks`: the caller waits for a page. `over`: nobody is on the line any more.

    `keys` are the digits pressed since the last page, empty for silence; `at` is what the page before gave along. `placed` is
    our own name of a call that we placed, and `machine` says that a machine picked it up. `far` tells of a second phone that was
    rung from within the call, `talked` for how many seconds the two were joined.
    """

    call: str
    caller: str = ""
    keys: str = ""
    at: str = ""
    tape: Tape | None = None
    asks: bool = True
    over: bool = False
    placed: str = ""
    machine: bool = False
    far: Far | None = None
    talked: int | None = None

    @property
    def sender(self) -> str:
        """Who calls; a number that is withheld is told by its call, and nobody else's report is joined by it."""
        withheld = self.caller.strip().lower() in WITHHELD or self.caller.lstrip("+") in SPELLED
        return f"call {self.call}" if withheld else self.caller


class Then(StrEnum):
    """What a page waits for once it has spoken: a key, a number's digits, a recording, a second phone, or nothing."""

    KEY = "key"
    NUMBER = "number"
    RECORD = "record"
    JOIN = "join"
    HANG_UP = "hang up"


@dataclass(frozen=True)
class Spoken:
    """One prompt: its words, and the address of its audio file, empty where the gateway must speak it itself."""

    words: str
    language: str
    audio: str = ""


@dataclass(frozen=True)
class CallPage:
    """What a call hears next. `onward` is the address the gateway brings the answer to."""

    says: tuple[Spoken, ...]
    then: Then
    onward: str = ""

    @property
    def digits(self) -> int:
        """How many keys it waits for."""
        return {Then.KEY: 1, Then.NUMBER: NUMBER_DIGITS}.get(self.then, 0)


class NotFetched(Exception):
    """A recording was not given, or not removed. `code` is a status or a class; `gone`: and it never will be."""

    def __init__(self, code: str, *, gone: bool = False) -> None:
        super().__init__(code)
        self.code, self.gone = code, gone


@runtime_checkable
class Calls(Protocol):
    """A gateway that carries calls."""

    voices: frozenset[str]  # languages it can speak itself

    def read_call(self, webhook: Webhook) -> CallStep:
        """Read a webhook of a call, of any kind. Raises Unreadable."""

    def speak(self, page: CallPage) -> Answer:
        """Return a page in the gateway's own form."""

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording by its reference, and its content type. Raises NotFetched."""

    def recorded(self, call: str) -> Sequence[Webhook]:
        """Return what the provider recorded in a call, as the webhooks that should have told of it. Raises NotFetched.

        Nothing where it cannot be asked.
        """

    def remove(self, tape: str) -> None:
        """Remove a recording at the provider; one that is gone already is no fault. Raises NotFetched."""


def wait_for(verbs: Sequence[tuple[str, dict[str, str], str]]) -> ET.Element:
    """Return a Response of verbs: name, attributes and text each."""
    response = ET.Element("Response")
    for name, attributes, text in verbs:
        ET.SubElement(response, name, attributes).text = text or None
    return response


def as_xml(response: ET.Element) -> Answer:
    """Return a document as a gateway reads it."""
    declared = '<?xml version="1.0" encoding="UTF-8"?>'
    return Answer(declared + ET.tostring(response, encoding="unicode"), PLAIN_XML)
