"""Which prompts can be heard, in which languages: audio files of the instance folder, with the words they say beside them.

`prompts/<language>/<name>.wav` is what a person recorded, `drafts/<language>/<name>.wav` what a machine said; beside each a
`.txt` with the very words. A file whose words are no longer those of voice.toml, filled with this deployment's names and
numbers, is not played: a wrong number said aloud is worse than a plain voice. Where there is no file the gateway may speak.
What a show asks has no name: its recording, `prompts/asked/<language>/<hash of its words>.wav`, is found by its words. What a
broadcast plays is named by itself: `prompts/many/<language>/many-<hash of the sound>.wav`.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hotline.catalog import REFERENCE, Catalog
from hotline.gateways.voice import Spoken
from hotline.intake.ussd.tree import LANGUAGES, key_of
from hotline.intake.voice.tree import LANGUAGE, PROMPTS, Stop
from hotline.recordings import says

PATH: Final = "/prompts/"
LOOK_AGAIN: Final = 5.0  # seconds; a prompt recorded meanwhile is heard without a restart
FOLDERS: Final = ("prompts", "prompts/drafts")
ASKED: Final = "prompts/asked"
NAME: Final = re.compile(r"asked-[0-9a-f]{16}")
TO_MANY: Final = "prompts/many"
PLAYED: Final = re.compile(r"many-[0-9a-f]{16}")


@dataclass(frozen=True)
class Audio:
    """One audio file that may be played. `draft`: a machine said it."""

    file: Path
    digest: str
    draft: bool


@dataclass
class Prompts:
    """The prompts of one deployment. `base` is the address gateways fetch audio from."""

    folder: Path
    words: Catalog
    base: str
    _seen: Mapping[tuple[str, str], Audio] = field(default_factory=dict, init=False)
    _looked: float = field(default=0.0, init=False)
    _fluent: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict, init=False)
    _digests: dict[tuple[str, int, int], str] = field(default_factory=dict, init=False)

    def text(self, name: str, language: str) -> str:
        """Return the words of a prompt."""
        return self.words.text(key_of("voice", name), language)

    def audio(self, name: str, language: str) -> Audio | None:
        """Return the file of a prompt in a language, recorded before drafted; None where there is none with these words."""
        return self._all().get((language, name)) or self._asked(name, language) or self._to_many(name, language)

    def outdated(self, name: str, language: str) -> bool:
        """Whether a person has recorded a prompt whose words are others by now, so that it is not played."""
        said = says(self.folder / FOLDERS[0] / language / f"{name}.wav")
        return said is not None and said != self.text(name, language)

    def heard(self, name: str, language: str, voices: frozenset[str]) -> Spoken | None:
        """Return a prompt as it can be heard in this language, None where it cannot."""
        found = self.audio(name, language)
        if found is None and language not in voices:
            return None
        address = f"{self.base}{PATH}{found.digest}/{language}/{name}.wav" if found else ""
        return Spoken(self.text(name, language), language, address)

    def said(self, words: str, language: str, voices: frozenset[str]) -> Spoken | None:
        """Return words that have no name as they were recorded, or for the gateway to speak; None where neither can be."""
        name = name_of(words)
        found = self._asked(name, language)
        if found is None and language not in voices:
            return None
        return Spoken(words, language, f"{self.base}{PATH}{found.digest}/{language}/{name}.wav" if found else "")

    def played(self, name: str, language: str) -> Spoken | None:
        """Return what a broadcast plays, None where its file is gone."""
        found = self._to_many(name, language)
        words = says(found.file) if found else None
        return Spoken(words, language, f"{self.base}{PATH}{found.digest}/{language}/{name}.wav") if found and words else None

    def _to_many(self, name: str, language: str) -> Audio | None:
        file = self.folder / TO_MANY / language / f"{name}.wav"
        known = PLAYED.fullmatch(name) and language in LANGUAGES and says(file)
        return Audio(file, self._digest(file), draft=False) if known else None

    def _asked(self, name: str, language: str) -> Audio | None:
        file = self.folder / ASKED / language / f"{name}.wav"
        words = says(file) if NAME.fullmatch(name) and language in LANGUAGES else None
        return Audio(file, self._digest(file), draft=False) if words and name_of(words) == name else None

    def fluent(self, voices: frozenset[str]) -> tuple[str, ...]:
        """Return the languages in which everything can be heard, in the order of their keys; English where none can."""
        seen = self._all()
        if voices not in self._fluent:
            able = (code for code in LANGUAGES if code in voices or all((code, name) in seen for name in PROMPTS))
            self._fluent[voices] = tuple(able) or (REFERENCE,)
        return self._fluent[voices]

    def page(self, stop: Stop, language: str, voices: frozenset[str]) -> tuple[Spoken, ...]:
        """Return what is said at a stop. The languages are offered each in itself, and only those that can be kept up."""
        able = self.fluent(voices)
        if stop.name == LANGUAGE:
            return tuple(self._said(stop.name, code, voices) for code in able)
        chosen = language if language in able else self.fallback(able)
        return tuple(self._said(name, chosen, voices) for name in stop.prompts)

    def fallback(self, able: tuple[str, ...]) -> str:
        """Return the language in which is spoken what cannot be in another."""
        return self.words.default if self.words.default in able else able[0]

    def _said(self, name: str, language: str, voices: frozenset[str]) -> Spoken:
        return self.heard(name, language, voices) or Spoken(self.text(name, language), language)

    def _all(self) -> Mapping[tuple[str, str], Audio]:
        if time.monotonic() - self._looked > LOOK_AGAIN or not self._looked:
            self._seen, self._fluent, self._looked = self._look(), {}, time.monotonic()
        return self._seen

    def _look(self) -> dict[tuple[str, str], Audio]:
        found: dict[tuple[str, str], Audio] = {}
        for code in LANGUAGES:
            for name in PROMPTS:
                for folder in FOLDERS:
                    file = self.folder / folder / code / f"{name}.wav"
                    if (code, name) not in found and says(file) == self.text(name, code):
                        found[code, name] = Audio(file, self._digest(file), folder != FOLDERS[0])
        return found

    def _digest(self, file: Path) -> str:
        """Return the hash of a file; one that has not changed is not read again."""
        stat = file.stat()
        mark = (str(file), stat.st_mtime_ns, stat.st_size)
        if mark not in self._digests:
            self._digests[mark] = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        return self._digests[mark]


def name_of(words: str) -> str:
    """Return the name of the recording of words that have none."""
    return f"asked-{hashlib.sha256(words.encode()).hexdigest()[:16]}"
