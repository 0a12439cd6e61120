"""Links: says which clues of a case other cases name too, and whether they come from different people.

A case goes in; counts come out, and which cases they are, never who wrote them.
Two reports from one phone are two reports and one source.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, select
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
    return tuple(Link(*row) for row in session.execute(_LINKS, {"case": case_id}))


def linked(session: Session, case_id: str) -> tuple[Case, ...]:
    """Return the cases that name the same, newest first, as far as this session may see them."""
    # Asked in two steps: in one, PostgreSQL walks all cases by their age until it has met enough of these.
    ids = session.scalars(_SAME, {"case": case_id}).all()
    found = select(Case).where(Case.id.in_(ids)).order_by(Case.opened_at.desc(), Case.id)
    return tuple(session.scalars(found)) if ids else ()


_MINE, _THEIRS = aliased(NamedClue), aliased(NamedClue)
_CASES: Final = func.count(_THEIRS.case_id.distinct())
_LINKS: Final = (
    select(_THEIRS.value_index, _THEIRS.kind, _CASES, func.count(Report.caller_id.distinct()))
    .join(_MINE, _MINE.value_index == _THEIRS.value_index)
    .join(Report, Report.case_id == _THEIRS.case_id)
    .where(_MINE.case_id == bindparam("case"), _MINE.kind.not_in((PLACE, SECTOR)))
    .group_by(_THEIRS.value_index, _THEIRS.kind)
    .having(_CASES > 1)
    .order_by(_THEIRS.kind, _THEIRS.value_index)
)
_SAME: Final = (
    select(_THEIRS.case_id)
    .join(_MINE, _MINE.value_index == _THEIRS.value_index)
    .where(_MINE.case_id == bindparam("case"), _MINE.kind.not_in((PLACE, SECTOR)), _THEIRS.case_id != bindparam("case"))
    .group_by(_THEIRS.case_id)
    .order_by(func.max(_THEIRS.at).desc(), _THEIRS.case_id)
    .limit(MOST)
)
