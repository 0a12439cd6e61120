"""What we say back to a text, and what we then expect. Pure: a caller's open question and the text's words in, a reaction out.

The first automatic answer is the same for every number and every history (docs/safety.md): it depends on this text alone,
so whoever holds the phone learns nothing from it. Only after the person has answered our question does a dialogue start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hotline.intake.commands import Command, Kind
from hotline.intake.ussd.tree import LANGUAGES
from hotline.models import SafeContact


class Open(StrEnum):
    """The question that is open with a caller, for as long as the reply window lasts."""

    SAFE = "s1"  # is it OK to text you on this phone now?
    WHEN = "s4"  # when is better?
    TALK = "talk"  # the person said yes and is telling
    LANGUAGE = "lang"  # which language?
    INFO = "s14"  # which advice?
    INFO_OR_CALL = "s14_call"  # the same, and a call is offered
    TOLD = "told"  # and has a return code, or talks with an officer: no automatic text comes between


@dataclass(frozen=True)
class Reaction:
    """What a text does to a caller and what is said.

    `report`: the text belongs into the report. `reply`: key of the automatic answer, None for silence. `asks`: the question
    open from now on. `safe`, `hours`: what the person said about being written to. `language` was chosen; `call` was asked for.
    """

    report: bool = True
    reply: str | None = None
    asks: Open | None = None
    safe: SafeContact | None = None
    hours: str | None = None
    stop: bool = False
    panic: bool = False
    start: bool = False
    language: str | None = None
    call: bool = False


FREE_TEXT = Reaction(reply="sms.s1", asks=Open.SAFE)
TOLD = Reaction(reply="sms.s7", asks=Open.TOLD)
TELLING = Reaction(asks=Open.TOLD)
STOP = Reaction(report=False, reply="sms.s13", stop=True)
PANIC = Reaction(report=False, stop=True, panic=True)
START = Reaction(report=False, reply="sms.s1", asks=Open.SAFE, start=True)
INFO = Reaction(report=False, reply="sms.s14", asks=Open.INFO)
INFO_OR_CALL = Reaction(report=False, reply="sms.s14_call", asks=Open.INFO_OR_CALL)
LANG = Reaction(report=False, reply="sms.lang", asks=Open.LANGUAGE)

SAFE_ANSWERS = {
    "1": Reaction(report=False, reply="sms.s2", asks=Open.TALK, safe=SafeContact.ANY),
    "2": Reaction(report=False, safe=SafeContact.NEVER),
    "3": Reaction(report=False, reply="sms.s4", asks=Open.WHEN, safe=SafeContact.NEVER),
}
WHEN_ANSWERS = {
    "1": Reaction(report=False, safe=SafeContact.HOURS, hours="morning"),
    "2": Reaction(report=False, safe=SafeContact.HOURS, hours="midday"),
    "3": Reaction(report=False, safe=SafeContact.HOURS, hours="evening"),
    "4": Reaction(report=False, safe=SafeContact.NEVER),
}
LANG_ANSWERS = {
    str(place): Reaction(report=False, reply="sms.s1", asks=Open.SAFE, language=code)
    for place, code in enumerate(LANGUAGES, start=1)
}
INFO_ANSWERS = {
    "1": Reaction(report=False, reply="sms.offer", asks=Open.INFO),
    "2": Reaction(report=False, reply="sms.numbers", asks=Open.INFO),
}
ANSWERS: Mapping[Open, Mapping[str, Reaction]] = {
    Open.SAFE: SAFE_ANSWERS,
    Open.WHEN: WHEN_ANSWERS,
    Open.LANGUAGE: LANG_ANSWERS,
    Open.INFO: INFO_ANSWERS,
    Open.INFO_OR_CALL: INFO_ANSWERS | {"3": Reaction(report=False, call=True)},
}
ALWAYS = {Kind.STOP: STOP, Kind.PANIC: PANIC, Kind.START: START}
KEYWORDS = {Kind.INFO: INFO, Kind.LANG: LANG}


def react(open_question: Open | None, command: Command | None) -> Reaction:
    """Return what a text does, given the question that is still open with its sender."""
    kind = command.kind if command else None
    if kind in ALWAYS:
        return ALWAYS[kind]
    if open_question and (answer := ANSWERS.get(open_question, {}).get(_digit(open_question, command))):
        return answer
    if kind in KEYWORDS:
        return KEYWORDS[kind]
    return {Open.TALK: TOLD, Open.TOLD: TELLING}.get(open_question, FREE_TEXT) if open_question else FREE_TEXT


def answers(open_question: Open | None, command: Command | None) -> bool:
    """Whether a text answers the question that is open with its sender."""
    return open_question is not None and _digit(open_question, command) in ANSWERS.get(open_question, {})


def going_on(open_question: Open | None, *, first: bool) -> Reaction:
    """Return what a piece of a long text does: the first to come is a text like any, a later one goes on telling."""
    if first:
        return react(open_question, None)
    return Reaction(asks=open_question)


def _digit(question: Open, command: Command | None) -> str:
    """Return the digit that was meant: yes and no stand for 1 and 2 where the question is one of yes and no."""
    if command is None:
        return ""
    words = {Kind.YES: "1", Kind.NO: "2"} if question in (Open.SAFE, Open.WHEN) else {}
    return words.get(command.kind, command.value)
