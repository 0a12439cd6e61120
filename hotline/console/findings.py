"""Triage's assessment made fit for a page: findings by axis, what is still unknown, and a caller's text with the words marked.

Comes in: an assessment as it was stored, perhaps by an older version. Goes out: small frozen values for templates. The words
shown are the caller's own letters; where they no longer stand in a text, nothing is marked.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hotline.console.questions import asked_in

AXES: Final = ("act", "means", "purpose")


@dataclass(frozen=True)
class Finding:
    """One sign triage saw: on which axis, the sentence that says so, and the caller's words behind it."""

    axis: str
    sentence: str
    words: str


@dataclass(frozen=True)
class Clue:
    """One thing the text names that others may name too; `value` is how it is compared."""

    kind: str
    value: str


@dataclass(frozen=True)
class Assessment:
    """What triage made of a report. All of it is possible only; a person decides.

    `asked_as` is the next question in the reporter's language, to be sent as it stands.
    """

    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    next_question: str = ""
    asked_as: str = ""
    places: tuple[str, ...] = ()
    clues: tuple[Clue, ...] = ()
    axes: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    others: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A stretch of a text, with the findings its words gave rise to, if any."""

    words: str
    findings: tuple[Finding, ...] = ()

    @property
    def axis(self) -> str:
        """The axis whose colour the stretch takes: that of its first finding."""
        return self.findings[0].axis if self.findings else ""

    @property
    def meaning(self) -> str:
        """What the stretch points to, in one line."""
        return " ".join(finding.sentence for finding in self.findings)


def read(stored: Mapping[str, object]) -> Assessment:
    """Return a stored assessment for a page. Raises nothing: what is missing stays empty."""
    findings = tuple(_finding(entry) for entry in _entries(stored.get("findings")))
    return Assessment(
        findings=findings,
        missing=tuple(_texts(stored.get("missing"))),
        next_question=_text(stored.get("next_question")),
        asked_as=asked_in(_text(stored.get("variety")), _text(stored.get("next_question"))),
        places=tuple(_texts(stored.get("places"))),
        clues=tuple(Clue(_text(one.get("kind")), _text(one.get("value"))) for one in _entries(stored.get("clues"))),
        axes={axis: tuple(one for one in findings if one.axis == axis) for axis in AXES},
        others=tuple(one for one in findings if one.axis not in AXES),
    )


def mark(text: str, findings: Iterable[Finding]) -> Sequence[Piece]:
    """Split a text into pieces so that the words of each finding stand alone; where two overlap, the earlier and longer wins."""
    pieces, reached = [], 0
    for (start, end), found in sorted(_places(text, findings).items(), key=lambda place: (place[0][0], -place[0][1])):
        if start >= reached:
            pieces += [Piece(text[reached:start]), Piece(text[start:end], tuple(found))]
            reached = end
    return [piece for piece in (*pieces, Piece(text[reached:])) if piece.words]


def _places(text: str, findings: Iterable[Finding]) -> Mapping[tuple[int, int], Sequence[Finding]]:
    places: defaultdict[tuple[int, int], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.words:
            for match in re.finditer(rf"(?<!\w){re.escape(finding.words)}(?!\w)", text, re.IGNORECASE):
                places[match.span()].append(finding)
    return places


def _finding(entry: Mapping[str, object]) -> Finding:
    return Finding(_text(entry.get("axis")).lower(), _text(entry.get("sentence")), _text(entry.get("words")))


def _entries(value: object) -> Iterable[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> Iterable[str]:
    return [text for entry in value if (text := _text(entry))] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return what stands for a value on a page: a text itself, the words of a list, or the name of a place."""
    if isinstance(value, Mapping):
        return _text(value.get("name"))
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    return value if isinstance(value, str) else ""
