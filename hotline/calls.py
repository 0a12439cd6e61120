"""Answers calls inside their own request: reads where the call stands, stores the step, says the next page.

Where it stands rides in the address the gateway calls, sealed; so nothing is read from the database, and an outage of it changes
nothing but where the step is kept. The page is said only once the step is on disk. Whatever goes wrong, whoever is on the line
hears a page in time and never a gateway's own error: a step that no disk took is answered with words that say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from hotline.answering import Answering
from hotline.gateways.bridging import Joining, bridges
from hotline.gateways.contract import Answer, Gateway, Webhook
from hotline.gateways.voice import AT, CallPage, Calls, CallStep, Spoken, bridge_of, many_of
from hotline.intake.envelope import enclose
from hotline.intake.ussd.tree import JOINED, NO_LIST, VOTED
from hotline.intake.ussd.walk import Kept
from hotline.intake.voice.heard import call_of, onward, turn_of
from hotline.intake.voice.prompts import Prompts
from hotline.intake.voice.tree import BRIDGE_JOIN, BUSY, JOINED_CALL, MANY_HEARD, NO_LIST_CALL, NOBODY, POLL, STOPS
from hotline.intake.voice.walk import Place
from hotline.models import InboxKind
from hotline.outbound.bridge import far_number
from hotline.radio.asking import Asking, spoken

NOTHING = Answer("", "text/plain")
TO_BE_CALLED: Mapping[str, str] = {JOINED: JOINED_CALL, NO_LIST: NO_LIST_CALL}  # for whoever wants calls and no texts


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
            found = self.listed(said, sender)
            place = replace(place, stop=TO_BE_CALLED.get(found, found) if place.stop == JOINED_CALL else found)
        if turn.number is None and (said is None or place.stop in {JOINED, JOINED_CALL}):
            known_as = self._known_as(call, place, step)
            self.keep(enclose(self.deployment, self.seal, gateway, webhook, self.deployment.clock(), known_as=known_as))
        if not step.asks:
            return NOTHING
        place = self._asked(place)
        if place.stop == BRIDGE_JOIN:
            return self._joined(gateway, call, place)
        return gateway.speak(self._said(gateway, place, self._onward(gateway, call, place)))

    def _joined(self, gateway: Gateway, call: str, place: Place) -> Answer:
        """Return what rings the second phone; where there is nobody to ring any more, what ends the call without a word."""
        named, carrier = bridge_of(place.placed), bridges(gateway)
        if named is None or carrier is None:
            raise TypeError(gateway.name)
        with self.deployment.hurried_db.reading() as looking:
            number = far_number(looking, self.deployment, named[1])
        if number is None:
            return carrier.speak(self._said(carrier, replace(place, stop=NOBODY)))
        return carrier.join(Joining(number, self._onward(gateway, call, place), place.placed))

    def _asked(self, place: Place) -> Place:
        """Return a place with the question a show asks now. Whoever answered one that has closed does not hear that it counts."""
        if place.stop not in {POLL, VOTED}:
            return place
        poll = self._asking.now()
        if place.stop == VOTED and poll is not None and poll["id"] == place.asked:
            return place
        return replace(place, stop=POLL, asked=poll["id"] if poll else "", offers=len(poll["options"]) if poll else 0)

    def _onward(self, gateway: Gateway, call: str, place: Place) -> str:
        """Return the address that brings the answer to a place back."""
        return f"{gateway.address(InboxKind.VOICE)}?{AT}={onward(self.deployment, call, place)}"

    def _known_as(self, call: str, place: Place, step: CallStep) -> str:
        """Return by what a step that comes twice is known: its call, its turn, and what was said in it."""
        tape = step.tape.reference if step.tape else ""
        said = self.deployment.keyring.repeat_index(step.keys, tape, str(step.asks), str(step.over), step.far or "")[:16]
        return f"{call}-{place.turn}-{said}"

    def _said(self, gateway: Calls, place: Place, address: str = "") -> CallPage:
        stop = STOPS[place.stop]
        if stop.name == POLL and place.asked and (poll := self._asking.now()) is not None:
            return CallPage((self._question(gateway, poll, place.language),), stop.then, address)
        says = self.prompts.page(stop, place.language, gateway.voices)
        if stop.name == MANY_HEARD and (many := many_of(place.placed)):
            says = (*filter(None, [self.prompts.played(many.recording, many.language)]), *says)
        return CallPage(says, stop.then, address)

    def _question(self, gateway: Calls, poll: Mapping[str, Any], language: str) -> Spoken:
        """Return a show's question as it was recorded, else in a language that this gateway speaks."""
        fallback = self.prompts.fallback(self.prompts.fluent(gateway.voices))
        ways = (self.prompts.said(spoken(poll, code), code, gateway.voices) for code in (language, fallback))
        return next(filter(None, ways), None) or Spoken(spoken(poll, fallback), fallback)
