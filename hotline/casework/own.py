"""What an agency sees of what it was told of: its own referrals, what the desk wrote for it alone, and nothing else of a case.

Comes in: somebody of an agency. Goes out: referrals to contacts of that agency, never another's, none that was taken back. Which
facts they see is decided per referral, at the desk; the caller's words, other agencies and the way a case goes stay there.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.deployment import Deployment
from hotline.models import Case, Contact, Officer, Referral, ReferralState, SharedFact

AT_MOST: Final = 200
LONGEST_BRIEF: Final = 2000


def mine(session: Session, agency_id: str | None) -> Sequence[tuple[Case, Referral]]:
    """Return the newest referrals to an agency, what is still open first; to none, nothing."""
    found = select(Case, Referral).join(Referral, Referral.case_id == Case.id).where(*_theirs(agency_id))
    rows = session.execute(found.order_by(Referral.outcome_at.is_not(None), Case.rank, Referral.created_at.desc()).limit(AT_MOST))
    return [(row[0], row[1]) for row in rows]


def one(session: Session, officer: Officer, referral_id: str) -> tuple[Case, Referral] | None:
    """Return one referral with its case, or None where it is not theirs: to them it is not there."""
    found = select(Case, Referral).join(Referral, Referral.case_id == Case.id)
    row = session.execute(found.where(Referral.id == referral_id, *_theirs(officer.agency_id))).first()
    return (row[0], row[1]) if row else None


def facts(session: Session, referral: Referral) -> Sequence[SharedFact]:
    """Return which facts this agency was told, and on which ground."""
    return session.scalars(select(SharedFact).where(SharedFact.referral_id == referral.id).order_by(SharedFact.at)).all()


def read(session: Session, deployment: Deployment, case: Case, referral: Referral, *, officer: Officer, now: datetime) -> str:
    """Return what the desk wrote for them, and put on record that they read it. Empty where it wrote nothing."""
    if referral.brief is None:
        return ""
    words = key_of(session, deployment, case).open_text(referral.brief, _bound(referral))
    audit.record(session, now, actor=f"officer:{officer.name}", action="referral.read", subject=case.handle)
    return words


def brief(  # noqa: PLR0913  what, for whom, of which case, by whom and when
    session: Session, deployment: Deployment, case: Case, referral: Referral, words: str, *, officer: Officer, now: datetime
) -> None:
    """Write what this agency, and no other, reads of the case; later words take the place of earlier ones."""
    sealed = key_of(session, deployment, case).seal_text(words[:LONGEST_BRIEF], _bound(referral))
    referral.brief = sealed
    audit.record(session, now, actor=f"officer:{officer.name}", action="referral.briefed", subject=case.handle)


def _theirs(agency_id: str | None) -> tuple[ColumnElement[bool], ...]:
    """Ask for what was told to an agency; of no agency nothing is found."""
    of_agency = Referral.contact_id.in_(select(Contact.id).where(Contact.agency_id == agency_id))
    return (of_agency, Referral.state != ReferralState.WITHDRAWN, Referral.told_at.is_not(None))


def _bound(referral: Referral) -> str:
    return f"referral|brief|{referral.id}"
