"""The database: one engine a process, one function that commits, one way to claim work.

SQLite runs in WAL mode with synchronous=FULL, so a commit survives power loss. Its own busy handler sleeps and makes webhooks
wait half a second; instead all writers of one machine queue on a file lock in the kernel, and a webhook's rows share one
commit with whatever else is waiting (docs/adr/0003). PostgreSQL needs neither, and gets neither.
Who has a gateway waiting goes through hotline.in_time.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Insert,
    RowMapping,
    Table,
    UnaryExpression,
    Update,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

Given = Mapping[str, ColumnElement[Any]]
T = TypeVar("T")
AFTER_COMMIT = "after_commit"
POOL_WAIT = 0.5
# A server whose machine vanished says nothing at all; without these a connection to it would be waited on for hours.
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
CLOSING_SECONDS = 2
SCRUB_WAIT_MS = 100
LASTING = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")  # what is committed stays, and what is deleted does not
CONNECT_SECONDS = 2  # libpq takes no less


class Database:
    """An engine with the two ways in: `transaction` to write, `reading` to read.

    Make it after a fork: connections must not be shared between processes. `limit` is for who has somebody waiting: seconds
    after which the database itself gives up a statement or a lock.
    """

    def __init__(self, url: str, *, pool_size: int = 10, limit: float | None = None) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            self.engine = create_engine(url, connect_args={"timeout": limit or 10}, pool_size=pool_size)
            event.listen(self.engine, "connect", _open_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._lock_path = Path(f"{self.engine.url.database}.lock")
        else:
            patience = {"connect_timeout": CONNECT_SECONDS, **ALIVE}
            wait = POOL_WAIT if limit else 5
            self.engine = create_engine(url, pool_size=pool_size, pool_pre_ping=True, pool_timeout=wait, connect_args=patience)
            if limit:
                event.listen(self.engine, "connect", _hurry_postgresql(limit))
        one_moment = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(reading=True, **one_moment)
        self._looker = self._reader if self.sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._turn = threading.Lock()
        self._own = threading.local()
        self._nobody_writes = threading.Event()
        self._nobody_writes.set()
        self._under_way = threading.Lock()
        self._kept_open: list[Connection] = []
        self._lock_file: int | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose work is committed on leaving, or rolled back on an exception.

        The only place that commits. Opened by doors, jobs and the command line, never by stages. Functions given to
        `after_commit` run once the commit is durable.
        """
        with self._our_turn(), Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            hooks = session.info.pop(AFTER_COMMIT, [])
        for hook in hooks:
            hook()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield the calling thread's own connection, committed on leaving: `transaction` without a session, one at a time."""
        with self._under_way:
            connection = self._kept("writes", self.engine)
            with self._our_turn(), connection.begin():
                yield connection

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Yield the calling thread's own connection to read from: `reading` without a session, for one reader.

        On PostgreSQL each statement stands alone, so that a look is one round trip and not four.
        """
        connection = self._kept("looks", self._looker)
        with connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads, all of it at one moment, and never waits for a writer."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def insert_or_add(self, table: Table) -> Insert:
        """Return an INSERT into a (name, value) table that adds to the value of a name which is there already."""
        statement = sqlite.insert(table) if self.sqlite else postgresql.insert(table)
        return statement.on_conflict_do_update(
            index_elements=[table.c.name], set_={"value": table.c.value + statement.excluded.value}
        )

    def insert_or_replace(self, table: Table, *columns: str) -> Insert:
        """Return an INSERT into a table with the key `id` that replaces these columns of a row which is there already."""
        statement = sqlite.insert(table) if self.sqlite else postgresql.insert(table)
        replaced = {name: statement.excluded[name] for name in columns}
        return statement.on_conflict_do_update(index_elements=[table.c.id], set_=replaced)

    def scrub(self, *tables: Table) -> bool:
        """Let nothing that was deleted from these tables stay in the database's own files. Returns whether that was done.

        SQLite overwrites what it deletes, and its log is emptied here; PostgreSQL vacuums. Not done while somebody reads: nobody
        who writes waits for it longer than a moment.
        """
        if not self.sqlite:
            with self._looker.connect() as connection:
                for one in tables:
                    connection.execute(text(f'VACUUM "{one.name}"'))
            return True
        raw = self.engine.raw_connection()
        try:
            cursor = raw.cursor()
            (patience,) = cursor.execute("PRAGMA busy_timeout").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={SCRUB_WAIT_MS}")
            (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={patience}")
        finally:
            raw.close()
        return not busy

    @contextmanager
    def leading(self, name: str) -> Iterator[bool]:
        """Yield whether we are the one process of all that leads in `name`, for as long as the block runs."""
        if self.sqlite:
            with Path(f"{self.engine.url.database}.{name}").open("w") as file:
                yield _locked(file.fileno())
        else:
            key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7])
            with self.engine.connect() as connection:
                led = bool(connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one())
                connection.commit()
                try:
                    yield led
                finally:  # the connection goes back to the pool, and would lead on from there
                    if led:
                        connection.execute(select(func.pg_advisory_unlock(key)))

    def now(self, session: Session) -> datetime:
        """Return the database's clock, so that machines with different clocks agree on leases and ladders."""
        return datetime.now(UTC) if self.sqlite else session.execute(select(func.clock_timestamp())).scalar_one()

    def give_way(self, seconds: float) -> None:
        """Wait a moment while a thread of this process holds the writers' lock: each that goes on works against it.

        Threads of one process take turns at the interpreter. Beside a hundred that call gateways, writing down what became of
        250 texts took half a second instead of 20 ms, and every webhook waited for it.
        """
        self._nobody_writes.wait(seconds)

    def close(self) -> None:
        """Close all connections, those that threads keep too; one that is writing has a moment to come to its end."""
        if self._under_way.acquire(timeout=CLOSING_SECONDS):
            self._under_way.release()
        for connection in self._kept_open:
            connection.close()
        self.engine.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _kept(self, purpose: str, engine: Engine) -> Connection:
        """Return the calling thread's own connection for a purpose, a new one where it broke."""
        connection: Connection | None = self._own.__dict__.get(purpose)
        if connection is None or connection.closed or connection.invalidated:
            connection = self._own.__dict__[purpose] = engine.connect()
            self._kept_open = [*(one for one in self._kept_open if not one.closed), connection]
        return connection

    @contextmanager
    def _our_turn(self) -> Iterator[None]:
        if not self.sqlite:
            yield
            return
        if self._own.__dict__.get("writes_now"):
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        with self._turn:
            if self._lock_file is None:
                self._lock_file = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            self._own.writes_now = True
            self._nobody_writes.clear()
            try:
                yield
            finally:
                self._own.writes_now = False
                self._nobody_writes.set()
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def after_commit(session: Session, hook: Callable[[], object]) -> None:
    """Run `hook` once the session's transaction is durable; never if it is rolled back."""
    session.info.setdefault(AFTER_COMMIT, []).append(hook)


def add_rows(session: Session, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert many rows with the same columns in the same order; every column without a default in the database must be given.

    Straight to the driver: executemany on SQLite, one statement over arrays on PostgreSQL (COPY is refused where rows have a
    policy, docs/adr/0031). On the way of each report this halves the cost of its dozen rows.
    """
    if not rows:
        return
    connection, columns = session.connection(), tuple(rows[0])
    if connection.dialect.name == "sqlite":
        _execute_many(connection, table, columns, rows)
        return
    _send_arrays(connection, table, columns, rows)


def insert_unless_there(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows with the same columns in the same order, but for those that are there already by any of the unique keys.

    One statement over arrays on PostgreSQL, executemany on SQLite: a group of webhooks costs hardly more than one.
    """
    columns = tuple(rows[0])
    if connection.dialect.name == "sqlite":
        _execute_many(connection, table, columns, rows, " ON CONFLICT DO NOTHING")
        return
    _send_arrays(connection, table, columns, rows, " ON CONFLICT DO NOTHING")


def among(session: Session, column: ColumnElement[T], values: Collection[T]) -> ColumnElement[bool]:
    """Ask for the rows whose column has one of many values.

    One array on PostgreSQL: two hundred parameters cost more to write, send and read than the rows they find, and a list of each
    length is planned anew.
    """
    if session.get_bind().dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))


def change_each(
    session: Session, change: Callable[[Given], Update], columns: Mapping[str, Column[Any]], rows: Sequence[Mapping[str, object]]
) -> None:
    """Run one UPDATE for each row: `change` writes it with the row's values, which have the types of these columns.

    executemany on SQLite; one statement over arrays on PostgreSQL, where each of a hundred would be sent, planned and answered.
    """
    connection, names = session.connection(), tuple(columns.items())
    if connection.dialect.name == "sqlite":
        connection.execute(_one_by_one(change, names), rows)
        return
    connection.execute(_all_at_once(change, names), {name: [row[name] for row in rows] for name in columns})


@lru_cache
def _one_by_one(change: Callable[[Given], Update], names: tuple[tuple[str, Column[Any]], ...]) -> Update:
    return change({name: bindparam(name, type_=column.type) for name, column in names})


@lru_cache
def _all_at_once(change: Callable[[Given], Update], names: tuple[tuple[str, Column[Any]], ...]) -> Update:
    arrays = [bindparam(name, type_=ARRAY(column.type)) for name, column in names]
    given = func.unnest(*arrays).table_valued(*(sql_column(name, column.type) for name, column in names), name="given")
    return change(dict(given.render_derived().c.items()))


def _send_arrays(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, object]], ending: str = ""
) -> None:
    """Send an array for each column whose values differ; what all rows share, which is half of a batch, is sent once."""
    values = [list(column) for column in zip(*(row.values() for row in rows), strict=True)]
    differ = tuple(column.count(column[0]) < len(rows) for column in values)
    differ = differ if any(differ) else (True, *differ[1:])
    shared = [column[0] for column, one in zip(values, differ, strict=True) if not one]
    arrays = [column for column, one in zip(values, differ, strict=True) if one]
    connection.exec_driver_sql(_over_arrays(table, columns, differ, connection.dialect) + ending, (*shared, *arrays))


def _execute_many(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, object]], ending: str = ""
) -> None:
    statement, forms = _insertion(table, columns, connection.dialect)
    values = [list(row.values()) for row in rows]
    for place, form in forms:
        before = after = None  # most rows of a batch have one and the same point in time
        for line in values:
            if (value := line[place]) is not before:
                before, after = value, form(value)
            line[place] = after
    connection.exec_driver_sql(statement + ending, [tuple(line) for line in values])


@lru_cache
def _over_arrays(table: Table, columns: tuple[str, ...], differ: tuple[bool, ...], dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    names, types = list(map(quote, columns)), [table.c[column].type.compile(dialect) for column in columns]
    wanted = ", ".join(name if one else f"%b::{type_}" for name, type_, one in zip(names, types, differ, strict=True))
    arrays = ", ".join(f"%b::{type_}[]" for type_, one in zip(types, differ, strict=True) if one)
    given = ", ".join(name for name, one in zip(names, differ, strict=True) if one)
    select_all = f"SELECT {wanted} FROM unnest({arrays}) AS given ({given})"  # noqa: S608  our own names
    return f"INSERT INTO {quote(table.name)} ({', '.join(names)}) {select_all}"


@lru_cache
def _insertion(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[int, Callable[[Any], object]], ...]]:
    """Return an INSERT in the driver's own words, and the places of columns with what turns a value into what is kept."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    forms = (table.c[column].type.dialect_impl(dialect).bind_processor(dialect) for column in columns)
    kept = tuple((place, form) for place, form in enumerate(forms) if form is not None)
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES ({', '.join('?' * len(columns))})", kept  # noqa: S608  our own names


def claim(
    session: Session,
    table: Table,
    *,
    where: Sequence[ColumnElement[bool]],
    order_by: Sequence[ColumnElement[Any] | UnaryExpression[Any]],
    limit: int,
    values: Mapping[str, object],
) -> Sequence[RowMapping]:
    """Take up to `limit` rows for ourselves by writing `values` into them, and return them.

    Two workers never get the same row: PostgreSQL skips rows locked by the other, SQLite lets one writer in at a time.
    """
    due = select(table.c.id).where(*where).order_by(*order_by).limit(limit).with_for_update(skip_locked=True)
    # As a CTE it runs once; as a plain subquery PostgreSQL may run it again for each row, and the limit with it.
    once = select(due.cte("due").c.id)
    statement = update(table).where(table.c.id.in_(once)).values(**values).returning(table)
    return session.execute(statement).mappings().all()


def _hurry_postgresql(limit: float) -> Callable[[Any, ConnectionPoolEntry], None]:
    def hurry(connection: Any, _: ConnectionPoolEntry) -> None:
        milliseconds = round(limit * 1000)
        connection.execute(f"SET statement_timeout = {milliseconds}")
        connection.execute(f"SET lock_timeout = {milliseconds}")
        connection.commit()  # rolled back with a transaction, a SET would be forgotten

    return hurry


def _open_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (*LASTING, "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
