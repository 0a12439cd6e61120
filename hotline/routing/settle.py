"""Refers reports whose caller has stopped telling, by an end or by silence: on what there is, as far as it goes.

Somebody who dials tells piece by piece, and a session may be cut off at any of them. A contact told after the first piece would
know too little, and one told only of finished reports would never hear of the others.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import AT_REST, Case, CaseKey, CaseState, Lane, Referral, Report, table
from hotline.routing.escalate import referable
from hotline.routing.grow import words_of
from hotline.routing.refer import Referable, refer

CASE, CASE_KEY, REFERRAL, REPORT = table(Case), table(CaseKey), table(Referral), table(Report)
AT_ONCE = 100


def settle(session: Session, deployment: Deployment, now: datetime) -> set[Lane]:
    """Refer reports that are due and that nobody was told of. Returns the lanes in which alerts now wait."""
    referred = exists().where(REFERRAL.c.case_id == CASE.c.id)
    columns = (CASE, CASE_KEY.c.wrapped, REPORT.c.id.label("report_id"), referred.label("referred"))
    due = (
        select(*columns)
        .join(REPORT, REPORT.c.case_id == CASE.c.id)
        .join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id)
        .where(REPORT.c.settles_at <= now)
        .order_by(REPORT.c.settles_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=REPORT)
    )
    rows = session.execute(due).mappings().all()
    settled = REPORT.c.id.in_([row["report_id"] for row in rows])
    session.execute(update(REPORT).where(settled).values(settles_at=None))
    if not rows:
        return set()
    fresh = [row for row in rows if not row["referred"] and row["state"] != CaseState.CLOSED]
    return refer(session, deployment, [_with_words(session, referable(session, deployment, row)) for row in fresh], now)


def resume(session: Session, deployment: Deployment, case_id: str, now: datetime) -> set[Lane]:
    """Refer a case anew once a person has decided who may know of it; not one that somebody has taken meanwhile."""
    waits = (CASE.c.id == case_id, CASE.c.acknowledged_at.is_(None), CASE.c.state.not_in(AT_REST))
    asked = select(CASE, CASE_KEY.c.wrapped).join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id).where(*waits)
    row = session.execute(asked.with_for_update(of=CASE)).mappings().one_or_none()
    if row is None:
        return set()
    told = frozenset(session.scalars(select(REFERRAL.c.contact_id).where(REFERRAL.c.case_id == case_id)))
    return refer(session, deployment, [replace(referable(session, deployment, row), told=told)], now)


def _with_words(session: Session, case: Referable) -> Referable:
    """Return a stored case with what its caller has told: it may name somebody who must not know."""
    return replace(case, reading=replace(case.reading, words=words_of(session, case.case_id, case.key)))
