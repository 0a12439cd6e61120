"""What an officer may see: the one place that keeps cases from whoever must not know of them (docs/adr/0031).

A session opened here belongs to one officer's eyes. Every SELECT, UPDATE and DELETE through it leaves out the cases from which
that officer, their station, their agency or its kind is excluded, and every row of such a case: no row, no count, no gap. On
PostgreSQL the database itself does the same by row-level security, for whatever should ever slip past. What cannot be narrowed
is refused, so that a new query cannot forget to be.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    Alias,
    ColumnElement,
    Delete,
    Insert,
    Join,
    Select,
    Table,
    Update,
    event,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.visitors import cloned_traverse, iterate

from hotline.db import Database
from hotline.models import AuditEvent, Base, Case, Exclusion, ExclusionState, Message, Officer, Recording, subjects_of, table

SUBJECTS: Final = "subjects"
NOTHING_HIDDEN: Final = "nothing hidden"
EXCLUSION, CASE, MESSAGE, RECORDING = (table(m) for m in (Exclusion, Case, Message, Recording))
LOOKING: Final = text("SELECT set_config('hotline.subjects', :mine, true)")
MADE_ONCE: Final = "made_once"  # an execution option of a statement that lives as long as the process does
SEPARATOR: Final = chr(31)  # as the policies of migration 0013 split it


class CannotNarrow(Exception):
    """A statement is of a kind that nothing can be left out of, such as one in plain words of SQL."""


def subjects(officer: Officer) -> frozenset[str]:
    """Return every subject an exclusion of which hides a case from this officer."""
    kind = officer.agency.kind if officer.agency else None
    return subjects_of(officer=officer.id, agency=officer.agency_id, kind=kind, station=officer.station)


@contextmanager
def reading(db: Database, officer: Officer) -> Iterator[Session]:
    """Yield a session that reads what the officer may see, all at one moment.

    From most officers nothing is hidden. That is asked once, and holds until the session ends, because it sees one moment; only
    where something is, each statement leaves it out.
    """
    with db.reading() as session:
        narrow(session, officer)
        session.info[NOTHING_HIDDEN] = not hides_something(session)
        yield session


@contextmanager
def transaction(db: Database, officer: Officer) -> Iterator[Session]:
    """Yield a session that sees and changes what the officer may see, and is committed on leaving."""
    with db.transaction() as session:
        narrow(session, officer)
        yield session


def narrow(session: Session, officer: Officer) -> None:
    """Let a session see no more than an officer may."""
    narrow_to(session, subjects(officer))


def narrow_to(session: Session, mine: frozenset[str]) -> None:
    """Let a session see no case from which any of these subjects is excluded."""
    session.info[SUBJECTS] = mine
    _look_as(session, mine)
    event.listen(session, "do_orm_execute", _leave_out)


def hides_something(session: Session) -> bool:
    """Whether any case is kept from the officer of this session."""
    if session.info.get(NOTHING_HIDDEN):
        return False
    found = EXCLUSION.c.subject.in_(session.info[SUBJECTS]) & (EXCLUSION.c.state != ExclusionState.DISMISSED)
    return session.connection().execute(select(EXCLUSION.c.id).where(found).limit(1)).first() is not None


def left_out_of_record(session: Session) -> Sequence[int]:
    """Return which rows of the record are kept from the officer of this session, so that the others are numbered as if alone."""
    names = _named_in_record(session) if hides_something(session) else ()
    kept = select(_RECORD.c.seq).where(_RECORD.c.object.in_(names)).order_by(_RECORD.c.seq)
    return session.connection().execute(kept).scalars().all() if names else ()


def _look_as(session: Session, mine: frozenset[str]) -> None:
    """Tell PostgreSQL whose eyes look, until the transaction ends; nobody's see all."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(LOOKING, {"mine": SEPARATOR.join(sorted(mine))})


def _leave_out(asked: ORMExecuteState) -> None:
    mine: frozenset[str] = asked.session.info[SUBJECTS]
    if asked.is_column_load or asked.is_relationship_load or isinstance(asked.statement, Insert):
        return
    if not isinstance(asked.statement, Select | Update | Delete):
        raise CannotNarrow
    if asked.session.info.get(NOTHING_HIDDEN):
        return
    if asked.is_orm_statement:
        asked.statement = asked.statement.options(*_criteria(mine))
        if _of_record(asked.statement) and hides_something(asked.session):
            called = _named_in_record(asked.session)
            left = with_loader_criteria(AuditEvent, lambda one: one.object.not_in(called), include_aliases=True)
            asked.statement = asked.statement.options(left)
    else:
        once = asked.statement.get_execution_options().get(MADE_ONCE)
        asked.statement = (_narrowed_once if once else _narrowed)(asked.statement, mine)


def _of_record(statement: Any) -> bool:
    """Whether a statement asks anything of the record."""
    return any(isinstance(one, Table) and one.name == _ACTS.name for one in iterate(statement))


def _narrowed(statement: Any, mine: frozenset[str]) -> Any:
    """Return a Core statement in which each SELECT, UPDATE and DELETE, however deep, leaves out what is hidden."""

    def narrow_one(one: Any) -> None:
        tables = _from(one.get_final_froms()) if isinstance(one, Select) else _from([one.table])
        one._where_criteria += tuple(_seen(column, mine) for of in tables if (column := _case_of(of)) is not None)  # noqa: SLF001  the clone is ours

    narrowed = dict.fromkeys(("select", "update", "delete"), narrow_one)
    return cloned_traverse(statement, {}, narrowed)


_narrowed_once: Final = lru_cache(maxsize=256)(_narrowed)  # for what every page asks: to narrow costs more than to ask


@lru_cache(maxsize=256)
def _criteria(mine: frozenset[str]) -> tuple[Any, ...]:
    """Return what leaves the rows of hidden cases out of anything asked of a model; made once an officer, for it is dear."""
    names = sorted(mine)
    of_case = with_loader_criteria(Case, lambda one: one.id.not_in(_hidden(names)), include_aliases=True)
    return of_case, *(_of_others(model, names) for model in _models())


def _of_others(model: Any, names: list[str]) -> Any:
    # A lambda, for only then SQLAlchemy puts the criteria on each alias of a joined table.
    return with_loader_criteria(
        model, lambda one: or_(one.case_id.is_(None), one.case_id.not_in(_hidden(names))), include_aliases=True
    )


def _seen(of: ColumnElement[str], mine: frozenset[str]) -> ColumnElement[bool]:
    return or_(of.is_(None), of.not_in(_hidden(sorted(mine))))


def _hidden(names: list[str]) -> Select[tuple[str]]:
    return select(_OTHER.c.case_id).where(_OTHER.c.subject.in_(names), _OTHER.c.state != ExclusionState.DISMISSED)


def _named_in_record(session: Session) -> list[str]:
    """Return what hidden cases are called in the record: by their handle, the id of a recording, or of what was taken down.

    PostgreSQL keeps those very names from whoever they are hidden from, so nobody's eyes read them.
    """
    mine: frozenset[str] = session.info[SUBJECTS]
    hidden = _hidden(sorted(mine))
    handles = select(CASE.c.handle).where(CASE.c.id.in_(hidden))
    recordings = select(RECORDING.c.id).where(RECORDING.c.case_id.in_(hidden))
    told = select(MESSAGE.c.inbox_id).where(MESSAGE.c.case_id.in_(hidden), MESSAGE.c.inbox_id.is_not(None))
    _look_as(session, frozenset())
    names = session.connection().execute(union_all(handles, recordings, told)).scalars().all()
    _look_as(session, mine)
    return list(names)


@lru_cache(maxsize=1)
def _models() -> tuple[Any, ...]:
    """Return each model whose rows are of a case, but for the case itself."""
    return tuple(mapper.class_ for mapper in Base.registry.mappers if "case_id" in table(mapper.class_).c)


def _case_of(of: Any) -> Any:
    """Return the column of a table, or of its alias, that says of which case a row is; None where rows are of none."""
    if not isinstance(of, Table | Alias) or of is _OTHER or not isinstance(getattr(of, "element", of), Table):
        return None
    return of.c.id if getattr(of, "element", of).name == CASE.name else of.c.get("case_id")


def _from(sources: Sequence[Any]) -> Iterator[Any]:
    waiting = list(sources)
    while waiting:
        one = waiting.pop()
        if isinstance(one, Join):
            waiting += [one.left, one.right]
        else:
            yield one


_OTHER: Final = EXCLUSION.alias("hidden")
_ACTS: Final = table(AuditEvent)
_RECORD: Final = _ACTS.alias("hidden_act")
