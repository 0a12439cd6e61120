"""Calls: hands a parcel's texts to their gateways, many at a time, and tells what is known as it becomes known.

One text that hangs holds up no other: outcomes come in groups, those that are there first. A text in doubt is looked for at its
gateway before it is sent again. Once a gateway is found to be failing, what it has not been given yet stays here.
No session is open while a gateway is called.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, Gateway, OutboundText, Sent
from hotline.gateways.ringing import carries
from hotline.gateways.voice import ToMany
from hotline.models import Message, MessageKind, table
from hotline.outbound import breaker
from hotline.outbound.claiming import other_gateway, to_life
from hotline.outbound.deliver import Parcel

MESSAGE = table(Message)
AT_ONCE = 16  # requests a parcel is given threads for; parcels under way share them all
SIDE_BY_SIDE = 4  # parcels under way at most
TOGETHER = 0.5  # seconds in which outcomes are gathered to be written down in one go
SLOW = 5.0  # seconds; a healthy gateway answers within one


def outcomes(deployment: Deployment, parcel: Parcel, pool: Executor) -> Iterator[Sequence[Sent]]:
    """Send a parcel and yield what became of its texts, group after group; whoever reads a group writes it down.

    The threads of `pool` make the requests, of several parcels side by side: the last text of one delays none of another.
    """
    calls = _Calls(deployment, parcel)
    for name, texts in parcel.texts.items():
        gateway = deployment.shelf.get(name)
        spoken = [text for text in texts if calls.spoken(text)]
        calls.waiting.extend((name, gateway, [text]) for text in spoken)
        written = [text for text in texts if not calls.spoken(text)] if spoken else texts
        step = gateway.per_request if gateway else max(1, len(written))
        calls.waiting.extend((name, gateway, written[at : at + step]) for at in range(0, len(written), step))
    under_way = {pool.submit(calls.work) for _ in range(min(len(calls.waiting), AT_ONCE * SIDE_BY_SIDE))}
    while under_way:
        done, under_way = wait(under_way, TOGETHER, FIRST_EXCEPTION)
        if group := calls.taken():
            yield group
        for future in done:
            future.result()


@dataclass
class _Calls:
    """The requests of one parcel, and how they went so far: what fails here fails before it is on record."""

    deployment: Deployment
    parcel: Parcel
    failed: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    counting: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[tuple[str, Gateway | None, Sequence[OutboundText]]] = field(default_factory=deque)
    made: deque[list[Sent]] = field(default_factory=deque)

    def work(self) -> None:
        """Make requests until none waits. One thread makes many: to hand each to a thread costs more than to write it."""
        while self.waiting:
            try:
                request = self.waiting.popleft()
            except IndexError:
                return
            self.deployment.db.give_way(TOGETHER)
            self.made.append(self.make(*request))

    def taken(self) -> list[Sent]:
        """Return what became of texts since the last look."""
        return [sent for _ in range(len(self.made)) for sent in self.made.popleft()]

    def make(self, name: str, gateway: Gateway | None, texts: Sequence[OutboundText]) -> list[Sent]:
        """Send texts that fit one request. Never raises for a gateway's fault."""
        if gateway is None:
            return [Sent(text.id, Certainty.REFUSED, code="gateway has no settings", retry=True) for text in texts]
        if self._failing(name) and not any(self._must(name, text) for text in texts):
            return [Sent(text.id, Certainty.REFUSED, code=breaker.NOT_TRIED, retry=True, retry_after=0) for text in texts]
        known = {text.id: sent for text in texts if (sent := self._found(name, gateway, text))}
        unknown = [text for text in texts if text.id not in known]
        made = [_rung(gateway, text) for text in unknown] if self.spoken(texts[0]) else _timed(gateway, unknown)
        with self.counting:
            self.tried[name] += len(made)
            self.failed[name] += sum(sent.faulty for sent in made)
        known |= {sent.id: sent for sent in made}
        return [known[text.id] for text in texts]

    def spoken(self, text: OutboundText) -> bool:
        """Whether it is a call, and its words say what is played in it."""
        return bool(self.parcel.rows[text.id]["kind"] == MessageKind.CALL)

    def _failing(self, name: str) -> bool:
        with self.counting:
            return breaker.failing(self.deployment.settings, self.failed[name], self.tried[name])

    def _must(self, name: str, text: OutboundText) -> bool:
        """Whether a text has to be tried even so: an alert to life for which no other gateway is open."""
        other = other_gateway(self.deployment.settings, name)
        return to_life(self.parcel.rows[text.id]) and (not other or other in self.parcel.shut or self._failing(other))

    def _found(self, name: str, gateway: Gateway, text: OutboundText) -> Sent | None:
        """Return that a text in doubt has gone out already, or None: then it goes once more."""
        since = self.parcel.doubts.get(text.id)
        candidates = gateway.find(text, since) if since is not None else ()
        if not candidates:
            return None
        with self.deployment.db.reading() as session:
            others = (MESSAGE.c.gateway == name, MESSAGE.c.provider_id.in_(candidates))
            taken = set(session.scalars(select(MESSAGE.c.provider_id).where(*others)))
        free = [candidate for candidate in candidates if candidate not in taken]
        return Sent(text.id, Certainty.ACCEPTED, provider_id=free[0], code="found") if free else None


def _rung(gateway: Gateway, text: OutboundText) -> Sent:
    """Place a call to one of many, by a name that says what is played."""
    carrier = carries(gateway)
    if carrier is None:
        return Sent(text.id, Certainty.REFUSED, code="carries no calls")
    language, _, recording = text.body.partition(".")
    sent = carrier.call(text.to, ToMany(language, recording, text.id).name)
    return replace(sent, id=text.id)


def _timed(gateway: Gateway, texts: Sequence[OutboundText]) -> list[Sent]:
    if not texts:
        return []
    started = time.monotonic()
    made = gateway.send(texts)
    return [replace(sent, slow=True) for sent in made] if time.monotonic() - started > SLOW else list(made)
