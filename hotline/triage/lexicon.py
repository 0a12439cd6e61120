"""The lexicon: reads message_templates/<language>/lexicon.toml and finds its concepts in a folded message.

Comes in: words. Goes out: hits, each naming a concept, a language and the words that spoke. All languages are looked for at
once, because callers mix them; which hits count is decided later. It never judges: a hit is a word found, not a finding.

A phrase is one or more words. `*` at the edge of a word stands for any letters there (`threaten*`, `*kubit*`), and `..`
between words for up to three others. A table's `traps` are words that look like a hit and are none.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

LANGUAGES = ("en", "fr", "sw", "rw", "rn")
KIRUNDI = "rn"
TEMPLATES = Path(__file__).resolve().parents[2] / "message_templates"
_GAP = -1
_LONGEST_GAP = 3
_CONFIDENCES = ("attested", "composed", "unreviewed")
_ELIDED = frozenset("ldjmnstcqkwybz")
_VOWELS = frozenset("aeiou")
_GLUED = ("ku", "mu", "nta", "ya", "wa", "na")
_LONGEST_CACHE = 20_000


class Hit(NamedTuple):
    """Words `first` to `last` of a folded message spoke of `concept`, by a phrase of `language`."""

    concept: str
    language: str
    first: int
    last: int
    attested: bool
    letters: int


class _Phrase(NamedTuple):
    """What must follow a first word for a concept to be hit, and the word numbers that forbid it."""

    rest: tuple[int, ...]
    concept: str
    language: str
    attested: bool
    letters: int
    traps: frozenset[int]
    key: tuple[str, str]


class _Word(NamedTuple):
    """What a word of a message can begin: phrases of one word, longer ones by the number that must follow, those with a gap.

    Most words begin nothing: they are `silent`.
    """

    numbers: tuple[int, ...]
    alone: tuple[_Phrase, ...]
    opens: dict[int, tuple[_Phrase, ...]]
    gapped: tuple[_Phrase, ...]
    silent: bool


@dataclass(slots=True)
class Lexicon:
    """All phrases of all languages, ready to be looked for. Filled once when loaded, then only read."""

    exact: dict[str, int] = field(default_factory=dict)
    prefixes: dict[str, int] = field(default_factory=dict)
    suffixes: dict[str, int] = field(default_factory=dict)
    infixes: dict[str, int] = field(default_factory=dict)
    phrases: defaultdict[int, list[_Phrase]] = field(default_factory=lambda: defaultdict(list))
    _shortest: int = 99
    _longest: int = 0
    _count: int = 0
    _cache: dict[str, _Word] = field(default_factory=dict)

    def find(self, words: list[str]) -> list[Hit]:
        """Return every concept the words speak of; of phrases for one concept that overlap, the longest."""
        known = [self._cache.get(word) or self._learn_word(word) for word in words]
        hits: list[Hit] = []
        reached: dict[tuple[str, str], int] = {}
        last_word = len(known) - 1
        for first, word in enumerate(known):
            if word.silent:
                continue
            found = [(first, phrase) for phrase in word.alone] if word.alone else []
            if word.gapped or (word.opens and first < last_word and not word.opens.keys().isdisjoint(known[first + 1].numbers)):
                found = _longer(known, first) + found
            for last, phrase in found:
                if reached.get(phrase.key, -1) < first:
                    reached[phrase.key] = last
                    hits.append(Hit(phrase.concept, phrase.language, first, last, phrase.attested, phrase.letters))
        return hits

    def _learn_word(self, word: str) -> _Word:
        """Return what a word can begin, and keep it: callers use few words, most of them often."""
        numbers = tuple(dict.fromkeys(self._fits(word)))
        found = [one for number in numbers for one in self.phrases.get(number, ()) if one.traps.isdisjoint(numbers)]
        opens: defaultdict[int, list[_Phrase]] = defaultdict(list)
        for phrase in found:
            if phrase.rest and phrase.rest[0] != _GAP:
                opens[phrase.rest[0]].append(phrase)
        learnt = _Word(
            numbers=numbers,
            alone=tuple({(one.concept, one.language): one for one in reversed(found) if not one.rest}.values())[::-1],
            opens={number: tuple(phrases) for number, phrases in opens.items()},
            gapped=tuple(one for one in found if one.rest and one.rest[0] == _GAP),
            silent=not found,
        )
        if len(self._cache) < _LONGEST_CACHE:
            self._cache[word] = learnt
        return learnt

    def _fits(self, word: str) -> Iterator[int]:
        yield from self._whole_or_edge(word)
        if len(word) > 5 and word[0] in _ELIDED and word[1] in _VOWELS and word[1:] in self.exact:
            yield self.exact[word[1:]]
        for glued in _GLUED:
            rest = word[len(glued) :]
            if len(rest) > 4 and word.startswith(glued) and rest in self.exact:
                yield self.exact[rest]

    def _whole_or_edge(self, word: str) -> Iterator[int]:
        if word in self.exact:
            yield self.exact[word]
        length = len(word)
        for cut in range(1, length + 1):
            if word[:cut] in self.prefixes:
                yield self.prefixes[word[:cut]]
            if word[length - cut :] in self.suffixes:
                yield self.suffixes[word[length - cut :]]
        for size in range(self._shortest, min(length, self._longest) + 1):
            for start in range(length - size + 1):
                if word[start : start + size] in self.infixes:
                    yield self.infixes[word[start : start + size]]

    def learn(self, concept: str, language: str, phrase: str, *, attested: bool, traps: frozenset[int]) -> None:
        """Add one phrase for a concept, once for Kirundi and Kinyarwanda if they share it.

        Raises ValueError for a phrase without words or with a lone `*`.
        """
        parts = tuple(_GAP if part == ".." else self.number(part) for part in phrase.split())
        if not parts or _GAP in (parts[0], parts[-1]):
            raise ValueError(f"lexicon {language} [{concept}]: {phrase!r} must begin and end with a word")
        letters = sum(map(str.isalnum, phrase))
        known = self.phrases[parts[0]]
        if language != KIRUNDI or not any((parts[1:], concept, "rw") == one[:3] for one in known):
            known.append(_Phrase(parts[1:], concept, language, attested, letters, traps, (concept, language)))

    def number(self, pattern: str) -> int:
        """Return the number of a word pattern, giving it one at first sight."""
        core = pattern.strip("*")
        if not core.isascii() or not core.isalnum() or core != core.lower():
            raise ValueError(f"lexicon: {pattern!r} is not a folded word")
        starts, ends = pattern.startswith("*"), pattern.endswith("*")
        if starts and ends:
            shelf = self.infixes
            self._shortest, self._longest = min(self._shortest, len(core)), max(self._longest, len(core))
        else:
            shelf = self.suffixes if starts else self.prefixes if ends else self.exact
        if core not in shelf:
            shelf[core] = self._count
            self._count += 1
        return shelf[core]


def _longer(known: list[_Word], first: int) -> list[tuple[int, _Phrase]]:
    """Return the phrases of several words that begin at `first`, with the word each reaches; the longest first."""
    word, found = known[first], []
    if first + 1 < len(known):
        for number in known[first + 1].numbers:
            found += [(_follow(known, first, phrase.rest), phrase) for phrase in word.opens.get(number, ())]
        found += [(_follow(known, first, phrase.rest), phrase) for phrase in word.gapped]
    found = [pair for pair in found if pair[0] >= 0]
    return sorted(found, key=lambda pair: -pair[0]) if len(found) > 1 else found


def _follow(known: list[_Word], at: int, rest: tuple[int, ...]) -> int:
    """Return the last word a phrase reaches when its first word stands `at`, or -1 when it does not stand there."""
    for step, wanted in enumerate(rest):
        if wanted == _GAP:
            reach = range(at, min(at + _LONGEST_GAP + 1, len(known) - 1))
            return max((_follow(known, near, rest[step + 1 :]) for near in reach), default=-1)
        at += 1
        if at >= len(known) or wanted not in known[at].numbers:
            return -1
    return at


def load(templates: Path = TEMPLATES) -> Lexicon:
    """Return the lexicon of all languages below `templates`. Raises OSError, TOMLDecodeError or ValueError on a bad file."""
    lexicon = Lexicon()
    for language in LANGUAGES:
        content = tomllib.loads((templates / language / "lexicon.toml").read_text(encoding="utf-8"))
        for concept, table in content.items():
            if isinstance(table, dict):
                _learn_table(lexicon, concept, language, table)
    return lexicon


def _learn_table(lexicon: Lexicon, concept: str, language: str, table: dict[str, list[str]]) -> None:
    unknown = table.keys() - {*_CONFIDENCES, "traps"}
    if unknown:
        raise ValueError(f"lexicon {language} [{concept}]: unknown key {sorted(unknown)}")
    traps = frozenset(lexicon.number(word) for word in table.get("traps", []))
    for confidence in _CONFIDENCES:
        for phrase in table.get(confidence, []):
            lexicon.learn(concept, language, phrase, attested=confidence == "attested", traps=traps)
