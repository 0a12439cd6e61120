"""Answers calls inside their own request: reads where the call stands, stores the step, says the next page.

Where it stands rides in the address the gateway calls, sealed; so nothing is read from the database, and an outage of it changes
nothing but where the step is kept. The page is said only once the step is on disk. Whatever goes wrong, whoever is on the line
hears a page in time and never a gateway's own error: a step that no disk took is answered with words that say so.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hotline.comeback import LATER, UNKNOWN, ask
from hotline.deployment import Deployment
from hotline.gateways.contract import Answer, Gateway, Webhook
from hotline.gateways.voice import AT, CallPage, Calls, CallStep, Spoken
from hotline.hops import HARD_STOP
from hotline.in_time import GroupCommit, Unavailable
from hotline.intake.envelope import enclose
from hotline.intake.spool import Spool
from hotline.intake.voice.heard import call_of, onward, turn_of
from hotline.intake.voice.prompts import Prompts
from hotline.intake.voice.tree import BUSY, POLL, STOPS, VOTED
from hotline.intake.voice.walk import Place
from hotline.models import Inbox, InboxKind, table
from hotline.privacy import InboxSeal
from hotline.radio.asking import Asking, spoken

log = logging.getLogger(__name__)

INBOX = table(Inbox)
NOTHING = Answer("", "text/plain")


@dataclass
class Lines:
    """The calls of one deployment, many at a time."""

    deployment: Deployment
    writer: GroupCommit
    spool: Spool
    seal: InboxSeal
    hard_stop: float = HARD_STOP
    prompts: Prompts = field(init=False)

    def __post_init__(self) -> None:
        chosen = self.deployment.settings
        self._asking = Asking(self.deployment)
        self.prompts = Prompts(chosen.instance, self.deployment.words, chosen.public_url.rstrip("/"))

    def sorry(self, gateway: Gateway) -> Answer:
        """Return the last page for whoever cannot be served."""
        if not isinstance(gateway, Calls):
            return NOTHING
        return gateway.speak(self._page(gateway, Place(self.prompts.words.default, BUSY)))

    def answer(self, gateway: Gateway, webhook: Webhook) -> Answer:
        """Return the page for one genuine step, in time and whatever happens."""
        pages: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        work = (gateway, webhook, pages.put)
        threading.Thread(target=self._answer, args=work, name="call", daemon=True).start()
        try:
            return pages.get(timeout=self.hard_stop)
        except queue.Empty:
            log.error("call too late")  # noqa: TRY400  the time-out says nothing more
            return self.sorry(gateway)

    def _answer(self, gateway: Gateway, webhook: Webhook, say: Callable[[Answer], None]) -> None:
        try:
            say(self._stepped(gateway, webhook))
        except Exception:  # whatever it was, somebody is on the line
            log.exception("call failed")
            say(self._kept(gateway, webhook))

    def _stepped(self, gateway: Gateway, webhook: Webhook) -> Answer:
        if not isinstance(gateway, Calls):
            raise TypeError(gateway.name)
        step = gateway.read_call(webhook)
        call = call_of(self.deployment, gateway.name, step.call)
        turn = turn_of(self.deployment, call, step)
        if turn.number is not None:
            place = replace(turn.place, stop=self._news(turn.number, self.deployment.sender(step.sender).address))
            return gateway.speak(self._page(gateway, place, self._onward(gateway, call, place)))
        self._keep(gateway, webhook, known_as=self._known_as(call, turn.place, step))
        if not step.asks:
            return NOTHING
        place = self._asked(turn.place)
        return gateway.speak(self._page(gateway, place, self._onward(gateway, call, place)))

    def _news(self, number: str, phone: str) -> str:
        """Return the stop for a return code. The step itself is not kept, whatever happens: its digits are to stand nowhere."""
        if not number:
            return UNKNOWN
        try:
            with self.deployment.hurried_db.transaction() as asking:
                found = ask(asking, self.deployment, number, phone, self.deployment.clock())
        except Exception:  # somebody is on the line
            log.exception("no news")
            return BUSY
        return found if found in {UNKNOWN, LATER} else f"news_{found}"

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
        said = self.deployment.keyring.repeat_index(step.keys, tape, str(step.asks), str(step.over))[:16]
        return f"{call}-{place.turn}-{said}"

    def _page(self, gateway: Calls, place: Place, address: str = "") -> CallPage:
        stop = STOPS[place.stop]
        if stop.name == POLL and place.asked and (poll := self._asking.now()) is not None:
            return CallPage((self._question(gateway, poll, place.language),), stop.then, address)
        return CallPage(self.prompts.page(stop, place.language, gateway.voices), stop.then, address)

    def _question(self, gateway: Calls, poll: Mapping[str, Any], language: str) -> Spoken:
        """Return a show's question as it was recorded, else in a language that this gateway speaks."""
        fallback = self.prompts.fallback(self.prompts.fluent(gateway.voices))
        ways = (self.prompts.said(spoken(poll, code), code, gateway.voices) for code in (language, fallback))
        return next(filter(None, ways), None) or Spoken(spoken(poll, fallback), fallback)

    def _keep(self, gateway: Gateway, webhook: Webhook, known_as: str | None = None) -> None:
        """Return once the step is on disk. Raises Unavailable when no disk takes it."""
        row = enclose(self.deployment, self.seal, gateway, webhook, self.deployment.clock(), known_as=known_as)
        try:
            self.writer.put((INBOX, row))
        except Unavailable:
            self.spool.keep(row)

    def _kept(self, gateway: Gateway, webhook: Webhook) -> Answer:
        """Keep a step that could not be answered as it came, for a worker to make out; say that the line is busy."""
        try:
            self._keep(gateway, webhook)
        except Exception:  # nothing more can be done, but the page must be said
            log.exception("call not kept")
        return self.sorry(gateway)
