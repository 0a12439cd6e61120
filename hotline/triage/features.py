"""Features: a message as numbers for the statistical judge.

Comes in: facts. Goes out: columns of a weight table. Groups of one kind each, scaled so that a long message does not shout
louder than a short one: pieces of three to five signs of each word, words and pairs of words, everyday meanings and their
sequence, the concepts the lexicon found, their pairs and their sequence. The last two let one language learn from another.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, pairwise, product
from typing import NamedTuple, TypeVar

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
TRAITS = (
    "asks", "question mark", "link", "phone", "child", "adult", "abroad", "short", "one", "long", "shouts", "bias",
)  # fmt: skip
COLUMNS = PIECES + WORDS + CONCEPTS + MEANINGS
MOST_WORDS = 400
LETTER_WEIGHT, MEANING_WEIGHT, WORD_WEIGHT = 2.0, 1.0, 1.0
_PIECE_SIZES = (3, 4, 5)
_LONGEST_WORD = 40
_CONCEPT_WEIGHT, _PAIR_WEIGHT, _SEQUENCE_WEIGHT = 0.7, 0.6, 0.6
_LONG, _SHORT, _FEW = 30, 6, 2
_CONCEPT_START = PIECES + WORDS
_MEANING_START = _CONCEPT_START + CONCEPTS
Key = TypeVar("Key")
Value = TypeVar("Value")


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


def scale(count: float, weight: float = 1.0) -> float:
    """Return the scale of each of `count` features of one group."""
    return weight / math.sqrt(max(count, 1))


def pieces(word: str) -> list[int]:
    """Return the columns of all pieces of a word; a gap at each end tells beginnings and endings apart."""
    data = f" {word[:_LONGEST_WORD]} ".encode()
    return [zlib.crc32(data[at : at + size]) % PIECES for size in _PIECE_SIZES for at in range(len(data) - size + 1)]


def meanings(word: str, everyday: Everyday) -> tuple[int, ...]:
    """Return the columns of what a word is about."""
    return tuple([_MEANING_START + word_number(name) % MEANINGS for name in everyday.classes(word)])


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


def sequence(classes: Sequence[tuple[int, ...]]) -> Group:
    """Return the columns of meanings that follow one another, whatever words without a meaning stand between."""
    pairs: list[int] = []
    for one, other in pairwise([columns for columns in classes if columns]):
        pairs += _meant_after(one, other)
    return Group(scale(len(pairs), _SEQUENCE_WEIGHT), pairs)


@lru_cache(maxsize=10_000)
def _meant_after(one: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    """Return the columns of the meanings of a word, each followed by the meanings of another."""
    return _in_order(product(one, other), _MEANING_START, MEANINGS)


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
    found = [_SPOKEN[name] for name in spoken]
    found += compress(_TRAITS, _traits(facts))
    found += [_DENIED[concept] for concept in facts.denied]
    found += [_SIGNED[sign.rule] for sign in signs]
    found += (_RULED[judgement.categories[0].value], _RULED[judgement.urgency.value])
    numbers = [word_number(concept) for concept in spoken]
    pairs: list[int] = []
    for at, number in enumerate(numbers, start=1):
        pairs += map(_TOGETHER[number].__getitem__, numbers[at:])
    told = sorted([(hit.first, number) for concept, number in zip(spoken, numbers, strict=True) for hit in facts.spoken[concept]])
    following = [_SAID_AFTER[one][other] for (_, one), (_, other) in pairwise(told)]
    return (
        Group(scale(len(found), _CONCEPT_WEIGHT), found),
        Group(scale(len(pairs), _PAIR_WEIGHT), pairs),
        Group(scale(len(following), _SEQUENCE_WEIGHT), following),
    )


def _traits(facts: Facts) -> tuple[bool, ...]:
    """Return which of TRAITS are so of the message as a whole."""
    count, text = len(facts.words), facts.message.text
    child = facts.child
    return (
        facts.asks,
        "?" in text,
        facts.has_link,
        facts.has_phone,
        child,
        not child and facts.adult,
        facts.foreign_places > 0,
        count <= _SHORT,
        count <= _FEW,
        count >= _LONG,
        text.isupper(),
        True,
    )


class _Kept(dict[Key, Value]):
    """What is reckoned once for each of a few hundred concepts or meanings, and looked up from then on."""

    def __init__(self, reckon: Callable[[Key], Value]) -> None:
        super().__init__()
        self._reckon = reckon

    def __missing__(self, key: Key) -> Value:
        return self.setdefault(key, self._reckon(key))


def _column(name: str) -> int:
    """Return the column of a concept, a trait, or of what is said of one."""
    return _CONCEPT_START + word_number(name) % CONCEPTS


def _said_of(what: str) -> _Kept[str, int]:
    return _Kept(lambda name: _column(f"{what} {name}"))


def _together(one: int) -> _Kept[int, int]:
    return _Kept(lambda other: _CONCEPT_START + (one * 31 ^ other) % CONCEPTS)


def _after(start: int, size: int) -> _Kept[int, _Kept[int, int]]:
    return _Kept(lambda one: _Kept(lambda other: _in_order([(one, other)], start, size)[0]))


_SPOKEN = _Kept(_column)
_DENIED, _SIGNED, _RULED = _said_of("not"), _said_of("sign"), _said_of("rules")
_TRAITS = [_column(name) for name in TRAITS]
_TOGETHER = _Kept(_together)
_SAID_AFTER = _after(_CONCEPT_START, CONCEPTS)
