"""How fast, how large and how good triage is: one table, and an exit code that says whether the bars are met.

`python benchmarks/triage.py [--quick] [FILE]`. Speed (processor time of one core), loading and memory are measured here and now, against the time a plain
regular expression takes for the same texts, because a bare time says little on a shared machine. Quality is measured on texts
whose situation or hand the model has not read (left out with --quick), on ordinary texts that have nothing to do with a hotline, and
on FILE, messages labelled by the label guide, if given.
"""

import argparse
import json
import re
import resource
import sys
import time
from pathlib import Path


def resident() -> float:
    """Return the memory of this process in MB; on systems without /proc, its peak."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def machine(rounds: int) -> list[tuple[str, float, str, float]]:
    before, start = resident(), time.perf_counter()
    from hotline.triage import assess, preload  # noqa: PLC0415 - importing is part of what is measured

    preload()
    rows = [("load, s", time.perf_counter() - start, "<=", 1.5), ("memory, MB", resident() - before, "<=", 60)]
    corpus = Path(__file__).parents[1] / "hotline" / "triage" / "corpus"
    lines = [line for file in sorted(corpus.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()][::10]
    texts = [json.loads(line)["text"] for line in lines]
    for text in texts:
        assess(text)
    best = min(_once(texts, assess) for _ in range(rounds))
    plain = min(_once(texts, re.compile(r"\w+", re.IGNORECASE).findall) for _ in range(rounds))
    return [*rows, ("per message, ms", best, "<=", 0.3), ("times a word split", best / plain, "<=", 400)]


def _once(texts: list[str], deed: object) -> float:
    start = time.process_time()
    for text in texts:
        deed(text)  # type: ignore[operator]
    return (time.process_time() - start) * 1e3 / len(texts)


def held_back() -> str:
    from hotline.triage import train  # noqa: PLC0415 - needs minutes, left out with --quick

    material = train.read()
    scores = train.held_back(material)
    return train.report(material, scores, train.limits_of(material, scores))


def ordinary() -> list[tuple[str, float, str, float]]:
    """Return the share of ordinary texts that are called trafficking or immediate; they are made by a test's generator."""
    from hotline.triage import assess  # noqa: PLC0415 - importing is measured elsewhere

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stages" / "triage"))
    from ordinary import texts  # noqa: PLC0415 - only there from here on

    found = [assess(text) for _, text in texts()]
    wrong = sum(one.category == "trafficking" or one.urgency == "immediate" for one in found)
    return [("ordinary texts alarmed", wrong / len(found), "<=", 0.005)]


BARS = {
    "language": (">=", 0.99),
    "macro-F1": (">=", 0.80),
    "trafficking F1": (">=", 0.90),
    "immediate recall": (">=", 0.95),
    "immediate false alarms": ("<=", 0.12),
    "Palermo F1": (">=", 0.70),
    "places F1": (">=", 0.90),
}


def quality(path: Path) -> list[tuple[str, float, str, float]]:
    from hotline.triage import evaluate  # noqa: PLC0415 - only asked for with a file

    found = evaluate.figures(evaluate.compare(path))
    return [(name, found[name], sense, bar) for name, (sense, bar) in BARS.items()]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer rounds, no held-back check")
    options.add_argument("file", nargs="?", type=Path, help="messages labelled by the label guide")
    asked = options.parse_args()
    rows = machine(3 if asked.quick else 10)
    rows += ordinary()
    rows += quality(asked.file) if asked.file else []
    short = 0
    for name, value, sense, bar in rows:
        met = value <= bar if sense == "<=" else value >= bar
        short += not met
        print(f"{name:24s} {value:9.3f}   {sense} {bar:<6g} {'ok' if met else 'SHORT'}")
    if not asked.quick:
        print("\nheld-back texts of the corpus\n" + held_back())
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
