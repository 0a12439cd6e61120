"""The stage an act is played on: one hotline, how much is to be done, and dice that a seed makes fall alike."""

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from tests.faults.harness.parts import World
from tests.faults.harness.traffic import Letter, letters, nasty


@dataclass(frozen=True)
class Plan:
    """How much is done: `texts` are those of T-IN-1, at `rate` a second, `forgeries` of T-IN-5; `pace` is that of T-Q-1.

    Times are in seconds.
    """

    seed: int
    texts: int
    rate: float
    forgeries: int
    redis_gone: float
    pace: float
    settle: float
    disk: bool


@dataclass
class Stage:
    """One world with its plan and its dice, on which acts are played."""

    world: World
    plan: Plan
    interrupted: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.chance, self._words, self._bad = (self._dice(what) for what in ("victims", "texts", "bytes"))

    def letters(self, number: float, *, life: bool = False) -> Iterator[Letter]:
        """Yield so many invented texts."""
        return letters(self.world.running.site, int(number), self._words, life=life)

    def mixed(self, number: int) -> Iterator[Letter]:
        """Yield so many texts; every fortieth has bytes that have broken others."""
        bad = nasty(self.world.running.site, number, self._bad)
        for place, letter in enumerate(self.letters(number)):
            yield next(bad) if place % 40 == 39 else letter

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self.plan.seed}|{self.world.store}|{what}")

    def post(
        self, name: str, texts: Iterable[Letter], rate: float, injure: Callable[[Event], list[datetime]], *, settle: bool = True
    ) -> list[datetime]:
        """Post texts while `injure` does its worst in a thread; returns the moments at which it did."""
        done = Event()
        with ThreadPoolExecutor(1) as beside:
            doing = beside.submit(injure, done)
            try:
                self.world.post.post(name, texts, rate=rate)
            except BaseException:
                self.interrupted.set()
                raise
            finally:
                done.set()
            moments = doing.result()
        if settle:
            self.world.settle(self.plan.settle)
        return moments

    def pause(self, seconds: float) -> None:
        """Let time pass, also when all texts are posted already; Ctrl-C ends it."""
        if self.interrupted.wait(seconds):
            raise InterruptedError
