"""Language: says in which language a message is written, and whether we are sure enough to answer in it alone.

Comes in: the text, how many lexicon words of each language it holds, and the sender's last certain language. Goes out: one of
en, fr, sw, rw; Kirundi is told from Kinyarwanda by the model. Long texts are told by py3langid (99 % of tweets,
texts and headlines of 25 signs and more); short ones by the lexicon and by what we knew of the sender.

The model is py3langid's, cut by cut_language.py to our languages and letters: 12 MB in place of 65, read in 0.05 s.
"""

import math
import unicodedata
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hotline.triage.lexicon import KIRUNDI

SPOKEN = ("rw", "sw", "fr", "en")
MODEL = Path(__file__).with_name("language.npz")
LONG_ENOUGH = 25
SURE = 0.9
_SHORT_SURE = 0.97
_LONGEST_CACHE = 20_000


class Language(NamedTuple):
    """A message's language (one of SPOKEN; Kirundi counts as rw here), and whether we are sure."""

    code: str
    confident: bool


@dataclass(frozen=True, slots=True)
class Identifier:
    """py3langid's naive Bayes over our languages: a byte automaton whose states may carry a feature.

    It reads word by word and keeps what each word said: a text costs an addition a word, and is told as well as when its
    pieces across words were read too (docs/triage.md).
    """

    moves: "array[int]"
    rows: "array[int]"
    outputs: "array[int]"
    weights: NDArray[np.float32]
    priors: tuple[float, ...]
    classes: tuple[str, ...]
    _kept: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def probabilities(self, text: str) -> dict[str, float]:
        """Return the probability of each language. An empty text gives every language the same."""
        words = (text.lower() if text.isupper() else text).split()
        spoken = [self._kept.get(word) or self._read(word) for word in words]
        even = math.sqrt(len(text) + 2)
        scores = [sum(shares) / even for shares in zip(self.priors, *spoken, strict=True)] if spoken else [0.0] * 4
        highest = max(scores)
        odds = [math.exp(score - highest) for score in scores]
        total = sum(odds)
        return {code: odd / total for code, odd in zip(self.classes, odds, strict=True)}

    def _read(self, word: str) -> tuple[float, ...]:
        """Return what one word says for each language, and keep it."""
        data = unicodedata.normalize("NFC", f" {word} ").encode("utf-8", "surrogatepass")
        seen = self._features(data)
        said = tuple(self.weights[seen].sum(axis=0).tolist()) if seen else (0.0,) * len(self.classes)
        if len(self._kept) < _LONGEST_CACHE:
            self._kept[word] = said
        return said

    def _features(self, data: bytes) -> list[int]:
        state, moves, rows, outputs = 0, self.moves, self.rows, self.outputs
        found: list[int] = []
        for byte in data:
            state = moves[(rows[state] << 8) + byte]
            if outputs[state] >= 0:
                found.append(outputs[state])
        return found


def load(path: Path = MODEL) -> Identifier:
    """Return the identifier kept in `path`. Raises OSError when it is not there."""
    with np.load(path, allow_pickle=False) as model:
        return Identifier(
            moves=_array("H", model["moves"]),
            rows=_array("H", model["rows"]),
            outputs=_array("i", model["outputs"]),
            weights=model["weights"].astype(np.float32),
            priors=tuple(model["priors"].tolist()),
            classes=tuple(model["classes"].tolist()),
        )


def _array(code: str, values: NDArray[Any]) -> "array[int]":
    """Return numbers as an array: one element is read ten times faster from it than from numpy."""
    numbers = array(code)
    numbers.frombytes(np.ascontiguousarray(values, dtype=np.dtype(code)).tobytes())
    return numbers


def detect(identifier: Identifier, text: str, *, votes: Mapping[str, int], known: str | None = None) -> Language:
    """Return the language of `text`; `votes` counts lexicon words by language, `known` is the sender's last certain one."""
    chances = identifier.probabilities(text)
    code, chance = max(chances.items(), key=lambda pair: pair[1])
    confident = len(text.strip()) >= LONG_ENOUGH and chance >= SURE
    if not confident:
        code, confident = _short(chances, votes, known=known)
    return Language(code, confident)


def _short(chances: Mapping[str, float], votes: Mapping[str, int], *, known: str | None) -> tuple[str, bool]:
    """Weigh probability, lexicon words and habit for a text too short to be told by its letters alone."""
    habit = "rw" if known == KIRUNDI else known
    scores = {
        code: math.log(chances[code] + 1e-6) + 1.5 * votes.get(code, 0) + (3.0 if code == habit else 0.0) for code in SPOKEN
    }
    code = max(scores, key=scores.__getitem__)
    return code, chances[code] >= _SHORT_SURE and votes.get(code, 0) > 0
