"""Connections to PostgreSQL that outlive a test: a new one costs a process there, a proof of the password and all it must learn.

What a test did to one is taken back before the next has it. One that is at work or broken when it is closed is closed, and a
fork has none: it would speak on its parent's.
"""

import os
from collections import defaultdict
from contextlib import suppress
from typing import Any

from psycopg import Connection, Error
from psycopg._preparing import PrepareManager
from psycopg.pq import TransactionStatus

MOST = 12  # a server has a hundred, for several runs at once
AT_REST = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)


class Lasting(Connection[Any]):
    """A connection that is put away when it is closed, as good as new."""

    kind: tuple[object, ...]

    def close(self) -> None:
        """Put it away; close it where it cannot be had again."""
        if self.info.transaction_status in AT_REST and len(at_rest()) < MOST and self._is_renewed():
            _idle[self.kind].append(self)
        else:
            super().close()

    def _is_renewed(self) -> bool:
        try:
            self.rollback()
            self._notice_handlers.clear()
            self._prepared = PrepareManager()
            self.isolation_level = self.read_only = self.deferrable = None
            self.autocommit = True
            self.execute("DISCARD ALL")
            self.autocommit = False
        except Error:
            return False
        return True


_idle: defaultdict[tuple[object, ...], list[Lasting]] = defaultdict(list)


def connect(_dialect: object, _record: object, words: list[Any], options: dict[str, Any]) -> Lasting:
    """Return a connection that was put away, or a new one; what SQLAlchemy asks as `do_connect`."""
    known = {name: value for name, value in options.items() if name != "context"}
    kind = (os.getpid(), *words, *sorted(known.items()))
    with suppress(IndexError):
        return _idle[kind].pop()
    made: Lasting = Lasting.connect(*words, **options)
    made.kind = kind
    return made


def at_rest() -> list[int]:
    """Return the server's processes that wait for the next test."""
    return [kept.info.backend_pid for alike in list(_idle.values()) for kept in list(alike)]


def close_all() -> None:
    """Close what was put away."""
    while _idle:
        for kept in _idle.popitem()[1]:
            Connection.close(kept)
