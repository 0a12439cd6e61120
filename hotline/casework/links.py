"""Links: says which clues of a case other cases name too, and whether they come from different people.

A case goes in; counts come out, and which cases they are, never who wrote them.
Two reports from one phone are two reports and one source.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from hotline.models import PLACE, SECTOR, Case, NamedClue, Report

MOST: Final = 8


@dataclass(frozen=True)
class Link:
    """A clue that other cases name too: how many reports, from how many senders, this one included."""

    value_index: bytes
    kind: str
    reports: int
    sources: int


def links(session: Session, case_id: str) -> tuple[Link, ...]:
    """Return the clues of a case that at least one other case names."""
    mine, theirs = aliased(NamedClue), aliased(NamedClue)
    cases, callers = func.count(theirs.case_id.distinct()), func.count(Report.caller_id.distinct())
    found = (
        select(theirs.value_index, theirs.kind, cases, callers)
        .join(mine, mine.value_index == theirs.value_index)
        .join(Report, Report.case_id == theirs.case_id)
        .where(mine.case_id == case_id, mine.kind.not_in((PLACE, SECTOR)))
        .group_by(theirs.value_index, theirs.kind)
        .having(cases > 1)
        .order_by(theirs.kind, theirs.value_index)
    )
    return tuple(Link(*row) for row in session.execute(found))


def linked(session: Session, case_id: str) -> tuple[Case, ...]:
    """Return the cases that name the same, newest first, as far as this session may see them."""
    mine, theirs = aliased(NamedClue), aliased(NamedClue)
    same = (
        select(theirs.case_id)
        .join(mine, mine.value_index == theirs.value_index)
        .where(mine.case_id == case_id, mine.kind.not_in((PLACE, SECTOR)), theirs.case_id != case_id)
        .group_by(theirs.case_id)
        .order_by(func.max(theirs.at).desc(), theirs.case_id)
    )
    # Asked in two steps: in one, PostgreSQL walks all cases by their age until it has met enough of these.
    ids = session.scalars(same.limit(MOST)).all()
    found = select(Case).where(Case.id.in_(ids)).order_by(Case.opened_at.desc(), Case.id)
    return tuple(session.scalars(found)) if ids else ()
