"""A line of the accounting, and the figures it stands or falls by."""

from collections.abc import Iterable
from dataclasses import dataclass

FEW = 5


@dataclass(frozen=True)
class Figure:
    """One figure of a line; beyond its limit the line is broken. A figure that is None could not be measured."""

    what: str
    found: float | None
    limit: float
    unit: str = ""
    at_least: bool = False
    such: tuple[str, ...] = ()

    @classmethod
    def none_of(cls, what: str, things: Iterable[str]) -> "Figure":
        """Return how many such things there are, where there may be none; the first few are named."""
        found = list(things)
        return cls(what, len(found), 0, such=tuple(found[:FEW]))

    @property
    def ok(self) -> bool:
        if self.found is None:
            return False
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass(frozen=True)
class Line:
    """One promise: what was done to it, how often, over how many things, and what came out."""

    promise: str
    says: str
    injected: str
    times: int
    counted: int
    of: str
    figures: tuple[Figure, ...]

    @property
    def ok(self) -> bool:
        return self.times > 0 and self.counted > 0 and all(figure.ok for figure in self.figures)
