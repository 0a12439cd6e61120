"""Evaluate: how well triage agrees with labelled messages; `python -m hotline.triage.evaluate FILE`.

Comes in: messages labelled by the label guide, one JSON object a line. Goes out: figures, overall and by language. It prints
figures and label names only, never a message.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.triage.folding import fold
from hotline.triage.judge import Category
from hotline.triage.predict import predict

Labels = Mapping[str, Any]
Pair = tuple[Labels, Labels]


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean F1, each between 0 and 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def score(pairs: Iterable[tuple[set[str], set[str]]]) -> Score:
    """Return the micro score of found against true sets. Nothing found of nothing to find counts as right."""
    right = found = true = 0
    for truth, finding in pairs:
        right, found, true = right + len(truth & finding), found + len(finding), true + len(truth)
    return Score(right / found if found else 1.0, right / true if true else 1.0)


def _category_score(pairs: Sequence[Pair], category: str) -> Score:
    return score(({truth["category"]} & {category}, {found["category"]} & {category}) for truth, found in pairs)


def macro_f1(pairs: Sequence[Pair]) -> float:
    """Return the mean F1 over the categories that occur in the truth."""
    present = sorted({str(truth["category"]) for truth, _ in pairs})
    return sum(_category_score(pairs, category).f1 for category in present) / len(present)


def _share(pairs: Iterable[Pair], is_right: Callable[[Labels, Labels], bool]) -> float:
    results = [is_right(truth, found) for truth, found in pairs]
    return sum(results) / len(results) if results else 1.0


def _elements(labels: Labels) -> set[str]:
    return {f"{axis}:{value}" for axis, values in labels["palermo"].items() for value in values}


def _places(names: Iterable[str]) -> set[str]:
    return {" ".join(fold(name).words) for name in names}


def figures(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return every figure of the check, by name. `pairs` are (labels of the guide, labels by triage)."""
    urgent = [pair for pair in pairs if pair[0]["urgency"] == "immediate"]
    calm = [pair for pair in pairs if pair[0]["urgency"] != "immediate"]
    trafficking = _category_score(pairs, Category.TRAFFICKING)
    cases = [pair for pair in pairs if pair[0]["category"] == Category.TRAFFICKING]
    return {
        "language": _share(
            (p for p in pairs if p[0].get("lang_scored", True) and "lang" in p[1]), lambda t, f: _base(t["lang"]) == f["lang"]
        ),
        "Kirundi told": _share((p for p in pairs if _tells(p)), lambda t, f: bool(t["lang"] == f["variety"])),
        "macro-F1": macro_f1(pairs),
        "accuracy": _share(pairs, lambda t, f: f["category"] in (t["category"], *t.get("alt_category", ()))),
        "trafficking precision": trafficking.precision,
        "trafficking recall": trafficking.recall,
        "trafficking F1": trafficking.f1,
        "immediate recall": _share(urgent, lambda _, f: f["urgency"] == "immediate"),
        "immediate false alarms": _share(calm, lambda _, f: f["urgency"] == "immediate") if calm else 0.0,
        "urgency": _share(pairs, lambda t, f: bool(t["urgency"] == f["urgency"])),
        "minors": _share(pairs, lambda t, f: bool(t["minors"] == f["minors"])),
        "Palermo F1": score((_elements(t), _elements(f)) for t, f in cases).f1,
        "places F1": score((_places(t["place"]), _places(f["places"])) for t, f in pairs if "places" in f).f1,
    }


def _tells(pair: Pair) -> bool:
    """Tell whether the truth says rn or rw; a file whose labels know no Kirundi does not."""
    return "variety" in pair[1] and pair[0]["lang"] in ("rn", "rw")


def _base(code: str) -> str:
    return "rw" if code == "rn" else code


def confusion(pairs: Sequence[Pair]) -> Counter[tuple[str, str]]:
    """Return how often each true category was given each category."""
    return Counter((str(truth["category"]), str(found["category"])) for truth, found in pairs)


def compare(path: Path) -> list[Pair]:
    """Return each labelled message of a file with what triage makes of it. Raises ValueError for a bad line."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return list(zip(map(json.loads, lines), predict(lines), strict=True))


def table(groups: Mapping[str, Sequence[Pair]], leave_out: Container[str] = ()) -> str:
    """Return the figures as a table, one column a group, without those that were not measured."""
    columns = [figures(pairs) for pairs in groups.values()]
    lines = ["messages".ljust(24) + "".join(f"{len(pairs):8d}" for pairs in groups.values())]
    lines += ["".ljust(24) + "".join(name.rjust(8) for name in groups)]
    lines += [
        name.ljust(24) + "".join(f"{column[name]:8.3f}" for column in columns) for name in columns[0] if name not in leave_out
    ]
    return "\n".join(lines)


def confusions(pairs: Sequence[Pair]) -> str:
    """Return how often each true category (a line) was given each category (a column)."""
    counts = confusion(pairs)
    names = [category.value for category in Category]
    lines = ["true, then given".ljust(18) + "".join(name[:9].rjust(10) for name in names)]
    lines += [true.ljust(18) + "".join(f"{counts[true, given]:10d}" for given in names) for true in names]
    return "\n".join(lines)


def calibration(pairs: Sequence[Pair]) -> str:
    """Return how often the category was right by how certain triage called itself."""
    lines = ["certainty      messages   said   right"]
    for low in (0.0, 0.3, 0.5, 0.7, 0.9):
        high = next((limit for limit in (0.3, 0.5, 0.7, 0.9) if limit > low), 1.01)
        those = [(truth, found) for truth, found in pairs if low <= found["certainty"] < high]
        if those:
            said = sum(found["certainty"] for _, found in those) / len(those)
            lines.append(f"{low:.1f} to {min(high, 1):.1f} {len(those):14d} {said:6.2f} {_share(those, _is_category):7.2f}")
    return "\n".join(lines)


def _is_category(truth: Labels, found: Labels) -> bool:
    return bool(truth["category"] == found["category"])


def report(pairs: Sequence[Pair]) -> str:
    """Return everything: figures overall and by language, the confusion table, the calibration table."""
    languages = sorted({str(truth["lang"]) for truth, _ in pairs})
    groups = {"all": pairs} | {code: [p for p in pairs if p[0]["lang"] == code] for code in languages}
    return "\n\n".join((table(groups), confusions(pairs), calibration(pairs)))


if __name__ == "__main__":
    sys.stdout.write(report(compare(Path(sys.argv[1]))) + "\n")
