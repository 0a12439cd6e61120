"""Takes what somebody recorded as a prompt, says which prompts still wait for a voice, and lets a machine speak until then."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hotline import sound
from hotline.intake.ussd.tree import LANGUAGES
from hotline.intake.voice.prompts import ASKED, FOLDERS, Prompts, name_of
from hotline.intake.voice.tree import PROMPTS
from hotline.recordings import Unfit, fit, put

LONGEST: Final = 12.0  # seconds
LONGEST_ASKED: Final = 30.0  # of a show's question with its answers
SPEAKER: Final = "espeak-ng"
# Languages espeak-ng has a voice for; for Kinyarwanda and Kirundi it has none.
VOICES: Final = {"en": "en", "fr": "fr", "sw": "sw"}


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
    heard, lasts = fit(file.read_bytes(), LONGEST)
    put(prompts.folder / FOLDERS[0] / language / f"{name}.wav", heard, prompts.text(name, language))
    return lasts


def take_asked(prompts: Prompts, language: str, words: str, file: Path) -> float:
    """Make a file the recording of what a show asks, in these very words. Returns its seconds. Raises Unfit, OSError."""
    if language not in LANGUAGES:
        raise Unfit(f"nobody is called in {language}")
    heard, lasts = fit(file.read_bytes(), LONGEST_ASKED)
    put(prompts.folder / ASKED / language / f"{name_of(words)}.wav", heard, words)
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
        put(prompts.folder / FOLDERS[1] / one.language / f"{one.name}.wav", sound.as_wav(samples), one.words)
        yield one.language, one.name, sound.seconds(samples)
