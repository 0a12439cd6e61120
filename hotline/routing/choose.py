"""Chooses contacts for a case: facts in, names and reasons out. Pure, so that it can be asked "who would have been told?".

Rules, from docs/safety.md: for danger to life at least two agencies, never one person; a contact is told only on duty, for an
area and a category that are theirs; when that leaves nobody, the ladder starts one rung up, and the last resort is never empty.
Whoever has no phone, or serves abroad, is told beside those and never in their place (docs/adr/0054).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice

from hotline.models import Tier, subjects_of
from hotline.routing.rules import ANY, NONE, Facts, Rule, Rules, Tell

NOBODY_TOLD = frozenset({"question", "thanks_or_other", "spam_or_prank"})
CHILD_LINE = "child_line"
INDEPENDENT = frozenset({"ngo", "independent"})
FOR_CHILDREN = (CHILD_LINE, "isange")
RUNGS = (Tier.DUTY, Tier.SUPERVISOR, Tier.NATIONAL, Tier.DIRECTOR)
CROSSING = frozenset({"moving-now", "speaks-of-passage"})  # findings of triage that speak of a border


@dataclass(frozen=True)
class Hours:
    """Weekly duty: weekday 0 is Monday; minutes after midnight; an end not after its start runs into the next day."""

    weekday: int
    start: int
    end: int

    def cover(self, local: datetime) -> bool:
        """Whether a moment on the deployment's wall clock falls into these hours."""
        minute = local.hour * 60 + local.minute
        if self.end > self.start:
            return local.weekday() == self.weekday and self.start <= minute < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() == self.weekday and minute >= self.start) or (yesterday == self.weekday and minute < self.end)


@dataclass(frozen=True)
class Span:
    """A span of time that counts more than weekly hours: away, or on duty out of turn."""

    begins: datetime
    ends: datetime
    on_duty: bool

    def covers(self, moment: datetime) -> bool:
        """Whether a moment falls into it."""
        return self.begins <= moment < self.ends


@dataclass(frozen=True)
class Entry:
    """A contact as the directory knows it. `rests` are the holidays on which they are not on duty.

    `beside` names the gateways by which they are told beside the text to their phone, or alone where there is no `phone`.
    """

    id: str
    agency: str
    agency_kind: str
    tier: Tier
    language: str
    areas: frozenset[str]
    categories: frozenset[str]
    minors: bool
    last_resort: bool
    hours: tuple[Hours, ...]
    station: str | None = None
    spans: tuple[Span, ...] = ()
    rests: frozenset[date] = frozenset()
    beside: tuple[str, ...] = ()
    phone: bool = True
    crossings: bool = True
    abroad: bool = False

    @property
    def wakes(self) -> bool:
        """Whether somebody here can be woken: only they count among the two agencies that a danger to life needs."""
        return self.phone and not self.abroad

    @cached_property
    def subjects(self) -> frozenset[str]:
        """Everything an exclusion of which is one of this contact."""
        return subjects_of(contact=self.id, agency=self.agency, kind=self.agency_kind, station=self.station)

    @property
    def independent(self) -> bool:
        """Whether this body stands outside the district and its police: told first when somebody there is accused."""
        return self.agency_kind in INDEPENDENT or self.tier is Tier.NATIONAL

    def on_duty(self, local: datetime) -> bool:
        """Whether the contact is on duty: by the week's hours, unless away or resting that day. A last resort always is."""
        if self.last_resort:
            return True
        if self.spans and (now := [span.on_duty for span in self.spans if span.covers(local)]):
            return all(now)
        return any(hours.cover(local) for hours in self.hours) and not (self.rests and local.date() in self.rests)


@dataclass(frozen=True)
class Need:
    """What a case asks for. `areas` are the sectors named and the deployment's district, `signs` the findings of triage."""

    category: str
    urgency: str
    minors: bool
    areas: frozenset[str]
    signs: frozenset[str] = frozenset()

    @cached_property
    def facts(self) -> Facts:
        """What rules may ask."""
        return Facts(self.category, self.urgency, self.minors, self.areas, self.signs)

    @property
    def life(self) -> bool:
        """Whether somebody is in danger now."""
        return self.urgency == "immediate"

    @cached_property
    def crosses(self) -> bool:
        """Whether it is about a border."""
        return self.category == "smuggling" or not CROSSING.isdisjoint(self.signs)


@dataclass(frozen=True)
class Choice:
    """A contact to tell and why."""

    entry: Entry
    why: str


@dataclass(frozen=True)
class Bar:
    """Who must not know of a case.

    `outside`: until a person decides, and while a kind of people is accused, only bodies outside the district are told.
    """

    subjects: frozenset[str] = frozenset()
    outside: bool = False

    def admitted(self, directory: Sequence[Entry]) -> tuple[Entry, ...]:
        """Return who may be told. Without a body outside that can be woken, everybody else who is not barred, not nobody."""
        may_know = tuple(entry for entry in directory if self.subjects.isdisjoint(entry.subjects))
        outside = tuple(entry for entry in may_know if self.outside and entry.independent)
        return outside if any(entry.wakes for entry in outside) else may_know


OPEN = Bar()


def circle(need: Need, directory: Sequence[Entry], local: datetime, rules: Rules) -> tuple[Entry, ...]:
    """Return who may be told at all: those a rule with `only` names, or everybody. Never nobody where there is somebody."""
    return _within(rules.holding(need.facts, local), directory)


def choose(need: Need, directory: Sequence[Entry], local: datetime, rules: Rules = NONE) -> tuple[Choice, ...]:
    """Return whom to tell first. For danger to life it is empty only when the directory holds nobody of this country."""
    if need.category in NOBODY_TOLD and not need.life:
        return ()
    wanted, held = 2 if need.life else 1, rules.holding(need.facts, local)
    directory = _within(held, directory)
    near = [entry for entry in directory if _may_hear(entry, need) and _covers(entry.areas, need.areas)]
    chosen = _by_rules(held, near, local) or _fitting(need, near, local, Tier.DUTY)[:1]
    chosen = _with_child_protection(need, near, local, chosen)
    for rung in RUNGS:
        if len(agencies_of(chosen)) >= wanted:
            return tuple(chosen)
        for choice in _fitting(need, near, local, rung):
            if choice.entry.wakes and choice.entry.agency not in agencies_of(chosen) and len(agencies_of(chosen)) < wanted:
                chosen.append(choice)
    chosen = _filled(chosen, wanted, _to_be_woken(need, directory), "woken: too few are on duty")
    if need.life and not agencies_of(chosen):
        chosen = _filled(chosen, wanted, directory, "nobody whose matter it is can be told")
    if need.life and not chosen:
        chosen = [Choice(entry, "nobody has a phone") for entry in directory if not entry.abroad]
    return tuple(chosen)


def agencies_of(chosen: Iterable[Choice]) -> set[str]:
    """Return the agencies in which somebody can be woken: of these a danger to life needs two."""
    return {choice.entry.agency for choice in chosen if choice.entry.wakes}


def wake_somebody(chosen: Iterable[Choice]) -> bool:
    """Whether any of them can be woken."""
    return any(choice.entry.wakes for choice in chosen)


def next_after(need: Need, directory: Sequence[Entry], local: datetime, told: frozenset[str]) -> tuple[Choice, ...]:
    """Return the next contact on duty who has not been told yet, an agency not told before one that was."""
    known = {entry.agency for entry in directory if entry.id in told}
    fresh = [choice for choice in _fitting(need, directory, local, Tier.DUTY) if choice.entry.id not in told]
    return tuple(sorted(fresh, key=lambda choice: choice.entry.agency in known)[:1])


def rung(need: Need, directory: Sequence[Entry], tiers: Iterable[Tier]) -> tuple[Choice, ...]:
    """Return everybody on these rungs whose area it is, on duty or not: by now somebody has to be woken."""
    wanted = frozenset(tiers)
    here = (entry for entry in directory if entry.tier in wanted and not entry.abroad and _covers(entry.areas, need.areas))
    return tuple(Choice(entry, f"{entry.tier}: nobody has answered") for entry in here)


def _within(held: Sequence[Rule], directory: Sequence[Entry]) -> tuple[Entry, ...]:
    if not held or not held[-1].only:
        return tuple(directory)
    tell = held[-1].tell
    within = tuple(entry for entry in directory if any(_is_one_of(entry, one) for one in tell))
    return within if any(entry.wakes for entry in within) else tuple(directory)


def _by_rules(held: Sequence[Rule], near: Sequence[Entry], local: datetime) -> list[Choice]:
    """Return whom the rules name, each once. A rule knows whose matter it is; area, hours and children are the contact's own."""
    if not held:
        return []
    pools: dict[tuple[Tier, str], list[Entry]] = {}  # sorted and parted once, for two hundred rules ask again and again
    for entry in sorted(near, key=lambda entry: ("*" in entry.areas, "*" in entry.categories, entry.id)):
        for kind in (entry.agency_kind, ANY):
            pools.setdefault((entry.tier, kind), []).append(entry)
    chosen: dict[str, Choice] = {}
    for rule in held:
        for tell in rule.tell:
            fit = (entry for entry in pools.get((tell.tier, tell.kind), ()) if tell.wake or entry.on_duty(local))
            for entry in fit if tell.every else islice(fit, 1):
                chosen.setdefault(entry.id, Choice(entry, f"rule: {rule.name}"))
    return list(chosen.values())


def _is_one_of(entry: Entry, tell: Tell) -> bool:
    return entry.tier is tell.tier and tell.kind in (ANY, entry.agency_kind)


def _fitting(need: Need, directory: Sequence[Entry], local: datetime, tier: Tier) -> list[Choice]:
    fit = [entry for entry in directory if entry.tier is tier and _competent(entry, need) and entry.on_duty(local)]
    fit.sort(key=lambda entry: (not entry.wakes, _cannot_go(entry, need), "*" in entry.categories, "*" in entry.areas, entry.id))
    return [Choice(entry, _why(entry, need)) for entry in fit]


def _cannot_go(entry: Entry, need: Need) -> bool:
    """Whether somebody else has to be told first: a child line or care centre receives whom others bring to safety."""
    return need.life and entry.agency_kind in FOR_CHILDREN


def _with_child_protection(need: Need, directory: Sequence[Entry], local: datetime, chosen: list[Choice]) -> list[Choice]:
    """Add a body made for children, so that a child is met as a victim and not as an offender."""
    if not (need.minors and need.life):
        return chosen
    bodies = [choice for choice in _fitting(need, directory, local, Tier.DUTY) if choice.entry.agency_kind in FOR_CHILDREN]
    told = {choice.entry.agency for choice in chosen}
    new = [choice for choice in bodies if choice.entry.agency not in told]
    return [*chosen, *(Choice(choice.entry, "a child is named") for choice in new[:1])]


def _may_hear(entry: Entry, need: Need) -> bool:
    """Whether a rule may name them: of a child, of a border, and of nothing but a border where they serve beyond it."""
    return (entry.minors or not need.minors) and (entry.crossings or not need.crosses) and (need.crosses or not entry.abroad)


def _competent(entry: Entry, need: Need) -> bool:
    if entry.abroad or not _may_hear(entry, need) or (entry.agency_kind == CHILD_LINE and not need.minors):
        return False
    return _covers(entry.areas, need.areas) and ("*" in entry.categories or need.category in entry.categories)


def _covers(areas: frozenset[str], needed: frozenset[str]) -> bool:
    return "*" in areas or not areas.isdisjoint(needed)


def _to_be_woken(need: Need, directory: Sequence[Entry]) -> list[Entry]:
    """Return the last resort, and for danger to life everybody above duty whose matter it is, on duty or not."""
    return [
        entry
        for entry in directory
        if entry.last_resort or (need.life and entry.tier is not Tier.DUTY and _competent(entry, need))
    ]


def _filled(chosen: list[Choice], wanted: int, pool: Sequence[Entry], why: str) -> list[Choice]:
    """Add from a pool until enough are told, an agency that is not told yet before one that is."""
    known = {choice.entry.id for choice in chosen}
    filled, left = [*chosen], [entry for entry in pool if entry.wakes and entry.id not in known]
    while left and sum(choice.entry.wakes for choice in filled) < wanted:
        told = agencies_of(filled)
        best = min(left, key=lambda entry: (entry.agency in told, not entry.last_resort, RUNGS.index(entry.tier), entry.id))
        left.remove(best)
        filled.append(Choice(best, "last resort: nobody else is on duty" if best.last_resort else why))
    return filled


def _why(entry: Entry, need: Need) -> str:
    what = "every category" if "*" in entry.categories else need.category.replace("_", " ")
    where = "every area" if "*" in entry.areas else ", ".join(sorted(entry.areas & need.areas))
    return f"on duty for {what} in {where}"
