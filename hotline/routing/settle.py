"""Refers reports whose caller has stopped telling, by an end or by silence: on what there is, as far as it goes.

Somebody who dials tells piece by piece, and a session may be cut off at any of them. A contact told after the first piece would
know too little, and one told only of finished reports would never hear of the others.
"""

from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Case, CaseKey, CaseState, Lane, Referral, Report, table
from hotline.routing.escalate import referable
from hotline.routing.refer import refer

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
    fresh = [row for row in rows if not row["referred"] and row["state"] != CaseState.CLOSED]
    return refer(session, deployment, [referable(session, deployment, row) for row in fresh], now) if fresh else set()
