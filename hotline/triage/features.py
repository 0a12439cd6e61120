"""Features: a message as numbers for the statistical judge.

Comes in: facts. Goes out: columns of a weight table. Groups of one kind each, scaled so that a long message does not shout
louder than a short one: pieces of three to five signs of each word, words and pairs of words, everyday meanings and their
sequence, the concepts the lexicon found, their pairs and their sequence. The last two let one language learn from another.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hotline.triage.everyday import Everyday
from hotline.triage.facts import Facts
from hotline.triage.judge import Judgement
from hotline.triage.rules import Sign

PIECES = 1 << 16
WORDS = 1 << 15
CONCEPTS = 1 << 13
MEANINGS = 1 << 15
COLUMNS = PIECES + WORDS + CONCEPTS + MEANINGS
MOST_WORDS = 400
LETTER_WEIGHT, MEANING_WEIGHT = 2.0, 1.0
_PIECE_SIZES = (3, 4, 5)
_LONGEST_WORD = 40
_WORD_WEIGHT, _CONCEPT_WEIGHT, _PAIR_WEIGHT, _SEQUENCE_WEIGHT = 1.0, 0.7, 0.6, 0.6
_LONG, _SHORT = 30, 6
_CONCEPT_START = PIECES + WORDS
_MEANING_START = _CONCEPT_START + CONCEPTS


@dataclass(frozen=True, slots=True)
class Features:
    """Columns of the weight table and their scale."""

    columns: NDArray[np.int64]
    values: NDArray[np.float32]


class Group(NamedTuple):
    """Columns of one kind with the scale they share, and the word each came from, -1 for none."""

    scale: float
    columns: Sequence[int]
    words: Sequence[int]


def features(facts: Facts, signs: Sequence[Sign], judgement: Judgement, everyday: Everyday) -> Features:
    """Return all features of a message and of what the rules make of it. Only its first 400 words count."""
    words = facts.heard[:MOST_WORDS]
    classes = [meanings(word, everyday) for word in words]
    letters = [column for word in words for column in pieces(word)]
    said = [column for columns in classes for column in columns]
    groups = (
        Group(scale(len(letters), LETTER_WEIGHT), letters, ()),
        Group(scale(len(said), MEANING_WEIGHT), said, ()),
        *phrases(words),
        *sequence(classes),
        *concepts(facts, signs, judgement),
    )
    return Features(
        columns=np.array([column for group in groups for column in group.columns], dtype=np.int64),
        values=np.repeat(np.array([group.scale for group in groups], dtype=np.float32), [len(group.columns) for group in groups]),
    )


def scale(count: int, weight: float = 1.0) -> float:
    """Return the scale of each of `count` features of one group."""
    return weight / math.sqrt(max(count, 1))


def pieces(word: str) -> list[int]:
    """Return the columns of all pieces of a word; a gap at each end tells beginnings and endings apart."""
    data = f" {word[:_LONGEST_WORD]} ".encode()
    return [zlib.crc32(data[at : at + size]) % PIECES for size in _PIECE_SIZES for at in range(len(data) - size + 1)]


def meanings(word: str, everyday: Everyday) -> list[int]:
    """Return the columns of what a word is about."""
    return [_MEANING_START + word_number(name) % MEANINGS for name in everyday.classes(word)]


def phrases(words: Sequence[str]) -> Iterator[Group]:
    """Yield the columns of words and of pairs of words, which share one scale."""
    numbers = [word_number(word) for word in words]
    found = [PIECES + number % WORDS for number in numbers]
    found += [PIECES + _pair(one, other) % WORDS for one, other in pairwise(numbers)]
    at = range(len(numbers))
    yield Group(scale(len(found), _WORD_WEIGHT), found, (*at, *at[:-1]))


def sequence(classes: Sequence[Sequence[int]]) -> Iterator[Group]:
    """Yield the columns of meanings that follow one another, whatever words without a meaning stand between."""
    told = [columns for columns in classes if columns]
    pairs = [
        _MEANING_START + _pair(one, other) % MEANINGS for first, second in pairwise(told) for one in first for other in second
    ]
    yield Group(scale(len(pairs), _SEQUENCE_WEIGHT), pairs, ())


def _pair(one: int, other: int) -> int:
    """Return the number of two things in their order."""
    return ((one * 31 ^ other) * 2654435761 & 0xFFFFFFFF) >> 7


@lru_cache(maxsize=20_000)
def word_number(word: str) -> int:
    """Return the number of a word or name, the same in every process."""
    return zlib.crc32(word.encode())


def concepts(facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> Iterator[Group]:
    """Yield the columns of concepts, traits and signs, and then those of pairs of concepts."""
    spoken = sorted(facts.spoken)
    names = [*spoken, *_traits(facts), *[f"not {concept}" for concept in facts.denied]]
    names += [f"sign {sign.rule}" for sign in signs]
    names += [f"rules {judgement.categories[0]}", f"rules {judgement.urgency}"]
    firsts = [facts.spoken[concept][0].first for concept in spoken]
    found = [_CONCEPT_START + word_number(name) % CONCEPTS for name in names]
    yield Group(scale(len(found), _CONCEPT_WEIGHT), found, firsts + [-1] * (len(names) - len(spoken)))
    numbers = [word_number(concept) for concept in spoken]
    pairs = [_CONCEPT_START + (one * 31 ^ other) % CONCEPTS for at, one in enumerate(numbers) for other in numbers[at + 1 :]]
    yield Group(scale(len(pairs), _PAIR_WEIGHT), pairs, ())
    told = sorted((hit.first, word_number(concept)) for concept, hits in facts.spoken.items() for hit in hits)
    following = [_CONCEPT_START + _pair(one, other) % CONCEPTS for (_, one), (_, other) in pairwise(told)]
    yield Group(scale(len(following), _SEQUENCE_WEIGHT), following, ())


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
