"""Cuts py3langid's language model to our languages and letters: `python -m hotline.triage.cut_language`.

A developer's tool. The whole model knows some hundred languages and stays resident with 65 MB; a text message here is Latin
letters in one of four languages. What is kept gives the same probabilities. py3langid is by Marco Lui and Adrien Barbaresi,
BSD 3-clause; the notice stands in docs/triage.md.
"""

from pathlib import Path
from typing import Any

import numpy as np
import py3langid.langid
import py3langid.modelio
from numpy.typing import NDArray

from hotline.triage.language import MODEL, SPOKEN

_LATIN = (*range(128), 0xC2, 0xC3, *range(0x80, 0xC0))


def cut(target: Path = MODEL) -> None:
    """Write the cut model to `target`."""
    source = Path(py3langid.langid.__file__).parent / py3langid.langid.MODEL_FILE
    weights, priors, classes, moves, rows, outputs = py3langid.modelio.load_model(source)
    columns = [classes.index(code) for code in SPOKEN]
    table = np.frombuffer(moves, dtype=np.dtype(f"u{moves.itemsize}")).reshape(-1, 256)
    row_of = np.frombuffer(rows, dtype=np.dtype(f"u{rows.itemsize}"))
    states = _reachable(table, row_of)
    kept_rows, new_row_of = np.unique(row_of[states], return_inverse=True)
    used, new_features = np.unique(np.asarray(outputs, dtype=np.int32)[states], return_inverse=True)
    has_none = int(used[0] < 0)
    np.savez_compressed(
        target,
        moves=_renumbered(table, kept_rows, states=states, count=len(row_of)),
        rows=new_row_of.astype(np.uint16),
        outputs=(new_features - has_none).astype(np.int32),
        weights=np.asarray(weights)[used[has_none:]][:, columns],
        priors=np.asarray(priors)[columns],
        classes=np.array(SPOKEN),
    )


def _reachable(table: NDArray[Any], row_of: NDArray[Any]) -> NDArray[Any]:
    """Return the states that Latin text can reach from the start."""
    known = np.zeros(len(row_of), dtype=bool)
    known[0] = True
    front = np.array([0])
    while len(front):
        after = np.unique(table[row_of[front]][:, _LATIN])
        front = after[~known[after]]
        known[front] = True
    return np.flatnonzero(known)


def _renumbered(table: NDArray[Any], kept_rows: NDArray[Any], *, states: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the kept rows of moves in the new numbers of the states; moves by other bytes lead back to the start."""
    number = np.zeros(count, dtype=np.uint16)
    number[states] = np.arange(len(states), dtype=np.uint16)
    moves = np.zeros((len(kept_rows), 256), dtype=np.uint16)
    moves[:, _LATIN] = number[table[kept_rows][:, _LATIN]]
    return moves.ravel()


if __name__ == "__main__":
    cut()
