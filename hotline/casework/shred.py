"""Makes what a case said unreadable for good: its days are over, or the person asked for it (docs/adr/0055).

Its key goes, and with it every word in every copy of the database; so do the words themselves, the clues by which it is linked,
and the caller's number once nothing else needs it. What stays tells of nobody: handle, category, times, who was told, how it
ended, and the record. A case that is kept for a court or an inquiry stays whole.

Comes in: ids of cases. Goes out: a row of the record for each. Law 058/2021, art. 52: keep until the purpose is met, longer
where an inquiry or a court needs it, then destroy so that it cannot be recovered.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from hotline import audit, subscribers
from hotline.casework.work import Changed, lock
from hotline.deployment import Deployment
from hotline.models import (
    IN_FLIGHT,
    Assessed,
    Beep,
    Caller,
    Case,
    CaseKey,
    CaseState,
    CheckWord,
    Correction,
    Exclusion,
    KeptFor,
    Message,
    NamedClue,
    Note,
    Officer,
    RecordedAudio,
    Recording,
    Referral,
    Report,
    ReturnCode,
    Reveal,
    VoiceCall,
    table,
    written_out,
)

CASE, CALLER, REPORT, MESSAGE, REFERRAL, BEEP = (table(one) for one in (Case, Caller, Report, Message, Referral, Beep))
GONE: Final = tuple(table(one) for one in (CaseKey, Assessed, NamedClue, Note, CheckWord, Correction, ReturnCode, RecordedAudio))
# Rows that stay and count, without their words.
EMPTIED: Final = tuple(table(one) for one in (Message, Exclusion, Reveal, VoiceCall, Recording))
SCRUBBED: Final = (table(CaseKey), CALLER)  # what opens words, and numbers
AT_ONCE: Final = 50
CLOCK: Final = "clock"


class Kept(Exception):
    """A case is kept for a court or an inquiry, or still worked on. Names its handle."""


def over_age(session: Session, deployment: Deployment, now: datetime) -> int:
    """Shred some of the cases that have been closed for longer than they are kept. Returns how many."""
    days = deployment.settings.case_days
    if not days:
        return 0
    past = (CASE.c.closed_at < now - timedelta(days=days), CASE.c.closed_at.is_not(None))
    # A closed case may have been frozen since; the state as no index knows it, so that theirs is taken.
    closed = func.coalesce(CASE.c.state, "") == CaseState.CLOSED
    whole = (closed, CASE.c.shredded_at.is_(None), CASE.c.kept_for.is_(None))
    ids = session.scalars(select(CASE.c.id).where(*past, *whole).order_by(CASE.c.closed_at).limit(AT_ONCE)).all()
    return shred(session, ids, actor=CLOCK, now=now) if ids else 0


def shred(session: Session, case_ids: Sequence[str], *, actor: str, now: datetime) -> int:
    """Shred cases that are closed. Returns how many. Raises Kept."""
    rows = session.scalars(select(Case).where(Case.id.in_(case_ids)).order_by(Case.id).with_for_update(of=Case)).unique().all()
    for case in rows:
        if case.state != CaseState.CLOSED or case.kept_for is not None:
            raise Kept(case.handle)
    ids = [case.id for case in rows if case.shredded_at is None]
    for of in GONE:
        session.execute(delete(of).where(of.c.case_id.in_(ids)))
    for of in EMPTIED:
        session.execute(update(of).where(of.c.case_id.in_(ids)).values(sealed=b""))
    session.execute(update(REFERRAL).where(REFERRAL.c.case_id.in_(ids)).values(brief=None))
    for case in rows:
        if case.id in ids:
            case.shredded_at, case.updated_at, case.version = now, now, case.version + 1
            audit.record(session, now, actor=actor, action="case.shredded", subject=case.handle)
    session.flush()
    _forget(session, session.scalars(select(REPORT.c.caller_id).where(REPORT.c.case_id.in_(ids))).all())
    return len(ids)


def of_number(session: Session, deployment: Deployment, address: str) -> Sequence[Case]:
    """Return the cases in which this number wrote, dialled or called, the oldest first."""
    index = deployment.number_index(address)
    mine = select(Report.case_id).join(Caller, Caller.id == Report.caller_id).where(Caller.number_index == index)
    return session.scalars(select(Case).where(Case.id.in_(mine)).order_by(Case.opened_at)).unique().all()


def forget_number(session: Session, deployment: Deployment, address: str, *, actor: str, now: datetime) -> int:
    """Shred every case of a number, and forget the number; it is on no list any more. Returns how many cases. Raises Kept."""
    index = deployment.number_index(address)
    done = shred(session, [case.id for case in of_number(session, deployment, address)], actor=actor, now=now)
    _forget(session, session.scalars(select(CALLER.c.id).where(CALLER.c.number_index == index)).all())
    session.execute(delete(BEEP).where(BEEP.c.number_index == index, ~written_out(BEEP.c.state, IN_FLIGHT)))
    subscribers.leave(session, now, numbers=[index])
    return done


def keep(session: Session, case: Case, why: KeptFor | None, *, officer: Officer, now: datetime) -> None:
    """Keep a case beyond its days, or no longer. Raises Changed where its words are gone."""
    locked = lock(session, case)
    if locked.shredded_at is not None:
        raise Changed
    locked.kept_for, locked.updated_at, locked.version = why, now, locked.version + 1
    action, facts = ("case.kept", {"outcome": str(why)}) if why else ("case.kept_no_more", {})
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=locked.handle, **facts)


def ends_at(case: Case, days: int) -> datetime | None:
    """Return when the words of a closed case go; None where they stay."""
    if not days or case.closed_at is None or case.kept_for is not None or case.shredded_at is not None:
        return None
    return case.closed_at + timedelta(days=days)


def _forget(session: Session, caller_ids: Sequence[str]) -> None:
    """Forget the numbers of callers of whom no case is left that can be read. A later text of theirs is somebody new's."""
    readable = exists().where(REPORT.c.caller_id == CALLER.c.id, REPORT.c.case_id == CASE.c.id, CASE.c.shredded_at.is_(None))
    for caller_id in session.scalars(select(CALLER.c.id).where(CALLER.c.id.in_(caller_ids), ~readable)).all():
        empty = {"number_index": secrets.token_bytes(16), "number_sealed": b"", "reachable": False, "language": None}
        told = {"safe_hours": None, "open_question": None, "asked_at": None}
        session.execute(update(CALLER).where(CALLER.c.id == caller_id).values(**empty, **told))
        session.execute(update(MESSAGE).where(MESSAGE.c.caller_id == caller_id, MESSAGE.c.case_id.is_(None)).values(sealed=b""))
