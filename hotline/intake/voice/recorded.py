"""Takes what somebody recorded as a prompt: any WAV or MP3 becomes 8 kHz mono with its words beside it, or is refused and why.

Written beside and moved into place, words last: a caller never hears half a file, nor one without its words.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hotline import sound
from hotline.intake.ussd.tree import LANGUAGES
from hotline.intake.voice.prompts import FOLDERS, Prompts
from hotline.intake.voice.tree import PROMPTS

LONGEST: Final = 12.0  # seconds
SHORTEST: Final = 0.4
QUIETEST: Final = 0.02  # of full scale, at its loudest: below it nobody hears a word
SPEAKER: Final = "espeak-ng"
# Languages espeak-ng has a voice for; for Kinyarwanda and Kirundi it has none.
VOICES: Final = {"en": "en", "fr": "fr", "sw": "sw"}


class Unfit(ValueError):
    """A recording that cannot be a prompt; the message says why, for whoever recorded it."""


@dataclass(frozen=True)
class Wanted:
    """One prompt that a person must still record. `draft`: until then a machine says it; otherwise it is silent.

    `again`: a person has recorded it, and its words are others by now.
    """

    language: str
    name: str
    words: str
    draft: bool
    again: bool


def wanted(prompts: Prompts) -> Iterator[Wanted]:
    """Yield what a person must record, in the order of a call, language by language."""
    for language in LANGUAGES:
        for name in PROMPTS:
            found = prompts.audio(name, language)
            if found is None or found.draft:
                yield Wanted(language, name, prompts.text(name, language), found is not None, prompts.outdated(name, language))


def take(prompts: Prompts, language: str, name: str, file: Path) -> float:
    """Make a file the recording of a prompt. Returns its seconds. Raises Unfit, OSError."""
    if language not in LANGUAGES or name not in PROMPTS:
        raise Unfit(f"there is no prompt {name} in {language}")
    try:
        samples = sound.decoded(file.read_bytes())
    except sound.Unreadable:
        raise Unfit("it is neither WAV nor MP3") from None
    lasts = sound.seconds(samples)
    if not SHORTEST <= lasts <= LONGEST:
        raise Unfit(f"it lasts {lasts:.1f} seconds; a prompt takes {SHORTEST} to {LONGEST:.0f}")
    if float(np.max(np.abs(samples))) < QUIETEST:
        raise Unfit("it is silent")
    _put(prompts.folder / FOLDERS[0] / language / f"{name}.wav", sound.as_wav(samples), prompts.text(name, language))
    return lasts


def can_draft() -> bool:
    """Whether a program that speaks is installed."""
    return shutil.which(SPEAKER) is not None


def draft(prompts: Prompts) -> Iterator[tuple[str, str, float]]:
    """Let a machine say each prompt nobody has recorded, where it has a voice. Yields language, name and seconds."""
    for one in wanted(prompts):
        if one.draft or one.language not in VOICES:
            continue
        spoken = subprocess.run(
            [SPEAKER, "-v", VOICES[one.language], "-s", "155", "--stdout", "--", one.words], capture_output=True, check=True
        )
        samples = sound.decoded(spoken.stdout)
        _put(prompts.folder / FOLDERS[1] / one.language / f"{one.name}.wav", sound.as_wav(samples), one.words)
        yield one.language, one.name, sound.seconds(samples)


def _put(file: Path, heard: bytes, words: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    file.with_suffix(".txt").unlink(missing_ok=True)
    beside.write_bytes(heard)
    beside.replace(file)
    file.with_suffix(".txt").write_text(words + "\n", encoding="utf-8")
