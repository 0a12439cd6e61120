"""A process that dies at a named step of ingest, spool or flush, as if the machine had ended it there.

The child is a fork with a deployment of its own. Steps are found by wrapping functions; the code that ships knows nothing of
them. What the child promised it writes to a pipe, which outlives it.
"""

import os
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from hotline.deployment import Deployment

DEAD = 9
LIVED = 0
BROKE = 70


@dataclass(frozen=True)
class Step:
    """One call of one function, and whether death comes before it or after it."""

    name: str
    owner: Any
    attribute: str
    before: bool
    call: int

    def __str__(self) -> str:
        return f"{'before' if self.before else 'after'} {self.name}"


def steps(name: str, owner: Any, attribute: str, *, call: int = 3) -> Iterator[Step]:
    """Yield the step before and the step after a call."""
    yield from (Step(name, owner, attribute, before, call) for before in (True, False))


def arm(step: Step, site: Deployment) -> None:
    """Make this process die at a step. A COMMIT is no function of ours: there the database's own event is asked."""
    if step.attribute == "commit":
        dying = dies(step, lambda _: None)
        for db in (site.db, site.hurried_db):
            event.listen(db.engine, "commit", dying)
        return
    real = getattr(step.owner, step.attribute)
    if isinstance(step.owner, types.ModuleType) and step.owner.__name__ == "os":
        raise TypeError("wrap os where it is used, or everything dies")
    setattr(step.owner, step.attribute, dies(step, real))


def dies(step: Step, real: Callable[..., Any]) -> Callable[..., Any]:
    calls = 0

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if step.before and calls == step.call:
            os._exit(DEAD)
        result = real(*arguments, **named)
        if calls == step.call:
            os._exit(DEAD)
        return result

    return wrapped


def own_os(module: types.ModuleType) -> Any:
    """Give a module an `os` of its own, so that only what it calls can be wrapped."""
    mine = types.SimpleNamespace(**vars(os))
    module.os = mine  # type: ignore[attr-defined]
    return mine


@dataclass(frozen=True)
class End:
    """How a child ended and what it had promised by then."""

    code: int
    said: tuple[str, ...]


def forked(work: Callable[[Callable[[str], None]], None]) -> End:
    """Run work in a child; whatever it says is kept, however it ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = BROKE
        try:
            os.close(reading)
            work(lambda words: _say(writing, words))
            code = LIVED
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = tuple(pipe.read().split())
    _, status = os.waitpid(child, 0)
    return End(os.waitstatus_to_exitcode(status), said)


def _say(pipe: int, words: str) -> None:
    os.write(pipe, f"{words}\n".encode())
