"""Limits: where a chance becomes a word; chosen on texts that the model had not read.

Comes in: the truth and the held-back scores of every text, and what the rules made of it. Goes out: named numbers that weigh.py
uses. For "immediate" recall comes first: the lowest limit whose false alarms, rules included, stay below the bar.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from hotline.triage import model
from hotline.triage.judge import Judgement
from hotline.triage.rules import Sign
from hotline.triage.weigh import alarms, everyday_of, is_everyday, shares_of

MOST_FALSE_ALARMS = 0.11
_WORTH = 0.01
_TOWARDS_A_CASE = 0.4
_STEPS = tuple(round(float(step), 2) for step in np.arange(0.1, 0.5, 0.02))
Matrix = NDArray[np.floating[Any]]


def choose(
    truth: Matrix, scores: Matrix, signs: Sequence[Sequence[Sign]], by_rules: Sequence[Judgement], callers: NDArray[np.bool_]
) -> dict[str, float]:
    """Return every limit by name. `callers` marks what somebody may have written to a hotline; the rest is small talk.

    Small talk has its say on what kind of message one is, and on how much each opinion counts, but the share of false alarms
    is measured among callers.
    """
    limits = _leanings(scores[:, model.SLICES["category"]], truth[:, model.SLICES["category"]])
    limits |= _sharpness(scores[:, model.SLICES["category"]], truth[:, model.SLICES["category"]], limits)
    limits |= _element(truth, scores, limits)
    return limits | _alarm(truth, scores, signs, by_rules, limits, callers)


def _alarm(
    truth: Matrix,
    scores: Matrix,
    signs: Sequence[Sequence[Sign]],
    by_rules: Sequence[Judgement],
    limits: dict[str, float],
    callers: NDArray[np.bool_],
) -> dict[str, float]:
    """Return how much each opinion on "immediate" counts, and the lowest limit that raises few enough false alarms."""
    heard = np.array(
        [alarms(rules, those, model.Opinion(row.tolist())) for rules, those, row in zip(by_rules, signs, scores, strict=True)]
    )
    urgent = truth[:, model.COLUMN["urgency", "immediate"]]
    each = np.where(urgent > 0, len(urgent) / urgent.sum(), len(urgent) / (1 - urgent).sum()) / 2

    def loss(at: Matrix) -> tuple[float, Matrix]:
        chances = 1 / (1 + np.exp(-np.clip(heard @ at, -50, 50)))
        right = np.where(urgent > 0, chances, 1 - chances)
        return float(-(np.log(right + 1e-12) * each).sum() + at @ at), heard.T @ ((chances - urgent) * each) + 2 * at

    bounds = [(0.0, None)] * (heard.shape[1] - 1) + [(None, None)]  # a voice for danger never speaks against it
    counts = minimize(loss, np.zeros(heard.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    opinions = [model.Opinion(row.tolist()) for row in scores]
    chances = [everyday_of(shares_of(opinion, limits)) for opinion in opinions]
    everyday = np.array([is_everyday(those, chance) for those, chance in zip(signs, chances, strict=True)])
    loud = np.where(everyday, -np.inf, heard @ counts)
    limit = float(np.quantile(loud[callers & (urgent == 0)], 1 - MOST_FALSE_ALARMS, method="lower"))
    return {f"alarm:{at}": round(float(count), 4) for at, count in enumerate(counts)} | {"alarm": round(limit, 4)}


def _leanings(scores: Matrix, truth: Matrix) -> dict[str, float]:
    """Return what to add to each category's score for the best macro-F1.

    A leaning has to be worth it: without a price on each, those chosen on some hands cost the others half a point of macro-F1.
    The search begins with a leaning towards trafficking: no figure of the categories falls by it, and fewer cases are missed.
    """
    names = model.CHOICES["category"]
    true = truth.argmax(axis=1)
    start = np.array([_TOWARDS_A_CASE if name == "trafficking" else 0.0 for name in names])
    leaning = start
    for _ in range(3):
        for column in range(len(names)):
            tries = leaning + np.outer(np.arange(-0.8, 0.81, 0.1), np.eye(len(names))[column])
            worth = [_macro_f1((scores + one).argmax(axis=1), true) - _WORTH * np.abs(one - start).sum() for one in tries]
            leaning = tries[int(np.argmax(worth))]
    return {f"leaning:{name}": round(float(one), 2) for name, one in zip(names, leaning, strict=True)}


def _sharpness(scores: Matrix, truth: Matrix, limits: dict[str, float]) -> dict[str, float]:
    """Return the factor at which the stated certainty is worth what it says: the one with the likeliest truth."""
    leaning = np.array([limits[f"leaning:{name}"] for name in model.CHOICES["category"]])

    def unlikely(sharpness: float) -> float:
        odds = np.exp((scores + leaning - (scores + leaning).max(axis=1, keepdims=True)) * sharpness)
        return -float(np.log((odds * truth).sum(axis=1) / odds.sum(axis=1)).sum())

    return {"sharpness": round(float(min(np.arange(0.3, 2.5, 0.05), key=unlikely)), 2)}


def _macro_f1(guessed: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    both = [((guessed == n) & (true == n)).sum() / ((guessed == n).sum() + (true == n).sum()) for n in range(true.max() + 1)]
    return 2 * float(np.mean(both))


def _element(truth: Matrix, scores: Matrix, limits: dict[str, float]) -> dict[str, float]:
    """Return the chance from which any element is named: the one with the best F1 over all elements of all cases.

    One limit for all of them: a limit for each, with and without a sign of the rules, fits the hands it was chosen on and
    serves a hand it has not seen a point worse.
    """
    part = slice(model.SLICES["act"].start, model.SLICES["purpose"].stop)
    leaning = np.array([limits[f"leaning:{name}"] for name in model.CHOICES["category"]])
    case = model.COLUMN["category", "trafficking"]
    cases = truth[:, case] > 0
    told = (scores[:, model.SLICES["category"]] + leaning).argmax(axis=1) == case
    opinions = [model.Opinion(row) for row in scores[cases].tolist()]
    each = np.array([[chance for head in model.ELEMENTS for chance in opinion.chances(head).values()] for opinion in opinions])
    true, chances = truth[cases, part] > 0, np.where(told[cases, None], each, 0)

    def f1(limit: float) -> float:
        named = chances >= limit
        return float(2 * (named & true).sum() / max(named.sum() + true.sum(), 1))

    return {"element": max(_STEPS, key=f1)}
