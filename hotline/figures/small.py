"""What may be shown of a count, so that nobody can be found in a table, also not by taking one table or month from another.

Comes in: exact counts. Goes out: nothing, "<5", or the nearest multiple of five (docs/adr/0040). Rounding alone is not enough:
where the numbers shown would leave only some of 1, 2, 3 and 4 for a small cell, the total is left out, and then whole tables,
until each small cell could again be any of the four.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FEWEST: Final = 5  # a count below is not shown
FEW: Final = f"<{FEWEST}"
BASE: Final = 5
Span = tuple[int, int]
EVERY: Final[Span] = (0, 10**9)


@dataclass(frozen=True)
class Cell:
    """One count as it is shown, and how long a bar for it may be drawn."""

    shown: str
    size: int


@dataclass(frozen=True)
class Shown:
    """What may be shown: a total, where it gives nothing away, and tables that each add up to it. Left out tables are None."""

    total: Cell | None
    tables: Mapping[str, Mapping[str, Cell] | None] = field(default_factory=dict)


def cell(count: int) -> Cell:
    """Return how one count is shown."""
    if count == 0:
        return Cell("0", 0)
    if count < FEWEST:
        return Cell(FEW, FEWEST // 2)
    return Cell(str(rounded(count)), rounded(count))


def rounded(count: int) -> int:
    """Return the nearest multiple of five."""
    return BASE * ((count + BASE // 2) // BASE)


def span(count: int) -> Span:
    """Return between which counts this one lies for somebody who knows what is shown of it and how that is made."""
    if count == 0:
        return (0, 0)
    if count < FEWEST:
        return (1, FEWEST - 1)
    return (max(FEWEST, rounded(count) - BASE // 2), rounded(count) + BASE // 2)


def publish(tables: Mapping[str, Mapping[str, int]]) -> Shown:
    """Return what may be shown of tables that all count the same cases, each case once a table."""
    kept = dict(tables)
    total = next((sum(counts.values()) for counts in tables.values()), 0)
    with_total = True
    while kept and not harmless([list(counts.values()) for counts in kept.values()], span(total) if with_total else EVERY):
        if with_total:
            with_total = False
        else:
            kept.pop(min(kept, key=lambda name: (len(kept[name]), name)))
    shown = {name: cells(counts) if name in kept else None for name, counts in tables.items()}
    return Shown(cell(total) if with_total else None, shown)


def cells(counts: Mapping[str, int]) -> Mapping[str, Cell]:
    """Return a table that adds up to nothing, because a case may stand in several of its rows."""
    return {code: cell(count) for code, count in counts.items()}


def harmless(tables: Sequence[Sequence[int]], total: Span = EVERY) -> bool:
    """Whether each small cell of these tables could still be any of 1 to 4, for who knows all that is shown of all of them."""
    sums = [(sum(span(count)[0] for count in counts), sum(span(count)[1] for count in counts)) for counts in tables]
    least, most = max([total[0], *(low for low, _ in sums)]), min([total[1], *(high for _, high in sums)])
    return all(_open(counts, (low, high), (least, most)) for counts, (low, high) in zip(tables, sums, strict=True))


def _open(counts: Sequence[int], ends: Span, total: Span) -> bool:
    """Whether each small cell of one table may be any of 1 to 4, when the total lies between these."""
    if not any(0 < count < FEWEST for count in counts):
        return True
    others_least, others_most = ends[0] - 1, ends[1] - (FEWEST - 1)
    return all(others_least + value <= total[1] and others_most + value >= total[0] for value in (1, FEWEST - 1))
