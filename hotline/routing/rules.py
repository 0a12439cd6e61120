"""Rules of who is told, as sentences: "If a minor is named and a passage is under way, tell the border post open now, the ...".

One TOML file a deployment, read as a whole or refused. A rule adds whom it names to who is told anyhow, and never takes the two
agencies away that a danger to life is told to; only one that says `only` draws a circle nobody outside is told of, also not
by the ladder. Everything here is pure: a report's facts, an hour and a directory go in, names and reasons come out.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hotline.models import Tier

SHIPPED: Final = Path(__file__).with_name("rusizi.toml")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANY: Final = "*"

Category = Literal[
    "trafficking", "smuggling", "gbv", "labour_abuse", "missing_person", "child_protection", "question", "thanks_or_other",
    "spam_or_prank",
]  # fmt: skip
Urgency = Literal["immediate", "soon", "routine"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Unfit(ValueError):
    """A file of rules is not fit to be used. One sentence that says where and why."""


class Strict(BaseModel):
    """A table of the file: nothing unknown in it, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Strict):
    """What must hold for a rule; what is not named may be anything. `signs` are findings of triage, of which one is enough."""

    category: tuple[Category, ...] = ()
    urgency: tuple[Urgency, ...] = ()
    minors: bool | None = None
    places: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    days: tuple[Day, ...] = ()
    hours: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The hours in minutes after midnight."""
        if self.hours is None:
            return None
        start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in self.hours.split("-"))
        return start, end

    def holds(self, facts: "Facts", local: datetime) -> bool:
        """Whether a report with these facts at this hour is meant."""
        return (
            (not self.category or facts.category in self.category)
            and (not self.urgency or facts.urgency in self.urgency)
            and (self.minors is None or self.minors == facts.minors)
            and (not self.places or not facts.areas.isdisjoint(self.places))
            and (not self.signs or not facts.signs.isdisjoint(self.signs))
            and self._now(local)
        )

    def _now(self, local: datetime) -> bool:
        """A span that runs over midnight belongs to the day it began on."""
        minute, day = local.hour * 60 + local.minute, local
        if self.span is not None:
            start, end = self.span
            if start < end and not start <= minute < end:
                return False
            if start >= end:
                if end <= minute < start:
                    return False
                day = local - timedelta(days=1) if minute < end else local
        return not self.days or DAYS[day.weekday()] in self.days

    def covers(self, other: "When") -> bool:
        """Whether this holds whenever the other does, as far as the conditions alone can say."""
        listed = ("category", "urgency", "places", "signs", "days")
        wider = all(not getattr(self, one) or (_in(getattr(other, one), getattr(self, one))) for one in listed)
        return wider and self.minors in (None, other.minors) and self.hours in (None, other.hours)


class Tell(Strict):
    """Whom to tell: one contact of a kind of agency, on duty unless `wake`; all of them with `every`."""

    kind: str = ANY
    tier: Tier = Tier.DUTY
    wake: bool = False
    every: bool = False


class Rule(Strict):
    """One sentence."""

    name: str = Field(min_length=3, max_length=80)
    when: When = When()
    tell: tuple[Tell, ...] = Field(min_length=1)
    only: bool = False


class Rules(Strict):
    """A file of rules. `version` names it in each referral's reason and in the record."""

    version: str = Field(min_length=1, max_length=40)
    rule: tuple[Rule, ...] = ()

    @field_validator("rule")
    @classmethod
    def _named_once(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in rules]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two rules are called {min(twice)!r}")
        return rules

    def holding(self, facts: "Facts", local: datetime) -> tuple[Rule, ...]:
        """Return the rules that hold for a report, in their order; nothing after one that says `only`."""
        held: list[Rule] = []
        for rule in self.rule:
            if rule.when.holds(facts, local):
                held.append(rule)
                if rule.only:
                    break
        return tuple(held)


@dataclass(frozen=True)
class Facts:
    """What a rule may ask of a report."""

    category: str
    urgency: str
    minors: bool
    areas: frozenset[str]
    signs: frozenset[str] = frozenset()


NONE: Final = Rules(version="none")


def parse(text: str) -> Rules:
    """Read a file's text. Raises Unfit, naming the first place that is wrong."""
    try:
        return Rules.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise Unfit(f"The file is no TOML: {fault}.") from None
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step + 1) if isinstance(step, int) else str(step) for step in first["loc"])
        raise Unfit(f"{where or 'The file'}: {first['msg']}.") from None


def read(path: Path) -> Rules:
    """Read a file. Raises Unfit."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Unfit(f"{path.name} cannot be read.") from None


def idle(rules: Rules, kinds: frozenset[str], signs: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield rules that never do anything, and why: unreachable, the same as another, or asking for what does not exist."""
    for at, rule in enumerate(rules.rule):
        before = rules.rule[:at]
        ahead = next((one.name for one in before if one.only and one.when.covers(rule.when)), None)
        if ahead:
            yield rule.name, f"is never reached: {ahead!r} says only, and holds whenever this does"
        elif same := next((one.name for one in before if one.when.covers(rule.when) and set(rule.tell) <= set(one.tell)), None):
            yield rule.name, f"overlaps {same!r}, which already tells the same whenever this holds"
        if strange := sorted(set(rule.when.signs) - signs):
            yield rule.name, f"asks for {strange[0]!r}, which triage never finds"
        yield from ((rule.name, f"tells {tell.kind!r}, of which the directory has none") for tell in _strangers(rule, kinds))


def _strangers(rule: Rule, kinds: frozenset[str]) -> Iterator[Tell]:
    return (tell for tell in rule.tell if tell.kind not in kinds | {ANY})


def _in(inner: Sequence[str], outer: Sequence[str]) -> bool:
    return bool(inner) and set(inner) <= set(outer)
