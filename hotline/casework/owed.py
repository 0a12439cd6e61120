"""What agencies owe: referrals nobody answered, that were taken and not heard of, or worked on without an outcome, by agency.

For the weekly talk with each agency. Handles and times alone; what a case says stays in it. A referral somebody else has taken
is still one this agency did not answer, and is marked so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.models import Case, Contact, Referral, ReferralState

WEEK: Final = timedelta(days=7)
A_WHILE: Final = timedelta(hours=1)  # before which nobody has failed to answer yet
NEWS_WITHIN: Final = timedelta(hours=24)


class Owed(StrEnum):
    """What we wait for."""

    ANSWER = "answer"
    NEWS = "news"
    OUTCOME = "outcome"


@dataclass(frozen=True)
class Debt:
    """One referral that waits for its agency. `elsewhere`: another agency has taken the case."""

    case: Case
    referral: Referral
    owed: Owed
    since: datetime
    elsewhere: bool


def owed(session: Session, now: datetime, *, told_within: timedelta = WEEK) -> Mapping[str, list[Debt]]:
    """Return what each agency owes of what it was told of lately, the longest wait first. Who owes nothing is not in it."""
    lately = (Referral.told_at >= now - told_within, Referral.told_at <= now - A_WHILE)
    found = select(Case, Referral).join(Referral, Referral.case_id == Case.id).join(Contact, Contact.id == Referral.contact_id)
    debts: dict[str, list[Debt]] = {}
    for case, referral in session.execute(found.where(*lately).order_by(Referral.told_at)):
        if debt := _debt(case, referral, now):
            debts.setdefault(referral.contact.agency.name, []).append(debt)
    return dict(sorted(debts.items(), key=lambda one: (-len(one[1]), one[0])))


def _debt(case: Case, referral: Referral, now: datetime) -> Debt | None:
    elsewhere = case.acknowledged_at is not None and case.acknowledged_by_id != referral.contact_id
    if referral.state == ReferralState.TOLD and referral.told_at:
        return Debt(case, referral, Owed.ANSWER, referral.told_at, elsewhere)
    if referral.state == ReferralState.ACKNOWLEDGED and referral.answered_at and now - referral.answered_at >= NEWS_WITHIN:
        return Debt(case, referral, Owed.NEWS, referral.answered_at, elsewhere)
    if referral.state == ReferralState.ACCEPTED and referral.accepted_at and now - referral.accepted_at >= NEWS_WITHIN:
        return Debt(case, referral, Owed.OUTCOME, referral.accepted_at, elsewhere)
    return None
