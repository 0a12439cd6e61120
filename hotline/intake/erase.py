"""Takes back what a session told, when the person on the phone stopped it because the phone is not safe.

Raw hops, words and readings go; a case that nobody has seen and that nothing else belongs to goes with its key, and so does the
caller. A case somebody was told of is closed without words. One thing stays: a case in which danger to life was told. Its alert
has left, and whoever pressed stop may be the one a person is in danger from (docs/adr/0024).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from hotline import subscribers
from hotline.models import (
    RANK,
    Assessed,
    Attempt,
    Base,
    Caller,
    Case,
    CaseState,
    Direction,
    Inbox,
    InboxKind,
    Message,
    MessageState,
    NamedClue,
    Note,
    Report,
    table,
)

ASSESSED, ATTEMPT, CALLER, CASE, CLUE = (table(one) for one in (Assessed, Attempt, Caller, Case, NamedClue))
INBOX, MESSAGE, NOTE, REPORT = (table(one) for one in (Inbox, Message, Note, Report))
PARTS = tuple(of for of in reversed(Base.metadata.sorted_tables) if "case_id" in of.c)  # what points at others first
READ = (ASSESSED, CLUE)  # a reading quotes the words
WAITING = (MessageState.QUEUED, MessageState.HELD)


def erase(session: Session, gateway: str, dialled: str, number_index: bytes, now: datetime) -> list[str]:
    """Take back what the session of this keyed hash told. Returns the cases that others told of, too: to be read again."""
    hops = _hops(session, gateway, dialled)
    mine = select(REPORT.c.case_id).join(CALLER, CALLER.c.id == REPORT.c.caller_id).where(CALLER.c.number_index == number_index)
    cases = session.scalars(select(CASE.c.id).where(CASE.c.id.in_(mine), CASE.c.rank != RANK["immediate"])).all()
    kept = [case_id for case_id in cases if _take_back(session, case_id, hops, now)]
    _forget_caller(session, number_index)
    subscribers.leave(session, now, numbers=[number_index])  # a phone that is not safe gets no texts to many either
    return kept


def remove_hops(session: Session, gateway: str, dialled: str) -> None:
    """Remove the raw hops of a session; to be done when their rows are no longer claimed."""
    session.execute(delete(INBOX).where(INBOX.c.id.in_(_hops(session, gateway, dialled))))


def _hops(session: Session, gateway: str, dialled: str) -> Sequence[str]:
    mine = (INBOX.c.gateway == gateway, INBOX.c.kind == InboxKind.USSD, INBOX.c.external_id.like(f"{dialled}-%"))
    return session.scalars(select(INBOX.c.id).where(*mine)).all()


def _take_back(session: Session, case_id: str, hops: Sequence[str], now: datetime) -> bool:
    """Take the words of these hops out of a case. Returns whether others are left in it."""
    of_case = MESSAGE.c.case_id == case_id
    told = session.execute(delete(MESSAGE).where(of_case, MESSAGE.c.inbox_id.in_(hops)).returning(MESSAGE.c.id)).all()
    if not told:
        return False
    for of in READ:
        session.execute(delete(of).where(of.c.case_id == case_id))
    if session.scalar(select(exists().where(of_case, MESSAGE.c.direction == Direction.IN))):
        return True
    if not remove_unseen(session, case_id):
        _close(session, case_id, now)
    return False


def remove_unseen(session: Session, case_id: str) -> bool:
    """Remove a case with its key, unless somebody has seen it. Returns whether it is gone."""
    if _seen(session, case_id):
        return False
    for of in PARTS:
        session.execute(delete(of).where(of.c.case_id == case_id))
    session.execute(delete(CASE).where(CASE.c.id == case_id))
    return True


def _seen(session: Session, case_id: str) -> bool:
    sent = exists().where(ATTEMPT.c.message_id == MESSAGE.c.id, MESSAGE.c.case_id == case_id)
    worked = exists().where(CASE.c.id == case_id, CASE.c.owner_id.is_not(None))
    noted = exists().where(NOTE.c.case_id == case_id)
    return bool(session.scalar(select(sent | worked | noted)))


def _close(session: Session, case_id: str, now: datetime) -> None:
    waiting = (MESSAGE.c.case_id == case_id, MESSAGE.c.state.in_(WAITING))
    session.execute(update(MESSAGE).where(*waiting).values(state=MessageState.CANCELLED, settled_at=now))
    closed = {"state": CaseState.CLOSED, "closed_at": now, "next_step_at": None, "updated_at": now, "version": CASE.c.version + 1}
    session.execute(update(CASE).where(CASE.c.id == case_id).values(**closed))


def _forget_caller(session: Session, number_index: bytes) -> None:
    """Forget a number that nothing is left of."""
    kept = [exists().where(column == CALLER.c.id) for column in (REPORT.c.caller_id, MESSAGE.c.caller_id)]
    alone = (CALLER.c.number_index == number_index, CALLER.c.opted_out_at.is_(None), *(~one for one in kept))
    session.execute(delete(CALLER).where(*alone))
