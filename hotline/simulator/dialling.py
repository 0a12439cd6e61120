"""The network's side of a dialled code: keeps a phone's session, joins what was typed, asks the hotline for each page.

It does what Africa's Talking does: one request a hop with everything typed so far, a session of three minutes at most, and an
end notification whichever way it went. Sessions live in this process only, as in a network.
"""

import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hotline.intake.ussd.screens import END, GO_ON, septets, shown
from hotline.models import new_id
from hotline.simulator.handsets import Handsets, Mood
from hotline.simulator.send import Carrier

LONGEST_SESSION = timedelta(seconds=180)
LONGEST_ANSWER = 160
CODE = re.compile(r"\*[0-9*]{2,40}#")


@dataclass(frozen=True)
class Session:
    """One session as its phone shows it. `over` says why it goes no further: end, dropped, late, failed, signal or code."""

    id: str
    code: str
    began: datetime
    text: str = ""
    page: str = ""
    over: str = ""

    @property
    def until(self) -> datetime:
        """When the network ends it."""
        return self.began + LONGEST_SESSION

    @property
    def shown(self) -> str:
        """What the phone shows of the page."""
        return shown(self.page)

    @property
    def length(self) -> int | None:
        """Characters of the page, as the network counts them; None where it holds one it cannot carry."""
        return septets(self.page)


class Dialling:
    """The sessions of all phones of this demo, by the blind index of the number."""

    def __init__(self, handsets: Handsets, carrier: Carrier) -> None:
        self._handsets = handsets
        self._carrier = carrier
        self._sessions: dict[bytes, Session] = {}

    def session(self, number: str) -> Session | None:
        """Return the session on a phone; one that has lasted too long is ended here, as a network's own timer does."""
        session = self._sessions.get(self._handsets.index(number))
        if session is not None and not session.over and datetime.now(UTC) > session.until:
            session = self._over(number, session, "late")
        return session

    def dial(self, number: str, dialled: str) -> None:
        """Dial a code; answers may stand in it already, as in *778*1*4#. A session that was open is dropped."""
        self.drop(number)
        code = self._handsets.deployment.settings.ussd_code
        fresh = Session(new_id(), code, datetime.now(UTC))
        whole, stem = dialled.rstrip("#"), code.rstrip("#")
        if whole != stem and not whole.startswith(f"{stem}*"):
            self._put(number, replace(fresh, code=dialled, over="code"))
            return
        self._hop(number, fresh, whole[len(stem) + 1 :])

    def answer(self, number: str, typed: str) -> None:
        """Answer the page that is shown."""
        session = self.session(number)
        if session is not None and not session.over:
            typed = typed[:LONGEST_ANSWER]
            self._hop(number, session, f"{session.text}*{typed}" if session.text else typed)

    def drop(self, number: str) -> None:
        """Hang up, or close the last page. What was told stays told."""
        session = self.session(number)
        if session is not None and not session.over:
            self._over(number, session, "dropped")
        self._sessions.pop(self._handsets.index(number), None)

    def _hop(self, number: str, session: Session, text: str) -> None:
        session = replace(session, text=text)
        mood = self._handsets.moment(number).mood
        if mood is Mood.OFF:
            self._put(number, replace(session, over="signal"))
            return
        time.sleep(mood.delay)
        address = self._handsets.deployment.sender(number).address
        exchanges = tuple(self._carrier.hop(session.id, address, text) for _ in range(mood.copies))
        self._handsets.moment(number).wire = exchanges
        page = exchanges[-1].answer_body.decode("utf-8", "replace")
        session = replace(session, page=page.removesuffix(shown(page)) + mood.carried(shown(page)))
        if not exchanges[-1].taken or not session.page.startswith((GO_ON, END)):
            self._over(number, session, "failed")
        elif session.page.startswith(END):
            self._over(number, session, "end")
        else:
            self._put(number, session)

    def _over(self, number: str, session: Session, why: str) -> Session:
        """Note that a session is over, and tell the hotline as the network does."""
        status = {"end": "Success", "failed": "Failed"}.get(why, "Incomplete")
        address = self._handsets.deployment.sender(number).address
        self._carrier.hops_end(session.id, address, session.text, status)
        return self._put(number, replace(session, over=why))

    def _put(self, number: str, session: Session) -> Session:
        self._sessions[self._handsets.index(number)] = session
        return session
