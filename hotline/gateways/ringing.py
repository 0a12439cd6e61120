"""Missed calls, and calls we place: what a gateway can do besides, where it carries calls.

Whoever cannot pay for a call rings once. Such a call is turned away before it is answered, which costs nobody anything, and
called back. From the moment somebody picks up, a call of ours goes the way of any call (hotline.gateways.voice); our own name
for it comes back with its steps.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from hotline.gateways.contract import Answer, Sent, Webhook
from hotline.gateways.voice import Calls

ANSWER_WITHIN = 30  # seconds our call rings
LONGEST_CALL = 600  # seconds


@dataclass(frozen=True)
class Ring:
    """Somebody rang us. `number` is as the gateway wrote it; empty where it only says that such a call is over.

    `to` is the line of ours that rang, where the gateway tells: ringing one may be a vote.
    """

    number: str = ""
    at: datetime | None = None
    to: str = ""


@runtime_checkable
class Hearing(Protocol):
    """A gateway that tells of missed calls."""

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read an event of the kind `beep`. Raises Unreadable."""


@runtime_checkable
class Ringing(Hearing, Calls, Protocol):
    """A gateway that places calls too."""

    def ours(self, webhook: Webhook) -> bool:
        """Whether a webhook is about a call that we placed, whichever address it came to."""

    def turn_away(self) -> Answer:
        """Return what ends a call before it is answered."""

    def call(self, number: str, reference: str) -> Sent:
        """Place one call under a name of ours. Never raises for a provider's fault."""


def carries(gateway: object) -> Ringing | None:
    """Return a gateway as one that places calls, None where it is none."""
    return gateway if isinstance(gateway, Ringing) else None
