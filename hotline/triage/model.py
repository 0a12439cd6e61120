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
    phrases,
    pieces,
    scale,
    sequence,
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
        """Return the chance of each name of a head: shares of a choice, or the odds of each element by itself."""
        scores = self.scores[SLICES[head]]
        return dict(zip(HEADS[head], _shares(scores) if head in CHOICES else _odds(scores), strict=True))


@dataclass(slots=True)
class Vocabulary:
    """What each word says for every output, summed once: the model is linear, so a message is a sum of words.

    `sums` is one row a word: what its letters say for each output, then what its meanings say. When it is full it begins anew.
    """

    weights: NDArray[np.int8]
    everyday: Everyday
    sums: NDArray[np.float32] = field(default_factory=lambda: np.empty((_KEPT_WORDS, 2 * len(OUTPUTS)), dtype=np.float32))
    numbers: dict[str, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    classes: list[list[int]] = field(default_factory=list)

    def look_up(self, words: Sequence[str]) -> list[int]:
        """Return the row of each of at most 400 words."""
        if len(self.numbers) + len(words) > _KEPT_WORDS:
            self.numbers.clear()
            self.sizes.clear()
            self.classes.clear()
        return [self.numbers[word] if word in self.numbers else self._learn(word) for word in words]

    def say(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return what the words say together, scaled as their features are."""
        letters, meanings = self._scales(rows)
        total = self.sums.take(rows, axis=0).sum(axis=0)
        said: NDArray[np.float32] = total[: len(OUTPUTS)] * letters + total[len(OUTPUTS) :] * meanings
        return said

    def say_for(self, rows: Sequence[int], column: int) -> NDArray[np.float64]:
        """Return what each word says for one output, scaled as its features are."""
        letters, meanings = self._scales(rows)
        said = self.sums[rows, column] * letters + self.sums[rows, len(OUTPUTS) + column] * meanings
        return np.asarray(said, dtype=np.float64)

    def _scales(self, rows: Sequence[int]) -> tuple[np.float32, np.float32]:
        letters = scale(sum([self.sizes[row] for row in rows]), LETTER_WEIGHT)
        return np.float32(letters), np.float32(scale(sum([len(self.classes[row]) for row in rows]), MEANING_WEIGHT))

    def _learn(self, word: str) -> int:
        row, columns, classes = len(self.numbers), pieces(word), meanings(word, self.everyday)
        self.sums[row, : len(OUTPUTS)] = self.weights[columns].sum(axis=0, dtype=np.float32)
        self.sums[row, len(OUTPUTS) :] = self.weights[classes].sum(axis=0, dtype=np.float32) if classes else 0
        self.numbers[word] = row
        self.sizes.append(len(columns))
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
        words = facts.heard[:MOST_WORDS]
        known = self.vocabulary.look_up(words)
        classes = [self.vocabulary.classes[row] for row in known]
        groups = [*phrases(words), *sequence(classes), *concepts(facts, signs, judgement)]
        columns: list[int] = []
        values: list[float] = []
        for group in groups:
            columns += group.columns
            values += [group.scale] * len(group.columns)
        rows = self.weights.take(columns, axis=0).astype(np.float32)
        return Opinion(((np.array(values, dtype=np.float32) @ rows + self.vocabulary.say(known)) * self.scales).tolist())

    def loudest(self, words: Sequence[str], head: str, name: str) -> list[int]:
        """Return the places of the words that speak most for one output, loudest first, at most three."""
        words, column = words[:MOST_WORDS], COLUMN[head, name]
        totals = self.vocabulary.say_for(self.vocabulary.look_up(words), column)
        for group in phrases(words):
            np.add.at(totals, list(group.words), group.scale * self.weights[list(group.columns), column])
        totals[[at for at, word in enumerate(words) if word in MASKS]] = 0
        return [int(word) for word in np.argsort(-totals)[:_LOUDEST] if totals[word] > 0]


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
