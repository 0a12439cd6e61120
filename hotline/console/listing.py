"""What stands in the queue: the cases of one view, most urgent and longest waiting first, a page at a time.

Only what may be seen without reading a case: handles, states, clocks, who was told. No query here counts or skips rows. Texts
that say the same and wait alike are folded into the one that waits longest, for the eye alone: every case stands on its page.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from hotline.console.narrow import Narrow
from hotline.models import Aside, Case, CaseState, Contact, NamedClue, Officer, Referral, table, written_out
from hotline.roles import May, allows
from hotline.routing import conflict

PAGE: Final = 50
EVERYTHING: Final = Narrow()
COUNT_UP_TO: Final = 99
UNCLAIMED: Final = (CaseState.UNFINISHED, CaseState.NEW, CaseState.OPEN)
_R, _C = table(Referral), table(Contact)
_TOLD: Final = (
    select(_R.c.case_id, _C.c.name, _R.c.state, _R.c.told_at)
    .join(_C, _C.c.id == _R.c.contact_id)
    .where(_R.c.case_id.in_(bindparam("cases", expanding=True)))
    .order_by(_R.c.created_at, _R.c.id)
)
ON_OTHERS: Final = (CaseState.WAITING, CaseState.PASSED_ON)
NOT_CLOSED: Final = tuple(state for state in CaseState if state is not CaseState.CLOSED)
# The state as no index knows it: else SQLite takes the index by state and sorts all of a view for a page of fifty.
_STATE: Final = func.coalesce(Case.state, "")


class View(StrEnum):
    """The views of the queue."""

    NEW = "new"
    MINE = "mine"
    WAITING = "waiting"
    NOISE = "noise"
    ALL = "all"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Told:
    """A contact who was told of a case, or is about to be: their name, how far that is, and since when."""

    name: str
    state: str
    told_at: datetime | None


@dataclass(frozen=True)
class Row:
    """One case in the queue, who was told of it so far, and the cases of this page that say the very same, folded into it.

    `held`: somebody has to decide who may know of it.
    """

    case: Case
    told: tuple[Told, ...]
    alike: tuple[Case, ...] = ()
    held: bool = False


@dataclass(frozen=True)
class Page:
    """A page of rows. `following` is the token after which the next page begins; `mark` changes when anything shown does."""

    rows: tuple[Row, ...]
    following: str | None
    mark: str


def page(session: Session, view: View, officer: Officer, *, after: str | None = None, narrow: Narrow = EVERYTHING) -> Page:
    """Return a page of a view, narrowed to some facts, from the top or after the case of that token."""
    wanted = [*_within(view, officer.id), *narrow.where()]
    if after and (last := session.scalars(select(Case).where(Case.token == after)).first()):
        wanted.append(_beyond(last))
    order = (Case.rank, Case.opened_at, Case.id)
    cases = session.scalars(select(Case).where(*wanted).order_by(*order).limit(PAGE + 1)).all()
    told = _told(session, cases[:PAGE])
    folded = _fold(cases[:PAGE], _wordings(session, cases[:PAGE]))
    held = conflict.held(session, [case.id for case in cases[:PAGE]])
    rows = tuple(Row(case, tuple(told[case.id]), tuple(alike), case.id in held) for case, *alike in folded)
    return Page(rows, cases[PAGE - 1].token if len(cases) > PAGE else None, _mark(rows))


def rows(session: Session, cases: Sequence[Case]) -> tuple[Row, ...]:
    """Return these cases as rows, in their order, each by itself."""
    told, held = _told(session, cases), conflict.held(session, [case.id for case in cases])
    return tuple(Row(case, tuple(told[case.id]), held=case.id in held) for case in cases)


def rail(session: Session, officer: Officer) -> dict[str, object]:
    """Return what every page shows at its side: the views and how many cases each holds; neither to whom the queue is closed."""
    shown = allows(officer.role, May.SEE_QUEUE)
    return {"views": list(View), "counts": counts(session, officer)} if shown else {"views": [], "counts": {}}


def counts(session: Session, officer: Officer) -> Mapping[View, str]:
    """Return how many cases each view holds, as far as 99; beyond that nobody counts and "99+" is said."""
    found = session.execute(_counting(), {"officer": officer.id}).one()
    return {view: str(many) if many <= COUNT_UP_TO else f"{COUNT_UP_TO}+" for view, many in zip(View, found, strict=True)}


@lru_cache(maxsize=1)
def _counting() -> Select[*tuple[Any, ...]]:
    return select(*(_counted(view) for view in View))


def _counted(view: View) -> ScalarSelect[int]:
    some = select(Case.id).where(*_within(view, bindparam("officer"))).limit(COUNT_UP_TO + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _within(view: View, officer_id: str | BindParameter[str]) -> Iterable[ColumnElement[bool]]:
    if view is View.NEW:
        unclaimed = (_STATE.in_(UNCLAIMED), Case.owner_id.is_(None))
        return (Case.closed_at.is_(None), *unclaimed, Case.aside.is_distinct_from(Aside.PARKED))
    if view is View.NOISE:
        return (_STATE.in_(NOT_CLOSED), written_out(table(Case).c.aside, (Aside.PARKED,)))
    if view is View.MINE:
        return (Case.state.in_(NOT_CLOSED), Case.owner_id == officer_id)
    if view is View.CLOSED:
        return (Case.state == CaseState.CLOSED,)
    if view is View.WAITING:
        return (Case.state.in_(ON_OTHERS),)
    return (Case.closed_at.is_(None), _STATE.in_(NOT_CLOSED))


def _beyond(last: Case) -> ColumnElement[bool]:
    same_rank = and_(Case.rank == last.rank, Case.opened_at > last.opened_at)
    same_moment = and_(Case.rank == last.rank, Case.opened_at == last.opened_at, Case.id > last.id)
    return or_(Case.rank > last.rank, same_rank, same_moment)


def _wordings(session: Session, cases: Sequence[Case]) -> Mapping[str, bytes]:
    """Return the keyed hash of what each case says, of those long enough to have one."""
    ids = [case.id for case in cases]
    said = select(NamedClue.case_id, NamedClue.value_index).where(NamedClue.case_id.in_(ids), NamedClue.kind == "wording")
    return {row.case_id: row.value_index for row in session.execute(said)}


def _fold(cases: Sequence[Case], wordings: Mapping[str, bytes]) -> list[list[Case]]:
    """Return the cases with those that say the same folded together.

    What differs in urgency or owner stands by itself, and what waits for an answer never lies under what has one.
    """
    folds: dict[object, list[Case]] = {}
    for case in cases:
        wording = wordings.get(case.id)
        alike = (wording, case.rank, case.state, case.aside, case.acknowledged_at is None)
        same = alike if wording and case.owner_id is None else case.id
        folds.setdefault(same, []).append(case)
    return list(folds.values())


def _told(session: Session, cases: Sequence[Case]) -> Mapping[str, list[Told]]:
    told: defaultdict[str, list[Told]] = defaultdict(list)
    for case_id, *one in session.execute(_TOLD, {"cases": [case.id for case in cases]}):
        told[case_id].append(Told(*one))
    return told


def _mark(rows: Sequence[Row]) -> str:
    shown = [
        (
            _state(row.case),
            row.held,
            [_state(case) for case in row.alike],
            [(one.state, one.told_at) for one in row.told],
        )
        for row in rows
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _state(case: Case) -> tuple[object, ...]:
    return case.token, case.version, case.aside, case.updated_at, case.state, case.rank, case.next_step_at, case.acknowledged_at
