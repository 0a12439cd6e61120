"""Four things that may safely be done to several cases at once: claim, give to a colleague, give back, set aside as noise.

Nothing here answers, closes or exports: those are done to one case by somebody who has read it. A case that has changed
meanwhile, or that a colleague has, is left as it is and counted. What was before is handed out, so that it can be put back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit, sight
from hotline.casework import work
from hotline.casework.work import Changed, Taken
from hotline.models import Aside, Case, Exclusion, ExclusionState, Officer
from hotline.roles import May, allows

MOST: Final = 25


class Deed(StrEnum):
    """What may be done to several at once."""

    CLAIM = "claim"
    GIVE = "give"
    GIVE_BACK = "give_back"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True)
class Before:
    """What a case was before, and its version after: it is put back only where nothing else has happened since."""

    token: str
    version: int
    owner_id: str | None
    state: str
    parked: bool


def do(
    session: Session, deed: Deed, cases: Sequence[Case], *, officer: Officer, to: Officer | None, now: datetime
) -> tuple[list[Before], int]:
    """Do one thing to up to 25 cases. Returns what those that took it were before, and how many were left as they are."""
    done: list[Before] = []
    for case in cases[:MOST]:
        owner_id, state, parked = case.owner_id, case.state, case.aside == Aside.PARKED
        try:
            _one(session, deed, case, officer=officer, to=to, now=now)
        except (Taken, Changed):
            continue
        session.flush()
        session.refresh(case)
        done.append(Before(case.token, case.version, owner_id, state, parked))
    return done, len(cases) - len(done)


def undo(session: Session, before: Iterable[Before], *, officer: Officer, now: datetime) -> int:
    """Put cases back to what they were. Returns how many could be: what has changed since stays."""
    back = 0
    for was in before:
        case = session.scalars(select(Case).where(Case.token == was.token)).first()
        if case is None or work.lock(session, case).version != was.version:
            continue
        case.owner_id, case.state = was.owner_id, was.state
        case.claimed_at = now if was.owner_id else None
        case.aside = Aside.PARKED if was.parked else None
        case.updated_at, case.version, back = now, case.version + 1, back + 1
        audit.record(session, now, actor=f"officer:{officer.name}", action="case.undone", subject=case.handle)
    return back


def _one(session: Session, deed: Deed, case: Case, *, officer: Officer, to: Officer | None, now: datetime) -> None:
    deeds: dict[Deed, Callable[[], None]] = {
        Deed.CLAIM: lambda: work.claim(session, case, officer=officer, version=case.version, now=now),
        Deed.GIVE: lambda: give(session, case, officer=officer, to=to, now=now),
        Deed.GIVE_BACK: lambda: work.release(session, case, officer=officer, now=now),
        Deed.SET_ASIDE: lambda: work.set_aside(session, case, officer=officer, now=now),
    }
    deeds[deed]()


def give(session: Session, case: Case, *, officer: Officer, to: Officer | None, now: datetime) -> None:
    """Give a case that is nobody's, or one's own, to a colleague.

    Raises Taken when a third has it, and Changed for a colleague who may not work on it or must not know of it.
    """
    locked = work.lock(session, case)
    if locked.owner is not None and locked.owner_id != officer.id:
        raise Taken(locked.owner)
    if to is None or not to.active or not allows(to.role, May.WORK_CASE) or _must_not_know(session, case, to):
        raise Changed
    locked.owner_id, locked.claimed_at, locked.updated_at, locked.aside = to.id, now, now, None
    locked.version += 1
    if locked.state in work.UNTOUCHED:
        locked.state = "open"
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.given", subject=locked.handle)


def _must_not_know(session: Session, case: Case, officer: Officer) -> bool:
    kept = (Exclusion.case_id == case.id, Exclusion.subject.in_(sight.subjects(officer)))
    return session.scalars(select(Exclusion.id).where(*kept, Exclusion.state != ExclusionState.DISMISSED)).first() is not None
