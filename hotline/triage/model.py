"""The statistical judge: a linear model that has read the corpus beside this file.

Comes in: facts. Goes out: a chance for every category, urgency, minors and element of trafficking, and for any of them the
words that spoke loudest. It is one table of weights, made by `make triage-model`; it learns nothing while it runs.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hotline.triage.everyday import Everyday
from hotline.triage.facts import Facts
from hotline.triage.features import (
    LETTER_WEIGHT,
    MEANING_WEIGHT,
    MOST_WORDS,
    concepts,
    meanings,
    pair_columns,
    pieces,
    scale,
    sequence,
    word_column,
    word_number,
    word_scale,
)
from hotline.triage.judge import Judgement
from hotline.triage.mask import MASKS
from hotline.triage.rules import Sign

MODEL = Path(__file__).with_name("model.npz")
CHOICES = {
    "category": (
        "trafficking", "smuggling", "gbv", "labour_abuse", "missing_person", "child_protection", "question",
        "thanks_or_other", "spam_or_prank",
    ),
    "urgency": ("immediate", "soon", "routine"),
    "minors": ("true", "false", "unknown"),
}  # fmt: skip
ELEMENTS = {
    "act": ("recruit", "transport", "transfer", "harbour"),
    "means": ("coercion", "deception", "force", "threat", "payments", "abuse_of_vulnerability", "abduction", "fraud"),
    "purpose": (
        "forced_labour", "domestic_servitude", "sexual_exploitation", "forced_marriage", "begging", "forced_crime",
        "organ_removal", "child_soldier",
    ),
}  # fmt: skip
SWITCHES = {"alarm": ("immediate",), "variety": ("rn",)}
HEADS = CHOICES | ELEMENTS | SWITCHES
OUTPUTS = tuple((head, name) for head, names in HEADS.items() for name in names)
COLUMN = {output: column for column, output in enumerate(OUTPUTS)}
SLICES = {head: slice(COLUMN[head, names[0]], COLUMN[head, names[-1]] + 1) for head, names in HEADS.items()}
_LOUDEST = 3
_SURELY_NOT = -50.0
_KEPT_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model makes of a message: a score for each of OUTPUTS."""

    scores: list[float]

    def chances(self, head: str) -> dict[str, float]:
        """Return the chance of each name of a head: shares of a choice, or the odds of each element by itself.

        A text tells of one act, rarely of two: half of an act's chance is its share of all acts.
        """
        scores = self.scores[SLICES[head]]
        chances = _shares(scores) if head in CHOICES else _odds(scores)
        if head == "act":
            chances = [(alone + share) / 2 for alone, share in zip(chances, _shares(scores), strict=True)]
        return dict(zip(HEADS[head], chances, strict=True))


@dataclass(slots=True)
class Vocabulary:
    """What each word says for every output, summed once: the model is linear, so a message is a sum of words.

    `sums` is one row a word: what its letters say for each output, then what its meanings say, then what the word as a whole
    says, then how many pieces and how many meanings it has; `words` holds its number. When it is full it begins anew.
    """

    weights: NDArray[np.int8]
    everyday: Everyday
    sums: NDArray[np.float32] = field(default_factory=lambda: np.empty((_KEPT_WORDS, 3 * len(OUTPUTS) + 2), dtype=np.float32))
    numbers: dict[str, int] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)
    classes: list[tuple[int, ...]] = field(default_factory=list)

    def look_up(self, words: Sequence[str]) -> list[int]:
        """Return the row of each of at most 400 words."""
        if len(self.numbers) + len(words) > _KEPT_WORDS:
            self.numbers.clear()
            self.words.clear()
            self.classes.clear()
        return [self.numbers[word] if word in self.numbers else self._learn(word) for word in words]

    def say(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return what the words say together, scaled as their features are."""
        total = self.sums.take(rows, axis=0).sum(axis=0)
        said: NDArray[np.float32] = _scales(total, len(rows)) @ total[: 3 * len(OUTPUTS)].reshape(3, len(OUTPUTS))
        return said

    def say_for(self, rows: Sequence[int], column: int) -> NDArray[np.float64]:
        """Return what each word says for one output, scaled as its features are."""
        each = self.sums.take(rows, axis=0)
        said = each[:, column : 3 * len(OUTPUTS) : len(OUTPUTS)] @ _scales(each.sum(axis=0), len(rows))
        return np.asarray(said, dtype=np.float64)

    def _learn(self, word: str) -> int:
        row, columns, classes = len(self.numbers), pieces(word), meanings(word, self.everyday)
        whole, count = word_number(word), len(OUTPUTS)
        self.sums[row, :count] = self.weights[columns].sum(axis=0, dtype=np.float32)
        self.sums[row, count : 2 * count] = self.weights[list(classes)].sum(axis=0, dtype=np.float32) if classes else 0
        self.sums[row, 2 * count : 3 * count] = self.weights[word_column(whole)]
        self.sums[row, 3 * count :] = len(columns), len(classes)
        self.numbers[word] = row
        self.words.append(whole)
        self.classes.append(classes)
        return row


@dataclass(frozen=True, slots=True)
class Model:
    """The weight table: one row a feature, one column an output, a byte each; its scales; thresholds by cross-validation."""

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    thresholds: dict[str, float]
    vocabulary: Vocabulary

    def judge(self, facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> Opinion:
        """Return the model's opinion of a message."""
        known = self.vocabulary.look_up(facts.heard[:MOST_WORDS])
        columns = pair_columns([self.vocabulary.words[row] for row in known])
        values = [word_scale(len(known))] * len(columns)
        for each, found in (sequence([self.vocabulary.classes[row] for row in known]), *concepts(facts, signs, judgement)):
            columns += found
            values += [each] * len(found)
        rows = self.weights.take(columns, axis=0).astype(np.float32)
        return Opinion(((np.array(values, dtype=np.float32) @ rows + self.vocabulary.say(known)) * self.scales).tolist())

    def loudest(self, words: Sequence[str], head: str, name: str) -> list[int]:
        """Return the places of the words that speak most for one output, loudest first, at most three."""
        words, column = words[:MOST_WORDS], COLUMN[head, name]
        rows = self.vocabulary.look_up(words)
        totals = self.vocabulary.say_for(rows, column)
        pairs = pair_columns([self.vocabulary.words[row] for row in rows])
        totals[: len(pairs)] += word_scale(len(rows)) * self.weights[pairs, column]
        totals[[at for at, word in enumerate(words) if word in MASKS]] = 0
        return [int(word) for word in np.argsort(-totals)[:_LOUDEST] if totals[word] > 0]


def _scales(total: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the scale of letters, of meanings and of words as a whole, for `count` words whose rows add up to `total`."""
    letters, meanings = scale(total.item(-2), LETTER_WEIGHT), scale(total.item(-1), MEANING_WEIGHT)
    return np.array((letters, meanings, word_scale(count)), dtype=np.float32)


def _shares(scores: Sequence[float]) -> list[float]:
    """Return the softmax of some scores."""
    highest = max(scores)
    odds = [math.exp(score - highest) for score in scores]
    total = sum(odds)
    return [odd / total for odd in odds]


def _odds(scores: Sequence[float]) -> list[float]:
    """Return the logistic function of some scores."""
    return [1 / (1 + math.exp(-max(score, _SURELY_NOT))) for score in scores]


def load(everyday: Everyday, path: Path = MODEL) -> Model:
    """Return the model kept in `path`. Raises OSError when it is not there."""
    with np.load(path, allow_pickle=False) as content:
        weights = content["weights"]
        scales, thresholds = content["scales"].astype(np.float32), json.loads(str(content["thresholds"]))
    return Model(weights, scales, thresholds, Vocabulary(weights, everyday))
