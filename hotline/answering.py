"""Answers whoever waits on the phone, by a dialled code or a call: in time, whatever happens, and once what they did is on disk.

What an answer needs of the database beside that is looked up here too, under the same rule: an outage costs them that answer and
nothing else. Nothing here calls a network.
"""

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from hotline import subscribers
from hotline.comeback import LATER, UNKNOWN, ask
from hotline.deployment import Deployment
from hotline.gateways.contract import Gateway, Webhook
from hotline.in_time import GroupCommit, Unavailable, Write
from hotline.intake.envelope import enclose
from hotline.intake.spool import Spool
from hotline.intake.ussd.tree import BUSY, JOINED, NO_LIST
from hotline.models import Inbox, table
from hotline.phone import Sender
from hotline.privacy import InboxSeal

log = logging.getLogger(__name__)

INBOX = table(Inbox)
HARD_STOP: Final = 4.5  # seconds; Africa's Talking ends a session after ten, and the way there and back takes its share
Page = TypeVar("Page")


@dataclass
class Answering(ABC, Generic[Page]):
    """One way in on which somebody waits for a page, many at a time."""

    what: ClassVar[str]

    deployment: Deployment
    writer: GroupCommit
    spool: Spool
    seal: InboxSeal
    hard_stop: float = HARD_STOP

    @abstractmethod
    def page(self, gateway: Gateway, webhook: Webhook) -> Page:
        """Keep what a genuine webhook says and return the page for it. Whatever this raises, `sorry` is said."""

    @abstractmethod
    def sorry(self, gateway: Gateway) -> Page:
        """Return the last page for whoever cannot be served."""

    def answer(self, gateway: Gateway, webhook: Webhook) -> Page:
        """Return the page for one genuine webhook, in time and whatever happens."""
        pages: queue.SimpleQueue[Page] = queue.SimpleQueue()
        work = (gateway, webhook, pages.put)
        threading.Thread(target=self._answer, args=work, name=self.what, daemon=True).start()
        try:
            return pages.get(timeout=self.hard_stop)
        except queue.Empty:
            log.error("answer too late", extra={"kind": self.what})  # noqa: TRY400  the time-out says nothing more
            return self.sorry(gateway)

    def keep(self, row: dict[str, object], *more: Write) -> None:
        """Return once a row is on disk, and `more` with it. Raises Unavailable when no disk takes it."""
        try:
            self.writer.put((INBOX, row), *more)
        except Unavailable:
            self.spool.keep(row)

    def news(self, code: str, phone: str) -> str:
        """Return what a return code opens: `news_…`, that it stands for nothing, that enough were tried, or that we are busy."""
        if not code:
            return UNKNOWN
        try:
            with self.deployment.hurried_db.transaction() as asking:
                found = ask(asking, self.deployment, code, phone, self.deployment.clock())
        except Exception:  # somebody waits; and what they typed is to stand nowhere, so it is not kept for a worker either
            log.exception("no news")
            return BUSY
        return found if found in {UNKNOWN, LATER} else f"news_{found}"

    def listed(self, said: str, sender: Sender) -> str:
        """Return what comes of the word of a list: joined, that there is none or no number to write to, or that we are busy."""
        try:
            with self.deployment.hurried_db.reading() as looking:
                there = subscribers.list_of(looking, said) is not None
        except Exception:  # somebody waits
            log.exception("no lists")
            return BUSY
        return JOINED if there and sender.reachable else NO_LIST

    def _answer(self, gateway: Gateway, webhook: Webhook, say: Callable[[Page], None]) -> None:
        try:
            say(self.page(gateway, webhook))
        except Exception:  # whatever it was, somebody waits for a page, and what was said must be kept
            log.exception("answer failed", extra={"kind": self.what})
            say(self._kept(gateway, webhook))

    def _kept(self, gateway: Gateway, webhook: Webhook) -> Page:
        """Keep what could not be answered as it came, for a worker to make out; say that the line is busy."""
        try:
            self.keep(enclose(self.deployment, self.seal, gateway, webhook, self.deployment.clock()))
        except Exception:  # nothing more can be done, but the page must be said
            log.exception("answer not kept", extra={"kind": self.what})
        return self.sorry(gateway)
