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

from hotline.triage.facts import Facts
from hotline.triage.features import MOST_WORDS, concepts, phrases, pieces, scale
from hotline.triage.judge import Judgement
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
OUTPUTS = tuple((head, name) for heads in (CHOICES, ELEMENTS) for head, names in heads.items() for name in names)
_COLUMN = {output: column for column, output in enumerate(OUTPUTS)}
_NAMES = CHOICES | ELEMENTS
_HEADS = {head: slice(_COLUMN[head, names[0]], _COLUMN[head, names[-1]] + 1) for head, names in _NAMES.items()}
_LOUDEST = 3
_SURELY_NOT = -50.0
_MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model makes of a message: a score for each of OUTPUTS."""

    scores: list[float]

    def chances(self, head: str) -> dict[str, float]:
        """Return the chance of each name of a head: shares of a choice, or the odds of each element by itself."""
        scores = self.scores[_HEADS[head]]
        return dict(zip(_NAMES[head], _shares(scores) if head in CHOICES else _odds(scores), strict=True))


@dataclass(slots=True)
class Vocabulary:
    """What the pieces of each word say for every output, summed once: the model is linear, so a message is a sum of words.

    When it is full it begins anew.
    """

    weights: NDArray[np.int8]
    sums: NDArray[np.float32] = field(default_factory=lambda: np.empty((_MOST_WORDS, len(OUTPUTS)), dtype=np.float32))
    numbers: dict[str, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    def say(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return what each of at most 400 words says for every output, scaled as its features are: one row a word."""
        if len(self.numbers) + len(words) > _MOST_WORDS:
            self.numbers.clear()
            self.sizes.clear()
        numbers = [self.numbers[word] if word in self.numbers else self._learn(word) for word in words]
        return self.sums[numbers] * np.float32(scale(sum([self.sizes[number] for number in numbers])))

    def _learn(self, word: str) -> int:
        columns, number = pieces(word), len(self.numbers)
        self.sums[number] = self.weights[columns].sum(axis=0, dtype=np.float32)
        self.numbers[word] = number
        self.sizes.append(len(columns))
        return number


@dataclass(frozen=True, slots=True)
class Model:
    """The weight table: one row a feature, one column an output, a byte each; its scales; thresholds by cross-validation."""

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    thresholds: dict[str, float]
    vocabulary: Vocabulary

    def judge(self, facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> Opinion:
        """Return the model's opinion of a message."""
        words = facts.words[:MOST_WORDS]
        groups = [*phrases(words), *concepts(facts, signs, judgement)]
        rows = self.weights[[column for group in groups for column in group.columns]].astype(np.float32)
        values = np.array([group.scale for group in groups for _ in group.columns], dtype=np.float32)
        return Opinion(((values @ rows + self.vocabulary.say(words).sum(axis=0)) * self.scales).tolist())

    def loudest(self, words: Sequence[str], head: str, name: str) -> list[int]:
        """Return the places of the words that speak most for one output, loudest first, at most three."""
        words, column = words[:MOST_WORDS], _COLUMN[head, name]
        totals = self.vocabulary.say(words)[:, column].astype(np.float64)
        for group in phrases(words):
            np.add.at(totals, list(group.words), group.scale * self.weights[list(group.columns), column])
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


def load(path: Path = MODEL) -> Model:
    """Return the model kept in `path`. Raises OSError when it is not there."""
    with np.load(path, allow_pickle=False) as content:
        weights = content["weights"]
        scales, thresholds = content["scales"].astype(np.float32), json.loads(str(content["thresholds"]))
    return Model(weights, scales, thresholds, Vocabulary(weights))
