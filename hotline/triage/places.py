"""Places: finds the places a message names and writes them as they are usually written.

Comes in: a folded message. Goes out: places with their positions, corrected spelling and, where one name belongs to several
cells, the choices an officer or a caller must pick from. A village with an everyday word for a name (Amahoro, Kenya) counts
only where the message says it is a village; a misspelt name only where a place is to be expected.
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from hotline.triage.folding import Folded, fold
from hotline.triage.lexicon import TEMPLATES

_LONGEST_NAME = 4
_SHORTEST_MISSPELT = 5
_LONG_NAME = 9
_LONGEST_CACHE = 20_000
_NO_NAME, _NAME, _MISSPELT = range(3)
_PREFIXES = ("i", "mu", "ku", "muri", "wi", "bi", "ni")


class Place(NamedTuple):
    """A place named in `text[start:end]`.

    `kind` is sector, cell, village, landmark, town or region; `country` an ISO 3166 code; `choices` is empty unless the name
    belongs to several places of Rusizi, then "cell, sector" of each.
    """

    name: str
    kind: str
    country: str
    start: int
    end: int
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: str
    country: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names we know, folded, each with the place it stands for. Only read after loading."""

    names: dict[tuple[str, ...], _Entry]
    villages: dict[str, _Entry]
    ordinary: frozenset[str]
    village_words: frozenset[str]
    locatives: frozenset[str]
    announcers: frozenset[str]
    look_alikes: frozenset[str]
    doubtful: frozenset[str]
    first_words: frozenset[str] = field(default_factory=frozenset)
    single: dict[str, _Entry] = field(default_factory=dict)
    by_initial: dict[str, list[str]] = field(default_factory=dict)
    _signals: dict[str, int] = field(default_factory=dict)
    _likeness: dict[str, _Entry | None] = field(default_factory=dict)

    def find(self, message: Folded) -> tuple[Place, ...]:
        """Return the places of a message in its order, each name once."""
        found: dict[str, Place] = {}
        reached = -1
        signals = self._signals
        for at, word in enumerate(message.words):
            signal = signals.get(word, -1)
            if signal < 0:
                signal = self._learn(word)
            if signal == _NO_NAME or at <= reached or (signal == _MISSPELT and not self._named_here(message, at)):
                continue
            entry, reached = self._known(message, at)
            if entry is not None and entry.name not in found:
                start, end = message.span(at, reached)
                found[entry.name] = Place(entry.name, entry.kind, entry.country, start, end, entry.choices)
        return tuple(found.values())

    def _learn(self, word: str) -> int:
        """Return whether a name can begin with this word, a misspelt one where a place is expected, or none; and keep it."""
        opens = word in self.first_words or word in self.villages or self._glued(word) is not None
        signal = _NAME if opens else _MISSPELT if self._likely(word) else _NO_NAME
        if len(self._signals) < _LONGEST_CACHE:
            self._signals[word] = signal
        return signal

    def _known(self, message: Folded, at: int) -> tuple[_Entry | None, int]:
        """Return the entry whose name begins at word `at`, and the last word it covers."""
        words = message.words
        if words[at] in self.first_words:
            for length in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
                entry = self.names.get(tuple(words[at : at + length]))
                if entry is not None and self._is_meant(entry, message, at):
                    return entry, at + length - 1
        return self._glued(words[at]) or self._village(message, at) or self._misspelt(message, at), at

    def _is_meant(self, entry: _Entry, message: Folded, at: int) -> bool:
        """Tell whether a name is used as a name: everyday words and cells need a sign that they are."""
        if message.words[at] in self.ordinary and entry.kind in ("cell", "village"):
            return self._announced(message, at)
        if message.words[at] in self.doubtful:
            return self._named_here(message, at)
        return entry.kind != "cell" or self._expected(message, at)

    def _announced(self, message: Folded, at: int) -> bool:
        return any(word in self.village_words for word in message.words[max(0, at - 2) : at])

    def _expected(self, message: Folded, at: int) -> bool:
        """Tell whether word `at` follows a word such as "in", or is written with a capital within a sentence."""
        before = message.words[at - 1] if at else ""
        return before in self.locatives or before in self.village_words or _is_capital(message, at)

    def _named_here(self, message: Folded, at: int) -> bool:
        """Tell whether word `at` can be little else than a name: after "near" or "muri", or with a capital within a sentence."""
        before = message.words[at - 1] if at else ""
        return before in self.announcers or before in self.village_words or _is_capital(message, at)

    def _glued(self, word: str) -> _Entry | None:
        """Return the entry of a name written in one with its preposition: `ikamembe`, `mubukavu`."""
        if word in self.look_alikes:
            return None
        for prefix in _PREFIXES:
            rest = word[len(prefix) :]
            if len(rest) >= _SHORTEST_MISSPELT and word.startswith(prefix) and rest in self.single:
                entry = self.single[rest]
                return entry if entry.kind != "cell" and rest not in self.doubtful else None
        return None

    def _village(self, message: Folded, at: int) -> _Entry | None:
        return self.villages.get(message.words[at]) if self._announced(message, at) else None

    def _misspelt(self, message: Folded, at: int) -> _Entry | None:
        return self._likely(message.words[at]) if self._named_here(message, at) else None

    def _likely(self, word: str) -> _Entry | None:
        """Return the entry a misspelt word may mean, and keep it."""
        if len(word) < _SHORTEST_MISSPELT or not word.isalpha() or word in self.look_alikes:
            return None
        if word not in self._likeness:
            if len(self._likeness) >= _LONGEST_CACHE:
                return self._like(word)
            self._likeness[word] = self._like(word)
        return self._likeness[word]

    def _like(self, word: str) -> _Entry | None:
        """Return the entry whose name is a slip or two from `word`."""
        allowed = 2 if len(word) >= _LONG_NAME else 1
        near = process.extractOne(word, self.by_initial.get(word[0], ()), scorer=OSA.distance, score_cutoff=allowed)
        if near is None:
            return None
        entry = self.single[near[0]]
        return entry if entry.kind != "cell" and near[0] not in self.ordinary | self.doubtful else None


def _is_capital(message: Folded, at: int) -> bool:
    """Tell whether word `at` has a capital that its place in the sentence does not explain."""
    start, end = message.starts[at], message.ends[at]
    begins = at == 0 or message.clauses[at] != message.clauses[at - 1]
    return not begins and message.text[start].isupper() and not message.text[start:end].isupper()


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[str, _Entry]]:
    """Yield every written form with its entry; the more important place last, so that it wins the name."""
    cells: dict[str, list[str]] = {}
    for place in content["rusizi"]:
        sector, cell = place.split(" / ")
        cells.setdefault(cell, []).append(f"{cell}, {sector}")
    for cell, choices in cells.items():
        yield cell, _Entry(cell, "cell", "RW", tuple(choices) if len(choices) > 1 else ())
    for kind in ("region", "town", "landmark"):
        for country, names in content[kind].items():
            for name, aliases in names.items():
                entry = _Entry(name, kind, country)
                yield from ((form, entry) for form in (name, *aliases))
    for sector in dict.fromkeys(place.split(" / ")[0] for place in content["rusizi"]):
        yield sector, _Entry(sector, "sector", "RW")


def _villages(content: Mapping[str, Any]) -> dict[str, _Entry]:
    homes: dict[str, list[str]] = {}
    for place, villages in content["rusizi"].items():
        sector, cell = place.split(" / ")
        for village in villages:
            homes.setdefault(village, []).append(f"{cell}, {sector}")
    return {
        "".join(fold(village).words): _Entry(_usual(village), "village", "RW", tuple(at) if len(at) > 1 else ())
        for village, at in homes.items()
    }


def _usual(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def load(templates: Path = TEMPLATES) -> Gazetteer:
    """Return the gazetteer in `templates`/places.toml. Raises OSError, TOMLDecodeError or KeyError on a bad file."""
    content = tomllib.loads((templates / "places.toml").read_text(encoding="utf-8"))
    names = {tuple(fold(form).words): entry for form, entry in _entries(content)}
    single = {words[0]: entry for words, entry in names.items() if len(words) == 1}
    by_initial: dict[str, list[str]] = {}
    for name in single:
        by_initial.setdefault(name[0], []).append(name)
    return Gazetteer(
        names=names,
        villages=_villages(content),
        ordinary=frozenset(content["ordinary_words"]),
        village_words=frozenset(content["village_words"]),
        locatives=frozenset(content["locatives"]),
        announcers=frozenset(content["announcers"]),
        look_alikes=frozenset(content["look_alikes"]),
        doubtful=frozenset(content["doubtful"]),
        first_words=frozenset(words[0] for words in names),
        single=single,
        by_initial=by_initial,
    )
