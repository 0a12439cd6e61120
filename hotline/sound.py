"""Sound in and out: any WAV or MP3 becomes 8 kHz mono, and a voice becomes one that its owner's neighbours do not know.

The disguise moves pitch and formants together, by a factor drawn for each recording, and keeps the pace. It is meant against an
ear in the room; somebody with the file and a laboratory can undo much of it, so the words themselves are never called safe.
"""

import io
import secrets
import wave
from typing import Final, TypeAlias

import miniaudio
import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float64]

RATE: Final = 8000  # what a telephone carries (ITU-T G.711)
WAV: Final = "audio/wav"
LONGEST: Final = 15 * 60  # seconds that are decoded at all
FRAME, HOP = 512, 128
DEEP: Final = 150.0  # Hz; a voice below is raised, one above is lowered
DRAWN: Final = 0.06  # how far the factor is drawn to either side


class Unreadable(ValueError):
    """These bytes are no sound we can read. Carries no content."""


def decoded(raw: bytes) -> Samples:
    """Return a WAV, MP3, FLAC or Ogg file as samples from -1 to 1 at 8 kHz, mono. Raises Unreadable."""
    try:
        found = miniaudio.decode(raw, output_format=miniaudio.SampleFormat.SIGNED16, nchannels=1, sample_rate=RATE)
    except (miniaudio.MiniaudioError, ValueError):
        raise Unreadable from None
    samples = np.frombuffer(found.samples, dtype=np.int16)[: LONGEST * RATE].astype(np.float64) / 32768
    if not samples.size:
        raise Unreadable
    return samples


def as_wav(samples: Samples) -> bytes:
    """Return samples as a WAV file: 8 kHz, mono, 16 bits."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return held.getvalue()


def seconds(samples: Samples) -> float:
    """Return how long samples last."""
    return samples.size / RATE


def disguised(raw: bytes) -> bytes:
    """Return a recording as a WAV in which the voice is another. Raises Unreadable."""
    return as_wav(disguise(decoded(raw)))


def disguise(samples: Samples) -> Samples:
    """Return samples as long as these, with pitch and formants moved."""
    drawn = 1 + DRAWN * (2 * secrets.randbelow(1001) / 1000 - 1)
    factor = (1.28 if 0 < pitch(samples) < DEEP else 0.78) * drawn
    moved = _stretched(samples, factor)
    places = np.arange(int(moved.size / factor)) * factor
    again = np.interp(places, np.arange(moved.size), moved) if moved.size else moved
    fitted = np.zeros(samples.size)
    fitted[: min(again.size, samples.size)] = again[: samples.size]
    loudest = float(np.max(np.abs(fitted), initial=0.0))
    return fitted * (0.9 / loudest) if loudest > 0.01 else fitted


def pitch(samples: Samples) -> float:
    """Return the usual pitch of a voice in Hz by autocorrelation of its loudest moments, 0 where there is none."""
    size = RATE // 20
    frames = samples[: samples.size // size * size].reshape(-1, size)
    if not frames.size:
        return 0.0
    loud = np.square(frames).mean(axis=1)
    voiced = frames[loud > max(loud.mean(), 1e-6)][:400]
    found = [at for frame in voiced if (at := _period(frame))]
    return float(RATE / np.median(found)) if found else 0.0


def _period(frame: Samples) -> int:
    lags = np.correlate(frame, frame, "full")[frame.size - 1 :]
    shortest, longest = RATE // 350, RATE // 60
    best = int(np.argmax(lags[shortest:longest])) + shortest
    return best if lags[best] > 0.35 * lags[0] else 0


def _stretched(samples: Samples, factor: float) -> Samples:
    """Return samples `factor` times as long at the same pitch: a phase vocoder (Flanagan and Golden, 1966)."""
    window = np.hanning(FRAME)
    padded = np.concatenate([np.zeros(FRAME), samples, np.zeros(2 * FRAME)])
    turn = 2 * np.pi * HOP * np.arange(FRAME // 2 + 1) / FRAME
    places = np.arange(0, padded.size - FRAME - HOP, HOP / factor)
    out, weight = np.zeros(places.size * HOP + FRAME), np.zeros(places.size * HOP + FRAME)
    phase = np.zeros(FRAME // 2 + 1)
    for number, place in enumerate(places.astype(int)):
        now = np.fft.rfft(window * padded[place : place + FRAME])
        then = np.fft.rfft(window * padded[place + HOP : place + HOP + FRAME])
        phase = np.angle(now) if number == 0 else phase
        piece = np.fft.irfft(np.abs(now) * np.exp(1j * phase)) * window
        at = number * HOP
        out[at : at + FRAME] += piece
        weight[at : at + FRAME] += window**2
        drift = np.angle(then) - np.angle(now) - turn
        phase = phase + turn + drift - 2 * np.pi * np.round(drift / (2 * np.pi))
    stretched = out / np.maximum(weight, 1e-3)
    return stretched[round(FRAME * factor) :]
