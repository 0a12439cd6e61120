"""Answers calls inside their own request: reads where the call stands, stores the step, says the next page.

Where it stands rides in the address the gateway calls, sealed; so nothing is read from the database, and an outage of it changes
nothing but where the step is kept. The page is said only once the step is on disk. Whatever goes wrong, whoever is on the line
hears a page in time and never a gateway's own error: a step that no disk took is answered with words that say so.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from hotline.answering import Answering
from hotline.gateways.contract import Answer, Gateway, Webhook
from hotline.gateways.voice import AT, CallPage, Calls, CallStep, Spoken
from hotline.intake.envelope import enclose
from hotline.intake.ussd.tree import JOINED
from hotline.intake.ussd.walk import Kept
from hotline.intake.voice.heard import call_of, onward, turn_of
from hotline.intake.voice.prompts import Prompts
from hotline.intake.voice.tree import BUSY, POLL, STOPS
from hotline.intake.voice.walk import Place
from hotline.models import InboxKind
from hotline.radio.asking import Asking, spoken

NOTHING = Answer("", "text/plain")


@dataclass
class Lines(Answering[Answer]):
    """The calls of one deployment, many at a time."""

    what: ClassVar[str] = "call"

    prompts: Prompts = field(init=False)

    def __post_init__(self) -> None:
        chosen = self.deployment.settings
        self._asking = Asking(self.deployment)
        self.prompts = Prompts(chosen.instance, self.deployment.words, chosen.public_url.rstrip("/"))

    def sorry(self, gateway: Gateway) -> Answer:
        """Return the last page for whoever cannot be served."""
        if not isinstance(gateway, Calls):
            return NOTHING
        return gateway.speak(self._said(gateway, Place(self.prompts.words.default, BUSY)))

    def page(self, gateway: Gateway, webhook: Webhook) -> Answer:
        """Keep a step and return the page for it; the digits of a return code are to stand nowhere, and are not kept."""
        if not isinstance(gateway, Calls):
            raise TypeError(gateway.name)
        step = gateway.read_call(webhook)
        call = call_of(self.deployment, gateway.name, step.call)
        turn = turn_of(self.deployment, call, step)
        place, sender = turn.place, self.deployment.sender(step.sender)
        said = next((one.words for one in turn.steps if one.answer == Kept.LIST), None)
        if turn.number is not None:
            place = replace(place, stop=self.news(turn.number, sender.address))
        elif said is not None:
            place = replace(place, stop=self.listed(said, sender))
        if turn.number is None and (said is None or place.stop == JOINED):
            known_as = self._known_as(call, place, step)
            self.keep(enclose(self.deployment, self.seal, gateway, webhook, self.deployment.clock(), known_as=known_as))
        return gateway.speak(self._said(gateway, place, self._onward(gateway, call, place))) if step.asks else NOTHING

    def _onward(self, gateway: Gateway, call: str, place: Place) -> str:
        """Return the address that brings the answer to a place back."""
        return f"{gateway.address(InboxKind.VOICE)}?{AT}={onward(self.deployment, call, place)}"

    def _known_as(self, call: str, place: Place, step: CallStep) -> str:
        """Return by what a step that comes twice is known: its call, its turn, and what was said in it."""
        tape = step.tape.reference if step.tape else ""
        said = self.deployment.keyring.repeat_index(step.keys, tape, str(step.asks), str(step.over))[:16]
        return f"{call}-{place.turn}-{said}"

    def _said(self, gateway: Calls, place: Place, address: str = "") -> CallPage:
        stop = STOPS[place.stop]
        if stop.name == POLL and (poll := self._asking.now()) is not None:
            language = (
                place.language if place.language in gateway.voices else self.prompts.fallback(self.prompts.fluent(gateway.voices))
            )
            return CallPage((Spoken(spoken(poll, language), language),), stop.then, address)
        return CallPage(self.prompts.page(stop, place.language, gateway.voices), stop.then, address)
