"""A referral's way: told, acknowledged, accepted or declined, and how it ended; each step dated, by whoever took it.

The steps are the same by text and at the desk. Only what was told to an agency, and on what ground, is for the desk alone: a
fact is ticked one by one, and what it says is told by a person, never by a text.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.acknowledge import hand_back, notice, stop_ladder
from hotline.casework.work import lock
from hotline.deployment import Deployment
from hotline.models import (
    RANK,
    Case,
    Fact,
    Ground,
    Officer,
    Outcome,
    Reason,
    Referral,
    ReferralState,
    SharedFact,
)

OPEN_TO_ANSWER = (
    ReferralState.QUEUED,
    ReferralState.TOLD,
    ReferralState.ACKNOWLEDGED,
    ReferralState.ACCEPTED,
    ReferralState.PASSED_ON,
    ReferralState.DECLINED,
)
TAKEN_BACK_AT_ONCE = 100


class NotNow(Exception):
    """The referral is not where this step leads from; look once more."""


def accept(session: Session, case: Case, referral: Referral, now: datetime, *, actor: str) -> None:
    """Note that an agency works on the case: nobody takes it back from them by the clock. Raises NotNow."""
    _open(referral)
    _take(session, case, referral, now)
    referral.state, referral.accepted_at = ReferralState.ACCEPTED, referral.accepted_at or now
    _record(session, case, now, actor, "referral.accepted")


def decline(  # noqa: PLR0913  whose, why, when, by whom and how
    session: Session, case: Case, referral: Referral, reason: Reason | None, now: datetime, *, actor: str, by: str = "desk"
) -> None:
    """Note that it is not theirs, and why; whoever had taken it hands it back. Raises NotNow."""
    _open(referral)
    referral.state, referral.answered_at = ReferralState.DECLINED, now
    referral.reason = reason or referral.reason
    hand_back(session, case, referral, now)
    _record(session, case, now, actor, "case.declined", by=by)


def end(session: Session, case: Case, referral: Referral, outcome: Outcome, now: datetime, *, actor: str) -> None:
    """Note how it ended with this agency; a later outcome replaces an earlier one. Raises NotNow."""
    if referral.state != ReferralState.OUTCOME:
        _open(referral)
        _take(session, case, referral, now)
    referral.state, referral.outcome, referral.outcome_at = ReferralState.OUTCOME, outcome, now
    _record(session, case, now, actor, "referral.outcome", outcome)


def share(  # noqa: PLR0913  a fact, its ground, to whom and by whom
    session: Session, case: Case, referral: Referral, facts: Sequence[Fact], ground: Ground, *, officer: Officer, now: datetime
) -> int:
    """Note which facts an agency was told, on which ground. One told before stays as it is. Returns how many are new."""
    _open(referral)
    before = set(session.scalars(select(SharedFact.fact).where(SharedFact.referral_id == referral.id)))
    fresh = [fact for fact in dict.fromkeys(facts) if fact not in before]
    plain = {"case_id": case.id, "referral_id": referral.id, "ground": ground, "officer_id": officer.id, "at": now}
    session.add_all(SharedFact(fact=fact, **plain) for fact in fresh)
    for fact in fresh:
        _record(session, case, now, f"officer:{officer.name}", "referral.shared", fact)
    return len(fresh)


def take_back(session: Session, deployment: Deployment, now: datetime) -> int:
    """Take cases back from contacts who took them and then neither accepted nor told how it ended. Returns how many.

    Who has accepted keeps the case. The ladder begins anew, and the contact is told so.
    """
    chosen = deployment.settings
    soonest = now - timedelta(minutes=min(chosen.return_life_minutes, chosen.return_normal_hours * 60))
    overdue = (Referral.state == ReferralState.ACKNOWLEDGED, Referral.answered_at <= soonest)
    theirs = (Case.acknowledged_by_id == Referral.contact_id, Case.id == Referral.case_id)
    found = session.execute(
        select(Case, Referral)
        .join(Referral, theirs[1])
        .where(*overdue, theirs[0])
        .order_by(Referral.answered_at)
        .limit(TAKEN_BACK_AT_ONCE)
        .with_for_update(of=Case, skip_locked=True)
    ).all()
    late = [(case, referral) for case, referral in found if _is_late(deployment, case, referral, now)]
    for case, referral in late:
        referral.state, referral.reason = ReferralState.PASSED_ON, Reason.NO_NEWS
        hand_back(session, case, referral, now)
        _record(session, case, now, "clock", "referral.returned")
        notice(session, deployment, referral.contact, "staff.returned", now, code=case.handle)
    return len(late)


def _is_late(deployment: Deployment, case: Case, referral: Referral, now: datetime) -> bool:
    chosen = deployment.settings
    life = case.rank == RANK["immediate"]
    limit = timedelta(minutes=chosen.return_life_minutes) if life else timedelta(hours=chosen.return_normal_hours)
    return referral.answered_at is not None and now - referral.answered_at >= limit


def _open(referral: Referral) -> None:
    if referral.state not in OPEN_TO_ANSWER:
        raise NotNow


def _take(session: Session, case: Case, referral: Referral, now: datetime) -> None:
    """Let the case be theirs where it is nobody's: whoever works on it has also taken it."""
    referral.answered_at = referral.answered_at or now
    locked = lock(session, case)
    if locked.acknowledged_at is None:
        locked.acknowledged_by_id = referral.contact_id
        stop_ladder(session, locked, now)


def _record(session: Session, case: Case, now: datetime, actor: str, action: str, what: str = "", **more: str) -> None:
    case.updated_at, case.version = now, case.version + 1
    meta = more | ({"what": str(what)} if what else {})
    audit.record(session, now, actor=actor, action=action, subject=case.handle, **meta)
