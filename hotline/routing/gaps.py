"""Gaps in cover: the hours of the coming week at which nobody, or one agency alone, would be told. Pure.

Asked by `hotline doctor` of the rules in force, and in the console of rules before they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hotline.routing.choose import Entry, Need, agencies_of, choose, wake_somebody
from hotline.routing.rules import Rules

CATEGORIES: Final = ("trafficking", "smuggling", "gbv", "labour_abuse", "missing_person", "child_protection")
WEEK: Final = tuple(timedelta(hours=hour) for hour in range(7 * 24))
TWO: Final = 2


@dataclass(frozen=True)
class Gap:
    """A kind of report that finds nobody: how many hours of the coming week, and the first of them."""

    category: str
    hours: int
    first: datetime


def gaps(entries: Sequence[Entry], rules: Rules, local: datetime, district: str) -> Iterator[Gap]:
    """Yield each category that finds nobody at some hour of the week from a local moment on."""
    for category in CATEGORIES:
        asked = Need(category, "soon", minors=False, areas=frozenset({district}))
        alone = [local + hours for hours in WEEK if not wake_somebody(choose(asked, entries, local + hours, rules))]
        if alone:
            yield Gap(category, len(alone), alone[0])


def hours_alone(entries: Sequence[Entry], rules: Rules, local: datetime, district: str) -> list[datetime]:
    """Return the hours of the week at which a danger to life would be told to fewer than two agencies."""
    asked = Need("trafficking", "immediate", minors=True, areas=frozenset({district}))
    hours = (local + hours for hours in WEEK)
    return [one for one in hours if len(agencies_of(choose(asked, entries, one, rules))) < TWO]
