"""What people who are called hear: one recording a language, with the words it says, judged before anybody may be called.

The sound is a file of the instance folder, found by its own hash, which the listener plays to gateways; the broadcast's row
holds its name, words and seconds. A machine cannot hear what a recording tells, so whoever brings it in writes its words down,
and whoever approves reads them and hears it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Any, Final, Self

from hotline.broadcasts.texts import LANGUAGES
from hotline.catalog import Catalog
from hotline.recordings import fit, put

FOLDER: Final = "prompts/many"  # of the instance; hotline/intake/voice/prompts.py plays it from there
LONGEST: Final = 60.0  # seconds
LONGEST_WORDS: Final = 1200  # letters; in a minute nobody says more
LARGEST: Final = 12 * 2**20  # bytes of a file: a minute of 48 kHz stereo WAV
AROUND: Final = 25  # seconds of a call beside the message: its gate, and what may be pressed after it


class WrongSound(StrEnum):
    """What keeps a recording from being played, as a sentence."""

    LANGUAGE = "This is none of the four languages of a broadcast."
    NO_WORDS = "Write down what the recording says: whoever approves reads it."
    LONG = "The words are longer than anybody says in a minute."
    TELLS = "It says a word that tells what this line is."
    GONE = "Its file is gone: bring it in again."


@dataclass(frozen=True)
class Recorded:
    """One recording: its name, what it says, and how many seconds it lasts."""

    name: str
    words: str
    seconds: float

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Return what a broadcast's row keeps."""
        return cls(str(kept["name"]), str(kept["words"]), float(kept["seconds"]))

    def kept(self) -> dict[str, Any]:
        """Return it as it is kept in a broadcast's row."""
        return {"name": self.name, "words": self.words, "seconds": self.seconds}

    @property
    def minutes(self) -> int:
        """How many minutes a call is charged for when it is heard once."""
        return ceil((self.seconds + AROUND) / 60)


def of(row: Mapping[str, Any]) -> dict[str, Recorded]:
    """Return the recordings of a broadcast by language."""
    return {language: Recorded.read(kept) for language, kept in row["recorded"].items()}


def bring_in(folder: Path, language: str, words: str, raw: bytes) -> Recorded:
    """Keep a file as what is played in a language. Raises Unfit for sound that cannot be played, OSError."""
    tidy = " ".join(words.split())
    heard, lasts = fit(raw, LONGEST)
    name = f"many-{hashlib.sha256(heard + tidy.encode()).hexdigest()[:16]}"
    taken = Recorded(name, tidy, round(lasts, 1))
    put(file_of(folder, language, taken), heard, tidy)
    return taken


def file_of(folder: Path, language: str, recorded: Recorded) -> Path:
    """Return where the sound of a recording is."""
    return folder / FOLDER / language / f"{recorded.name}.wav"


def wrong(words: Catalog, folder: Path, language: str, recorded: Recorded) -> list[WrongSound]:
    """Judge a recording by its words and its file."""
    return [*wrong_words(words, language, recorded.words), *_gone(file_of(folder, language, recorded))]


def wrong_words(words: Catalog, language: str, said: str) -> Iterator[WrongSound]:
    """Yield what is wrong with what a recording says."""
    if language not in LANGUAGES:
        yield WrongSound.LANGUAGE
    if not said.strip():
        yield WrongSound.NO_WORDS
    if len(said) > LONGEST_WORDS:
        yield WrongSound.LONG
    if words.telling(said):
        yield WrongSound.TELLS


def _gone(file: Path) -> Iterator[WrongSound]:
    if not file.is_file():
        yield WrongSound.GONE
