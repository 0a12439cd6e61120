"""Why somebody was not told of a case: a contact and what the case asks for go in, a reason goes out.

For the page that is printed when somebody asks why a report was, or was not, passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Case, CaseKey, Contact, Referral, Tier, table
from hotline.routing import conflict, directory
from hotline.routing.choose import CHILD_LINE, OPEN, Bar, Entry, Need
from hotline.routing.escalate import referable
from hotline.routing.refer import need

CASE, CASE_KEY = table(Case), table(CaseKey)


class WhyNot(StrEnum):
    """Why a contact was not told, the weightiest first."""

    KEPT_AWAY = "kept_away"
    HELD_BACK = "held_back"
    NO_WAY = "no_way"
    OTHER_AREA = "other_area"
    OTHER_MATTER = "other_matter"
    NO_CROSSINGS = "no_crossings"
    ABROAD = "abroad"
    NOT_FOR_CHILDREN = "not_for_children"
    ONLY_CHILDREN = "only_children"
    HIGHER = "higher"
    OFF_DUTY = "off_duty"
    OTHERS_FIRST = "others_first"


@dataclass(frozen=True)
class Untold:
    """A contact who was not told, and why as far as it can be said now."""

    name: str
    agency: str
    why: WhyNot


def untold(session: Session, deployment: Deployment, case: Case) -> list[Untold]:
    """Return who was not told of a case. Duty is asked for the moment the case was opened."""
    row = session.execute(
        select(CASE, CASE_KEY.c.wrapped).join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id).where(CASE.c.id == case.id)
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        return []
    asked = need(deployment, referable(session, deployment, row).reading)
    bar, entries = conflict.bar(session, case.id), directory.load(session)
    told = set(session.scalars(select(Referral.contact_id).where(Referral.case_id == case.id)))
    people = {one.id: one for one in session.scalars(select(Contact)).unique()}
    local = deployment.local(case.opened_at)
    return [
        Untold(
            people[one.id].name,
            people[one.id].agency.name,
            why(one, asked, bar, entries, local, way=directory.way_to(one, deployment)),
        )
        for one in entries
        if one.id not in told
    ]


def why(entry: Entry, asked: Need, bar: Bar, entries: Sequence[Entry], local: datetime, *, way: bool = True) -> WhyNot:
    """Return the weightiest reason why this contact is not among those told first. `way`: we have one to reach them by."""
    here = "*" in entry.areas or not entry.areas.isdisjoint(asked.areas)
    theirs = "*" in entry.categories or asked.category in entry.categories
    checks = (
        (WhyNot.KEPT_AWAY, not bar.subjects.isdisjoint(entry.subjects)),
        (WhyNot.HELD_BACK, bar is not OPEN and entry not in bar.admitted(entries)),
        (WhyNot.NO_WAY, not way),
        (WhyNot.OTHER_AREA, not here),
        (WhyNot.OTHER_MATTER, not theirs),
        (WhyNot.NO_CROSSINGS, asked.crosses and not entry.crossings),
        (WhyNot.ABROAD, entry.abroad),
        (WhyNot.NOT_FOR_CHILDREN, asked.minors and not entry.minors),
        (WhyNot.ONLY_CHILDREN, entry.agency_kind == CHILD_LINE and not asked.minors),
        (WhyNot.HIGHER, entry.tier is not Tier.DUTY),
        (WhyNot.OFF_DUTY, not entry.on_duty(local)),
    )
    return next((reason for reason, holds in checks if holds), WhyNot.OTHERS_FIRST)
