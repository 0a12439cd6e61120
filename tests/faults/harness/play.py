"""Plays the acts on each database at once, each in a process of its own: most of an act is waiting."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import FrameType

from tests.faults.harness import books
from tests.faults.harness.accounting import account
from tests.faults.harness.acts import BESIDE, DISK_ACTS, ORDER
from tests.faults.harness.facts import Act, Facts
from tests.faults.harness.lines import Line
from tests.faults.harness.parts import small_disk, undisturbed, world
from tests.faults.harness.stage import Plan, Stage

Play = Callable[[Stage], Act]
ENDING_SECONDS, PATIENCE_SECONDS = 120, 15


def play(stores: Sequence[str], plan: Plan, only: Sequence[str]) -> dict[str, Sequence[Line] | None]:
    """Return the lines of each database; None where playing itself failed. Interrupted, it ends every process it started."""
    spawn = multiprocessing.get_context("spawn")
    playing: dict[str, tuple[SpawnProcess, Connection]] = {}
    try:
        for store in stores:
            ours, theirs = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_player, args=(store, plan, only, theirs))
            process.start()
            theirs.close()
            playing[store] = process, ours
        return {store: _result(process, pipe) for store, (process, pipe) in playing.items()}
    finally:
        with undisturbed():
            for process, _ in playing.values():
                process.terminate()
            for process, _ in playing.values():
                _end(process)


def play_on(store: str, plan: Plan, only: Sequence[str]) -> Sequence[Line]:
    """Play the acts on one database and account for them."""
    with world(store, plan.seed) as made:
        facts = _perform(Stage(made, plan), _wanted(ORDER[store], only))
    disk = [act for act in DISK_ACTS if act.__name__ in only or (plan.disk and not only)]
    if disk:
        with small_disk() as base, world(store, plan.seed, base, ballast_mib="64") as made:
            facts = facts.and_of(_perform(Stage(made, plan), [(act,) for act in disk]))
    return account(facts)


def _wanted(acts: Sequence[Play], only: Sequence[str]) -> list[tuple[Play, ...]]:
    """Return the acts to be played, each with those played beside it."""
    together = [(act, *([BESIDE[act]] if act in BESIDE else ())) for act in acts]
    chosen = [tuple(act for act in pair if not only or act.__name__ in only) for pair in together]
    return [pair for pair in chosen if pair]


def _perform(stage: Stage, acts: Sequence[tuple[Play, ...]]) -> Facts:
    """Play acts and read what they left behind."""
    world, played = stage.world, []
    for act, *others in acts:
        with ThreadPoolExecutor() as beside:
            doing = [beside.submit(_timed, stage, other) for other in others]
            played.append(_timed(stage, act))  # here, where Ctrl-C is heard
        played += [other.result() for other in doing]
    world.settle(stage.plan.settle, within=3600)
    return books.read(world.running.site, world.store, played, world.post.acked, world.record)


def _timed(stage: Stage, act: Play) -> Act:
    began = time.monotonic()
    played = act(stage)
    print(f"{stage.world.store:>10} {played.name:>8} {time.monotonic() - began:6.1f} s  {played.injected}", flush=True)
    return played


def _player(store: str, plan: Plan, only: Sequence[str], result: Connection) -> None:
    """Play in a process of its own. Ctrl-C reaches the whole group; only what our parent then says counts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _Interrupt())
    sys.unraisablehook = _unheard
    with suppress(KeyboardInterrupt):
        result.send(play_on(store, plan, only))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _unheard(lost: "sys.UnraisableHookArgs") -> None:
    """Say what a destructor swallowed, except an interrupt: our parent asks again."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)


class _Interrupt:
    """Raises KeyboardInterrupt once, and again only after a while: a second signal must not stop the cleaning up."""

    def __init__(self) -> None:
        self._last = -PATIENCE_SECONDS * 1.0

    def __call__(self, *_: int | FrameType | None) -> None:
        if time.monotonic() - self._last > PATIENCE_SECONDS / 2:
            self._last = time.monotonic()
            raise KeyboardInterrupt


def _end(process: SpawnProcess) -> None:
    """Ask until it has ended: an interrupt that comes in the midst of a destructor is lost."""
    for _ in range(ENDING_SECONDS // PATIENCE_SECONDS):
        process.join(PATIENCE_SECONDS)
        if not process.is_alive():
            return
        process.terminate()
    process.kill()


def _result(process: SpawnProcess, pipe: Connection) -> Sequence[Line] | None:
    try:
        lines: Sequence[Line] = pipe.recv()
    except EOFError:  # it ended without a result, and has said why
        return None
    process.join(ENDING_SECONDS)
    return lines
