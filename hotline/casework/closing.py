"""Closing a case: how it ended, after the question whether that harms anybody; and opening it again for thirty days.

A case that calls for help is answered before it is closed. Closing ends its ladder and takes back replies that were kept for the
person's next text: a text that comes later opens a case of its own, and must not be answered with last month's words.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.work import Changed, Taken, lock
from hotline.models import RANK, Case, CaseState, Message, MessageState, Officer, Outcome, table

REOPENS_FOR: Final = timedelta(days=30)
MESSAGE = table(Message)


class Unanswered(Exception):
    """Somebody's life may be in danger, and nobody has said that they act."""


def close(session: Session, case: Case, *, officer: Officer, outcome: Outcome, now: datetime) -> None:
    """Close a case. Raises Taken when another officer has it, Changed when it is closed or frozen, and Unanswered."""
    locked = lock(session, case)
    if locked.owner is not None and locked.owner_id != officer.id:
        raise Taken(locked.owner)
    if locked.state in (CaseState.CLOSED, CaseState.FROZEN):
        raise Changed
    if locked.rank == RANK["immediate"] and locked.acknowledged_at is None:
        raise Unanswered
    locked.state, locked.closed_at, locked.outcome, locked.owner_id = CaseState.CLOSED, now, outcome, officer.id
    locked.next_step_at, locked.updated_at, locked.version = None, now, locked.version + 1
    kept = (MESSAGE.c.case_id == case.id, MESSAGE.c.state == MessageState.HELD)
    session.connection().execute(update(MESSAGE).where(*kept).values(state=MessageState.CANCELLED, settled_at=now))
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.closed", subject=locked.handle, outcome=str(outcome))


def reopen(session: Session, case: Case, *, officer: Officer, now: datetime) -> None:
    """Open a case again as one's own. Raises Changed where it is not closed, was for more than thirty days, or is shredded."""
    locked = lock(session, case)
    if not may_reopen(locked, now):
        raise Changed
    locked.state, locked.closed_at, locked.outcome = CaseState.OPEN, None, None
    locked.owner_id, locked.claimed_at, locked.updated_at = officer.id, now, now
    locked.version += 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.reopened", subject=locked.handle)


def may_reopen(case: Case, now: datetime) -> bool:
    """Whether an officer closed a case, not too long ago to open it again, and it can still be read."""
    lately = case.closed_at is not None and now - case.closed_at <= REOPENS_FOR
    return case.state == CaseState.CLOSED and case.outcome is not None and lately and case.shredded_at is None
