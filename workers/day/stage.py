"""A deployment whose time is ours, and the network in front of it: two gateways, of which the first dies for a while.

While a gateway is dead nothing leaves by it, and what phones text waits in the network until it is back, as short messages do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from werkzeug.test import Client

from hotline import app, inbound
from hotline.db import Database
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.shelf import Shelf
from hotline.gateways.simulator import SIGNATURE, Simulator
from hotline.intake.spool import Spool
from hotline.queue import Bell, QueueName, connect
from workers.day.story import BEGINS

FIRST, SECOND = "simulator", "spare"
DIES: Final = BEGINS + timedelta(hours=12)
BACK: Final = DIES + timedelta(minutes=25)


class Mute(Bell):
    """A doorbell that nobody waits for: the day itself looks for rows."""

    def ring(self, name: QueueName) -> None:
        """Do nothing."""

    def hold(self, name: QueueName) -> None:
        """Do nothing."""

    def lower(self, name: QueueName) -> None:
        """Do nothing."""


class Dated(Database):
    """A database whose clock says what the day says."""

    def __init__(self, url: str, moment: Callable[[], datetime]) -> None:
        super().__init__(url)
        self._moment = moment

    def now(self, session: Session) -> datetime:  # noqa: ARG002  a real clock asks the session
        """Return the moment of the day."""
        return self._moment()


class Air:
    """One gateway as the hotline knows it, on air that is ours. `takes` hears each text that leaves, and whether it did."""

    methods, secrets, per_request, folds_copies = Simulator.methods, Simulator.secrets, 500, True
    kinds = frozenset({"sms", "status"})

    def __init__(self, name: str, real: Simulator, takes: Callable[[str, OutboundText], bool]) -> None:
        self.name, self.real, self._takes = name, real, takes
        self.verify, self.external_id, self.answer = real.verify, real.external_id, real.answer
        self.read_text, self.read_status, self.find = real.read_text, real.read_status, real.find
        self.address, self.lacking = real.address, real.lacking

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand texts to the phones; a dead gateway cannot be reached."""
        taken = {text.id: self._takes(self.name, text) for text in texts}
        return [
            Sent(text.id, Certainty.ACCEPTED, provider_id=f"{self.name}-{text.id}")
            if taken[text.id]
            else Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)
            for text in texts
        ]


@dataclass
class Stage(Deployment):
    """A deployment on which a day is played. `takes` is told of every text that leaves."""

    now: datetime = BEGINS
    takes: Callable[[str, OutboundText], bool] = field(default=lambda _gateway, _text: True)

    @cached_property
    def db(self) -> Database:
        """The database, on the day's time."""
        return Dated(self.settings.database, lambda: self.now)

    @cached_property
    def bell(self) -> Bell:
        """A bell that rings nowhere."""
        return Mute(connect(self.settings.redis))

    @cached_property
    def shelf(self) -> Shelf:
        """Two gateways of the day's network."""
        return Shelf({name: Air(name, self._network, self._leaves) for name in (FIRST, SECOND)})

    def clock(self) -> datetime:
        """Return the moment of the day."""
        return self.now

    def alive(self, gateway: str) -> bool:
        """Whether a gateway can be reached at this moment."""
        return gateway != FIRST or not DIES <= self.now < BACK

    @cached_property
    def phones(self) -> Client:
        """The public door."""
        web = app.bare(self, Spool.of(self.settings))
        inbound.install(web, self)
        return Client(web)

    def hear(self, number: str, words: str, text_id: str) -> bool:
        """Post a text as the network does. Returns whether the hotline promised to keep it."""
        body = urlencode({"id": text_id, "from": number, "to": self.settings.tips_code, "text": words}).encode()
        target = f"/in/{FIRST}/sms"
        headers: Any = {SIGNATURE: self._network.sign(target, body), "Content-Type": "application/x-www-form-urlencoded"}
        return self.phones.post(target, data=body, headers=headers).status_code == 200

    @cached_property
    def _network(self) -> Simulator:
        return Simulator(self.keyring.secret("simulator.key"), self.settings.console_url, connect=1, read=1)

    def _leaves(self, gateway: str, text: OutboundText) -> bool:
        return self.alive(gateway) and self.takes(gateway, text)
