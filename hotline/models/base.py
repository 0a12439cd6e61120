"""What all tables share: the declarative base, ids, points in time and the enumerations stored in columns."""

import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeEngine

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A point in time, always aware and UTC: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database in use."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware point in time into what the column holds."""
        if value is None or dialect.name == "postgresql":
            return value
        return round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy calls it so
        """Turn what the column holds into an aware point in time."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromtimestamp(value / 1_000_000, UTC)


class Base(DeclarativeBase):
    """The declarative base of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Moment(), bytes: LargeBinary(), str: String()}  # noqa: RUF012  SQLAlchemy reads it so


def table(model: type[Base]) -> Table:
    """Return the Core table of a model, for the hot path."""
    return cast("Table", model.__table__)


def new_id() -> str:
    """Return a UUIDv7 (RFC 9562 §5.7) as 32 hex digits: unguessable, and ordered by time so that indexes stay flat.

    Twelve bits tell a quarter of a microsecond (§6.2, method 3): what a process makes within one millisecond keeps its order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    return f"{milliseconds:012x}{0x7000 | (rest << 12) // 1_000_000:04x}{1 << 63 | secrets.randbits(62):016x}"


def listed(states: Iterable[str]) -> str:
    """Return states as SQL writes a list, for the `where` of a partial index."""
    return "(" + ", ".join(f"'{state}'" for state in states) + ")"


def written_out(column: ColumnElement[str], states: Iterable[str]) -> ColumnElement[bool]:
    """Ask for some states in the very words of a partial index: SQLite takes one only for a query that repeats its terms.

    With bound values it reads the whole table instead (sqlite.org/partialindex.html, section 3).
    """
    return column.in_([literal_column(f"'{state}'") for state in states])


def first_id(moment: datetime) -> str:
    """Return where ids made at or after a moment begin: with it a table's newest rows are found by their key alone."""
    return f"{int(moment.timestamp() * 1000):012x}"


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index over only the rows that `where` names, so that it stays small while the table grows."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
