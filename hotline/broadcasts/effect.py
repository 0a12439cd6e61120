"""Whether a broadcast led to more reports: people it was sent to beside people who were held out by lot.

Everybody counts where the lot put them, also whoever was left out or out of reach: only so do the two differ by nothing but the
text, and no number here tells that somebody had reported before. A cell in which one to four people reported is not shown, nor
is one that could be reckoned from the others: such cells are put together until they are large enough.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from hotline.broadcasts.audience import SMALLEST
from hotline.broadcasts.replies import FEWEST
from hotline.models import Aside, Caller, Case, Message, Report, Subscriber, table
from hotline.outbound.recipients import HELD_OUT

MESSAGE, SUBSCRIBER, CALLER, REPORT, CASE = (table(m) for m in (Message, Subscriber, Caller, Report, Case))
WEEK: Final = timedelta(days=7)
WEEKS: Final = 4
CERTAIN: Final = 1.959964  # of the normal distribution, for an interval that holds the truth in 95 of 100 cases


@dataclass(frozen=True)
class Arm:
    """People of one group, and how many of them reported."""

    people: int = 0
    reported: int = 0

    @property
    def rate(self) -> float:
        """How many of a thousand reported."""
        return 1000 * self.reported / self.people if self.people else 0.0

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(self.people + other.people, self.reported + other.reported)


@dataclass(frozen=True)
class Compared:
    """One line: those it was sent to, those held out, and how many more of a thousand reported, from `low` to `high`.

    `name` is a sector or the number of a week; empty stands for all small ones together.
    """

    name: str
    sent: Arm
    held: Arm

    @property
    def more(self) -> float:
        """How many more of a thousand reported."""
        return self.sent.rate - self.held.rate

    @property
    def low(self) -> float:
        """The least that is likely."""
        return 1000 * _interval(self.sent, self.held)[0]

    @property
    def high(self) -> float:
        """The most that is likely."""
        return 1000 * _interval(self.sent, self.held)[1]

    @property
    def found(self) -> bool:
        """Whether chance alone hardly explains it."""
        return self.low > 0 or self.high < 0

    @property
    def large(self) -> bool:
        """Whether it may be shown."""
        enough = min(self.sent.people, self.held.people) >= SMALLEST
        return enough and not any(0 < arm.reported < FEWEST for arm in (self.sent, self.held))

    def __add__(self, other: "Compared") -> "Compared":
        return Compared("", self.sent + other.sent, self.held + other.held)


@dataclass(frozen=True)
class Effect:
    """What a broadcast did within four weeks: on the whole, None where that is too small to be shown; by sector; by week."""

    whole: Compared | None
    by_sector: tuple[Compared, ...]
    by_week: tuple[Compared, ...]


def effect(session: Session, row: Mapping[str, Any]) -> Effect | None:
    """Compare the two groups of a broadcast, or return None where nobody was held out or it has not begun.

    While nobody has reported nothing is compared, as where too few have: the page then looks the same. Weeks are told up to the
    last in which somebody did.
    """
    if not row["audience"].get("held_out") or row["started_at"] is None:
        return None
    people, reported = _people(session, row), _reported(session, row)
    if not reported:
        return Effect(None, (), ())
    sectors = [_line(name, people, [one for one in reported if one[0] == name], name) for name in sorted({s for s, _ in people})]
    weeks = [
        _line(str(week + 1), people, [one for one in reported if one[2] == week])
        for week in range(max(week for _, _, week in reported) + 1)
    ]
    whole = _line("", people, reported)
    return Effect(whole if whole.large else None, tuple(told(sectors)), tuple(told(weeks, every=False)))


def told(lines: Iterable[Compared], *, every: bool = True) -> list[Compared]:
    """Return the lines that may be shown, small ones put together. `every`: their people add up to the whole."""
    shown, small = list[Compared](), list[Compared]()
    for line in lines:
        (shown if line.large else small).append(line)
    shown.sort(key=lambda line: line.sent.people + line.held.people, reverse=True)
    while small and shown and (rest := _together(small, every=every)) is not None and not rest.large:
        small.append(shown.pop())
    rest = _together(small, every=every)
    shown.sort(key=lambda line: line.name)
    return [*shown, *([rest] if rest is not None and rest.large else [])]


def _together(lines: list[Compared], *, every: bool) -> Compared | None:
    """Put lines together: of sectors the people add up, of weeks they are the same people in each."""
    if not lines:
        return None
    if every:
        return sum(lines[1:], Compared("", lines[0].sent, lines[0].held))
    sent, held = sum(line.sent.reported for line in lines), sum(line.held.reported for line in lines)
    return Compared("", Arm(lines[0].sent.people, sent), Arm(lines[0].held.people, held))


def _people(session: Session, row: Mapping[str, Any]) -> dict[tuple[str, bool], int]:
    held = case((MESSAGE.c.reason == HELD_OUT, 1), else_=0).label("held")
    counted = select(SUBSCRIBER.c.sector, held, func.count().label("many")).join_from(
        MESSAGE, SUBSCRIBER, SUBSCRIBER.c.id == MESSAGE.c.subscriber_id
    )
    found = session.execute(counted.where(MESSAGE.c.broadcast_id == row["id"]).group_by(SUBSCRIBER.c.sector, held))
    people: dict[tuple[str, bool], int] = {}
    for one in found:
        people[one.sector or "", bool(one.held)] = people.get((one.sector or "", bool(one.held)), 0) + one.many
    return people


def _reported(session: Session, row: Mapping[str, Any]) -> list[tuple[str, bool, int]]:
    """Return sector, whether held out, and week of each person's first report that is no noise."""
    began: datetime = row["started_at"]
    first = func.min(REPORT.c.opened_at).label("first")
    columns = (SUBSCRIBER.c.id, SUBSCRIBER.c.sector, MESSAGE.c.reason)
    asked = (
        select(*columns, first)
        .join_from(MESSAGE, SUBSCRIBER, SUBSCRIBER.c.id == MESSAGE.c.subscriber_id)
        .join(CALLER, CALLER.c.number_index == SUBSCRIBER.c.number_index)
        .join(REPORT, REPORT.c.caller_id == CALLER.c.id)
        .join(CASE, CASE.c.id == REPORT.c.case_id)
        .where(MESSAGE.c.broadcast_id == row["id"], CASE.c.aside.is_distinct_from(Aside.PARKED))
        .where(REPORT.c.opened_at >= began, REPORT.c.opened_at < began + WEEKS * WEEK)
        .group_by(*columns)
    )
    return [(one.sector or "", one.reason == HELD_OUT, (one.first - began) // WEEK) for one in session.execute(asked)]


def _line(
    name: str, people: Mapping[tuple[str, bool], int], reported: list[tuple[str, bool, int]], sector: str | None = None
) -> Compared:
    def arm(*, held: bool) -> Arm:
        some = sum(many for (of, is_held), many in people.items() if is_held is held and sector in (None, of))
        return Arm(some, sum(one[1] is held for one in reported))

    return Compared(name, arm(held=False), arm(held=True))


def _interval(one: Arm, other: Arm) -> tuple[float, float]:
    """Return the interval of the difference of two rates: Newcombe's method 10, good also for few reports of many people.

    R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998).
    """
    if not one.people or not other.people:
        return -1.0, 1.0
    p, q = one.reported / one.people, other.reported / other.people
    (p_low, p_high), (q_low, q_high) = _wilson(one), _wilson(other)
    difference = p - q
    low = difference - sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    return low, difference + sqrt((p_high - p) ** 2 + (q - q_low) ** 2)


def _wilson(arm: Arm) -> tuple[float, float]:
    """Return the interval of one rate (E. B. Wilson, 1927)."""
    n, p, z2 = arm.people, arm.reported / arm.people, CERTAIN**2
    middle, half = (p + z2 / (2 * n)) / (1 + z2 / n), CERTAIN / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
