"""What a person does about a dead letter: try it again, have it checked again, or settle it. Each on record, each once.

The record is written in the transaction of the act. A form that is sent twice finds that its token no longer fits, and does
nothing; so does one from a page that somebody else was quicker than. Only single letters: many at once would need a second
person, and texts to many are never sent again from here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Table, Update, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE
from hotline.intake.spool import Spool
from hotline.models import Case, Inbox, InboxState, Message, MessageState, Quarantine, QuarantineState, table
from hotline.queue import QueueName
from hotline.watch.dead import Letter, Source, find
from hotline.watch.rules import Act, What

MESSAGE, INBOX, CASE, ASIDE = (table(m) for m in (Message, Inbox, Case, Quarantine))


class Moved(Exception):
    """The letter is no longer what the page showed: it was dealt with before, or something moved it."""


class NotForThis(Exception):
    """The rule of its kind forbids the act."""


@dataclass(frozen=True)
class Mender:
    """Who does it, and when."""

    actor: str
    now: datetime


def mend(session: Session, deployment: Deployment, named: tuple[Source, str], act: Act, once: str, who: Mender) -> Letter:
    """Do one act to one letter and put it on record. Raises Moved or NotForThis; then nothing has been done."""
    letter = find(session, deployment, *named)
    if letter is None or letter.once != once:
        raise Moved
    if act not in letter.judged.acts:
        raise NotForThis
    DEEDS[letter.source, act](session, deployment, letter, who.now)
    subject = letter.handle or letter.item
    audit.record(
        session, who.now, actor=who.actor, action=f"dead.{act}", subject=subject, item=letter.item, what=letter.judged.what
    )
    return letter


def _send_again(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    row = session.get_one(Message, letter.name)
    valid = _valid_for(deployment, letter.judged.what) if row.valid_until else None
    fresh: dict[str, object] = {"state": MessageState.QUEUED, "due_at": now, "settled_at": None, "reason": None, "attempts": 0}
    if deployment.shelf.get(row.gateway) is None and row.gateway not in BESIDE:
        fresh["gateway"] = deployment.settings.gateway
    session.execute(_row(MESSAGE, letter).values(**fresh, valid_until=now + valid if valid else None))
    after_commit(session, partial(deployment.bell.ring, QueueName(str(row.lane))))


def _read_again(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del now
    session.execute(_row(INBOX, letter).values(state=InboxState.RECEIVED, attempts=0, reason=None))
    after_commit(session, partial(deployment.bell.ring, QueueName.INTAKE))


def _tell_again(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    """Let the ladder take its next step now: it looks for whoever is on duty by now."""
    del deployment
    session.execute(_row(CASE, letter).values(next_step_at=now))


def _check_again(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    """Ask the intake worker to check the signatures; whoever serves the console holds no key that opens a webhook."""
    del now
    session.execute(_alike(letter, QuarantineState.HELD).values(state=QuarantineState.ASKED))
    after_commit(session, partial(deployment.bell.ring, QueueName.INTAKE))


def _leave(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del deployment, now
    session.execute(_alike(letter, QuarantineState.HELD).values(state=QuarantineState.LEFT))


def _settle_message(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del deployment
    session.execute(_row(MESSAGE, letter).values(handled_at=now))


def _settle_webhook(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del deployment
    session.execute(_row(INBOX, letter).values(handled_at=now))


def _file_again(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del now
    file = next(one for one in Spool.of(deployment.settings).bad() if one.path.name == letter.name)
    after_commit(session, file.put_back)


def _settle_file(session: Session, deployment: Deployment, letter: Letter, now: datetime) -> None:
    del now
    file = next(one for one in Spool.of(deployment.settings).bad() if one.path.name == letter.name)
    after_commit(session, file.put_away)


Deed = Callable[[Session, Deployment, Letter, datetime], None]
DEEDS: Mapping[tuple[Source, Act], Deed] = {
    (Source.MESSAGE, Act.REPLAY): _send_again,
    (Source.MESSAGE, Act.SETTLE): _settle_message,
    (Source.INBOX, Act.REPLAY): _read_again,
    (Source.INBOX, Act.SETTLE): _settle_webhook,
    (Source.CASE, Act.REPLAY): _tell_again,
    (Source.QUARANTINE, Act.VERIFY): _check_again,
    (Source.QUARANTINE, Act.SETTLE): _leave,
    (Source.SPOOL, Act.REPLAY): _file_again,
    (Source.SPOOL, Act.SETTLE): _settle_file,
}


def _row(of: Table, letter: Letter) -> Update:
    return update(of).where(of.c.id == letter.name)


def _alike(letter: Letter, state: QuarantineState) -> Update:
    gateway, kind, reason = letter.name.split(".", 2)
    same = (ASIDE.c.gateway == gateway, ASIDE.c.kind == kind, ASIDE.c.reason == reason, ASIDE.c.state == state)
    return update(ASIDE).where(*same)


def _valid_for(deployment: Deployment, what: What) -> timedelta:
    chosen = deployment.settings
    return timedelta(hours=chosen.page_expiry_hours) if what is What.ALERT else timedelta(minutes=chosen.answer_validity_minutes)
