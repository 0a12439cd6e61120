"""The story of one day: who texts what and when, who is told, and how each of them answers. Pure: the same seed, the same story.

Read from day.toml; all of it is invented. A draw depends on the seed and on whom it is for, never on what was drawn before it, so
that two days with one seed go the same way whatever order things come in.
"""

import random
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

SHIPPED: Final = Path(__file__).with_name("day.toml")
BEGINS: Final = datetime.fromisoformat("2026-01-13T00:00+02:00")  # a Tuesday in Kigali
DAY: Final = timedelta(days=1)
# Reports by hour: people sleep, and evenings after the radio are busy.
BUSY: Final = (2, 1, 1, 1, 2, 3, 5, 6, 7, 7, 6, 6, 7, 6, 5, 5, 6, 7, 8, 9, 10, 8, 5, 3)
CALLER, CONTACT = "+250780{:06d}", "+250781{:06d}"


@dataclass(frozen=True)
class Text:
    """One text of a caller. `report` counts callers from 0, `whom` is the contact it names and who must not be told."""

    report: int
    number: str
    at: datetime
    words: str
    whom: str = ""


@dataclass(frozen=True)
class Answer:
    """One text of a contact: how long after the page, and what it says; `{code}` stands for the case."""

    after: timedelta
    words: str


@dataclass(frozen=True)
class Person:
    """How one contact is: how quick, how dependable, and when somebody is on duty and still not there."""

    name: str
    number: str
    quick: float
    dependable: float
    absent: tuple[datetime, datetime] | None

    def away(self, at: datetime) -> bool:
        """Whether nobody looks at this phone, though the directory says so."""
        return self.absent is not None and self.absent[0] <= at < self.absent[1]


@dataclass(frozen=True)
class Story:
    """A whole day. `agencies` are as hotline.demo reads them."""

    seed: int
    agencies: Sequence[Mapping[str, Any]]
    people: Mapping[str, Person]
    texts: Sequence[Text]

    def answers(self, person: Person, report: int, page: int, at: datetime, *, on_duty: bool) -> Iterator[Answer]:
        """Yield what a contact texts after the `page`th page of a report arrived at a moment: often one text, or none."""
        dice = self.dice("answer", person.name, report, page)
        if person.away(at) or dice.random() > person.dependable * (1 if on_duty else 0.55):
            return
        pause = _minutes(dice, person.quick * (1 if on_duty else 2.5))
        word = dice.choices(("take", "pass", "not ours"), (84, 10, 6))[0]
        if word != "take":
            yield Answer(pause, "2 {code}" if word == "pass" else f"3 {{code}} {dice.randint(1, 3)}")
            return
        if dice.random() < 0.04:  # a slip of the thumb, and once more when the hotline does not know that code
            yield Answer(pause, "1 {slip}")
            pause += _minutes(dice, 1)
        yield Answer(pause, dice.choices(("1 {code}", "ok {code}", "1{plain}", "1 {code} murakoze"), (70, 12, 12, 6))[0])
        if dice.random() < 0.06:
            yield Answer(pause + _minutes(dice, 9), "{code} we are on the way with two people of the post")
        if dice.random() < 0.8:
            pause += _minutes(dice, 18)
            yield Answer(pause, "4 {code}")
        if dice.random() < 0.75:
            yield Answer(pause + _minutes(dice, 170), f"5 {{code}} {dice.choices(range(1, 7), (5, 6, 3, 2, 3, 2))[0]}")

    def dice(self, *about: object) -> random.Random:
        """Return dice of their own for what a draw is about."""
        return random.Random("|".join(map(str, (self.seed, *about))))  # noqa: S311  a story, no secret


def tell(seed: int, reports: int, *, path: Path = SHIPPED) -> Story:
    """Return the story of a day with so many reports."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    dice = random.Random(seed)  # noqa: S311  a story, no secret
    agencies, numbers = [], iter(range(100, 1000))
    for agency in told["agency"]:
        contacts = [_contact(fields, next(numbers)) for fields in agency["contacts"]]
        agencies.append({**agency, "contacts": contacts})
    everybody = [one for agency in agencies for one in agency["contacts"]]
    people = {one["number"]: _person(dice, one) for one in everybody}
    texts = [text for report in range(reports) for text in _texts(dice, told, report, everybody)]
    return Story(seed, agencies, people, sorted(texts, key=lambda text: text.at))


def _contact(fields: Mapping[str, Any], number: int) -> dict[str, Any]:
    asked = {"categories": ["*"], "language": "en", **fields, "aliases": fields.get("nicknames", [])}
    return {**asked, "id": f"day{number:029}", "number": CONTACT.format(number)}


def _person(dice: random.Random, contact: Mapping[str, Any]) -> Person:
    begins = BEGINS + timedelta(minutes=dice.randrange(24 * 60))
    absent = (begins, begins + timedelta(minutes=dice.randint(50, 260))) if dice.random() < 0.35 else None
    return Person(contact["name"], contact["number"], dice.uniform(1.5, 7), dice.uniform(0.62, 0.95), absent)


def _texts(dice: random.Random, told: Mapping[str, Any], report: int, everybody: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    at = BEGINS + timedelta(hours=dice.choices(range(24), BUSY)[0], seconds=dice.uniform(0, 3599))
    kinds = told["text"]
    kind = dice.choices(kinds, [one["often"] for one in kinds])[0]
    named = dice.choice([one for one in everybody if one["aliases"]])
    whom = named["number"] if kind.get("names") else ""
    words = dice.choice(kind["said"]).format(place=dice.choice(told["places"]), whom=named["aliases"][0])
    yield Text(report, CALLER.format(1000 + report), at, words, whom)
    if dice.random() < told["later"]["share"]:
        later = at + _minutes(dice, 12)
        yield Text(report, CALLER.format(1000 + report), later, dice.choice(told["later"]["said"]), whom)


def _minutes(dice: random.Random, median: float) -> timedelta:
    """Draw how long somebody takes: mostly about the median, now and then far longer."""
    return timedelta(minutes=median * dice.lognormvariate(0, 0.8))
