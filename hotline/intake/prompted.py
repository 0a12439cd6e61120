"""Texts that come after a broadcast: an answer to its question, or a report that it led to.

A digit that stands for an answer is counted and is nobody's report. Everything else is read as any text is, and the report it
becomes names the broadcast, never whose row of it. Whoever is telling already, or was asked something by us, is not answering.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.db import among, insert_unless_there
from hotline.intake.commands import Kind, recognise
from hotline.models import Broadcast, BroadcastAnswer, Message, MessageState, Subscriber, table

BROADCAST, ANSWER, MESSAGE, SUBSCRIBER = (table(m) for m in (Broadcast, BroadcastAnswer, Message, Subscriber))
LASTS: Final = timedelta(days=3)
LEFT_US: Final = (MessageState.CLAIMED, MessageState.ACCEPTED, MessageState.SENT, MessageState.DELIVERED, MessageState.UNKNOWN)


@dataclass(frozen=True)
class Prompt:
    """The newest broadcast somebody got, and the digits up to which its question can be answered."""

    broadcast_id: str
    subscriber_id: str
    choices: int


class Prompted:
    """Who of one batch got a broadcast shortly before. Found with one query for all."""

    def __init__(self, session: Session, indexes: Iterable[bytes], now: datetime) -> None:
        self._session, self._now = session, now
        columns = (SUBSCRIBER.c.number_index, SUBSCRIBER.c.id, MESSAGE.c.broadcast_id, BROADCAST.c.choices)
        sent = (MESSAGE.c.state.in_(LEFT_US), MESSAGE.c.created_at > now - LASTS)
        found = (
            select(*columns)
            .join(MESSAGE, MESSAGE.c.subscriber_id == SUBSCRIBER.c.id)
            .join(BROADCAST, BROADCAST.c.id == MESSAGE.c.broadcast_id)
            .where(among(session, SUBSCRIBER.c.number_index, set(indexes)), *sent)
            .order_by(MESSAGE.c.created_at)
        )
        self._by_index = {row.number_index: Prompt(row.broadcast_id, row.id, row.choices) for row in session.execute(found)}

    def by(self, number_index: object) -> str | None:
        """Return the broadcast after which somebody writes."""
        prompt = self._by_index.get(number_index) if isinstance(number_index, bytes) else None
        return prompt.broadcast_id if prompt else None

    def answered(self, number_index: object, body: str) -> bool:
        """Count an answer, if this text is one; of several by one person the first counts."""
        prompt = self._by_index.get(number_index) if isinstance(number_index, bytes) else None
        command = recognise(body)
        if prompt is None or command is None or command.kind is not Kind.DIGIT:
            return False
        if not 1 <= int(command.value) <= prompt.choices:
            return False
        whose = {"broadcast_id": prompt.broadcast_id, "subscriber_id": prompt.subscriber_id}
        answer = whose | {"choice": int(command.value), "at": self._now}
        insert_unless_there(self._session.connection(), ANSWER, [answer])
        return True
