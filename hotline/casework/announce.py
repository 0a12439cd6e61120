"""Tells a contact's webhook that one of its referrals has gone on: taken, worked on, declined, ended, whoever said so.

Asked by the clock, and remembered in the referral's row in the same transaction as the message: whichever way a state changed, it
is told once. A referral that was taken back is never told of: to its contact it is as if it had never been.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.webhook import WebhookOut
from hotline.models import Case, CaseKey, Contact, Lane, Message, MessageKind, Referral, ReferralState, table
from hotline.outbound.beside import event
from hotline.outbound.compose import Draft

CASE, CASE_KEY, CONTACT, MESSAGE, REFERRAL = (table(model) for model in (Case, CaseKey, Contact, Message, Referral))
CHANGED: Final = "referral.changed"
TOLD: Final = (
    ReferralState.ACKNOWLEDGED,
    ReferralState.PASSED_ON,
    ReferralState.DECLINED,
    ReferralState.ACCEPTED,
    ReferralState.OUTCOME,
)
LATELY: Final = timedelta(days=1)  # an address that is new hears nothing of what was long ago
AT_ONCE: Final = 100


def changes(session: Session, deployment: Deployment, now: datetime) -> int:
    """Write a message for each referral that has changed and whose contact has a webhook. Returns how many."""
    if deployment.shelf.get(WebhookOut.name) is None:
        return 0
    newest = func.coalesce(REFERRAL.c.outcome_at, REFERRAL.c.accepted_at, REFERRAL.c.answered_at)
    fresh = (REFERRAL.c.state.in_(TOLD), REFERRAL.c.announced.is_distinct_from(REFERRAL.c.state), newest > now - LATELY)
    found = (
        select(REFERRAL, CASE.c.handle, CASE_KEY.c.wrapped)
        .join(CONTACT, CONTACT.c.id == REFERRAL.c.contact_id)
        .join(CASE, CASE.c.id == REFERRAL.c.case_id)
        .join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id)
        .where(CONTACT.c.webhook_sealed.is_not(None), *fresh)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=REFERRAL)
    )
    rows = session.execute(found).mappings().all()
    for row in rows:
        draft = Draft(
            kind=MessageKind.NOTICE,
            lane=Lane.REPLY,
            body=event(deployment, CHANGED, row["handle"], now, state=row["state"], outcome=row["outcome"], referral=row["id"]),
            gateway=WebhookOut.name,
            case_id=row["case_id"],
            contact_id=row["contact_id"],
            valid_for=LATELY,
        )
        key = deployment.keyring.case_key(row["case_id"], row["wrapped"])
        session.execute(insert(MESSAGE).values(draft.row(key, now)))
        session.execute(update(REFERRAL).where(REFERRAL.c.id == row["id"]).values(announced=row["state"]))
    return len(rows)
