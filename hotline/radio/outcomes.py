"""Which prompts led to useful reports: counts by station, show and prompt, in which small numbers are left out.

Counted through the session it is given: whoever must not know of a case does not count it either.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import case, distinct, func, select
from sqlalchemy.orm import Session

from hotline.models import Episode, Exposure, Outcome, Poll, Prompt, Referral, Show, Station, Tally, table

EPISODE, EXPOSURE, POLL, PROMPT, REFERRAL, SHOW, STATION, TALLY = (
    table(model) for model in (Episode, Exposure, Poll, Prompt, Referral, Show, Station, Tally)
)
USEFUL: Final = (Outcome.RESCUED, Outcome.SAFE, Outcome.ARRESTED, Outcome.REFERRED_ON)
FEW: Final = 5
HEAD: Final = ("station", "show", "prompt", "votes", "reports", "taken on", "useful")


@dataclass(frozen=True)
class Row:
    """One prompt of a show, over all its episodes. A number is None where it is small."""

    station: str
    show: str
    prompt: str
    votes: int
    reports: int | None
    taken: int | None
    useful: int | None

    def cells(self) -> tuple[str, ...]:
        """Return the row as text; a small number stands as <5."""
        counts = (f"<{FEW}" if one is None else str(one) for one in (self.reports, self.taken, self.useful))
        return (self.station, self.show, self.prompt, str(self.votes), *counts)


def by_prompt(session: Session) -> list[Row]:
    """Return each prompt's votes, and how many reports were laid to it, were taken on by somebody, and ended well."""
    votes = _votes(session)
    joined = (
        PROMPT.join(EPISODE, EPISODE.c.id == PROMPT.c.episode_id)
        .join(SHOW, SHOW.c.id == EPISODE.c.show_id)
        .join(STATION, STATION.c.id == SHOW.c.station_id)
        .outerjoin(EXPOSURE, EXPOSURE.c.prompt_id == PROMPT.c.id)
        .outerjoin(REFERRAL, REFERRAL.c.case_id == EXPOSURE.c.case_id)
    )
    names = (STATION.c.name.label("station"), SHOW.c.name.label("show"), PROMPT.c.name.label("prompt"))
    taken = case((REFERRAL.c.answered_at.is_not(None) & (REFERRAL.c.reason.is_(None)), EXPOSURE.c.case_id))
    useful = case((REFERRAL.c.outcome.in_(USEFUL), EXPOSURE.c.case_id))
    counted = (func.count(distinct(EXPOSURE.c.case_id)), func.count(distinct(taken)), func.count(distinct(useful)))
    rows = session.execute(select(*names, *counted).select_from(joined).group_by(*names).order_by(*names)).all()
    return [
        Row(row[0], row[1], row[2], votes.get((row[0], row[1], row[2]), 0), _large(row[3]), _large(row[4]), _large(row[5]))
        for row in rows
    ]


def _votes(session: Session) -> dict[tuple[str, str, str], int]:
    joined = (
        TALLY.join(POLL, POLL.c.id == TALLY.c.poll_id)
        .join(PROMPT, PROMPT.c.id == POLL.c.prompt_id)
        .join(EPISODE, EPISODE.c.id == POLL.c.episode_id)
        .join(SHOW, SHOW.c.id == EPISODE.c.show_id)
        .join(STATION, STATION.c.id == SHOW.c.station_id)
    )
    names = (STATION.c.name, SHOW.c.name, PROMPT.c.name)
    rows = session.execute(select(*names, func.sum(TALLY.c.votes)).select_from(joined).group_by(*names))
    return {(row[0], row[1], row[2]): int(row[3]) for row in rows}


def _large(count: int) -> int | None:
    """Return a count, None where it is so small that it could be somebody. Nothing at all is nobody."""
    return None if 0 < count < FEW else count
