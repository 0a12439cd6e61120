"""Working a case: claim it, give it back, put noise aside and bring it back, note something for colleagues.

One case has one owner. Whoever comes second is told who was first, and nothing of theirs is lost. Claiming says who works a
case at this desk; it does not stop the ladder, because the contacts who can act in the field must still answer.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.deployment import Deployment
from hotline.models import RANK, Aside, Case, CaseState, Note, Officer, new_id, table

NOISE = "spam_or_prank"
UNTOUCHED = (CaseState.NEW, CaseState.UNFINISHED)


class Taken(Exception):
    """Another officer has the case. `by` is the name colleagues know that officer by."""

    def __init__(self, by: Officer) -> None:
        super().__init__("taken")
        self.by = by.display_name


class Changed(Exception):
    """The case is no longer what the officer saw; look once more."""


def claim(session: Session, case: Case, *, officer: Officer, version: int, now: datetime) -> None:
    """Make the officer the owner of a case seen at `version`. Raises Taken or Changed; claiming one's own again is harmless."""
    own = table(Case)
    free = (own.c.id == case.id, own.c.version == version, own.c.owner_id.is_(None), own.c.state != CaseState.CLOSED)
    values = {"owner_id": officer.id, "claimed_at": now, "updated_at": now, "version": version + 1, "aside": None}
    won = session.connection().execute(update(own).where(*free).values(values)).rowcount
    session.refresh(case)
    if not won:
        _explain(case, officer)
        return
    if case.state in UNTOUCHED:
        case.state = CaseState.OPEN
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.claimed", subject=case.handle)


def bring_back(session: Session, case: Case, *, officer: Officer, now: datetime) -> None:
    """Put a case that was set aside as noise into the queue. Raises Changed when it is not set aside any more."""
    locked = lock(session, case)
    if locked.aside != Aside.PARKED:
        raise Changed
    locked.aside, locked.updated_at = None, now
    locked.version += 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.brought_back", subject=case.handle)


def set_aside(session: Session, case: Case, *, officer: Officer, now: datetime) -> None:
    """Put noise out of the queue, or back there after it was brought back.

    Raises Changed for what somebody works on, or no noise.
    """
    locked = lock(session, case)
    if locked.owner_id is not None or locked.category != NOISE or locked.rank != RANK["routine"]:
        raise Changed
    locked.aside, locked.updated_at = Aside.PARKED, now
    locked.version += 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.set_aside", subject=case.handle)


def release(session: Session, case: Case, *, officer: Officer, now: datetime) -> None:
    """Give a case back to the queue. Raises Taken when another officer has it, Changed when nobody has."""
    locked = lock(session, case)
    if locked.owner_id is None:
        raise Changed
    if locked.owner is not None and locked.owner_id != officer.id:
        raise Taken(locked.owner)
    locked.owner_id, locked.claimed_at, locked.updated_at = None, None, now
    locked.version += 1
    if locked.state == CaseState.OPEN:
        locked.state = CaseState.NEW
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.released", subject=case.handle)
    session.flush()
    session.refresh(locked)


def note(session: Session, deployment: Deployment, case: Case, *, officer: Officer, text: str, now: datetime) -> Note:
    """Keep a note for colleagues; it is never shown or sent to a caller."""
    note_id = new_id()
    sealed = key_of(session, deployment, case).seal_text(text, f"note|sealed|{note_id}")
    written = Note(id=note_id, case_id=case.id, officer_id=officer.id, sealed=sealed, at=now)
    session.add(written)
    case.updated_at = now
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.noted", subject=case.handle)
    return written


def lock(session: Session, case: Case) -> Case:
    """Return the case as it is now, held until the transaction ends."""
    fresh = select(Case).where(Case.id == case.id).with_for_update(of=Case).execution_options(populate_existing=True)
    return session.execute(fresh).scalar_one()


def _explain(case: Case, officer: Officer) -> None:
    if case.owner is None:
        raise Changed
    if case.owner_id != officer.id:
        raise Taken(case.owner)
