"""Folding: takes a message as it was typed and gives words that can be compared.

Lower case, no accents, apostrophes and hyphens read as gaps. Every word remembers where it stood in the original text, so
that an officer is shown exactly the caller's letters and never our rewriting of them. Takes any string, even broken ones.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_WORD_OR_STOP = re.compile(r"[a-z0-9]+|[.!?;:,\n]")
_STOPS = frozenset(".!?;:,\n")
_DIGIT = re.compile(r"[0-9]")
_LEET = str.maketrans("013457", "oieast")
_LEET_WORD = re.compile(r"[a-z]+[013457]+[a-z]+")


@dataclass(frozen=True, slots=True)
class Folded:
    """A message as comparable words.

    `words[i]` stood at `text[starts[i]:ends[i]]`; `clauses[i]` counts the stops before it, so words of one clause share it.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    clauses: list[int]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return start and end in the original text of the words `first` up to and with `last`."""
        return self.starts[first], self.ends[last]


@lru_cache(maxsize=2048)
def _fold_sign(sign: str) -> str:
    """Return the plain letters of one sign: `é` gives e, `œ` gives oe, a loose accent gives nothing."""
    if sign in "œŒ":
        return "oe"
    if sign in "æÆ":
        return "ae"
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part)).lower()
    return plain if plain.isascii() else "" if unicodedata.combining(sign) else " "


def _plain(text: str) -> tuple[str, list[int] | None]:
    """Return the text without accents and, where lengths differ, the original position of each of its signs."""
    if text.isascii():
        return text.lower(), None
    parts = [_fold_sign(sign) for sign in text]
    plain = "".join(parts)
    if all(len(part) == 1 for part in parts):
        return plain, None
    return plain, [place for place, part in enumerate(parts) for _ in part]


def _unleet(word: str) -> str:
    """Read digits inside a word as the letters they stand for: `pr0mise` gives promise."""
    return word.translate(_LEET) if _LEET_WORD.fullmatch(word) else word


def fold(text: str) -> Folded:
    """Return the words of `text`, folded, with their places in it."""
    plain, places = _plain(text)
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    clauses: list[int] = []
    clause = at = 0
    for word in _WORD_OR_STOP.findall(plain):
        if word in _STOPS:
            clause += 1
            continue
        start = plain.index(word, at)  # what lies between holds no letter that a word could begin with
        at = start + len(word)
        words.append(word)
        starts.append(start)
        ends.append(at)
        clauses.append(clause)
    if _DIGIT.search(plain):
        words = [word if word.isalpha() or word.isdigit() else _unleet(word) for word in words]
    if places is not None:
        starts = [places[start] for start in starts]
        ends = [places[end - 1] + 1 for end in ends]
    return Folded(text, words, starts, ends, clauses)
