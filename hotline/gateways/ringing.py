"""Missed calls and call-backs: what a gateway can do besides, where it carries calls.

Whoever cannot pay for a call rings once. Such a call is turned away before it is answered, which costs nobody anything, and
called back. What is heard then is one page that asks for a key, since somebody else may have picked up; on no key it hangs up.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from xml.etree.ElementTree import Element, tostring

from hotline.gateways.contract import Answer, Sent, Webhook

GO_ON_KEY = "1"
ANSWER_WITHIN = 30  # seconds our call rings
LONGEST_CALL = 600  # seconds


class Stage(StrEnum):
    """missed: somebody rang us. answered, pressed, over: what becomes of our call back, `machine` when a machine picked up."""

    MISSED = "missed"
    ANSWERED = "answered"
    MACHINE = "machine"
    PRESSED = "pressed"
    OVER = "over"


@dataclass(frozen=True)
class Ring:
    """One event. `number` is as the gateway wrote it, of a missed call; `reference` is our own id, of a call back."""

    stage: Stage
    number: str = ""
    reference: str = ""
    at: datetime | None = None


@runtime_checkable
class Hearing(Protocol):
    """A gateway that tells of missed calls."""

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read an event of the kind `beep`. Raises Unreadable."""


@runtime_checkable
class Ringing(Hearing, Protocol):
    """A gateway that places calls too."""

    def page(self, stage: Stage, words: str, reference: str) -> Answer:
        """Return what a call does now: turned away, asked for a key, told something or ended."""

    def call(self, number: str, reference: str) -> Sent:
        """Place one call. Never raises for a provider's fault."""


def carries(gateway: object) -> Ringing | None:
    """Return a gateway as one that carries calls, None where it is none."""
    return gateway if isinstance(gateway, Ringing) else None


def xml(*verbs: Element) -> str:
    """Return verbs as the XML that Twilio and Africa's Talking both read."""
    response = Element("Response")
    response.extend(verbs)
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(response, encoding="unicode")


def verb(name: str, words: str = "", **attributes: str) -> Element:
    """Return one verb."""
    made = Element(name, attributes)
    made.text = words or None
    return made


def asking(name: str, words: str, **attributes: str) -> Element:
    """Return a verb that says something and waits for one key."""
    made = verb(name, numDigits="1", **attributes)
    made.append(verb("Say", words))
    return made
