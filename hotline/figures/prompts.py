"""From prompt to outcome: what was read out on air, the votes it brought, the reports laid to it, and what became of these.

Comes in: an officer's own session, so what is kept from them is not counted, and a month. Goes out: numbers that may be shown. A
report is laid to one prompt (hotline/radio/trace.py), so the prompts of a station add up, and small ones are kept back with the
station's own number. A show has no number of its own: two sums over the same small ones would give them away. Votes are no
secret: they are said on air.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, case, distinct, func, or_, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.figures import small
from hotline.figures.counts import Month
from hotline.figures.small import Cell
from hotline.models import Airing, Episode, Exposure, Outcome, Poll, Prompt, Referral, Show, Station, Tally, table

AIRING, EPISODE, EXPOSURE, POLL, PROMPT, REFERRAL, SHOW, STATION, TALLY = (
    table(model) for model in (Airing, Episode, Exposure, Poll, Prompt, Referral, Show, Station, Tally)
)
GOOD: Final = (Outcome.RESCUED, Outcome.SAFE, Outcome.ARRESTED, Outcome.REFERRED_ON)
STEPS: Final = ("reports", "told", "taken", "good")
HEAD: Final = ("month", "station", "show", "prompt", "votes", *STEPS)
LEFT_OUT: Final = "…"


@dataclass(frozen=True)
class Line:
    """What one prompt of a show brought, by the name of each step. None where a number would give a small one away."""

    show: str
    prompt: str
    votes: int
    steps: Mapping[str, Cell | None]


@dataclass(frozen=True)
class Brought:
    """One station's month: its own numbers, and those of its prompts by show and name."""

    station: str
    votes: int
    totals: Mapping[str, Cell | None]
    lines: tuple[Line, ...]

    def rows(self, month: Month) -> Iterator[tuple[str, ...]]:
        """Yield the rows of a table for a spreadsheet, the station's own first."""
        for line in (Line("", "", self.votes, self.totals), *self.lines):
            cells = (cell.shown if cell else LEFT_OUT for cell in line.steps.values())
            yield (str(month), self.station, line.show, line.prompt, str(line.votes), *cells)


def of_month(session: Session, deployment: Deployment, month: Month) -> list[Brought]:
    """Return the stations of which something went out, was voted on or led to a report in a month, by name."""
    begin, end = month.span(deployment)
    votes = _votes(session, and_(POLL.c.opened_at >= begin, POLL.c.opened_at < end))
    exact: dict[str, dict[tuple[str, str], dict[str, int]]] = {}
    within = and_(EXPOSURE.c.at >= begin, EXPOSURE.c.at < end)
    aired = select(AIRING.c.prompt_id).where(AIRING.c.at >= begin, AIRING.c.at < end)
    names = (STATION.c.name.label("station"), SHOW.c.name.label("show"), PROMPT.c.name.label("prompt"))
    told = case((REFERRAL.c.told_at.is_not(None), EXPOSURE.c.case_id))
    taken = case((REFERRAL.c.answered_at.is_not(None) & REFERRAL.c.reason.is_(None), EXPOSURE.c.case_id))
    good = case((REFERRAL.c.outcome.in_(GOOD), EXPOSURE.c.case_id))
    counted = (func.count(distinct(one)) for one in (EXPOSURE.c.case_id, told, taken, good))
    joined = (
        PROMPT.join(EPISODE, EPISODE.c.id == PROMPT.c.episode_id)
        .join(SHOW, SHOW.c.id == EPISODE.c.show_id)
        .join(STATION, STATION.c.id == SHOW.c.station_id)
        .outerjoin(EXPOSURE, and_(EXPOSURE.c.prompt_id == PROMPT.c.id, within))
        .outerjoin(REFERRAL, REFERRAL.c.case_id == EXPOSURE.c.case_id)
    )
    wanted = select(*names, *counted).select_from(joined).group_by(*names).order_by(*names)
    for row in session.execute(wanted.where(or_(EXPOSURE.c.case_id.is_not(None), PROMPT.c.id.in_(aired)))):
        exact.setdefault(row[0], {})[row[1], row[2]] = dict(zip(STEPS, row[3:], strict=True))
    for station, show, prompt in votes:
        exact.setdefault(station, {}).setdefault((show, prompt), dict.fromkeys(STEPS, 0))
    return [_shown(station, exact[station], votes) for station in sorted(exact)]


def _shown(
    station: str, prompts: Mapping[tuple[str, str], Mapping[str, int]], votes: Mapping[tuple[str, str, str], int]
) -> Brought:
    named = sorted(prompts)
    kept = {step: small.publish({step: {str(at): prompts[name][step] for at, name in enumerate(named)}}) for step in STEPS}
    tables = {step: kept[step].tables[step] for step in STEPS}
    lines = tuple(
        Line(*name, votes.get((station, *name), 0), {step: cells[str(at)] if (cells := tables[step]) else None for step in STEPS})
        for at, name in enumerate(named)
    )
    return Brought(station, sum(line.votes for line in lines), {step: kept[step].total for step in STEPS}, lines)


def _votes(session: Session, within: ColumnElement[bool]) -> dict[tuple[str, str, str], int]:
    joined = (
        TALLY.join(POLL, POLL.c.id == TALLY.c.poll_id)
        .join(PROMPT, PROMPT.c.id == POLL.c.prompt_id)
        .join(EPISODE, EPISODE.c.id == POLL.c.episode_id)
        .join(SHOW, SHOW.c.id == EPISODE.c.show_id)
        .join(STATION, STATION.c.id == SHOW.c.station_id)
    )
    names = (STATION.c.name, SHOW.c.name, PROMPT.c.name)
    rows = session.execute(select(*names, func.sum(TALLY.c.votes)).select_from(joined).where(within).group_by(*names))
    return {(row[0], row[1], row[2]): int(row[3]) for row in rows}
