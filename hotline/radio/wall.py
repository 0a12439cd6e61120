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
FEW_WORDS: Final = 2  # of these by themselves triage's chance says nothing
SURE: Final = 0.9  # of being small talk, a question or spam, whichever; below it a text is an officer's to look at
DESPITE: Final = 0.95  # the same for a text in which a word of harm was heard
ALONE: Final = 0.7  # the same for one sentence by itself: behind a greeting or a vote much can hide
SENTENCE: Final = re.compile(r"(?<=[.!?;:])\s+|,\s+")
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
    wide: frozenset[str]


def keeps(reading: Reading, words: Words) -> Kept | None:
    """Return why a text must go to the hotline, None where it may stay with radio."""
    found = json.loads(reading.whole)
    axes = {finding["axis"] for finding in found["findings"]}
    if not SAFE_CATEGORIES.issuperset(found["categories"]):
        return Kept.TRIAGE
    if reading.urgency != "routine" or axes & {"danger", "safety"}:
        return Kept.DANGER
    if (reading.minors == "true" or "minors" in axes) and found["everyday"] < SURE:
        return Kept.CHILD
    return points(reading.words, found, words) or _doubtful(reading, found, axes, words)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text to be read by themselves: none when it is one, or when they are too few words to tell."""
    apart = SENTENCE.split(text)
    return [one for one in apart if len(apart) > 1 and len(set(one.split())) > FEW_WORDS]


def points(text: str, found: Mapping[str, Any], words: Words) -> Kept | None:
    """Return what in a text points at somebody or at a place below a sector: what no card may hold either."""
    if any(place["kind"] in BELOW_SECTOR and not _is_wide(place, text, words) for place in found["place_details"]):
        return Kept.PLACE
    if NUMBER.search(text) or any(clue["kind"] in NAMED_THINGS for clue in found["clues"]):
        return Kept.NUMBER
    places = {word for place in found["place_details"] for word in place["name"].split()}
    named = [match.group().split() for match in NAME.finditer(text)] if not _shouted(text) else []
    plain = folded(text)
    persons = [name for name in named if not places.issuperset(name) and not words.radio.fullmatch(folded(name[0]))]
    if words.naming.search(plain) or words.titles.search(plain) or persons:
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
    naming, titles, own, story, watched, radio = map(
        pattern, (lists[name] for name in ("naming", "titles", "own", "story", "watched", "radio"))
    )
    return Words(naming, titles, own, story, watched, radio, frozenset(lists["wide"]))


def _doubtful(reading: Reading, found: Mapping[str, Any], axes: set[str], words: Words) -> Kept | None:
    plain, harm = folded(reading.words), bool(axes & ELEMENTS)
    if words.story.search(plain) or words.watched.search(plain) or (words.own.search(plain) and (harm or found["place_details"])):
        return Kept.STORY
    if harm:
        return Kept.DOUBT if found["everyday"] < DESPITE else None
    if found["everyday"] < SURE and len(set(plain.split())) > FEW_WORDS:
        return Kept.DOUBT
    return Kept.DOUBT if reading.least_everyday < ALONE else None


def _is_wide(place: Mapping[str, Any], text: str, words: Words) -> bool:
    """Tell whether a place is as wide as a sector at least, or no place but the name of a station: "Radio Rusizi"."""
    before = folded(text[: place["start"]]).split()[-1:]
    return place["name"] in words.wide or any(words.radio.fullmatch(word) for word in before)


def _shouted(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return not letters or sum(char.isupper() for char in letters) / len(letters) > SENTENCE_LETTERS


def pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """Return what finds any of these phrases in folded words; a star stands for any ending."""
    written = sorted((re.escape(phrase).replace(r"\*", r"\w*") for phrase in phrases), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)")
