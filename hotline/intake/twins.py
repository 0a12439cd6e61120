"""Knows texts that may be one: told twice by their gateway, or sent twice by a person. Nothing is ever dropped for it.

A gateway that tells of one SMS under two ids (phones with Android do) says so, and within a minute the second telling is a
twin: its row stays, marked, and does nothing more. Texts without any id that say the same are only flagged as alike: a second
try of the gateway and a second cry for help cannot be told apart, so both count. Texts with ids of their own cost nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import InboundText
from hotline.intake.arrivals import Arrival
from hotline.intake.commands import officer_answer, recognise
from hotline.models import Inbox, InboxFlag, table

INBOX = table(Inbox)
MARKS = ("likeness", "said_at", "flag", "same_as")
TWIN_SPAN = timedelta(minutes=1)
COMMAND_SPAN = timedelta(seconds=5)  # STOP, START, STOP within a minute are three decisions, and the last one counts
ALIKE_SPAN = timedelta(minutes=15)  # gateways try again for about so long


class Doubt(StrEnum):
    """Why a text is looked at: its gateway doubles texts, or gave it no id."""

    DOUBLED = "doubled"
    NAMELESS = "nameless"


@dataclass(frozen=True)
class Said:
    """What one text says, as a keyed hash, and when."""

    inbox_id: str
    likeness: bytes
    at: datetime
    doubt: Doubt
    span: timedelta


class Twins:
    """The doubtful texts of one batch, beside those that came before."""

    def __init__(self, session: Session, deployment: Deployment, texts: Iterable[tuple[Arrival, InboundText]]) -> None:
        self._session, self._deployment = session, deployment
        self._said = {said.inbox_id: said for arrival, text in texts if (said := self._look(arrival, text))}
        self._firsts = self._earlier(session, list(self._said.values()))
        self._marks: list[dict[str, object]] = []

    def is_twin(self, inbox_id: str) -> bool:
        """Whether this text was told before and is to do nothing more. To be asked once for each text, in order."""
        said = self._said.get(inbox_id)
        if said is None:
            return False
        known = self._firsts.setdefault(said.likeness, [])
        first = next((earlier for at, earlier in reversed(known) if abs(said.at - at) <= said.span), None)
        flag = None if first is None else InboxFlag.TWIN if said.doubt is Doubt.DOUBLED else InboxFlag.ALIKE
        if flag is not InboxFlag.TWIN:
            known.append((said.at, inbox_id))
        mark = {"likeness": said.likeness, "said_at": said.at, "flag": flag, "same_as": first}
        self._marks.append({"of": inbox_id} | {f"new_{name}": value for name, value in mark.items()})
        return flag is InboxFlag.TWIN

    def write(self) -> None:
        """Write what was found beside the rows."""
        if self._marks:
            values = {
                name: bindparam(f"new_{name}", type_=INBOX.c[name].type) for name in ("likeness", "said_at", "flag", "same_as")
            }
            marked = update(INBOX).where(INBOX.c.id == bindparam("of")).values(**values)
            self._session.connection().execute(marked, self._marks)

    def _look(self, arrival: Arrival, text: InboundText) -> Said | None:
        if not (text.doubled or arrival.nameless):
            return None
        doubt = Doubt.DOUBLED if text.doubled and not arrival.nameless else Doubt.NAMELESS
        sender = self._deployment.sender(text.sender).address
        likeness = self._deployment.keyring.blind_index("likeness", f"{arrival.gateway}|{sender}|{text.body}")
        return Said(arrival.inbox_id, likeness, text.sent_at or arrival.received_at, doubt, _span(doubt, text.body))

    @staticmethod
    def _earlier(session: Session, said: Sequence[Said]) -> dict[bytes, list[tuple[datetime, str]]]:
        """Return the texts stored before that say the same, twins left out, oldest first."""
        found: dict[bytes, list[tuple[datetime, str]]] = {}
        if not said:
            return found
        alike = (INBOX.c.likeness.in_({one.likeness for one in said}), INBOX.c.flag.is_distinct_from(InboxFlag.TWIN))
        near = INBOX.c.said_at >= min(one.at for one in said) - ALIKE_SPAN
        rows = select(INBOX.c.likeness, INBOX.c.said_at, INBOX.c.id).where(*alike, near).order_by(INBOX.c.said_at)
        for row in session.execute(rows):
            found.setdefault(row.likeness, []).append((row.said_at, row.id))
        return found


def _span(doubt: Doubt, body: str) -> timedelta:
    if doubt is Doubt.NAMELESS:
        return ALIKE_SPAN
    return COMMAND_SPAN if recognise(body) or officer_answer(body) else TWIN_SPAN
