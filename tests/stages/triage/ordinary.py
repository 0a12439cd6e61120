"""Ordinary texts that have nothing to do with a hotline, made from sentences with gaps; the check of false alarms."""

import tomllib
from collections.abc import Iterator
from itertools import cycle, islice, product
from pathlib import Path
from string import Formatter

MOST_OF_ONE_SENTENCE = 12


def texts() -> Iterator[tuple[str, str]]:
    """Yield language and text: every sentence with up to twelve fillings, spread over all there are."""
    content = tomllib.loads(Path(__file__).with_name("ordinary.toml").read_text(encoding="utf-8"))
    for language, sentences in content["texts"].items():
        for sentence in sentences:
            for filled in _filled(sentence, content["fill"][language]):
                yield language, filled


def _filled(sentence: str, fill: dict[str, list[str]]) -> Iterator[str]:
    gaps = [gap for _, gap, _, _ in Formatter().parse(sentence) if gap]
    choices = list(product(*(fill[gap] for gap in gaps)))
    step = next(size for size in cycle((7, 11, 13)) if len(choices) % size or len(choices) < 7)
    for number in islice(range(len(choices)), MOST_OF_ONE_SENTENCE):
        yield sentence.format(**dict(zip(gaps, choices[number * step % len(choices)], strict=True)))
