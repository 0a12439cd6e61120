"""Answers the dialled code inside its own request: reads where the session stands, stores the hop, says the next page.

The hop, with what it means, and where the session then stands are one commit; only then is the page said. While the database is
away the hop goes to the spool, and the whole text of the session shows where it stands. Nothing here calls a network. Whatever
goes wrong, the phone gets a page that begins with CON or END, in less than five seconds: networks end a session at anything else.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Insert

from hotline.answering import Answering
from hotline.comeback import digits, drawn, taken
from hotline.gateways.contract import Gateway, Hop, Webhook, read_hop
from hotline.in_time import GroupLook, Unavailable, Write
from hotline.intake.commands import preload
from hotline.intake.envelope import enclose, session_of
from hotline.intake.ussd.heard import with_turn
from hotline.intake.ussd.screens import Pages
from hotline.intake.ussd.tree import BUSY, JOINED, RADIO, THANKS
from hotline.intake.ussd.walk import Kept, Standing, Turn, Walk
from hotline.models import DialledSession, table
from hotline.places import sectors
from hotline.privacy import CannotOpen
from hotline.radio.asking import Asking, in_language

SESSION = table(DialledSession)
DRAWS = 4  # codes a session may have to choose from


@dataclass
class Hops(Answering[str]):
    """The dialled code of one deployment, many sessions at a time. Raises CatalogError when a page does not fit a screen."""

    what: ClassVar[str] = "hop"

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
    def busy(self) -> str:
        """The page for whoever cannot be served: it names the code that takes texts."""
        return self._pages.busy(self._walk.language)

    def sorry(self, gateway: Gateway) -> str:
        """Return that page; every gateway shows the same."""
        del gateway
        return self.busy

    def page(self, gateway: Gateway, webhook: Webhook) -> str:
        """Keep a hop and return the page for it."""
        hop = read_hop(webhook)
        session = session_of(self.deployment, gateway.name, hop)
        before, there = self._before(session)
        turn = self._walk.hear(before, hop.text)
        if turn.code and not turn.steps:
            return self._news(gateway, hop, session, turn, there=there)
        turn = self._joining(turn, hop, there=there)
        turn = replace(turn, standing=self._drawn(self._asked(turn.standing), session, there=there))
        if not turn.again and (before or turn.steps):  # a dial that says nothing leaves nothing
            self._keep(gateway, webhook, hop, session, turn, there=there)
        return self._pages.page(turn.standing, digits(self.deployment, drawn(session, turn.standing.draw)))

    def _news(self, gateway: Gateway, hop: Hop, session: str, turn: Turn, *, there: bool) -> str:
        """Return the page for a return code. The hop itself is not kept: its digits are to stand nowhere."""
        phone = self.deployment.sender(hop.sender).address if hop.sender else session
        if not there:
            return self.sorry(gateway)
        standing = replace(turn.standing, screen=self.news(turn.code, phone))
        self.writer.put(self._standing(session, standing, self.deployment.clock()))
        return self._pages.page(standing)

    def _joining(self, turn: Turn, hop: Hop, *, there: bool) -> Turn:
        """Return a turn in which the word of a list was typed as it comes out: a word of none is not kept."""
        said = next((step.words for step in turn.steps if step.answer == Kept.LIST), None)
        if said is None:
            return turn
        screen = self.listed(said, self.deployment.sender(hop.sender)) if there else BUSY
        steps = tuple(step for step in turn.steps if screen == JOINED or step.answer != Kept.LIST)
        return replace(turn, standing=replace(turn.standing, screen=screen), steps=steps)

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
        else:
            self.keep(row, self._standing(session, turn.standing, now))

    def _standing(self, session: str, standing: Standing, now: datetime) -> Write:
        sealed = self.deployment.keyring.dialled.seal(standing.packed(), _bound_to(session))
        row: dict[str, object] = {"id": session, "sealed": sealed, "stopped": standing.stopped, "at": now}
        return self._stand, row


def _bound_to(session: str) -> str:
    return f"dialled_session|sealed|{session}"
