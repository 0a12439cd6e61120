"""Joining two phones: what a gateway can do besides, where it carries calls and can dial a second phone from within one.

The first phone is an officer's. Once they have pressed a key the gateway is told the second number, rings it and joins the two;
each of them sees the hotline's own number. What becomes of the far end comes back as any step of a call (hotline.gateways.voice).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hotline.gateways.contract import Answer, Sent
from hotline.gateways.ringing import ANSWER_WITHIN, Ringing

LONGEST_TALK = 1800  # seconds that two people are joined
LONGEST_OF_ALL = LONGEST_TALK + 4 * ANSWER_WITHIN  # seconds from the first ring on


@dataclass(frozen=True)
class Joining:
    """Whom to ring from within a call. `onward` is where the gateway says how it ended, `reference` our name of the call."""

    number: str
    onward: str
    reference: str


@runtime_checkable
class Bridging(Ringing, Protocol):
    """A gateway that joins two phones, and records neither. `shown` is the number of ours that both see, if one is set."""

    shown: str

    def ring_first(self, number: str, reference: str) -> Sent:
        """Place the call from within which another phone is to be rung. Never raises for a provider's fault."""

    def join(self, joining: Joining) -> Answer:
        """Return what rings the second phone under our number and joins both. Nothing is said there, and nothing recorded."""


def bridges(gateway: object) -> Bridging | None:
    """Return a gateway as one that joins two phones, None where it is none or has no number of ours to show them."""
    return gateway if isinstance(gateway, Bridging) and gateway.shown else None
