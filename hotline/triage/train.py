"""Train: makes model.npz from the corpus; `make triage-model`, or `python -m hotline.triage.train`.

A developer's tool, with no chance in it: the same corpus gives the same model. Softmax and logistic regression with a ridge, each
kind weighing the same however many texts it has. Every text of the corpus is also judged by a model that has not read it: those
of the first author by situation, those of the other hands by leaving out the whole hand, most of them two at a time (one author
wrote both e and g). On these chances the thresholds are chosen, and the table that is printed shows them; nothing is learnt while
the hotline runs.
"""

import argparse
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from hotline.triage import evaluate, features, model, rules
from hotline.triage.assess import equipment, gather
from hotline.triage.judge import Judgement, judge
from hotline.triage.limits import choose
from hotline.triage.weigh import weigh

CORPUS = Path(__file__).with_name("corpus")
FIRST = "a"
SMALL_TALK = frozenset({"d", "g", "u"})
FOLDS = 3
TOGETHER = {hand: pair for pair in ("bc", "eg", "dh", "ij", "lm", "qu", "rt") for hand in pair}
_RIDGE = {"category": 0.1, "urgency": 0.1, "minors": 0.1, "act": 0.6, "means": 0.6, "purpose": 0.6, "alarm": 0.1, "variety": 0.1}
_RARITY = 0.5
_ROUNDS = 40
Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Material:
    """The labelled texts, what the rules make of each, their features as a sparse table, the truth of every output, the folds."""

    labels: list[dict[str, Any]]
    signs: list[list[rules.Sign]]
    by_rules: list[Judgement]
    table: csr_matrix
    truth: Matrix
    folds: NDArray[np.str_]


def read(corpus: Path = CORPUS) -> Material:
    """Return the corpus. Raises ValueError for a label that the guide does not know."""
    labels = [label for file in sorted(corpus.glob("*.jsonl")) for label in _labels(file)]
    signs, by_rules, rows = [], [], []
    for label in labels:
        facts = gather(label["text"])
        signs.append(rules.signs(facts))
        by_rules.append(judge(facts, signs[-1]))
        rows.append(features.features(facts, signs[-1], by_rules[-1], equipment().model.vocabulary.everyday))
    truth = np.array([_truth(label) for label in labels], dtype=np.float64)
    return Material(labels, signs, by_rules, _sparse(rows), truth, np.array([_fold(label) for label in labels]))


def _labels(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the labels of a file; texts of other authors than the first stand in files named for their hand."""
    hand = file.stem.partition("-hand-")[2] or FIRST
    for line in file.read_text("utf-8").splitlines():
        yield json.loads(line) | {"author": hand}


def _fold(label: Mapping[str, Any]) -> str:
    author = str(label["author"])
    if author == FIRST:
        return f"{author}{zlib.crc32(label['situation'].encode()) % FOLDS}"
    return TOGETHER.get(author, author)


def _sparse(rows: Sequence[features.Features]) -> csr_matrix:
    starts = np.cumsum([0, *(len(row.columns) for row in rows)])
    parts = (np.concatenate([row.values for row in rows]), np.concatenate([row.columns for row in rows]), starts)
    table = csr_matrix(parts, shape=(len(rows), features.COLUMNS), dtype=np.float64)
    table.sum_duplicates()
    return table


def _truth(label: Mapping[str, Any]) -> list[float]:
    said = {("category", label["category"]), ("urgency", label["urgency"]), ("minors", label["minors"])}
    said |= {(head, name) for head, names in label["palermo"].items() for name in names}
    unknown = said - set(model.OUTPUTS)
    if unknown:
        raise ValueError(f"the label guide does not know {sorted(unknown)}")
    said |= {("alarm", label["urgency"]), ("variety", label["lang"])}
    return [float(output in said) for output in model.OUTPUTS]


def fit(material: Material, kept: NDArray[np.bool_]) -> Matrix:
    """Return the weight table learnt from the texts `kept`: one row a feature, one column an output."""
    table = np.zeros((features.COLUMNS, len(model.OUTPUTS)))
    for head in model.HEADS:
        part, rows = model.SLICES[head], kept & _asked(head, material)
        here, truth = material.table[rows], material.truth[rows, part]
        used = np.flatnonzero(np.bincount(here.indices, minlength=features.COLUMNS) > 1)
        learn = Lesson(here[:, used], truth, _weigh(head, truth), choice=head in model.CHOICES, ridge=_RIDGE[head])
        table[used, part] = learn.weights()
    return table


def _asked(head: str, material: Material) -> NDArray[np.bool_]:
    """Elements are learnt from trafficking texts alone, Kirundi from it and Kinyarwanda: they are asked for in no other."""
    if head in model.ELEMENTS:
        return np.asarray(material.truth[:, model.COLUMN["category", "trafficking"]] > 0)
    alike = ("rw", "rn") if head == "variety" else ("rw", "rn", "sw", "fr", "en")
    return np.array([label["lang"] in alike for label in material.labels])


def _weigh(head: str, truth: Matrix) -> Matrix:
    """Return how much each text counts for each output: kinds evenly, and an element more where it is named the rarer it is."""
    if head in model.ELEMENTS:
        share = truth.mean(axis=0)
        return np.where(truth > 0, np.maximum((1 - share) / np.maximum(share, 1 / len(truth)), 1) ** _RARITY, 1.0)
    return balance(truth if head in model.CHOICES else np.hstack((truth, 1 - truth)))[:, None]


def balance(truth: Matrix) -> Matrix:
    """Return the weight of each text: every kind weighs the same in all, and a text one on average."""
    counts = truth.sum(axis=0)
    each = len(truth) / np.maximum(counts, 1) / np.count_nonzero(counts)
    return np.asarray(truth @ each)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One head to learn: its texts, truth and weights; a choice between its columns, or a yes-or-no for each.

    `weight` has a row a text, and one column, or one for each of the truth's.
    """

    table: csr_matrix
    truth: Matrix
    weight: Matrix
    choice: bool
    ridge: float

    def weights(self) -> Matrix:
        """Return the weights with the least ridge loss: one row a feature, one column an output."""
        shape = (self.table.shape[1], self.truth.shape[1])
        backwards = self.table.T.tocsr()

        def loss(flat: Matrix) -> tuple[float, Matrix]:
            at = flat.reshape(shape)
            chances = self._chances(self.table @ at)
            told = np.where(self.truth > 0, chances, 1 - chances)
            right = (chances * self.truth).sum(axis=1, keepdims=True) if self.choice else told
            slope = backwards @ ((chances - self.truth) * self.weight) + self.ridge * at
            return float(-(np.log(right + 1e-12) * self.weight).sum() + self.ridge / 2 * (at * at).sum()), slope.ravel()

        found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
        return np.asarray(found.x).reshape(shape)

    def _chances(self, scores: Matrix) -> Matrix:
        if not self.choice:
            return np.asarray(1 / (1 + np.exp(-np.clip(scores, -50, 50))))
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def held_back(material: Material) -> Matrix:
    """Return the scores of every text from a model that has not read its situation, or its hand."""
    scores = np.zeros_like(material.truth)
    for fold in sorted(set(material.folds)):
        held = material.folds == fold
        scores[held] = material.table[held] @ fit(material, ~held)
    return scores


def limits_of(material: Material, scores: Matrix) -> dict[str, float]:
    """Return the limits chosen on held-back texts."""
    callers = np.array([label["author"] not in SMALL_TALK for label in material.labels])
    return choose(material.truth, scores, material.signs, material.by_rules, callers)


def save(table: Matrix, limits: Mapping[str, float], target: Path = model.MODEL) -> None:
    """Write the table with one byte a weight, and the limits."""
    scales = np.abs(table).max(axis=0) / 127
    small = np.round(table / np.where(scales > 0, scales, 1)).astype(np.int8)
    np.savez_compressed(target, weights=small, scales=scales, thresholds=np.array(json.dumps(dict(limits), sort_keys=True)))


def pairs(material: Material, scores: Matrix, limits: Mapping[str, float]) -> list[evaluate.Pair]:
    """Return each text's labels beside what rules and held-back model together say, as the running program would."""
    both: list[evaluate.Pair] = []
    for number, label in enumerate(material.labels):
        opinion = model.Opinion(scores[number].tolist())
        said = weigh(material.by_rules[number], material.signs[number], opinion, limits)
        elements = {"act": list(said.act), "means": list(said.means), "purpose": list(said.purpose)}
        found = {"category": said.categories[0].value, "urgency": said.urgency.value, "minors": said.minors.value}
        both.append((label, found | {"palermo": elements, "certainty": said.certainty}))
    return both


def report(material: Material, scores: Matrix, limits: Mapping[str, float]) -> str:
    """Return the figures on held-back texts: of all, of each hand and of each language."""
    judged = pairs(material, scores, limits)
    groups = {"all": judged}
    groups |= {f"hand {hand}": [p for p in judged if p[0]["author"] == hand] for hand in sorted({p[0]["author"] for p in judged})}
    groups |= {code: [p for p in judged if p[0]["lang"] == code] for code in ("en", "fr", "sw", "rw", "rn")}
    return evaluate.table(groups, leave_out=("language", "Kirundi told", "places F1"))


def main() -> None:
    """Train, save, and print the figures on held-back texts, those of the model before beside them with --compare FILE."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--compare", type=Path, help="labelled messages to judge before and after")
    asked = options.parse_args()
    before = evaluate.report(evaluate.compare(asked.compare)) if asked.compare else ""
    material = read()
    scores = held_back(material)
    limits = limits_of(material, scores)
    save(fit(material, np.ones(len(material.labels), dtype=bool)), limits)
    sys.stdout.write(report(material, scores, limits) + "\n")
    if asked.compare:
        equipment.cache_clear()
        sys.stdout.write(f"\nbefore\n{before}\n\nafter\n{evaluate.report(evaluate.compare(asked.compare))}\n")


if __name__ == "__main__":
    main()
