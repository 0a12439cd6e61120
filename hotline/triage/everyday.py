"""Everyday words: what a word is about, in any of our languages, for the statistical judge alone.

Comes in: a folded word. Goes out: the classes of meaning it belongs to ("mother", "night", "cross"). They let what was learnt
from texts in one language speak in another, and words nobody wrote into the corpus. They make no finding and no rule hears them.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hotline.triage.lexicon import LANGUAGES, TEMPLATES

_LONGEST_STEM = 16


@dataclass(frozen=True, slots=True)
class Everyday:
    """Words and stems, each with the classes it belongs to. Only read after loading."""

    whole: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    starts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    inside: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def classes(self, word: str) -> list[str]:
        """Return the classes of a word, each once, in a steady order."""
        return sorted(set(self._found(word)))

    def _found(self, word: str) -> Iterator[str]:
        yield from self.whole.get(word, ())
        for cut in range(1, min(len(word), _LONGEST_STEM) + 1):
            yield from self.starts.get(word[:cut], ())
            yield from self.ends.get(word[-cut:], ())
            for start in range(len(word) - cut + 1):
                yield from self.inside.get(word[start : start + cut], ())

    def learn(self, pattern: str, name: str) -> None:
        """Add one word or stem to a class."""
        stem = pattern.strip("*")
        before, after = pattern.startswith("*"), pattern.endswith("*")
        shelf = self.inside if before and after else self.ends if before else self.starts if after else self.whole
        shelf[stem].append(name)


def load(templates: Path = TEMPLATES) -> Everyday:
    """Return the everyday words of all languages below `templates`. Raises OSError or TOMLDecodeError on a bad file."""
    everyday = Everyday()
    for language in LANGUAGES:
        content = tomllib.loads((templates / language / "everyday.toml").read_text(encoding="utf-8"))
        for name, words in content.items():
            if isinstance(words, str):
                for pattern in words.split():
                    everyday.learn(pattern, name)
    return everyday
