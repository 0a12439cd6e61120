"""Recordings that callers hear: any WAV or MP3 becomes 8 kHz mono with its words beside it, or is refused and why.

Written beside and moved into place, words last: a caller never hears half a file, nor one without its words.
"""

from pathlib import Path
from typing import Final

import numpy as np

from hotline import sound

SHORTEST: Final = 0.4  # seconds
QUIETEST: Final = 0.02  # of full scale, at its loudest: below it nobody hears a word


class Unfit(ValueError):
    """A recording that cannot be played to callers; the message says why, for whoever recorded it."""


def fit(raw: bytes, longest: float) -> tuple[bytes, float]:
    """Return a file as a WAV that gateways play, and its seconds. Raises Unfit."""
    try:
        samples = sound.decoded(raw)
    except sound.Unreadable:
        raise Unfit("it is neither WAV nor MP3") from None
    lasts = sound.seconds(samples)
    if not SHORTEST <= lasts <= longest:
        raise Unfit(f"it lasts {lasts:.1f} seconds; it may take {SHORTEST} to {longest:.0f}")
    if float(np.max(np.abs(samples))) < QUIETEST:
        raise Unfit("it is silent")
    return sound.as_wav(samples), lasts


def put(file: Path, heard: bytes, words: str) -> None:
    """Keep a recording with its words. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    file.with_suffix(".txt").unlink(missing_ok=True)
    beside.write_bytes(heard)
    beside.replace(file)
    file.with_suffix(".txt").write_text(words + "\n", encoding="utf-8")


def says(file: Path) -> str | None:
    """Return the words beside an audio file, None where either is missing."""
    words = file.with_suffix(".txt")
    return words.read_text(encoding="utf-8").strip() if file.is_file() and words.is_file() else None
