"""What phones sent, and what the hotline still owes them: a text that was taken must be kept whole, and told."""

import json
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sqlalchemy import func, select

from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty
from hotline.models import (
    Attempt,
    CaseKey,
    Direction,
    Inbox,
    InboxState,
    Message,
    MessageKind,
    MessageState,
    PhoneText,
    Referral,
    ReferralState,
    table,
)
from hotline.outbound.compose import bound_to
from hotline.simulator.send import Carrier, fresh_id

INBOX, MESSAGE, KEY, REFERRAL, ATTEMPT, PHONE = (table(m) for m in (Inbox, Message, CaseKey, Referral, Attempt, PhoneText))
SETTLED = (MessageState.ACCEPTED, MessageState.SENT, MessageState.DELIVERED)
NUMBERS = count(1)
TEXTS = Path(__file__).with_name("texts.jsonl")


def invented(number: int) -> list[str]:
    """Return the first of the invented texts; four languages take turns."""
    lines = TEXTS.read_text(encoding="utf-8").splitlines()
    return [str(json.loads(line)["text"]) for line in lines[:number]]


@dataclass(frozen=True)
class Sent:
    """One text the webhook promised to keep."""

    external_id: str
    number: str
    words: str


@dataclass
class Post:
    """Sends texts as a gateway does: each again under its own id until the webhook takes it."""

    deployment: Deployment
    patience: float = 60.0
    sent: list[Sent] = field(default_factory=list)
    refused: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def send(self, texts: Iterable[str], *, every: float = 0.0) -> None:
        """Send texts, each from a number of its own, one every so many seconds; returns when all are taken."""
        with Carrier(self.deployment) as carrier, ThreadPoolExecutor(4) as pool:
            waiting: list[Future[None]] = []
            for words in texts:
                waiting.append(pool.submit(self._one, carrier, words))
                time.sleep(every)
            for one in waiting:
                one.result()

    def _one(self, carrier: Carrier, words: str) -> None:
        external_id, number = fresh_id("simulator"), f"+25078{next(NUMBERS) + 1_000_000}"
        until = time.monotonic() + self.patience
        while not carrier.text(number, words, external_id=external_id).taken:
            with self._turn:
                self.refused += 1
            assert time.monotonic() < until, "the webhook did not come back"
            time.sleep(0.1)
        with self._turn:
            self.sent.append(Sent(external_id, number, words))


def owed(deployment: Deployment, sent: Sequence[Sent]) -> dict[str, int]:
    """Return what has not happened yet, in numbers; empty when every text is read and everybody to be told has been."""
    ids = [one.external_id for one in sent]
    with deployment.db.reading() as session:
        states = list(session.scalars(select(INBOX.c.state).where(INBOX.c.external_id.in_(ids))))
        ours = select(MESSAGE.c.case_id).join(INBOX, INBOX.c.id == MESSAGE.c.inbox_id).where(INBOX.c.external_id.in_(ids))
        alerts = (MESSAGE.c.case_id.in_(ours), MESSAGE.c.kind == MessageKind.ALERT)
        arrived = select(PHONE.c.id)
        untold = (REFERRAL.c.case_id.in_(ours), REFERRAL.c.state == ReferralState.QUEUED)
        missing = {
            "texts not stored": len(ids) - len(states),
            "texts not read": sum(state != InboxState.DONE for state in states),
            "contacts not told": session.scalar(select(func.count()).select_from(REFERRAL).where(*untold)) or 0,
            "alerts not out": session.scalar(
                select(func.count()).select_from(MESSAGE).where(*alerts, MESSAGE.c.state.not_in(SETTLED))
            )
            or 0,
            "alerts not on a phone": session.scalar(
                select(func.count()).select_from(MESSAGE).where(*alerts, MESSAGE.c.id.not_in(arrived))
            )
            or 0,
        }
    return {what: number for what, number in missing.items() if number}


def kept(deployment: Deployment, sent: Sequence[Sent]) -> list[tuple[str, str]]:
    """Return id and words of each text as its case keeps them, opened with the case's key."""
    ids = [one.external_id for one in sent]
    columns = (INBOX.c.external_id, MESSAGE.c.id, MESSAGE.c.sealed, MESSAGE.c.case_id, KEY.c.wrapped)
    came_in = (INBOX.c.external_id.in_(ids), MESSAGE.c.direction == Direction.IN)
    query = select(*columns).join(INBOX, INBOX.c.id == MESSAGE.c.inbox_id).join(KEY, KEY.c.case_id == MESSAGE.c.case_id)
    with deployment.db.reading() as session:
        rows = session.execute(query.where(*came_in)).all()
    keyring = deployment.keyring
    return [(row.external_id, keyring.case_key(row.case_id, row.wrapped).open_text(row.sealed, bound_to(row.id))) for row in rows]


def answered_twice(deployment: Deployment) -> int:
    """Return how many texts to callers may have left more than once; a try that was refused has not left."""
    to_callers = MESSAGE.c.kind.in_((MessageKind.AUTO, MessageKind.REPLY))
    left = ATTEMPT.c.result.is_(None) | (ATTEMPT.c.result != Certainty.REFUSED)
    tried = select(ATTEMPT.c.message_id).join(MESSAGE, MESSAGE.c.id == ATTEMPT.c.message_id).where(to_callers, left)
    with deployment.db.reading() as session:
        return len(session.execute(tried.group_by(ATTEMPT.c.message_id).having(func.count() > 1)).all())


def alerted(deployment: Deployment) -> int:
    """Return how many cases somebody was to be told of."""
    with deployment.db.reading() as session:
        return session.scalar(select(func.count(func.distinct(REFERRAL.c.case_id)))) or 0
