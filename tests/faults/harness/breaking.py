"""How things are broken: databases, disks, supervisors, and workers at their worst moment."""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from hotline.models import MessageState
from hotline.queue import QueueName
from tests.faults.harness.parts import MESSAGE, World
from tests.faults.harness.stage import Stage
from tests.servers import until


def spool_empty(world: World) -> float | None:
    """Return how long the spool took to be empty, None when it took longer than a minute."""
    try:
        return until(lambda: not world.spooled(), 60, "the spool is empty", every=0.1)
    except TimeoutError:
        return None


@contextmanager
def crashed(world: World) -> Iterator[None]:
    """Have no PostgreSQL: it ends without a checkpoint, and recovers afterwards."""
    assert world.cluster is not None
    world.cluster.stop()
    try:
        yield
    finally:
        world.cluster.start()


@contextmanager
def frozen(world: World) -> Iterator[None]:
    """Have a PostgreSQL that takes connections and answers nothing."""
    assert world.cluster is not None
    world.cluster.freeze()
    try:
        yield
    finally:
        world.cluster.thaw()


@contextmanager
def written_by_another(world: World) -> Iterator[None]:
    """Hold SQLite's own write lock, as a backup or a shell that forgot to commit does: every write is refused."""
    other = sqlite3.connect(world.running.instance / "hotline.db", isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def turn_taken(world: World) -> Iterator[None]:
    """Hold the lock all writers queue on, as one that was stopped in mid-write does: every write hangs."""
    with (world.running.instance / "hotline.db.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def fill(filler: Path) -> None:
    """Write until nothing more goes in."""
    with filler.open("ab", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass


def supervisor_killed(world: World) -> datetime:
    """Kill `hotline up` alone, and start it again as the machine's own supervisor would."""
    running = world.running
    assert running.process is not None
    running.process.kill()
    moment = datetime.now(UTC)
    running.process.wait(10)
    running.start().until_ready(60)
    return moment


def working(world: World, lane: str) -> list[int]:
    """Return a worker of a lane and its job at the worst moment: while a row it has claimed is on its way."""
    claimed = select(MESSAGE.c.id).where(MESSAGE.c.lane == lane, MESSAGE.c.state == MessageState.CLAIMED).limit(1)
    with world.running.site.db.reading() as session:
        at_work = lane == QueueName.INTAKE or session.execute(claimed).first() is not None
    return world.running.with_job(lane) if at_work else []


def found_by(stage: Stage, find: Callable[[], list[int]]) -> list[int]:
    """Wait until there is something to break; for a worker that is the moment it has a job."""
    found: list[int] = []
    until(lambda: found.extend(find()) or found or stage.interrupted.is_set(), 30, "there is something to kill")
    return found
