"""What we say back to a text, and what we then expect. Pure: a caller's open question and the text's words in, a reaction out.

The first automatic answer is the same for every number and every history (docs/safety.md): it depends on this text alone,
so whoever holds the phone learns nothing from it. Only after the person has answered our question does a dialogue start.
"""

from dataclasses import dataclass
from enum import StrEnum

from hotline.intake.commands import Command, Kind
from hotline.models import SafeContact


class Open(StrEnum):
    """The question that is open with a caller, for as long as the reply window lasts."""

    SAFE = "s1"  # is it OK to text you on this phone now?
    WHEN = "s4"  # when is better?
    TALK = "talk"  # the person said yes and is telling
    TOLD = "told"  # and has a return code, or talks with an officer: no automatic text comes between


@dataclass(frozen=True)
class Reaction:
    """What a text does to a caller and what is said.

    `report`: the text belongs into the report. `reply`: key of the automatic answer, None for silence. `asks`: the question
    open from now on. `safe`, `hours`: what the person said about being written to.
    """

    report: bool = True
    reply: str | None = None
    asks: Open | None = None
    safe: SafeContact | None = None
    hours: str | None = None
    stop: bool = False
    panic: bool = False
    start: bool = False


FREE_TEXT = Reaction(reply="sms.s1", asks=Open.SAFE)
TOLD = Reaction(reply="sms.s7", asks=Open.TOLD)
TELLING = Reaction(asks=Open.TOLD)
STOP = Reaction(report=False, reply="sms.s13", stop=True)
PANIC = Reaction(report=False, stop=True, panic=True)
START = Reaction(report=False, reply="sms.s1", asks=Open.SAFE, start=True)
INFO = Reaction(report=False, reply="sms.s14")

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
ALWAYS = {Kind.STOP: STOP, Kind.PANIC: PANIC, Kind.START: START}


def react(open_question: Open | None, command: Command | None) -> Reaction:
    """Return what a text does, given the question that is still open with its sender."""
    kind = command.kind if command else None
    if kind in ALWAYS:
        return ALWAYS[kind]
    digit = _digit(command)
    if open_question is Open.SAFE and digit in SAFE_ANSWERS:
        return SAFE_ANSWERS[digit]
    if open_question is Open.WHEN and digit in WHEN_ANSWERS:
        return WHEN_ANSWERS[digit]
    if kind is Kind.INFO:
        return INFO
    return {Open.TALK: TOLD, Open.TOLD: TELLING}.get(open_question, FREE_TEXT) if open_question else FREE_TEXT


def going_on(open_question: Open | None, *, first: bool) -> Reaction:
    """Return what a piece of a long text does: the first to come is a text like any, a later one goes on telling."""
    if first:
        return react(open_question, None)
    return Reaction(asks=open_question)


def _digit(command: Command | None) -> str:
    if command is None:
        return ""
    return {Kind.YES: "1", Kind.NO: "2"}.get(command.kind, command.value)
