"""What a studio may see: the one place that keeps everything else from its screens (docs/adr/0036).

A session opened here reads and writes tables of radio and no others. On SQLite the database's own authorizer refuses every
other table, on PostgreSQL a role without rights on them (migrations 0016, 0026), and on both a statement that names one is
refused before it is sent. A presenter sees cards and counts; a producer also questions that passed the wall, themes, and which
device shows what. Neither sees a vote, or which report was laid to which prompt.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from hotline.db import Database

SHOWN: Final = frozenset(
    f"radio_{name}" for name in ("station", "show", "episode", "segment", "prompt", "airing", "poll", "tally", "card")
)
MODERATED: Final = SHOWN | {"radio_question", "radio_theme", "radio_coding", "radio_screen"}
# Reading and writing rows comes with the table's name; these come without one. https://sqlite.org/c3ref/c_alter_table.html
NAMELESS: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
ROWS: Final = frozenset({sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE})


class Eyes(StrEnum):
    """Whose eyes: the name of a PostgreSQL role."""

    PRESENTER = "hotline_presenter"
    PRODUCER = "hotline_producer"


ALLOWED: Final = {Eyes.PRESENTER: SHOWN, Eyes.PRODUCER: MODERATED}


class OutOfSight(Exception):
    """A statement of a studio names a table that is none of radio's. Names the table."""


class Window:
    """A database as one pair of eyes sees it. Make it after a fork, as any Database."""

    def __init__(self, url: str, eyes: Eyes) -> None:
        self.eyes = eyes
        self._db = Database(url, pool_size=4)
        engine = self._db.engine
        event.listen(engine, "before_execute", self._refuse)
        if self._db.sqlite:
            event.listen(engine, "connect", self._blind)
        elif self._role_is_ours():
            event.listen(engine, "begin", self._as_role)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that reads what these eyes may see."""
        with self._db.reading() as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that sees and changes what these eyes may see, committed on leaving."""
        with self._db.transaction() as session:
            yield session

    def close(self) -> None:
        """Close the connections."""
        self._db.close()

    def _blind(self, connection: Any, _: object) -> None:
        allowed = ALLOWED[self.eyes]

        def may(act: int, name: str | None, *_: object) -> int:
            fine = act in NAMELESS or (act in ROWS and name in allowed)
            return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY

        connection.set_authorizer(may)

    def _role_is_ours(self) -> bool:
        """Whether the role was made, and we may take it: who migrated may not have been allowed to make roles."""
        with Session(self._db.engine) as session:
            mine = text("SELECT 1 FROM pg_roles WHERE rolname = :name AND pg_has_role(current_user, oid, 'member')")
            return session.connection().exec_driver_sql(str(mine).replace(":name", "%s"), (str(self.eyes),)).first() is not None

    def _as_role(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL ROLE {self.eyes}")

    def _refuse(self, _: Connection, statement: Any, *__: object) -> None:
        for part in visitors.iterate(statement):
            if isinstance(part, Table) and part.name not in ALLOWED[self.eyes]:
                raise OutOfSight(part.name)
