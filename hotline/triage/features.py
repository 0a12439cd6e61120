"""Features: a message as numbers for the statistical judge.

Comes in: facts. Goes out: columns of a weight table, with the words each came from. Three groups, each scaled so that a long
message does not shout louder than a short one: pieces of three to five signs, words and pairs of words, and the concepts and
pairs of concepts that the lexicon found. The last group is what lets one language learn from another.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from hotline.triage.facts import Facts
from hotline.triage.judge import Judgement
from hotline.triage.rules import Sign

PIECES = 1 << 16
WORDS = 1 << 15
CONCEPTS = 1 << 13
COLUMNS = PIECES + WORDS + CONCEPTS
_SHORTEST_PIECE, _LONGEST_PIECE = 3, 5
_SPREAD = np.uint32(31)
_PRIMES = np.array([2654435761, 2246822519, 3266489917, 668265263, 374761393], dtype=np.uint32)
_WEIGHTS = (1.0, 1.0, 2.0, 1.0)
_LONGEST = 1_600
_LONG, _SHORT = 30, 6


@dataclass(frozen=True, slots=True)
class Features:
    """Columns of the weight table and their scale; `words` is the word of the message each came from, -1 for none."""

    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    words: NDArray[np.int64]


def features(facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> Features:
    """Return the features of a message and of what the rules make of it. Only its first 1,600 signs count, ten text messages."""
    pieces, piece_words = _pieces(facts.words)
    words, word_words = _words(facts.words)
    concepts, concept_words = _concepts(facts, signs, judgement)
    pairs, pair_words = _pairs(facts)
    groups = (pieces, words, concepts, pairs)
    scales = [weight / max(len(group), 1) ** 0.5 for weight, group in zip(_WEIGHTS, groups, strict=True)]
    return Features(
        columns=np.concatenate(groups),
        values=np.repeat(np.array(scales, dtype=np.float32), [len(group) for group in groups]),
        words=np.concatenate((piece_words, word_words, concept_words, pair_words)),
    )


def _pieces(words: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns of all pieces of the text, with the word each begins in."""
    text = f" {' '.join(words)} "[:_LONGEST].encode()
    signs = np.frombuffer(text, dtype=np.uint8)
    word_of = np.cumsum(signs == ord(" ")) - 1
    large = signs.astype(np.uint32)
    columns, origins = [], []
    for size, mixed in _rolling(large):
        columns.append(((mixed ^ (mixed >> np.uint32(15))) * _PRIMES[size - 1]) >> np.uint32(16))
        origins.append(word_of[: len(mixed)])
    if not columns:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(columns).astype(np.int64), np.minimum(np.concatenate(origins), len(words) - 1)


def _rolling(signs: NDArray[np.uint32]) -> Iterator[tuple[int, NDArray[np.uint32]]]:
    """Yield the sums over all pieces of three, four and five signs, each made from the one before."""
    mixed = signs * _PRIMES[0]
    for size in range(2, _LONGEST_PIECE + 1):
        if len(signs) < size:
            return
        mixed = mixed[: len(signs) - size + 1] * _SPREAD + signs[size - 1 :] * _PRIMES[size - 1]
        if size >= _SHORTEST_PIECE:
            yield size, mixed


def _words(words: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    shown = words[: _LONGEST // 4]
    found = [_place(word, PIECES, WORDS) for word in shown]
    found += [_place(f"{first} {second}", PIECES, WORDS) for first, second in pairwise(shown)]
    origins = [*range(len(shown)), *range(len(shown) - 1)]
    return np.array(found, dtype=np.int64), np.array(origins, dtype=np.int64)


def _concepts(facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    spoken = sorted(facts.spoken)
    names = [*spoken, *_traits(facts), *(f"not {concept}" for concept in facts.denied)]
    names += [f"sign {sign.rule}" for sign in signs]
    names += [f"rules {judgement.categories[0]}", f"rules {judgement.urgency}"]
    firsts = [facts.spoken[concept][0].first for concept in spoken]
    origins = [*firsts, *([-1] * (len(names) - len(spoken)))]
    found = [_place(name, PIECES + WORDS, CONCEPTS) for name in names]
    return np.array(found, dtype=np.int64), np.array(origins, dtype=np.int64)


def _pairs(facts: Facts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = list(combinations(sorted(facts.spoken), 2))
    found = [_pair_place(one, other) for one, other in pairs]
    return np.array(found, dtype=np.int64), np.array([facts.spoken[one][0].first for one, _ in pairs], dtype=np.int64)


@lru_cache(maxsize=8192)
def _pair_place(one: str, other: str) -> int:
    return _place(f"{one}+{other}", PIECES + WORDS, CONCEPTS)


def _traits(facts: Facts) -> list[str]:
    """Return what is so about the message as a whole."""
    count = len(facts.words)
    traits = {
        "asks": facts.asks,
        "question mark": "?" in facts.message.text,
        "link": facts.has_link,
        "phone": facts.has_phone,
        "child": facts.child,
        "adult": facts.adult,
        "abroad": facts.foreign_places > 0,
        "short": count <= _SHORT,
        "one": count <= 2,
        "long": count >= _LONG,
        "shouts": facts.message.text.isupper(),
        "bias": True,
    }
    return [name for name, is_so in traits.items() if is_so]


def _place(name: str, start: int, size: int) -> int:
    return start + zlib.crc32(name.encode()) % size
