"""Train: makes model.npz from the corpus; `make triage-model`, or `python -m hotline.triage.train`.

A developer's tool, plain numpy, no chance in it: the same corpus gives the same model. Softmax and logistic regression with
a ridge, fitted in the space of the texts (a few thousand) in place of the features (a hundred thousand), which takes seconds.
Thresholds are chosen on texts held back by situation, so that the model is never asked about a story it has read.
"""

import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.triage import features, model, rules
from hotline.triage.assess import gather
from hotline.triage.judge import judge

CORPUS = Path(__file__).with_name("corpus")
FOLDS = 5
_RIDGE_CHOICES, _RIDGE_ELEMENTS = 0.03, 0.3
_ROUNDS = 400
_BLOCK = 4096
_MOST_FALSE_ALARMS = 0.09
Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Material:
    """The labelled texts, their features, what the rules saw and the truth for each output, and the fold of each text."""

    labels: list[dict[str, Any]]
    rows: list[features.Features]
    seen: Matrix
    truth: Matrix
    folds: NDArray[np.int64]


def read(corpus: Path = CORPUS) -> Material:
    """Return the corpus. Raises ValueError for a label that the guide does not know."""
    labels = [json.loads(line) for file in sorted(corpus.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    rows, seen = zip(*(_row(label["text"]) for label in labels), strict=True)
    truth = np.array([_truth(label) for label in labels], dtype=np.float32)
    folds = np.array([zlib.crc32(label["situation"].encode()) % FOLDS for label in labels])
    return Material(labels, list(rows), np.array(seen, dtype=np.float32), truth, folds)


def _row(text: str) -> tuple[features.Features, list[float]]:
    facts = gather(text)
    signs = rules.signs(facts)
    said = {(sign.axis, sign.value) for sign in signs}
    return features.features(facts, signs, judge(facts, signs)), [float(output in said) for output in model.OUTPUTS]


def _truth(label: dict[str, Any]) -> list[float]:
    said = {("category", label["category"]), ("urgency", label["urgency"]), ("minors", label["minors"])}
    said |= {(head, name) for head, names in label["palermo"].items() for name in names}
    unknown = said - set(model.OUTPUTS)
    if unknown:
        raise ValueError(f"the label guide does not know {sorted(unknown)}")
    return [float(output in said) for output in model.OUTPUTS]


def likeness(rows: Sequence[features.Features]) -> Matrix:
    """Return the inner product of every text with every other."""
    products = np.zeros((len(rows), len(rows)), dtype=np.float32)
    for start in range(0, features.COLUMNS, _BLOCK):
        block = np.zeros((len(rows), _BLOCK), dtype=np.float32)
        for number, row in enumerate(rows):
            here = (row.columns >= start) & (row.columns < start + _BLOCK)
            np.add.at(block[number], row.columns[here] - start, row.values[here])
        products += block @ block.T
    return products


def _chances(scores: Matrix) -> Matrix:
    """Turn scores into chances: softmax within each choice, logistic for each element."""
    chances = np.empty_like(scores)
    start = 0
    for names in model.CHOICES.values():
        part = scores[:, start : start + len(names)]
        odds = np.exp(part - part.max(axis=1, keepdims=True))
        chances[:, start : start + len(names)] = odds / odds.sum(axis=1, keepdims=True)
        start += len(names)
    chances[:, start:] = 1 / (1 + np.exp(-scores[:, start:]))
    return chances


def fit(space: Matrix, truth: Matrix, weights: Matrix) -> Matrix:
    """Return the coefficients of each output in `space`, by accelerated gradient descent on the ridge loss."""
    ridge = _ridge() / len(space)
    steep = float(np.linalg.norm(space, 2)) ** 2 * 0.5 / len(space) + float(ridge.max())
    at: Matrix = np.zeros((space.shape[1], truth.shape[1]), dtype=np.float32)
    ahead = at
    pace = 1.0
    for _ in range(_ROUNDS):
        slope = space.T @ ((_chances(space @ ahead) - truth) * weights) / len(space) + ridge * ahead
        after = ahead - slope / steep
        next_pace = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = after + (pace - 1) / next_pace * (after - at)
        at, pace = after, next_pace
    return at


def _ridge() -> Matrix:
    """Elements are learnt from fewer texts than choices, so they are held tighter."""
    tight = [_RIDGE_ELEMENTS if head in model.ELEMENTS else _RIDGE_CHOICES for head, _ in model.OUTPUTS]
    return np.array(tight, dtype=np.float32)


def _weights(truth: Matrix) -> Matrix:
    """Elements are learnt from trafficking texts alone: they are asked for in no other."""
    weights = np.ones_like(truth)
    elements = [head in model.ELEMENTS for head, _ in model.OUTPUTS]
    weights[np.ix_(truth[:, 0] == 0, elements)] = 0
    return weights


def cross_validate(space: Matrix, material: Material, weights: Matrix) -> Matrix:
    """Return the chances of every text from a model that has not read its situation."""
    chances = np.zeros_like(material.truth)
    for fold in range(FOLDS):
        held, kept = material.folds == fold, material.folds != fold
        chances[held] = _chances(space[held] @ fit(space[kept], material.truth[kept], weights[kept]))
    return chances


def _thresholds(chances: Matrix, material: Material) -> dict[str, float]:
    """Return the thresholds of each element with the best F1, with and without a sign of the rules, and of "immediate"."""
    found: dict[str, float] = {}
    cases = material.truth[:, 0] > 0
    for column, (head, name) in enumerate(model.OUTPUTS):
        if head in model.ELEMENTS:
            with_sign, alone = _best_f1(chances[cases, column], material.truth[cases, column], material.seen[cases, column])
            found |= {f"{head}:{name}+": with_sign, f"{head}:{name}": alone}
    found |= _leanings(chances, material.truth)
    column = model.OUTPUTS.index(("urgency", "immediate"))
    calm = np.sort(chances[material.truth[:, column] == 0, column])
    found["immediate"] = float(calm[int(len(calm) * (1 - _MOST_FALSE_ALARMS))])
    return found


def _leanings(chances: Matrix, truth: Matrix) -> dict[str, float]:
    """Return what to add to each category's log chance for the best macro-F1: rare categories need a hand."""
    names = model.CHOICES["category"]
    logs, true = np.log(chances[:, : len(names)] + 1e-9), truth[:, : len(names)].argmax(axis=1)
    leaning = np.zeros(len(names))
    for _ in range(3):
        for column in range(len(names)):
            tries = leaning + np.outer(np.arange(-0.6, 0.61, 0.1), np.eye(len(names))[column])
            leaning = max(tries, key=lambda one: (_macro_f1((logs + one).argmax(axis=1), true), -float(np.abs(one).sum())))
    return {f"leaning:{name}": round(float(one), 2) for name, one in zip(names, leaning, strict=True)}


def _macro_f1(guessed: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    both = [((guessed == n) & (true == n)).sum() / ((guessed == n).sum() + (true == n).sum()) for n in range(true.max() + 1)]
    return 2 * float(np.mean(both))


def _best_f1(chances: Matrix, truth: Matrix, seen: Matrix) -> tuple[float, float]:
    def f1(pair: tuple[float, float]) -> float:
        guessed = chances >= np.where(seen > 0, *pair)
        return float(2 * (guessed * truth).sum() / max(guessed.sum() + truth.sum(), 1))

    steps = [float(step) for step in np.arange(0.08, 0.66, 0.04)]
    return max(((sign, alone) for sign in steps for alone in steps if sign <= alone), key=lambda pair: (f1(pair), sum(pair)))


def train(material: Material) -> tuple[Matrix, dict[str, float], Matrix]:
    """Return the weight table, the thresholds, and the held-back chances they were chosen on."""
    values, vectors = np.linalg.eigh(likeness(material.rows).astype(np.float64))
    kept = values > values.max() * 1e-5
    space = (vectors[:, kept] * np.sqrt(values[kept])).astype(np.float32)
    weights = _weights(material.truth)
    chances = cross_validate(space, material, weights)
    duals = (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32) @ fit(space, material.truth, weights)
    table = np.zeros((features.COLUMNS, len(model.OUTPUTS)), dtype=np.float32)
    for row, dual in zip(material.rows, duals, strict=True):
        np.add.at(table, row.columns, row.values[:, None] * dual)
    return table, _thresholds(chances, material), chances


def save(table: Matrix, thresholds: dict[str, float], target: Path = model.MODEL) -> None:
    """Write the table with one byte a weight, and the thresholds."""
    scales = np.abs(table).max(axis=0) / 127
    small = np.round(table / scales).astype(np.int8)
    np.savez_compressed(target, weights=small, scales=scales, thresholds=np.array(json.dumps(thresholds, sort_keys=True)))


def report(chances: Matrix, material: Material, thresholds: dict[str, float]) -> str:
    """Return how the model did on held-back texts."""
    truth, start, lines = material.truth, 0, []
    for head, names in model.CHOICES.items():
        part, true = chances[:, start : start + len(names)], truth[:, start : start + len(names)].argmax(axis=1)
        guessed = part.argmax(axis=1)
        scores = [
            2 * ((guessed == n) & (true == n)).sum() / ((guessed == n).sum() + (true == n).sum()) for n in range(len(names))
        ]
        lines.append(
            f"{head:10s} macro-F1 {np.mean(scores):.3f}  " + " ".join(f"{n}={s:.2f}" for n, s in zip(names, scores, strict=True))
        )
        start += len(names)
    column = model.OUTPUTS.index(("urgency", "immediate"))
    urgent = truth[:, column] > 0
    alarm = chances[:, column] >= thresholds["immediate"]
    lines.append(f"immediate  recall {alarm[urgent].mean():.3f}  false alarms {alarm[~urgent].mean():.3f}")
    names = model.CHOICES["category"]
    ordinary = truth[:, [names.index("question"), names.index("thanks_or_other"), names.index("spam_or_prank")]].any(axis=1)
    leaning = chances[:, : len(names)] * np.exp([thresholds[f"leaning:{name}"] for name in names])
    called = (leaning.argmax(axis=1) == 0)[ordinary]
    lines.append(
        f"ordinary   called trafficking {called.mean():.3f}  immediate {alarm[ordinary].mean():.3f}  of {ordinary.sum()}"
    )
    cases = truth[:, 0] > 0
    elements = [f"{head}:{name}" for head, name in model.OUTPUTS if head in model.ELEMENTS]
    limits = np.where(
        material.seen[cases, start:] > 0,
        [thresholds[f"{element}+"] for element in elements],
        [thresholds[element] for element in elements],
    )
    guessed_elements, true_elements = chances[cases, start:] >= limits, truth[cases, start:] > 0
    f1 = 2 * (guessed_elements & true_elements).sum() / (guessed_elements.sum() + true_elements.sum())
    lines.append(f"Palermo    micro-F1 {f1:.3f} on {cases.sum()} cases")
    return "\n".join(lines)


def main() -> None:
    """Train, save and say how well it does on held-back texts."""
    material = read()
    table, thresholds, chances = train(material)
    save(table, thresholds)
    sys.stdout.write(f"{len(material.labels)} texts\n{report(chances, material, thresholds)}\n")


if __name__ == "__main__":
    main()
