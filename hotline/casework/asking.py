"""Reads what somebody types into the search box: operators over facts, the handle of an item, and words.

Pure: a line goes in, what is asked and what could not be understood come out. `category:labour place:bugarama since:7d key` asks
for items about work, in Bugarama, of the last week, in which somebody wrote a word that begins with "key".
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from hotline import handle
from hotline.casework.correct import CATEGORIES
from hotline.models import RANK, CaseState, Outcome

LONGEST: Final = 300
MOST_PARTS: Final = 20
CHANNELS: Final = ("sms", "ussd", "voice", "beep", "web")
LANGUAGES: Final = ("rw", "rn", "sw", "fr", "en")
ME, NOBODY = "me", "nobody"
CODES: Final[Mapping[str, Sequence[str]]] = {
    "category": CATEGORIES,
    "urgency": tuple(RANK),
    "state": tuple(CaseState),
    "channel": CHANNELS,
    "language": LANGUAGES,
    "outcome": tuple(Outcome),
}
FREE: Final = ("place", "agency", "owner")
DAYS: Final = ("since", "until")
OPERATORS: Final = (*CODES, *FREE, *DAYS, "child")
_SPAN: Final = re.compile(r"([0-9]{1,4})([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Asked:
    """What is asked. Of one operator any value may fit, of several operators all must; each of the words must occur."""

    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    handles: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    child: bool = False
    words: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.facts or self.handles or self.since or self.until or self.child or self.words)


def read(line: str, local: datetime) -> Asked:
    """Return what a line asks. `local` is now on the deployment's wall clock; a fault is the part that nobody understood."""
    facts: dict[str, list[str]] = {}
    handles: list[str] = []
    words: list[str] = []
    faults: list[str] = []
    days: dict[str, datetime] = {}
    child = False
    for part in _parts(line[:LONGEST])[:MOST_PARTS]:
        name, _, value = part.partition(":")
        name = name.lower()
        if _is_word(part):
            found = handle.parse(part)
            (handles if found else words).append(found or part)
        elif name in CODES and (fitting := _fitting(CODES[name], value)):
            facts.setdefault(name, []).extend(fitting)
        elif name in FREE and value.strip():
            facts.setdefault(name, []).append(value.strip())
        elif name in DAYS and (moment := _moment(value, local, ends=name == "until")):
            days[name] = moment
        elif (name, value.lower()) == ("child", "yes"):
            child = True
        else:
            faults.append(part)
    return Asked(
        facts={name: tuple(values) for name, values in facts.items()},
        handles=tuple(handles),
        since=days.get("since"),
        until=days.get("until"),
        child=child,
        words=tuple(words),
        faults=tuple(faults),
    )


def without_words(line: str) -> str:
    """Return a line as it may stand in an address: without the words, which are a person's."""
    parts = [part for part in _parts(line[:LONGEST]) if not _is_word(part) or handle.parse(part)]
    return " ".join(f'{name}:"{value}"' if " " in value else part for part in parts for name, _, value in [part.partition(":")])


def _is_word(part: str) -> bool:
    """Whether a part is no operator: a handle, or a word of somebody's."""
    name, colon, _ = part.partition(":")
    return not colon or not name.isalpha()


def _parts(line: str) -> list[str]:
    cut = shlex.shlex(line, posix=True, punctuation_chars=False)
    cut.whitespace_split, cut.quotes, cut.escape, cut.commenters = True, '"', "", ""
    try:
        return list(cut)
    except ValueError:  # a quote that nobody closed
        return line.replace('"', " ").split()


def _fitting(codes: Sequence[str], value: str) -> list[str]:
    typed = value.lower().replace("-", "_").replace(" ", "_")
    exact = [code for code in codes if code == typed]
    return exact or [str(code) for code in codes if typed and str(code).startswith(typed)]


def _moment(value: str, local: datetime, *, ends: bool) -> datetime | None:
    """Return the moment of `7d`, `12h`, `2w`, `today` or a day of the calendar; for `until` a day counts to its end."""
    if span := _SPAN.fullmatch(value.lower()):
        return local - int(span[1]) * _UNITS[span[2]]
    try:
        day = local.date() if value.lower() == "today" else date.fromisoformat(value)
    except ValueError:
        return None
    begins = datetime.combine(day, time(), local.tzinfo)
    return begins + timedelta(days=1) if ends else begins
