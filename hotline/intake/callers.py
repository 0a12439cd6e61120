"""Callers of one batch: found by blind index or made, changed in memory, written back together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, or_, select, update
from sqlalchemy.orm import Session

from hotline import subscribers
from hotline.db import add_rows, among
from hotline.deployment import Deployment
from hotline.intake.dialog import Open, Reaction
from hotline.models import Caller, Message, MessageState, SafeContact, new_id, table
from hotline.outbound.callback import call_off
from hotline.phone import Sender

CALLER, MESSAGE = table(Caller), table(Message)
CHANGING = (
    "language",
    "safe_contact",
    "safe_hours",
    "open_question",
    "asked_at",
    "opted_out_at",
    "panic_at",
    "last_inbound_at",
    "replies_today",
    "replies_day",
)
QUEUED = (MessageState.QUEUED, MessageState.HELD)


@dataclass
class Known:
    """A caller as this batch knows them; `row` holds the columns by name."""

    row: dict[str, object]
    fresh: bool

    @property
    def id(self) -> str:
        """The caller's id."""
        return str(self.row["id"])

    def open_question(self, now: datetime, window: timedelta) -> Open | None:
        """Return the question still open, or None once the reply window has passed."""
        question = self._asked(now, window)[0]
        return Open(question) if question else None

    def chosen_language(self, now: datetime, window: timedelta) -> str | None:
        """Return the language that was chosen for the talk in which a question is still open."""
        return self._asked(now, window)[2] or None

    def _asked(self, now: datetime, window: timedelta) -> tuple[str, str, str]:
        """Return the open question and its language: "s1", or "s1:fr" where French was chosen."""
        asked, question = self.row["asked_at"], self.row["open_question"]
        still = isinstance(asked, datetime) and now - asked <= window
        return str(question or "" if still else "").partition(":")

    def obey(self, reaction: Reaction, now: datetime, language: str | None) -> None:
        """Take over what a text changed, and the chosen language of the talk as long as there is one.

        A report after STOP opens the door again for direct answers.
        """
        row = self.row
        row["last_inbound_at"] = max(now, row["last_inbound_at"]) if isinstance(row["last_inbound_at"], datetime) else now
        row["open_question"] = f"{reaction.asks}:{language}" if reaction.asks and language else reaction.asks
        row["asked_at"] = now if reaction.asks else None
        if reaction.stop:
            row["opted_out_at"], row["panic_at"] = now, now if reaction.panic else row["panic_at"]
            row["safe_contact"] = SafeContact.NEVER
        elif reaction.safe is not None:
            row["safe_contact"], row["safe_hours"] = reaction.safe, reaction.hours
        elif (reaction.report or reaction.start) and row["opted_out_at"] is not None:
            row["opted_out_at"], row["panic_at"], row["safe_contact"] = None, None, SafeContact.UNKNOWN

    def welcome(self) -> None:
        """Take back an earlier stop: they asked to be written to."""
        self.row |= {"opted_out_at": None, "panic_at": None}

    def may_get_automatic_answer(self, day: str, cap: int) -> bool:
        """Count one automatic answer against the day's cap. The cap limits cost; it is high, since silence would be a tell."""
        row = self.row
        if row["replies_day"] != day:
            row["replies_day"], row["replies_today"] = day, 0
        row["replies_today"] = int(str(row["replies_today"])) + 1
        return bool(row["reachable"]) and int(str(row["replies_today"])) <= cap


def stopped_at_gateway(session: Session, deployment: Deployment, senders: Iterable[str], now: datetime) -> None:
    """Note that people have stopped our texts at their gateway. Whoever never wrote to us has nothing to be noted."""
    indexes = {deployment.number_index(deployment.sender(sender).address) for sender in senders}
    earlier = or_(CALLER.c.opted_out_at.is_(None), CALLER.c.opted_out_at < now)
    if indexes:
        session.execute(update(CALLER).where(CALLER.c.number_index.in_(indexes), earlier).values(opted_out_at=now))
        subscribers.leave(session, now, numbers=indexes)


@dataclass
class Callers:
    """All callers of a batch."""

    deployment: Deployment
    known: dict[bytes, Known] = field(default_factory=dict)
    silenced: list[str] = field(default_factory=list)

    def load(self, session: Session, indexes: Iterable[bytes]) -> None:
        """Fetch the callers of these numbers, locked against another batch."""
        wanted = select(CALLER).where(among(session, CALLER.c.number_index, set(indexes))).with_for_update()
        for row in session.execute(wanted).mappings():
            self.known[row["number_index"]] = Known(dict(row), fresh=False)

    def get(self, index: bytes, sender: Sender, now: datetime) -> Known:
        """Return a caller, making one on the first text from a number."""
        if index not in self.known:
            self.known[index] = Known(self._make(index, sender, now), fresh=True)
        return self.known[index]

    def write(self, session: Session, now: datetime) -> None:
        """Write all callers, and cancel what is queued for those who said stop."""
        connection = session.connection()
        fresh = [caller.row for caller in self.known.values() if caller.fresh]
        changed = [caller.row for caller in self.known.values() if not caller.fresh]
        add_rows(session, CALLER, fresh)
        if changed:
            values: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in CHANGING}
            rows = [{"of": row["id"], **{f"new_{name}": row[name] for name in CHANGING}} for row in changed]
            connection.execute(update(CALLER).where(CALLER.c.id == bindparam("of")).values(**values), rows)
        if self.silenced:
            mine = (MESSAGE.c.caller_id.in_(self.silenced), MESSAGE.c.state.in_(QUEUED), MESSAGE.c.created_at < now)
            numbers = [index for index, caller in self.known.items() if caller.id in self.silenced]
            call_off(session, numbers, now)
            subscribers.leave(session, now, numbers=numbers)
            stopped = {"state": MessageState.SUPPRESSED, "reason": "asked us to stop", "settled_at": now}
            connection.execute(update(MESSAGE).where(*mine).values(**stopped))

    def _make(self, index: bytes, sender: Sender, now: datetime) -> dict[str, object]:
        row_id = new_id()
        sealed = self.deployment.keyring.fields.seal_text(sender.address, f"caller|number|{row_id}")
        row: dict[str, object] = dict.fromkeys(CHANGING)
        row |= {"id": row_id, "number_index": index, "number_sealed": sealed, "reachable": sender.reachable}
        return row | {"safe_contact": SafeContact.UNKNOWN, "last_inbound_at": now, "replies_today": 0}
