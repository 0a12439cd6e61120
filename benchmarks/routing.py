"""Routes one report over 2,000 contacts and 200 rules, and finds whom it names: `python benchmarks/routing.py`.

Prints the median and the worst of each in milliseconds of processor time, so that what else a machine does is not counted. Exits 1
when one report of a hundred takes more than 5 ms to be routed.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from hotline.models import Tier
from hotline.routing.choose import Entry, Hours, Need, choose
from hotline.routing.named import Known, Roll
from hotline.routing.rules import Rule, Rules, Tell, When

CONTACTS, RULES, TRIES = 2000, 200, 300
MOST = 5.0
AREAS = [f"Sector {number}" for number in range(60)]
CATEGORIES = ["trafficking", "smuggling", "gbv", "labour_abuse", "missing_person", "child_protection"]
KINDS = ["police", "rib", "immigration", "child_line", "isange", "labour", "ngo"]
SYLLABLES = [
    "ba",
    "bi",
    "bo",
    "ga",
    "gi",
    "ha",
    "hi",
    "ka",
    "ki",
    "ma",
    "mu",
    "na",
    "ni",
    "ra",
    "ri",
    "sa",
    "ta",
    "ti",
    "wa",
    "za",
]
WORDS = "they took my girl over the border at night and lock us in a house near the market help"


def main() -> int:
    """Run all, print a table, and say by the exit code whether routing kept its time."""
    dice = random.Random(2000)
    directory = [entry(dice, number) for number in range(CONTACTS)]
    rules = Rules(version="bench", rule=tuple(rule(dice, number) for number in range(RULES)))
    needs = [need(dice) for _ in range(TRIES)]
    known = [
        Known(((f"contact:{number}", "named"),), (name(dice),), f"RNP {number}", (name(dice),)) for number in range(CONTACTS)
    ]
    local = datetime(2026, 11, 24, 14, 30, tzinfo=ZoneInfo("Africa/Kigali"))
    roll = Roll(known, AREAS)
    routed = timed(lambda at: choose(needs[at], directory, local, rules))
    named = timed(lambda at: roll.find(f"{WORDS} {name(dice)} {at}"))
    print(f"{CONTACTS} contacts, {RULES} rules, {TRIES} reports      median      p99    worst  (ms)")
    for what, took in (("who is told", routed), ("whom a report names", named)):
        ordered = sorted(took)
        print(f"{what:40} {statistics.median(took):10.2f} {ordered[int(len(took) * 0.99)]:8.2f} {ordered[-1]:8.2f}")
    return int(sorted(routed)[int(TRIES * 0.99)] > MOST)


def timed(work: Callable[[int], object]) -> list[float]:
    took = []
    for at in range(TRIES):
        started = time.thread_time()
        work(at)
        took.append((time.thread_time() - started) * 1000)
    return took


def entry(dice: random.Random, number: int) -> Entry:
    hours = tuple(Hours(day, 8 * 60, dice.choice([17, 20, 24]) * 60) for day in range(7))
    return Entry(
        id=f"{number:05}",
        agency=f"agency {number % 150}",
        agency_kind=KINDS[number % len(KINDS)],
        tier=dice.choices(list(Tier), [80, 10, 5, 5])[0],
        language="en",
        areas=frozenset(dice.sample(AREAS, 3)),
        categories=frozenset(dice.sample(CATEGORIES, 2)) if number % 3 else frozenset("*"),
        minors=bool(number % 5),
        last_resort=number == 0,
        hours=hours,
    )


def rule(dice: random.Random, number: int) -> Rule:
    when = When(
        category=tuple(dice.sample(CATEGORIES, 2)), places=tuple(dice.sample(AREAS, 4)), minors=dice.choice([None, True, False])
    )
    return Rule(name=f"rule {number}", when=when, tell=(Tell(kind=dice.choice(KINDS)), Tell(kind=dice.choice(KINDS))))


def need(dice: random.Random) -> Need:
    areas = frozenset({*dice.sample(AREAS, 2), "Sector 0"})
    return Need(dice.choice(CATEGORIES), dice.choice(["immediate", "soon"]), dice.random() < 0.4, areas)


def name(dice: random.Random) -> str:
    return " ".join("".join(dice.choices(SYLLABLES, k=4)).title() for _ in range(2))


if __name__ == "__main__":
    sys.exit(main())
