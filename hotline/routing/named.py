"""Finds whom a report names or accuses: words in, subjects and the words that said so out. Pure.

Somebody is named by badge, by nickname, by two words of a name close together, or by one beside a title or a deed. A misspelling
counts: one slip in five letters or more, two in nine. A name that is no more than a place and an office is a station's: all of it
must be said, so that "police, come to Bugarama" does not keep police from coming. A kind of people is accused when a deed stands
near them, or when the caller asks not to tell them. A single name alone names nobody: whoever is missing has one, too.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Final

from rapidfuzz.distance import OSA

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "message_templates"
SLIP_FROM: Final = 5  # letters; a slip in a shorter word makes another word
TWO_SLIPS_FROM: Final = 9
SHORTEST_NAME: Final = 3
NEAR: Final = 6  # words between a deed and who did it
BESIDE: Final = 2  # words between a title and a name
SHORTEST_BADGE: Final = 4
LONGEST_BADGE: Final = 4  # words a badge may be written in: "R N P 4471"


@dataclass(frozen=True)
class Known:
    """Somebody a report may name: what they are called, and which exclusions naming them proposes.

    A nickname of one word names them by itself; a name of one word does not, for others have it, too.
    """

    subjects: tuple[tuple[str, str], ...]  # subject, cause
    names: tuple[str, ...]
    badge: str | None = None
    nicknames: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """A subject that must not know, why (a Cause), and the caller's words for it."""

    subject: str
    cause: str
    words: str


@dataclass(frozen=True)
class Vocabulary:
    """The words of message_templates/<language>/conflict.toml of all languages together."""

    kinds: Mapping[str, frozenset[str]]
    deeds: frozenset[str]
    ties: frozenset[str]
    turns: frozenset[str]
    places: frozenset[str]
    keep_from: tuple[tuple[str, ...], ...]
    asks: frozenset[str]
    titles: frozenset[str]
    offices: frozenset[str]

    @cached_property
    def people(self) -> frozenset[str]:
        """Every word for a kind of people."""
        return frozenset().union(*self.kinds.values())


@dataclass(frozen=True)
class _Phrase:
    known: int
    words: tuple[str, ...]
    nickname: bool
    telling: frozenset[int]  # places of the words that are neither a place nor an office


class Roll:
    """Everybody of a directory and a desk whom a report may name, ready to be looked for."""

    def __init__(self, known: Sequence[Known], places: Iterable[str]) -> None:
        self.known = known
        common = vocabulary().offices | vocabulary().titles | vocabulary().people
        ordinary = common | {word for place in places for word in plain(place)}
        self.phrases: list[_Phrase] = []
        for number, one in enumerate(known):
            called = {tuple(plain(name)): False for name in one.names} | {tuple(plain(name)): True for name in one.nicknames}
            for words, nickname in called.items():
                telling = frozenset(at for at, word in enumerate(words) if word not in ordinary and len(word) >= SHORTEST_NAME)
                if telling or len(words) > 1:
                    self.phrases.append(_Phrase(number, words, nickname, telling))
        self.badges = {badge: at for at, one in enumerate(known) if len(badge := squeezed(one.badge or "")) >= SHORTEST_BADGE}
        self.phrases_of: dict[str, list[int]] = {}
        for number, phrase in enumerate(self.phrases):
            for word in set(phrase.words):
                self.phrases_of.setdefault(word, []).append(number)
        self._like: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for word in self.phrases_of:
            slips = (len(word) >= SLIP_FROM) + (len(word) >= TWO_SLIPS_FROM)
            for length in range(len(word) - slips, len(word) + slips + 1):
                self._like.setdefault((word[0], length), []).append((word, slips))

    def find(self, text: str) -> list[Named]:
        """Return whom a text names, each subject once, and which kinds of people it accuses."""
        words = plain(text)
        found = [*self._by_badge(words), *self._by_name(words)]
        named = [Named(subject, cause, said) for at, said in found for subject, cause in self.known[at].subjects]
        return list({one.subject: one for one in reversed([*named, *accused(words)])}.values())[::-1]

    def _by_badge(self, words: list[str]) -> Iterator[tuple[int, str]]:
        digits = [not word.isalpha() for word in words] if self.badges else []  # every badge has one
        for first in (at for at in range(len(digits)) if True in digits[at : at + LONGEST_BADGE]):
            for end in range(first + 1, min(first + LONGEST_BADGE, len(words)) + 1):
                if (at := self.badges.get("".join(words[first:end]))) is not None:  # words and badges are plain alike
                    yield at, " ".join(words[first:end])

    def _by_name(self, words: list[str]) -> Iterator[tuple[int, str]]:
        heard = self._alike(words)  # for each word of a name, where in the text it stands
        meant = {number for word in heard for number in self.phrases_of[word]}
        for number in sorted(meant):
            phrase = self.phrases[number]
            if span := _said(phrase, heard, words):
                yield phrase.known, " ".join(words[span[0] : span[1] + 1])

    def _alike(self, words: list[str]) -> dict[str, list[int]]:
        """Return the words of names that the text has, exactly or misspelt, with their places in it. None slips at its begin."""
        heard: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            for known, slips in self._like.get((word[0], len(word)), ()):
                if word == known or (slips and OSA.distance(word, known, score_cutoff=slips) <= slips):
                    heard.setdefault(known, []).append(at)
        return heard


def _said(phrase: _Phrase, heard: Mapping[str, list[int]], words: list[str]) -> tuple[int, int] | None:
    """Return from where to where a text says this name, or None."""
    places = [heard.get(word, []) for word in phrase.words]
    if not phrase.telling:
        return _together(places, len(phrase.words) + 1) if all(places) else None
    telling = [places[at] for at in sorted(phrase.telling) if places[at]]
    if phrase.nickname and len(phrase.words) == 1 and telling:
        return telling[0][0], telling[0][0]
    if len(telling) > 1 and (span := _together(telling[:2], len(phrase.words) + 1)):
        return span
    common = len(phrase.words) == 1
    return next(((at, at) for one in telling for at in one if _speaks_of_somebody(words, at, common=common)), None)


def _together(places: Sequence[Sequence[int]], within: int) -> tuple[int, int] | None:
    """Return the first stretch of so many words that holds one of each."""
    for start in places[0]:
        chosen = [min(one, key=lambda at: abs(at - start)) for one in places]
        if max(chosen) - min(chosen) < within and len(set(chosen)) == len(chosen):
            return min(chosen), max(chosen)
    return None


def _speaks_of_somebody(words: list[str], at: int, *, common: bool) -> bool:
    """Whether the name here stands beside a title, or, unless many have it, near what only an accused person does."""
    listed = vocabulary()
    beside = words[max(0, at - BESIDE) : at] + words[at + 1 : at + 1 + BESIDE]
    near = () if common else words[max(0, at - NEAR) : at + 1 + NEAR]
    return _any(beside, listed.titles | listed.people) or _any(near, listed.deeds)


def accused(words: list[str]) -> Iterator[Named]:
    """Yield each kind of people that the words accuse.

    A deed counts after them, until the words turn to somebody else ("police, they beat us" cries for help); a tie before them
    ("he pays the police"). Who is asked to come is not accused, and a police station is a place.
    """
    listed = vocabulary()
    stems = _stems(listed.people)
    spoken_of = [at for at, word in enumerate(words) if word in listed.people or word.startswith(stems)]
    for kind, people in listed.kinds.items():
        for at in spoken_of:
            if _any([words[at]], people) and not _any(words[at + 1 : at + 2], listed.places) and _is_accused(words, at):
                yield Named(f"kind:{kind}", "accused", " ".join(words[max(0, at - NEAR) : at + 1 + NEAR]))
                break


def _is_accused(words: list[str], at: int) -> bool:
    listed = vocabulary()
    before, after = words[max(0, at - NEAR) : at], words[at + 1 : at + 1 + NEAR]
    if any(_holds(before, phrase) for phrase in listed.keep_from):
        return True
    if _any(before[-BESIDE:], listed.asks):
        return False
    theirs = list(takewhile(lambda one: one not in listed.turns, after))
    return _any(theirs, listed.deeds) or _any(before, listed.ties)


def plain(text: str) -> list[str]:
    """Split a text into small words of plain letters and digits."""
    if text.isascii():
        return re.findall(r"[a-z0-9]+", text.lower())
    wide = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return re.findall(r"[a-z0-9]+", "".join(char for char in wide if not unicodedata.combining(char)))


def squeezed(badge: str) -> str:
    """Return a badge as it is compared: letters and digits alone, and nothing that has no digit."""
    letters = "".join(plain(badge))
    return letters if any(char.isdigit() for char in letters) else ""


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read the words for people, deeds and titles, once."""
    read = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(TEMPLATES.glob("*/conflict.toml"))]
    kinds = {kind: frozenset(word for one in read for word in one["kinds"].get(kind, ())) for kind in read[0]["kinds"]}

    def listed(name: str) -> frozenset[str]:
        return frozenset(word for one in read for word in one[name])

    keep_from = tuple(tuple(phrase.split()) for phrase in sorted(listed("keep_from")))
    deeds, ties = listed("deeds"), listed("ties")
    return Vocabulary(
        kinds=kinds,
        deeds=deeds,
        ties=ties,
        turns=listed("turns"),
        places=listed("places"),
        keep_from=keep_from,
        asks=listed("asks"),
        titles=listed("titles"),
        offices=listed("offices") | listed("places"),
    )


@lru_cache(maxsize=1)
def gazetteer() -> tuple[str, ...]:
    """Return the names of places in message_templates/places.toml, once."""
    read = tomllib.loads((TEMPLATES / "places.toml").read_text(encoding="utf-8"))
    return tuple(
        name for table in read.values() if isinstance(table, dict) for row in table.items() for name in (row[0], *row[1])
    )


def _any(words: Iterable[str], listed: frozenset[str]) -> bool:
    stems = _stems(listed)
    return any(word in listed or word.startswith(stems) for word in words)


@lru_cache(maxsize=64)
def _stems(listed: frozenset[str]) -> tuple[str, ...]:
    return tuple(word[:-1] for word in listed if word.endswith("*"))


def _holds(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    return any(tuple(words[at : at + len(phrase)]) == phrase for at in range(len(words) - len(phrase) + 1))
