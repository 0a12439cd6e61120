"""The database for who has a gateway waiting: a row is on disk in time, or the answer is Unavailable in time.

A database can hang without failing: a server that is stopped accepts and never answers, a lock is held by somebody who sleeps.
No time-out of a driver covers all of that. So whatever may hang runs in a thread of its own, and who waits for it stops waiting.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Column, Insert, Table, bindparam, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from hotline.db import Database, insert_unless_there

ROW_FAULTS = (IntegrityError, DataError)  # the database is well and refuses this one row
Write = tuple[Insert | Table, Mapping[str, object]]
T = TypeVar("T")


class Unavailable(Exception):
    """The database did not take a row in time. The caller must not answer 2xx."""


class Outage:
    """Remembers that the database failed, so that not every thread has to find out by waiting for it.

    While it lasts all go another way at once, but for one every other second, who looks whether it is over.
    """

    PAUSE = 2.0

    def __init__(self) -> None:
        self._until = 0.0
        self._turn = threading.Lock()

    @property
    def known(self) -> bool:
        """Whether it was seen a moment ago."""
        return bool(self._until) and time.monotonic() < self._until

    def lasts(self) -> bool:
        """Whether to go another way; who hears no is the one who looks. Costs nothing while all is well."""
        if not self._until:
            return False
        with self._turn:
            if self.known:
                return True
            self.begin()
            return False

    def begin(self) -> None:
        """Note that the database failed just now."""
        self._until = time.monotonic() + self.PAUSE

    def end(self) -> None:
        """Note that it did its work just now."""
        self._until = 0.0


class Waiting:
    """One thread's rows in the queue to the writer. The lock is let go when their fate is known."""

    __slots__ = ("abandoned", "decided", "failure", "writes")

    def __init__(self, writes: tuple[Write, ...]) -> None:
        self.writes = writes
        self.abandoned = False
        self.failure: Exception | None = None
        self.decided = threading.Lock()
        self.decided.acquire()


class GroupCommit:
    """Commits the rows of all waiting threads together, so that sixteen webhooks pay for one fsync.

    One writer thread a process, started on first use. `after` runs once after each group is durable. The writer may hang with
    a database that hangs; whoever waits for it does not. A row given up on may still be stored later.

    The writer waits a moment for company: without it the threads fall into two halves that take turns, and each pays for
    twice as many fsyncs. It waits no longer once all `threads` that there are have come.
    """

    LARGEST_GROUP = 500
    PATIENCE = 0.0015

    def __init__(self, database: Database, *, wait: float, after: Callable[[], object], threads: int = LARGEST_GROUP) -> None:
        self._database = database
        self._wait = wait
        self._after = after
        self._threads = threads
        self._all_there = threading.Event()
        self.outage = Outage()
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, *writes: Write) -> None:
        """Add statements with their rows to the next group's transaction and return once they are on disk.

        A table in place of a statement means: insert the row, unless it is there already by any of the unique keys. All rows
        of one table have the same columns in the same order.

        Raises Unavailable when the commit fails or takes longer than the configured wait; at once while that lasts.
        """
        if self.outage.lasts():
            raise Unavailable
        if self._thread is None:
            self._open()
        mine = Waiting(writes)
        self._queue.put(mine)
        if self._queue.qsize() >= self._threads - 1:  # the writer has taken the first one already
            self._all_there.set()
        if not mine.decided.acquire(timeout=self._wait):
            mine.abandoned = True
            self.outage.begin()
            raise Unavailable
        if mine.failure is not None:
            raise Unavailable from mine.failure

    def _open(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_groups, name="group-commit", daemon=True)
                self._thread.start()

    def _write_groups(self) -> None:
        while True:
            group = [self._queue.get()]
            self._all_there.wait(self.PATIENCE)
            self._all_there.clear()
            while len(group) < self.LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get())
            if wanted := [entry for entry in group if not entry.abandoned]:
                self._commit(wanted)
            for entry in wanted:
                entry.decided.release()

    def _commit(self, group: list[Waiting], *, again: bool = True) -> None:
        """Commit a group; when a row is refused, each alone, so that it cannot turn away the others.

        A connection that was found dead is no reason to turn anybody away either: a new one is tried once.
        """
        try:
            self._write(group)
        except ROW_FAULTS as error:
            if len(group) > 1:
                for entry in group:
                    self._commit([entry])
                return
            group[0].failure = error
        except Exception as error:  # noqa: BLE001  whatever went wrong, each waiting webhook must hear that it is not stored
            if again and isinstance(error, DBAPIError) and error.connection_invalidated:
                self._commit(group, again=False)
                return
            self.outage.begin()
            for entry in group:
                entry.failure = error
        else:
            self.outage.end()
            self._after()

    def _write(self, group: list[Waiting]) -> None:
        rows: dict[Insert | Table, list[Mapping[str, object]]] = {}
        for entry in group:
            for statement, row in entry.writes:
                rows.setdefault(statement, []).append(row)
        with self._database.writing() as connection:
            for statement, together in rows.items():
                if isinstance(statement, Table):
                    insert_unless_there(connection, statement, together)
                else:
                    connection.execute(statement, together)


class Glance:
    """Reads from a thread apart, so that a database that hangs holds up nobody who only wants to look.

    One looks at a time: a database that hangs costs one thread, however many ask.
    """

    def __init__(self, database: Database, *, wait: float) -> None:
        self._database = database
        self._wait = wait
        self._turn = threading.Lock()

    def at(self, question: Callable[[Session], T]) -> T:
        """Return what `question` reads. Raises Unavailable when that fails or takes longer than the configured wait."""
        if not self._turn.acquire(timeout=self._wait):
            raise Unavailable
        answers: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        threading.Thread(target=self._look, args=(question, answers), name="glance", daemon=True).start()
        try:
            found = answers.get(timeout=self._wait)
        except queue.Empty:
            raise Unavailable from None
        if found is None:
            raise Unavailable
        return found[0]

    def _look(self, question: Callable[[Session], T], answers: "queue.SimpleQueue[tuple[T] | None]") -> None:
        try:
            with self._database.reading() as session:
                found = question(session)
        except Exception:  # noqa: BLE001  whatever went wrong, who asked must not wait for it
            answers.put(None)
        else:
            answers.put((found,))
        finally:
            self._turn.release()


class Sought:
    """One thread's key in the queue to the reader. The lock is let go when it is known what stands there."""

    __slots__ = ("decided", "failed", "found", "key")

    def __init__(self, key: str) -> None:
        self.key = key
        self.found: bytes | None = None
        self.failed = False
        self.decided = threading.Lock()
        self.decided.acquire()


class GroupLook:
    """Looks up one column of rows by their `id` for all waiting threads together: many hops pay for one round trip.

    One reader thread a process, started on first use. It may hang with a database that hangs; whoever waits for it does not.
    """

    LARGEST_GROUP = 100

    def __init__(self, database: Database, column: Column[bytes], *, wait: float) -> None:
        self._database = database
        key = column.table.c.id
        self._question = select(key, column).where(key.in_(bindparam("keys", expanding=True)))
        self._wait = wait
        self._queue: queue.SimpleQueue[Sought] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def at(self, key: str) -> bytes | None:
        """Return what stands in the column, None where there is no row. Raises Unavailable when that fails or takes too long."""
        if self._thread is None:
            self._open()
        mine = Sought(key)
        self._queue.put(mine)
        if not mine.decided.acquire(timeout=self._wait) or mine.failed:
            raise Unavailable
        return mine.found

    def _open(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_up, name="group-look", daemon=True)
                self._thread.start()

    def _look_up(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < self.LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get())
            self._answer(group)
            for one in group:
                one.decided.release()

    def _answer(self, group: list[Sought], *, again: bool = True) -> None:
        try:
            with self._database.looking() as connection:
                rows = connection.execute(self._question, {"keys": [one.key for one in group]})
                found: dict[str, bytes] = {row[0]: row[1] for row in rows}
        except Exception as error:  # noqa: BLE001  whatever went wrong, each who waits must hear that nothing is known
            if again and isinstance(error, DBAPIError) and error.connection_invalidated:
                self._answer(group, again=False)
                return
            for one in group:
                one.failed = True
        else:
            for one in group:
                one.found = found.get(one.key)
