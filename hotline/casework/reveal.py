"""Shows a number to an officer: with a reason, a fresh second factor and a second person, once, for a minute, on record.

Comes in: a case and an officer; goes out, once, the number. Each step writes its row of the record in the transaction of the step
itself: no record, no number. Where a life is in danger the officer need not wait for the second person, who then looks at it
within a day. Nobody decides what they asked themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import caller_of, key_of
from hotline.deployment import Deployment
from hotline.models import RANK, Case, CaseKey, Officer, Reveal, RevealReason, RevealState, new_id

SHORTEST_WHY: Final = 20  # characters: long enough that somebody has to say something
LONGEST_WHY: Final = 500
MOST_A_DAY: Final = 5
GRANTED_FOR: Final = timedelta(minutes=15)
SHOWN_FOR: Final = timedelta(seconds=60)
DAY: Final = timedelta(hours=24)


class NotNow(Exception):
    """A number is not asked for so. `why` is a block of the page: short, often, nobody."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Stale(Exception):
    """The asking has been decided or used before, has run out of time, or is not this officer's."""


@dataclass(frozen=True)
class Waiting:
    """An asking that a second person has to look at, with the words of why; none where the case was shredded."""

    reveal: Reveal
    why: str


def ask(
    session: Session, deployment: Deployment, case: Case, *, officer: Officer, said: tuple[str, str], now: datetime
) -> Reveal:
    """Ask for the number of who wrote; `said` is the reason and why, in words. Raises NotNow, Shredded, ValueError."""
    reason, why = RevealReason(said[0]), said[1].strip()[:LONGEST_WHY]
    if len(why) < SHORTEST_WHY:
        raise NotNow("short")
    caller = caller_of(session, case)
    if caller is None or not caller.reachable or not caller.number_sealed:
        raise NotNow("nobody")
    today = select(func.count()).where(Reveal.officer_id == officer.id, Reveal.asked_at > now - DAY)
    if (session.scalar(today) or 0) >= MOST_A_DAY:
        raise NotNow("often")
    row_id, urgent = new_id(), case.rank == RANK["immediate"] and reason is RevealReason.DANGER
    made = Reveal(
        id=row_id,
        case_id=case.id,
        officer_id=officer.id,
        reason=reason,
        sealed=key_of(session, deployment, case).seal_text(why, f"reveal|sealed|{row_id}"),
        state=RevealState.GRANTED if urgent else RevealState.ASKED,
        unheard=urgent,
        asked_at=now,
        decided_at=now if urgent else None,
    )
    session.add(made)
    session.flush()
    _record(session, made, case, officer, "number.asked", now)
    return made


def decide(session: Session, reveal_id: str, *, grant: bool, officer: Officer, now: datetime) -> None:
    """Grant or refuse what somebody else asked, or say that what was granted for danger was right or wrong. Raises Stale."""
    found = session.get(Reveal, reveal_id)
    if found is None or found.officer_id == officer.id:
        raise Stale
    values: dict[str, object] = {"decided_by_id": officer.id, "unheard": False}
    if found.state == RevealState.ASKED:
        values |= {"state": RevealState.GRANTED if grant else RevealState.REFUSED, "decided_at": now}
    still = (Reveal.id == reveal_id, or_(Reveal.state == RevealState.ASKED, Reveal.unheard))
    if session.execute(update(Reveal).where(*still).values(values).returning(Reveal.id)).scalar() is None:
        raise Stale
    _record(session, found, found.case, officer, "number.granted" if grant else "number.refused", now)


def show(session: Session, deployment: Deployment, case: Case, *, officer: Officer, now: datetime) -> str:
    """Return the number, once, to who asked and was granted it within a quarter of an hour. Raises Stale, Shredded."""
    mine = (Reveal.case_id == case.id, Reveal.officer_id == officer.id, Reveal.state == RevealState.GRANTED)
    found = session.scalars(select(Reveal).where(*mine, Reveal.decided_at > now - GRANTED_FOR).limit(1)).first()
    caller = caller_of(session, case)
    if found is None or caller is None:
        raise Stale
    key_of(session, deployment, case)  # of a case that was shredded nothing is shown any more
    used = {"state": RevealState.SEEN, "seen_at": now}
    once = update(Reveal).where(Reveal.id == found.id, Reveal.state == RevealState.GRANTED).values(used).returning(Reveal.id)
    if session.execute(once).scalar() is None:
        raise Stale
    _record(session, found, case, officer, "number.seen", now)
    return deployment.keyring.fields.open_text(caller.number_sealed, f"caller|number|{caller.id}")


def standing(session: Session, case: Case, officer: Officer, now: datetime) -> Reveal | None:
    """Return this officer's newest asking of a case that still counts: waiting for somebody, or granted and not yet used."""
    mine = (Reveal.case_id == case.id, Reveal.officer_id == officer.id)
    newest = session.scalars(select(Reveal).where(*mine).order_by(Reveal.asked_at.desc()).limit(1)).first()
    if newest is None or newest.state == RevealState.SEEN:
        return None
    if newest.state == RevealState.GRANTED and newest.decided_at and newest.decided_at <= now - GRANTED_FOR:
        return None
    return newest


def waiting(session: Session, deployment: Deployment, officer: Officer) -> Sequence[Waiting]:
    """Return what a second person has to look at, the oldest first; not what this officer asked."""
    open_ones = or_(Reveal.state == RevealState.ASKED, Reveal.unheard)
    found = session.scalars(select(Reveal).where(open_ones, Reveal.officer_id != officer.id).order_by(Reveal.asked_at))
    return [Waiting(one, _why(session, deployment, one)) for one in found.unique()]


def _why(session: Session, deployment: Deployment, one: Reveal) -> str:
    row = session.get(CaseKey, one.case_id)
    return (
        ""
        if row is None
        else deployment.keyring.case_key(one.case_id, row.wrapped).open_text(one.sealed, f"reveal|sealed|{one.id}")
    )


def _record(session: Session, one: Reveal, case: Case, officer: Officer, action: str, now: datetime) -> None:
    asked_by = "" if one.officer_id == officer.id else one.officer.name
    more = {"for": asked_by} if asked_by else {}
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=case.handle, reason=one.reason, **more)
