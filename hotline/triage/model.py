"""The statistical judge: a linear model that has read the corpus beside this file.

Comes in: facts. Goes out: a chance for every category, urgency, minors and element of trafficking, and for any of them the
words that spoke loudest. It is one table of weights, made by `make triage-model`; it learns nothing while it runs.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hotline.triage.facts import Facts
from hotline.triage.features import Features, features
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
_LOUDEST = 3
_SURELY_NOT = -50.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the model makes of a message: chances by head and name, and the features they rest on."""

    chances: dict[str, dict[str, float]]
    features: Features


@dataclass(frozen=True, slots=True)
class Model:
    """The weight table: one row a feature, one column an output, a byte each; its scales; thresholds by cross-validation."""

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    thresholds: dict[str, float]

    def judge(self, facts: Facts, signs: Sequence[Sign], judgement: Judgement) -> Opinion:
        """Return the model's opinion of a message."""
        found = features(facts, signs, judgement)
        scores = (found.values @ self.weights[found.columns].astype(np.float32) * self.scales).tolist()
        chances: dict[str, dict[str, float]] = {}
        start = 0
        for head, names in CHOICES.items():
            chances[head] = dict(zip(names, _shares(scores[start : start + len(names)]), strict=True))
            start += len(names)
        for head, names in ELEMENTS.items():
            odds = [1 / (1 + math.exp(-max(score, _SURELY_NOT))) for score in scores[start : start + len(names)]]
            chances[head] = dict(zip(names, odds, strict=True))
            start += len(names)
        return Opinion(chances, found)

    def loudest(self, opinion: Opinion, head: str, name: str) -> list[int]:
        """Return the words of the message that speak most for one output, loudest first, at most three."""
        found = opinion.features
        shares = found.values * self.weights[found.columns, _COLUMN[head, name]]
        said = found.words >= 0
        if not said.any():
            return []
        totals = np.bincount(found.words[said], weights=shares[said])
        return [int(word) for word in np.argsort(-totals)[:_LOUDEST] if totals[word] > 0]


def _shares(scores: Sequence[float]) -> list[float]:
    """Return the softmax of some scores."""
    highest = max(scores)
    odds = [math.exp(score - highest) for score in scores]
    total = sum(odds)
    return [odd / total for odd in odds]


def load(path: Path = MODEL) -> Model:
    """Return the model kept in `path`. Raises OSError when it is not there."""
    with np.load(path, allow_pickle=False) as content:
        return Model(content["weights"], content["scales"].astype(np.float32), json.loads(str(content["thresholds"])))
