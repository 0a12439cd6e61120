"""Answers the dialled code inside its own request: reads where the session stands, stores the hop, says the next page.

The hop, with what it means, and where the session then stands are one commit; only then is the page said. While the database is
away the hop goes to the spool, and the whole text of the session shows where it stands. Nothing here calls a network. Whatever
goes wrong, the phone gets a page that begins with CON or END, in less than five seconds: networks end a session at anything else.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Insert

from hotline.comeback import LATER, UNKNOWN, ask, digits, drawn, taken
from hotline.deployment import Deployment
from hotline.gateways.contract import Gateway, Hop, Webhook, read_hop
from hotline.in_time import GroupCommit, GroupLook, Unavailable, Write
from hotline.intake.commands import preload
from hotline.intake.envelope import enclose, session_of
from hotline.intake.spool import Spool
from hotline.intake.ussd.heard import with_turn
from hotline.intake.ussd.screens import Pages
from hotline.intake.ussd.tree import RADIO, THANKS
from hotline.intake.ussd.walk import Standing, Turn, Walk
from hotline.models import DialledSession, Inbox, table
from hotline.places import sectors
from hotline.privacy import CannotOpen, InboxSeal
from hotline.radio.asking import Asking, in_language

log = logging.getLogger(__name__)

INBOX, SESSION = table(Inbox), table(DialledSession)
DRAWS = 4  # codes a session may have to choose from
HARD_STOP = 4.5  # seconds; Africa's Talking ends a session after ten, and the way there and back takes its share


@dataclass
class Hops:
    """The dialled code of one deployment, many sessions at a time. Raises CatalogError when a page does not fit a screen."""

    deployment: Deployment
    writer: GroupCommit
    spool: Spool
    seal: InboxSeal
    hard_stop: float = HARD_STOP
    _stand: Insert = field(init=False)

    def __post_init__(self) -> None:
        chosen, words = self.deployment.settings, self.deployment.words
        names = sectors(chosen.templates, chosen.district)
        self._pages = Pages(words, names)
        self._walk = Walk(names, words.default, self.deployment.keyring.repeat_index)
        self._asking = Asking(self.deployment)
        self._look = GroupLook(self.deployment.hurried_db, SESSION.c.sealed, wait=chosen.commit_wait_seconds)
        preload()
        self._stand = self.deployment.hurried_db.insert_or_replace(SESSION, "sealed", "stopped", "at")

    @property
    def sorry(self) -> str:
        """The page for whoever cannot be served: it names the code that takes texts."""
        return self._pages.busy(self._walk.language)

    def answer(self, gateway: Gateway, webhook: Webhook) -> str:
        """Return the page for one genuine hop, in time and whatever happens."""
        pages: queue.SimpleQueue[str] = queue.SimpleQueue()
        work = (gateway, webhook, pages.put)
        threading.Thread(target=self._answer, args=work, name="hop", daemon=True).start()
        try:
            return pages.get(timeout=self.hard_stop)
        except queue.Empty:
            log.error("hop too late")  # noqa: TRY400  the time-out says nothing more
            return self.sorry

    def _answer(self, gateway: Gateway, webhook: Webhook, say: Callable[[str], None]) -> None:
        try:
            say(self._page(gateway, webhook))
        except Exception:  # whatever it was, the phone must get a page, and what was said must be kept
            log.exception("hop failed")
            say(self._kept(gateway, webhook))

    def _page(self, gateway: Gateway, webhook: Webhook) -> str:
        hop = read_hop(webhook)
        session = session_of(self.deployment, gateway.name, hop)
        before, there = self._before(session)
        turn = self._walk.hear(before, hop.text)
        if turn.code and not turn.steps:
            return self._news(hop, session, turn, there=there)
        turn = replace(turn, standing=self._drawn(self._asked(turn.standing), session, there=there))
        if not turn.again and (before or turn.steps):  # a dial that says nothing leaves nothing
            self._keep(gateway, webhook, hop, session, turn, there=there)
        return self._pages.page(turn.standing, digits(self.deployment, drawn(session, turn.standing.draw)))

    def _news(self, hop: Hop, session: str, turn: Turn, *, there: bool) -> str:
        """Return the page for a return code. The hop itself is not kept: its digits are to stand nowhere."""
        now = self.deployment.clock()
        phone = self.deployment.sender(hop.sender).address if hop.sender else session
        if not there:
            return self.sorry
        with self.deployment.hurried_db.transaction() as asking:
            found = ask(asking, self.deployment, turn.code, phone, now)
        screen = found if found in {UNKNOWN, LATER} else f"news_{found}"
        standing = replace(turn.standing, screen=screen)
        self.writer.put(self._standing(session, standing, now))
        return self._pages.page(standing)

    def _asked(self, standing: Standing) -> Standing:
        """Return a standing before a show's question with the one that is asked now; it is kept until it is answered."""
        poll = self._asking.now() if standing.screen == RADIO and not standing.poll else None
        if poll is None:
            return standing
        offered = tuple(in_language(option["words"], standing.language) for option in poll["options"])
        return replace(standing, poll=poll["id"], asked=in_language(poll["question"], standing.language), offered=offered)

    def _drawn(self, standing: Standing, session: str, *, there: bool) -> Standing:
        """Return a standing whose last page gives a return code with the draw of one that is free, as far as can be told."""
        if standing.screen != THANKS or standing.draw is not None or not there:
            return standing
        with self.deployment.hurried_db.reading() as looking:
            codes = ((draw, digits(self.deployment, drawn(session, draw))) for draw in range(DRAWS))
            return replace(standing, draw=next((draw for draw, one in codes if not taken(looking, self.deployment, one)), 0))

    def _before(self, session: str) -> tuple[Standing | None, bool]:
        """Return where the session stood, and whether the database could say so."""
        if self.writer.outage.known:
            return None, False
        try:
            sealed = self._look.at(session)
            packed = None if sealed is None else self.deployment.keyring.dialled.open(sealed, _bound_to(session))
        except Unavailable:
            self.writer.outage.begin()
            return None, False
        except CannotOpen:
            return None, True
        return (None if packed is None else Standing.unpacked(packed)), True

    def _keep(self, gateway: Gateway, webhook: Webhook, hop: Hop, session: str, turn: Turn, *, there: bool) -> None:
        """Return once the hop is on disk. Raises Unavailable when no disk takes it."""
        # A repeat of the same text is the same hop; after beginning anew the same text is another one.
        said = self.deployment.keyring.repeat_index(session, hop.text)[:16]
        known_as = f"{session}-{turn.standing.life}-{said}"
        now = self.deployment.clock()
        row = enclose(self.deployment, self.seal, gateway, with_turn(webhook, turn), now, known_as=known_as)
        if not there:  # a standing guessed from the text must not replace the one that is known
            self.spool.keep(row)
            return
        try:
            self.writer.put((INBOX, row), self._standing(session, turn.standing, now))
        except Unavailable:
            self.spool.keep(row)

    def _standing(self, session: str, standing: Standing, now: datetime) -> Write:
        sealed = self.deployment.keyring.dialled.seal(standing.packed(), _bound_to(session))
        row: Mapping[str, object] = {"id": session, "sealed": sealed, "stopped": standing.stopped, "at": now}
        return self._stand, row

    def _kept(self, gateway: Gateway, webhook: Webhook) -> str:
        """Keep a hop that could not be answered as it came, for a worker to make out; say that the line is busy."""
        try:
            row = enclose(self.deployment, self.seal, gateway, webhook, self.deployment.clock())
            try:
                self.writer.put((INBOX, row))
            except Unavailable:
                self.spool.keep(row)
        except Exception:  # nothing more can be done, but the page must be said
            log.exception("hop not kept")
        return self.sorry


def _bound_to(session: str) -> str:
    return f"dialled_session|sealed|{session}"
