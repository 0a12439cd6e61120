"""Clues: names and numbers of things that strangers may name too: plates, phones, agencies, bus lines, houses, wordings.

Comes in: a folded message. Goes out: clues with a value written one way however it was typed, and the words it came from. Kept
as keyed hashes by others, they link reports of people who do not know one another. Nothing is judged and nobody accused here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hotline.phone import sender
from hotline.triage.folding import Folded
from hotline.triage.lexicon import TEMPLATES

# Rwanda RAB 123 C, RD 123 A, GR 123 A; Uganda UAB 123 C; Kenya KAB 123 C; Tanzania T 123 ABC; Burundi A 1234 B; Congo 1234 AB 22.
_PLATES = (
    r"r[a-j][a-z]?[ -]?\d{3}[ -]?[a-z]",
    r"(?:gr|u[a-f][a-z]|k[a-d][a-z])[ -]?\d{3}[ -]?[a-z]",
    r"t[ -]?\d{3}[ -]?[a-z]{3}",
    r"[a-i][ -]?\d{4}[ -]?[a-i]",
    r"\d{4}[ -]?[a-z]{2}[ -]?\d{2}",
)
_PLATE = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(_PLATES)})(?![a-z0-9])", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w+])\+?\d(?:[ .-]?\d){8,13}(?!\w)")
_DIGITS = re.compile(r"\d")
_REGIONS = ("RW", "BI", "CD", "UG", "TZ", "KE")
_LONGEST_NAME = 3
_LONGEST_CLUE = 60
_SHORTEST_WORDING = 8


class Clue(NamedTuple):
    """A thing named in `text[start:end]`: `kind` is plate, phone, agency, bus_line, house or wording."""

    kind: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Announcers:
    """The words of message_templates/clues.toml: what announces which kind of name, before or behind it."""

    bus_lines: Mapping[str, tuple[str, ...]]
    before: Mapping[str, str]
    after: Mapping[str, str]
    called: frozenset[str]
    no_names: frozenset[str]
    openers: frozenset[str]

    def find(self, message: Folded) -> tuple[Clue, ...]:
        """Return the clues of a message, each once, in its order."""
        found = [*_plates(message.text), *_phones(message.text)] if _DIGITS.search(message.text) else []
        if not self.openers.isdisjoint(message.words):
            found += [
                clue for at, word in enumerate(message.words) if word in self.openers for clue in self._at(message, at, word)
            ]
        if not found:
            return tuple(_wording(message))
        kept = {(clue.kind, clue.value): clue for clue in (*_wording(message), *reversed(found))}
        return tuple(sorted(kept.values(), key=lambda clue: (clue.start, clue.kind)))

    def _at(self, message: Folded, at: int, word: str) -> Iterator[Clue]:
        line = self.bus_lines.get(word)
        if line and tuple(message.words[at : at + len(line)]) == line:
            yield Clue("bus_line", " ".join(line), *message.span(at, at + len(line) - 1))
        if word in self.before:
            first = at + 1
            while first < len(message.words) and message.words[first] in self.called:
                first += 1
            yield from self._name(self.before[word], message, self._run(message, first, 1))
        if word in self.after:
            yield from self._name(self.after[word], message, sorted(self._run(message, at - 1, -1)))

    def _run(self, message: Folded, at: int, step: int) -> Sequence[int]:
        """Return the places of up to three words in a row from `at` that are written as a name is."""
        run: list[int] = []
        while 0 <= at < len(message.words) and len(run) < _LONGEST_NAME and self._is_name(message, at):
            if run and message.clauses[at] != message.clauses[run[-1]]:
                break
            run.append(at)
            at += step
        return run

    def _is_name(self, message: Folded, at: int) -> bool:
        written, word = message.text[message.starts[at] : message.ends[at]], message.words[at]
        known = word in self.no_names or word in self.before or word in self.after or word in self.called
        return not known and len(word) > 1 and word.isalpha() and written[0].isupper() and not message.text.isupper()

    def _name(self, kind: str, message: Folded, run: Sequence[int]) -> Iterator[Clue]:
        if run:
            yield Clue(kind, " ".join(message.words[at] for at in run)[:_LONGEST_CLUE], *message.span(run[0], run[-1]))


def _plates(text: str) -> Iterator[Clue]:
    for match in _PLATE.finditer(text):
        yield Clue("plate", re.sub(r"[ -]", "", match.group()).upper(), *match.span())


def _phones(text: str) -> Iterator[Clue]:
    """Yield numbers as E.164, read as Rwandan first and then as those of the neighbours."""
    for match in _PHONE.finditer(text):
        found = next((one for region in _REGIONS if (one := sender(match.group(), region)).reachable), None)
        if found:
            yield Clue("phone", found.address, *match.span())


def _wording(message: Folded) -> Iterator[Clue]:
    """Yield the text itself without its numbers, signs and accents: the same chain letter has the same wording."""
    words = [word for word in message.words if word.isalpha()]
    if len(words) >= _SHORTEST_WORDING:
        yield Clue("wording", " ".join(words), *message.span(0, len(message.words) - 1))


def load(templates: Path = TEMPLATES) -> Announcers:
    """Return the announcers in `templates`/clues.toml. Raises OSError, TOMLDecodeError or KeyError on a bad file."""
    content: dict[str, Any] = tomllib.loads((templates / "clues.toml").read_text(encoding="utf-8"))
    kinds = {"agency": "agency", "house": "house", "bus": "bus_line"}
    before, after = (
        {word: kind for name, kind in kinds.items() for word in content.get(f"{name}_{side}", ())} for side in ("before", "after")
    )
    bus_lines = {line.split()[0]: tuple(line.split()) for line in content["bus_lines"]}
    called, no_names = frozenset(content["called"]), frozenset(content["no_names"])
    return Announcers(bus_lines, before, after, called, no_names, frozenset({*bus_lines, *before, *after}))
