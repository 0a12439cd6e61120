"""The words of a broadcast: filled for one person, judged before anybody may send them, and a small library to begin with.

A text per language, with typed placeholders. What is wrong with a text is a sentence for whoever wrote it; it never repeats a
value.
"""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hotline.catalog import DEPLOYMENT, Catalog, CatalogError, Placeholder
from hotline.outbound.meter import Encoding, Measure, measure, repair

LANGUAGES: Final = ("rw", "fr", "sw", "en")
LONGEST: Final = 2  # segments
LIBRARY: Final = "awareness.toml"
SECTOR: Final = "sector"
# What whoever writes a broadcast fills in once for everybody; the sector is the person's own.
FILLED: Final[Mapping[str, Placeholder]] = {
    "time": Placeholder(r"([01]\d|2[0-3]):[0-5]\d", longest="00:00"),
    "day": Placeholder(r"[^\W_]{2,12}( \d{1,2})?", longest="M" * 12 + " 00"),
    "station": Placeholder(r"[^\W_][\w .'-]{1,19}", longest="M" * 20),
    "place": Placeholder(r"[^\W_][\w .'-]{1,19}", longest="M" * 20),
}
HERS: Final[Mapping[str, Placeholder]] = {SECTOR: Placeholder(r"(?s:.+)", longest="M" * 20, cut=True)}
KNOWN: Final[Mapping[str, Placeholder]] = {**DEPLOYMENT, **FILLED, **HERS}


class Wrong(StrEnum):
    """What keeps a text from being sent, as a sentence."""

    NO_TEXT = "There is no text in the language that is sent where a person's own is missing."
    LANGUAGE = "This is none of the four languages of a broadcast."
    BRACES = "A brace does not close, or holds more than a name."
    PLACEHOLDER = "It has a placeholder that is not known."
    VALUE = "A value for a placeholder is missing, or does not have its form."
    TELLS = "It says a word that tells what this line is."
    NO_STOP = "It does not say how to get no more texts: end it with STOP."
    LONG = "It takes more than two segments."


class Doubtful(StrEnum):
    """What whoever approves should know."""

    DRAFT = "No native reader has signed it."
    DEAR = "A character outside the plain alphabet makes it cost more; it can be repaired."
    TWO = "It takes two segments, and costs twice as much."


@dataclass(frozen=True)
class Judged:
    """One language's text: its longest form measured, what is wrong, what is doubtful, and the text repaired."""

    language: str
    measured: Measure | None
    wrong: tuple[Wrong, ...]
    doubtful: tuple[Doubtful, ...]
    repaired: str


@dataclass(frozen=True)
class Awareness:
    """A text of the library, in four languages, with where each fact comes from."""

    key: str
    title: str
    facts: tuple[tuple[str, str], ...]
    read_by_native: tuple[str, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Wording:
    """All that is said in one broadcast: texts by language, values of placeholders, and the deployment's words.

    `nowhere` stands for the sector of whoever has told none: the district.
    """

    words: Catalog
    texts: Mapping[str, str]
    filled: Mapping[str, str]
    nowhere: str

    def language(self, wanted: str | None) -> str:
        """Return the language somebody is written to in: their own, one it borrows from, the deployment's, or any."""
        return closest(self.words, wanted, self.texts)

    def text(self, language: str, sector: str | None) -> str:
        """Fill a text for people of one language and sector."""
        hers = HERS[SECTOR].longest
        place = (sector or self.nowhere)[: len(hers)]
        return self.texts[language].format_map({**self.words.deployment, **self.filled, SECTOR: place})

    def judge(self, language: str, *, native: bool) -> Judged:
        """Judge one text with the longest value of whatever differs from person to person."""
        text = self.texts[language]
        wrong = list(self._wrong(text))
        if language not in LANGUAGES:
            wrong.insert(0, Wrong.LANGUAGE)
        read = None
        if not {Wrong.BRACES, Wrong.PLACEHOLDER} & set(wrong):
            longest = {name: one.longest for name, one in KNOWN.items()}
            read = measure(text.format_map({**longest, **self.words.deployment, **self.filled}))
            if read.segments > LONGEST:
                wrong.append(Wrong.LONG)
        return Judged(language, read, tuple(wrong), tuple(_doubtful(read, native=native)), repair(text))

    def _wrong(self, text: str) -> Iterator[Wrong]:
        try:
            asked = _placeholders(text)
        except ValueError:
            yield Wrong.BRACES
            return
        if asked - KNOWN.keys():
            yield Wrong.PLACEHOLDER
        if any(not re.fullmatch(FILLED[name].form, self.filled.get(name, "")) for name in asked & FILLED.keys()):
            yield Wrong.VALUE
        if self.words.telling(" ".join([text, *self.filled.values()])):
            yield Wrong.TELLS
        if not self.words.commands["stop"] & set(re.findall(r"[A-Z]{3,}", text)):
            yield Wrong.NO_STOP


def closest(words: Catalog, wanted: str | None, there: Mapping[str, object]) -> str:
    """Return the language of those `there` are for somebody: their own, one it borrows from, the deployment's, or any.

    Raises CatalogError where there is none.
    """
    spoken = words.by_code.get(wanted or "")
    lender = spoken.borrows if spoken else None
    for code in (wanted, lender, words.default, *LANGUAGES):
        if code in there:
            return str(code)
    raise CatalogError(Wrong.NO_TEXT)


@lru_cache(maxsize=4)
def library(folder: Path) -> tuple[Awareness, ...]:
    """Read the library. Raises CatalogError for an entry that lacks something."""
    entries: dict[str, dict[str, Any]] = tomllib.loads((folder / LIBRARY).read_text(encoding="utf-8"))
    return tuple(_awareness(key, entry) for key, entry in entries.items())


def _awareness(key: str, entry: Mapping[str, Any]) -> Awareness:
    try:
        facts = tuple((fact["says"], fact["source"]) for fact in entry["facts"])
        texts = {language: entry[language] for language in LANGUAGES}
        return Awareness(key, entry["title"], facts, tuple(entry["read_by_native"]), texts)
    except KeyError as missing:
        raise CatalogError(f"{LIBRARY}: {key} lacks {missing}.") from None


def _placeholders(text: str) -> frozenset[str]:
    """Return the names in braces. Raises ValueError where a brace does not close or holds more than a name."""
    pieces = [(name, form, turned) for _, name, form, turned in string.Formatter().parse(text) if name is not None]
    if any(not name.isidentifier() or form or turned for name, form, turned in pieces):
        raise ValueError("more than a name")
    return frozenset(name for name, _, _ in pieces)


def _doubtful(read: Measure | None, *, native: bool) -> Iterator[Doubtful]:
    if not native:
        yield Doubtful.DRAFT
    if read is not None and read.encoding is Encoding.UCS_2:
        yield Doubtful.DEAR
    if read is not None and read.segments == LONGEST:
        yield Doubtful.TWO
