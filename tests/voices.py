"""An invented voice: vowels of a made-up throat, so that no test needs a person or a program that speaks."""

from functools import cache

import numpy as np

from hotline.sound import RATE, as_wav


@cache
def said_aloud(seconds: float = 1.5, pitch: float = 190.0) -> bytes:
    """Return a WAV in which somebody who does not exist says something that is no word."""
    at = np.arange(int(seconds * RATE)) / RATE
    throat = sum(np.sin(2 * np.pi * pitch * number * at) / number for number in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * at)
    return as_wav(0.3 * throat * syllables / np.max(np.abs(throat)))
