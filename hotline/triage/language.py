"""Language: says in which language a message is written, and whether we are sure enough to answer in it alone.

Comes in: the text, how many lexicon words of each language it holds, and the sender's last certain language. Goes out: one of
en, fr, sw, rw, and for Kinyarwanda-like texts whether they read as Kirundi. Long texts are told by py3langid (99 % of tweets,
texts and headlines of 25 signs and more); short ones by the lexicon and by what we knew of the sender.

The model is py3langid's, cut by cut_language.py to our languages and letters: 12 MB in place of 65, read in 0.05 s.
"""

import math
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
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
_KIRUNDI_SIGNS = re.compile(
    r"\b(vy\w+|ivy\w+|canke|cane|afise|bafise|ndafise|mfise|mw|ico|ubu nyene|\w+mwo|mwo|abigeme|umwigeme|amahera|terefone"
    r"|ningoga|azo\w{3,}|bazo\w{3,}|nzo\w{3,}|muzo\w{3,}|wanje|banje|yanje|ishule|umunyeshule|bariko|ndiko|ariko ara\w+"
    r"|iwacu mu burundi|indwi|imisi|umusi|nk uko|kugira ngo|gushika|bashika|yashitse|bashitse|mbega|ego|dushaka|uko vy\w+"
    r"|wiwe|biwe|yiwe|muhira|umutumba|bwije|ejo haheze|urupapuro|amafranga|gute|kubera iki|bameze|ubuzi|ibitigiri)\b"
)


class Language(NamedTuple):
    """A message's language (one of SPOKEN), whether we are sure, and `variety`: the same, or rn for Kirundi."""

    code: str
    confident: bool
    variety: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """py3langid's naive Bayes over our languages: a byte automaton whose states may carry a feature."""

    moves: "array[int]"
    rows: "array[int]"
    outputs: "array[int]"
    weights: NDArray[np.float32]
    priors: NDArray[np.float32]
    classes: tuple[str, ...]

    def probabilities(self, text: str) -> dict[str, float]:
        """Return the probability of each language. An empty text gives every language the same."""
        data = unicodedata.normalize("NFC", text.lower() if text.isupper() else text).encode("utf-8", "surrogatepass")
        seen = self._features(data)
        if not seen:
            return dict.fromkeys(self.classes, 1 / len(self.classes))
        rows = np.fromiter(seen.keys(), dtype=np.intp, count=len(seen))
        counts = np.fromiter(seen.values(), dtype=np.float32, count=len(seen))
        scores = (np.log1p(counts) @ self.weights[rows] + self.priors) / math.sqrt(len(data))
        shares = np.exp(scores - scores.max())
        return dict(zip(self.classes, (shares / shares.sum()).tolist(), strict=True))

    def _features(self, data: bytes) -> Counter[int]:
        state, moves, rows, outputs = 0, self.moves, self.rows, self.outputs
        found: list[int] = []
        for byte in data:
            state = moves[(rows[state] << 8) + byte]
            if outputs[state] >= 0:
                found.append(outputs[state])
        return Counter(found)


def load(path: Path = MODEL) -> Identifier:
    """Return the identifier kept in `path`. Raises OSError when it is not there."""
    with np.load(path, allow_pickle=False) as model:
        return Identifier(
            moves=_array("H", model["moves"]),
            rows=_array("H", model["rows"]),
            outputs=_array("i", model["outputs"]),
            weights=model["weights"].astype(np.float32),
            priors=model["priors"].astype(np.float32),
            classes=tuple(model["classes"].tolist()),
        )


def _array(code: str, values: NDArray[Any]) -> "array[int]":
    """Return numbers as an array: one element is read ten times faster from it than from numpy."""
    numbers = array(code)
    numbers.frombytes(np.ascontiguousarray(values, dtype=np.dtype(code)).tobytes())
    return numbers


def detect(
    identifier: Identifier, text: str, words: list[str], *, votes: Mapping[str, int], known: str | None = None
) -> Language:
    """Return the language of `text`; `votes` counts lexicon words by language, `known` is the sender's last certain one."""
    chances = identifier.probabilities(text)
    code, chance = max(chances.items(), key=lambda pair: pair[1])
    confident = len(text.strip()) >= LONG_ENOUGH and chance >= SURE
    if not confident:
        code, confident = _short(chances, votes, known=known)
    return Language(code, confident, _variety(code, words))


def _short(chances: Mapping[str, float], votes: Mapping[str, int], *, known: str | None) -> tuple[str, bool]:
    """Weigh probability, lexicon words and habit for a text too short to be told by its letters alone."""
    habit = "rw" if known == KIRUNDI else known
    scores = {
        code: math.log(chances[code] + 1e-6) + 1.5 * votes.get(code, 0) + (2.0 if code == habit else 0.0) for code in SPOKEN
    }
    code = max(scores, key=scores.__getitem__)
    return code, chances[code] >= _SHORT_SURE and votes.get(code, 0) > 0


def _variety(code: str, words: list[str]) -> str:
    """Tell Kirundi from Kinyarwanda by words only Kirundi writes; two are needed, or one in a short text."""
    if code != "rw":
        return code
    signs = len(set(_KIRUNDI_SIGNS.findall(" ".join(words))))
    return KIRUNDI if signs >= 2 or (signs and len(words) <= 8) else "rw"
