"""Features: a message as numbers for the statistical judge.

Comes in: facts. Goes out: columns of a weight table. Groups of one kind each, scaled so that a long message does not shout
louder than a short one: pieces of three to five signs of each word, words and pairs of words, everyday meanings and their
sequence, the concepts the lexicon found, their pairs and their sequence. The last two let one language learn from another.
"""

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, product
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
LETTER_WEIGHT, MEANING_WEIGHT, WORD_WEIGHT = 2.0, 1.0, 1.0
_PIECE_SIZES = (3, 4, 5)
_LONGEST_WORD = 40
_CONCEPT_WEIGHT, _PAIR_WEIGHT, _SEQUENCE_WEIGHT = 0.7, 0.6, 0.6
_LONG, _SHORT = 30, 6
_CONCEPT_START = PIECES + WORDS
_MEANING_START = _CONCEPT_START + CONCEPTS


@dataclass(frozen=True, slots=True)
class Features:
    """Columns of the weight table and their scale."""

    columns: NDArray[np.int64]
    values: NDArray[np.float32]


class Group(NamedTuple):
    """Columns of one kind with the scale they share."""

    scale: float
    columns: Sequence[int]


def features(facts: Facts, signs: Sequence[Sign], judgement: Judgement, everyday: Everyday) -> Features:
    """Return all features of a message and of what the rules make of it. Only its first 400 words count."""
    words = facts.heard[:MOST_WORDS]
    classes = [meanings(word, everyday) for word in words]
    letters = [column for word in words for column in pieces(word)]
    said = [column for columns in classes for column in columns]
    groups = (
        Group(scale(len(letters), LETTER_WEIGHT), letters),
        Group(scale(len(said), MEANING_WEIGHT), said),
        phrases([word_number(word) for word in words]),
        sequence(classes),
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


def phrases(numbers: Sequence[int]) -> Group:
    """Return the columns of words, given by their numbers, and of pairs of words; both share one scale."""
    return Group(word_scale(len(numbers)), [word_column(number) for number in numbers] + pair_columns(numbers))


def word_scale(count: int) -> float:
    """Return the scale of each of `count` words and of their pairs."""
    return scale(2 * count - 1, WORD_WEIGHT)


def word_column(number: int) -> int:
    """Return the column of a word given by its number."""
    return PIECES + number % WORDS


def pair_columns(numbers: Sequence[int]) -> list[int]:
    """Return the columns of words that follow one another."""
    return _in_order(pairwise(numbers), PIECES, WORDS)


def sequence(classes: Sequence[Sequence[int]]) -> Group:
    """Return the columns of meanings that follow one another, whatever words without a meaning stand between."""
    told = [columns for columns in classes if columns]
    following = [pair for first, second in pairwise(told) for pair in product(first, second)]
    pairs = _in_order(following, _MEANING_START, MEANINGS)
    return Group(scale(len(pairs), _SEQUENCE_WEIGHT), pairs)


def _in_order(pairs: Iterable[tuple[int, int]], start: int, size: int) -> list[int]:
    """Return the columns of pairs of things, which depend on their order, among the `size` columns from `start`."""
    return [start + (((one * 31 ^ other) * 2654435761 & 0xFFFFFFFF) >> 7) % size for one, other in pairs]


@lru_cache(maxsize=20_000)
def word_number(word: str) -> int:
    """Return the number of a word or name, the same in every process."""
    return zlib.crc32(word.encode())


def concepts(facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> tuple[Group, Group, Group]:
    """Return the columns of concepts, traits and signs, those of pairs of concepts, and those of their sequence."""
    spoken = sorted(facts.spoken)
    found = [_concept_column(name) for name in spoken]
    found += [_concept_column(name) for name in _traits(facts)]
    found += [_concept_column(concept, "not ") for concept in facts.denied]
    found += [_concept_column(sign.rule, "sign ") for sign in signs]
    found += [_concept_column(judgement.categories[0], "rules "), _concept_column(judgement.urgency, "rules ")]
    numbers = [word_number(concept) for concept in spoken]
    pairs = [_CONCEPT_START + (one * 31 ^ other) % CONCEPTS for one, other in combinations(numbers, 2)]
    told = [(hit.first, number) for concept, number in zip(spoken, numbers, strict=True) for hit in facts.spoken[concept]]
    told.sort()
    following = _in_order(pairwise([number for _, number in told]), _CONCEPT_START, CONCEPTS)
    return (
        Group(scale(len(found), _CONCEPT_WEIGHT), found),
        Group(scale(len(pairs), _PAIR_WEIGHT), pairs),
        Group(scale(len(following), _SEQUENCE_WEIGHT), following),
    )


@lru_cache(maxsize=2_000)
def _concept_column(name: str, of: str = "") -> int:
    """Return the column of a concept, a trait, or of what is said of one."""
    return _CONCEPT_START + word_number(f"{of}{name}") % CONCEPTS


def _traits(facts: Facts) -> list[str]:
    """Return what is so about the message as a whole."""
    count = len(facts.words)
    traits = (
        ("asks", facts.asks),
        ("question mark", "?" in facts.message.text),
        ("link", facts.has_link),
        ("phone", facts.has_phone),
        ("child", facts.child),
        ("adult", facts.adult),
        ("abroad", facts.foreign_places > 0),
        ("short", count <= _SHORT),
        ("one", count <= 2),
        ("long", count >= _LONG),
        ("shouts", facts.message.text.isupper()),
        ("bias", True),
    )
    return [name for name, is_so in traits if is_so]
