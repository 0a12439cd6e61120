"""Counts the reports of one month of the calendar: what, how urgent, by which way, in which language, where, how ended, how fast.

Comes in: an officer's own session, so what is kept from them is not counted, and a month. Goes out: exact counts, to be shown
only through `small.publish`. Months alone are counted: spans that overlap could be taken from one another.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import RANK, SECTOR, Case, NamedClue, Referral, table
from hotline.places import sectors

CASE, CLUE, REFERRAL = table(Case), table(NamedClue), table(Referral)
PARTS: Final = ("category", "urgency", "channel", "language", "state")
WAITS: Final = tuple((str(minutes), timedelta(minutes=minutes)) for minutes in (5, 15, 30, 60))
LONGER, NEVER = "longer", "never"
MONTHS_BACK: Final = 12


@dataclass(frozen=True)
class Month:
    """One month of the deployment's calendar."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    def shifted(self, by: int) -> "Month":
        """Return the month so many later."""
        place = self.year * 12 + self.number - 1 + by
        return Month(place // 12, place % 12 + 1)

    def span(self, deployment: Deployment) -> tuple[datetime, datetime]:
        """Return when it begins and ends."""
        after = self.shifted(1)
        ends = (date(self.year, self.number, 1), date(after.year, after.number, 1))
        begin, end = (datetime.combine(day, time(), deployment.settings.zone) for day in ends)
        return begin, end


def month_of(local: datetime) -> Month:
    """Return the month of a moment on the wall clock."""
    return Month(local.year, local.month)


def month_named(written: str) -> Month | None:
    """Return the month written as 2026-11, or None."""
    year, _, number = written.partition("-")
    if not (year.isascii() and year.isdigit() and len(year) == 4 and number.isascii() and number.isdigit()):
        return None
    month = Month(int(year), int(number))
    return month if 1 <= month.number <= 12 and 2000 <= month.year <= 2999 else None


def parts(session: Session, deployment: Deployment, month: Month) -> Mapping[str, Mapping[str, int]]:
    """Return the month's cases by each of their facts; every table adds up to the same total."""
    columns = [CASE.c[name] for name in PARTS]
    counted = select(*columns, func.count().label("cases")).where(*_within(deployment, month)).group_by(*columns)
    tables: dict[str, Counter[str]] = {name: Counter() for name in PARTS}
    for row in session.execute(counted):
        for name in PARTS:
            tables[name][row._mapping[name]] += row.cases  # noqa: SLF001  SQLAlchemy's own name for a row by names
    return tables


def by_category(session: Session, deployment: Deployment, last: Month) -> Sequence[tuple[Month, Mapping[str, int]]]:
    """Return the counts by category of the twelve months up to this one, the oldest first."""
    found = []
    for back in range(MONTHS_BACK - 1, -1, -1):
        month = last.shifted(-back)
        counted = select(CASE.c.category, func.count()).where(*_within(deployment, month)).group_by(CASE.c.category)
        found.append((month, {row[0]: row[1] for row in session.execute(counted)}))
    return found


def by_sector(session: Session, deployment: Deployment, month: Month) -> Mapping[str, int]:
    """Return how many of the month's cases name each sector, or a place in it. One that names two counts in both."""
    chosen = deployment.settings
    names = {deployment.clue_index(SECTOR, name): name for name in sectors(chosen.templates, chosen.district)}
    counted = (
        select(CLUE.c.value_index, func.count())
        .join(CASE, CASE.c.id == CLUE.c.case_id)
        .where(CLUE.c.value_index.in_(list(names)), *_within(deployment, month))
        .group_by(CLUE.c.value_index)
    )
    return dict.fromkeys(names.values(), 0) | {names[index]: count for index, count in session.execute(counted)}


def by_outcome(session: Session, deployment: Deployment, month: Month) -> Mapping[str, int]:
    """Return how many of the month's cases ended so with some agency. One that ended two ways counts in both."""
    counted = (
        select(REFERRAL.c.outcome, func.count(REFERRAL.c.case_id.distinct()))
        .join(CASE, CASE.c.id == REFERRAL.c.case_id)
        .where(REFERRAL.c.outcome.is_not(None), *_within(deployment, month))
        .group_by(REFERRAL.c.outcome)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def by_wait(session: Session, deployment: Deployment, month: Month) -> Mapping[str, int]:
    """Return how long the month's dangers to life waited for somebody to take them."""
    urgent = (CASE.c.rank == RANK["immediate"], *_within(deployment, month))
    asked = select(CASE.c.opened_at, CASE.c.acknowledged_at).where(*urgent)
    waits = Counter(_wait(opened, taken) for opened, taken in session.execute(asked))
    return {name: waits[name] for name in (*(name for name, _ in WAITS), LONGER, NEVER)}


def _wait(opened: datetime, taken: datetime | None) -> str:
    if taken is None:
        return NEVER
    return next((name for name, most in WAITS if taken - opened <= most), LONGER)


def _within(deployment: Deployment, month: Month) -> tuple[ColumnElement[bool], ...]:
    begin, end = month.span(deployment)
    return CASE.c.opened_at >= begin, CASE.c.opened_at < end
