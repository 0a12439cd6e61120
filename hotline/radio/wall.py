"""The wall: says of a text to a show whether it may stay with radio. Whatever is in doubt goes to the hotline.

Pure: triage's reading of a text comes in, the reason to keep it from radio comes out, or none. Nothing that passes is shown for
it: a moderator reads it, and writes anew what the studio may see. A text wrongly kept from radio costs an officer a minute; one
wrongly left there would be read by people at a station.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hotline.models import Reading

SAFE_CATEGORIES: Final = frozenset({"question", "thanks_or_other", "spam_or_prank"})
ELEMENTS: Final = frozenset({"act", "means", "purpose"})
BELOW_SECTOR: Final = frozenset({"cell", "village", "landmark"})
NAMED_THINGS: Final = frozenset({"plate", "phone", "agency", "bus_line", "house"})
FEW_WORDS: Final = 3
SURE: Final = 0.8  # of being a question; below it one sign of harm is enough
NOT_SURE: Final = 0.75  # of being small talk; below it a longer text is somebody's to look at
NUMBER: Final = re.compile(r"\d[\d .-]{3,}\d")  # five digits or more: no time of day, no age
NAME: Final = re.compile(r"(?<![.!?])\s[A-Z][a-z]{2,}\s[A-Z][a-z]{2,}")
SENTENCE_LETTERS: Final = 0.3  # a text with more capitals than this is typed in capitals, which tell nothing of names


class Kept(StrEnum):
    """Why a text does not stay with radio."""

    TRIAGE = "triage says so"
    DANGER = "danger"
    CHILD = "a child"
    PLACE = "a place below a sector"
    NUMBER = "a number"
    NAME = "a name"
    STORY = "somebody's story"
    DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class Words:
    """What the wall listens for, each list as one pattern."""

    naming: re.Pattern[str]
    titles: re.Pattern[str]
    own: re.Pattern[str]
    story: re.Pattern[str]
    watched: re.Pattern[str]
    radio: re.Pattern[str]


def keeps(reading: Reading, words: Words) -> Kept | None:
    """Return why a text must go to the hotline, None where it may stay with radio."""
    found = json.loads(reading.whole)
    axes = {finding["axis"] for finding in found["findings"]}
    if not SAFE_CATEGORIES.issuperset(found["categories"]):
        return Kept.TRIAGE
    if reading.urgency != "routine" or axes & {"danger", "safety"}:
        return Kept.DANGER
    if reading.minors == "true" or "minors" in axes:
        return Kept.CHILD
    return points(reading.words, found, words) or _doubtful(reading.words, found, axes, words)


def points(text: str, found: Mapping[str, Any], words: Words) -> Kept | None:
    """Return what in a text points at somebody or at a place below a sector: what no card may hold either."""
    if any(place["kind"] in BELOW_SECTOR for place in found["place_details"]):
        return Kept.PLACE
    if NUMBER.search(text) or any(clue["kind"] in NAMED_THINGS for clue in found["clues"]):
        return Kept.NUMBER
    places = {word for place in found["place_details"] for word in place["name"].split()}
    named = [match.group().split() for match in NAME.finditer(text)] if not _shouted(text) else []
    plain = folded(text)
    if words.naming.search(plain) or words.titles.search(plain) or any(not places.issuperset(name) for name in named):
        return Kept.NAME
    return None


def is_personal(text: str, words: Words) -> bool:
    """Whether a text speaks of its own sender or somebody of theirs, so that its card has to wait."""
    plain = folded(text)
    return any(pattern.search(plain) for pattern in (words.own, words.story)) or bool(
        re.search(r"\b(i|je|j|mimi|njye|jewe|my|me)\b", plain)
    )


def folded(text: str) -> str:
    """Return a text in small letters without accents, apostrophes straight."""
    wide = unicodedata.normalize("NFKD", text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return "".join(char for char in wide if not unicodedata.combining(char))


@lru_cache(maxsize=2)
def words_of(templates: Path) -> Words:
    """Read the words of message_templates/radio.toml. Raises OSError, TOMLDecodeError or KeyError on a bad file."""
    lists = tomllib.loads((templates / "radio.toml").read_text(encoding="utf-8"))
    return Words(*(pattern(lists[name]) for name in ("naming", "titles", "own", "story", "watched", "radio")))


def _doubtful(text: str, found: Mapping[str, Any], axes: set[str], words: Words) -> Kept | None:
    plain, harm = folded(text), bool(axes & ELEMENTS)
    if words.story.search(plain) or words.watched.search(plain) or (words.own.search(plain) and (harm or found["place_details"])):
        return Kept.STORY
    asks = found["category"] == "question" and found["certainty"] >= SURE
    if harm and not asks:
        return Kept.DOUBT
    return Kept.DOUBT if found["certainty"] < NOT_SURE and len(plain.split()) > FEW_WORDS else None


def _shouted(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return not letters or sum(char.isupper() for char in letters) / len(letters) > SENTENCE_LETTERS


def pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """Return what finds any of these phrases in folded words; a star stands for any ending."""
    written = sorted((re.escape(phrase).replace(r"\*", r"\w*") for phrase in phrases), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)")
