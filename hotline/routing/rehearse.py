"""Rehearses rules on the last reports: who was meant to be told by those in force, who would be by others, and what changes.

Nothing is written and nobody is told. Words are not opened, only what triage made of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Case, CaseKey, Contact, table
from hotline.privacy import CannotOpen
from hotline.routing import conflict, directory
from hotline.routing.choose import OPEN, Choice, choose
from hotline.routing.escalate import referable
from hotline.routing.refer import need
from hotline.routing.rules import Rules

CASE, CASE_KEY, CONTACT = table(Case), table(CaseKey), table(Contact)


@dataclass(frozen=True)
class Rehearsed:
    """One report: whom the rules in force would tell first at the hour it was opened, and whom the others would, with why."""

    handle: str
    category: str
    urgency: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]

    @property
    def changed(self) -> bool:
        """Whether anybody else would be told."""
        return {name for name, _ in self.before} != {name for name, _ in self.after}


def rehearse(session: Session, deployment: Deployment, rules: tuple[Rules, Rules], last: int) -> Iterator[Rehearsed]:
    """Yield the newest `last` reports that can still be opened, newest first. `rules`: in force, and proposed."""
    entries = directory.reachable(session, deployment)
    names = {row.id: row.name for row in session.execute(select(CONTACT.c.id, CONTACT.c.name))}
    newest = select(CASE, CASE_KEY.c.wrapped).join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id)
    rows = session.execute(newest.order_by(CASE.c.opened_at.desc()).limit(last)).mappings().all()
    barred = conflict.bars(session, [row["id"] for row in rows])

    def told(choices: tuple[Choice, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((names[one.entry.id], one.why) for one in choices)

    for row in rows:
        try:
            asked = need(deployment, referable(session, deployment, row).reading)
        except CannotOpen:
            continue
        may_know, local = barred.get(row["id"], OPEN).admitted(entries), deployment.local(row["opened_at"])
        before, after = (told(choose(asked, may_know, local, one)) for one in rules)
        yield Rehearsed(row["handle"], row["category"], row["urgency"], before, after)
