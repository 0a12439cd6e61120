"""Which texts are more than words for an officer: STOP, a return code, an answer, a vote, a keyword.

One text comes in; out comes what it is, judged by its words alone. Nothing is looked up and nothing is changed here. A text is
a command only as a whole: STOP inside a sentence is part of a report. To recognise a command is never a reason not to keep
the text: whoever sends the one word HELP may need exactly that.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from hotline import handle
from hotline.catalog import CALLER_COMMANDS, LOOKALIKES, OFFICER_COMMANDS, shipped
from hotline.models import Verb

# A return code is shaped like a Rwandan phone number as dialled at home, so that it gives nothing away on paper.
RETURN_CODE_DIGITS: Final = 10
SLIP_FROM_LETTERS: Final = 5
# A command is a few words, even spelled out or said three times; most texts need not be looked at.
LONGEST: Final = 64


class Kind(StrEnum):
    """What a recognised text asks for, or answers, in the order in which it counts.

    The first three hold whatever question is open. DIGIT, YES and NO mean something to an open question or poll alone; with
    nothing open they are words for an officer, never a mistake. Keywords come last.
    """

    STOP = "stop"
    PANIC = "panic"
    RETURN_CODE = "return_code"
    DIGIT = "digit"
    YES = "yes"
    NO = "no"
    START = "start"
    HELP = "help"
    INFO = "info"
    LANG = "lang"
    RADIO = "radio"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Command:
    """A recognised text. `value` is the digit of a DIGIT, the ten digits of a RETURN_CODE, the keyword of a JOIN, else empty.

    Ten digits may as well be the number of a person somebody writes about, and a word after JOIN any word: only a look-up tells.
    """

    kind: Kind
    value: str = ""


@dataclass(frozen=True, slots=True)
class OfficerAnswer:
    """A decision and the case it is about; `code` is None where one was meant but its check character disagrees.

    `choice` is the digit after the code: which reason, which outcome. `says_more` when words for colleagues follow.
    """

    verb: Verb
    code: str | None
    choice: int | None = None
    says_more: bool = False


_ANSWERS: Final = frozenset({Kind.DIGIT, Kind.YES, Kind.NO})
LONGEST_KEYWORD: Final = 3  # words; of the list's name as people write it
_VERB_DIGITS: Final = {
    "1": Verb.TAKE,
    "2": Verb.PASS_ON,
    "3": Verb.NOT_OURS,
    "4": Verb.ACCEPT,
    "5": Verb.OUTCOME,
}
_COURTESY: Final = 3  # words after a code that are thanks, and no news


def recognise(text: str) -> Command | None:
    """Read a whole text as a command in any language, or None for anything else.

    Case, accents, punctuation, emoji, spaced letters ("S T O P") and repetition do not matter, nor does one slip (a letter
    wrong, missing, extra or swapped) in a word of five letters or more.
    """
    if len(text) > LONGEST:
        return None
    words = _words(text)
    joined = "".join(words)
    if not joined:
        return None
    if joined.isdecimal():
        return _number(joined)
    if len(words) == 2 and len(words[0]) == 1 and words[0] in "123456789" and _exact(words[1]) in _ANSWERS:
        return Command(Kind.DIGIT, words[0])  # "1 Yes", as our own question writes it
    if keyword := _joining(words):
        return Command(Kind.JOIN, keyword)
    kind = _spelled(words) or (_slipped(words[0]) if len(words) == 1 else None)
    return Command(kind) if kind else None


def return_code(text: str) -> str | None:
    """Return the ten digits of a return code, however they are spaced, or None for anything else."""
    command = recognise(text)
    return command.value if command and command.kind is Kind.RETURN_CODE else None


def keyword_of(text: str) -> str:
    """Return what may be the word of a list, also with JOIN before it; nothing where more is said than that."""
    words = _words(text)
    is_one = len(words) == 1 and words[0].isascii() and recognise(words[0]) is None
    return words[0] if is_one else _joining(words)


def preload() -> None:
    """Read the words now, so that nobody waits for it later."""
    _caller_words(), _lookalikes()


def officer_answer(text: str) -> OfficerAnswer | None:
    """Read an officer's "1 K7-4QM9", "1K74QM9", "ok k7 4qm9" or "5 K7-4QM9 2"; None where it is no answer to an alert at all.

    A code with words after it and no decision before it is a note. Whether the officer was alerted for that case is for the
    caller to know.
    """
    words = _words(text)
    verb, rest = _verb(words) or (None, [])
    for end in range(1, len(rest) + 1):
        if verb and (code := handle.parse("".join(rest[:end]))):
            return _answer(verb, code, rest[end:])
    note = _note(words)  # a code may begin with a digit that is also a decision
    if verb is None or note:
        return note
    meant = "".join(rest)
    near = abs(len(meant) - handle.LENGTH) <= 1 and any(char.isdecimal() for char in meant)
    return OfficerAnswer(verb, None) if near else None


def _answer(verb: Verb, code: str, after: list[str]) -> OfficerAnswer:
    chosen = int(after[0]) if after and after[0].isdecimal() and len(after[0]) == 1 else None
    return OfficerAnswer(verb, code, chosen, len(after) - (chosen is not None) > _COURTESY)


def _note(words: list[str]) -> OfficerAnswer | None:
    """Read words that begin with a whole code; a code alone decides nothing."""
    for end in (1, 2):
        if len(words) > end and (code := handle.parse("".join(words[:end]))):
            return OfficerAnswer(Verb.NOTE, code, says_more=True)
    return None


def _words(text: str) -> list[str]:
    """Split a text into small plain words of letters and digits: full-width and foreign digits read, accents gone."""
    wide = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = (char for char in wide if not unicodedata.combining(char))
    return "".join(_letter(char) for char in kept).split()


def _letter(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return char if char.isalnum() else " "


def _joining(words: list[str]) -> str:
    """Return the keyword after a JOIN, or nothing."""
    keyword = "".join(words[1:])
    is_one = 2 <= len(words) <= LONGEST_KEYWORD + 1 and not keyword.isdecimal() and _exact(words[0]) is Kind.JOIN
    return keyword if is_one else ""


def _number(digits: str) -> Command | None:
    if digits == "0":
        return Command(Kind.PANIC)
    if len(digits) == 1:
        return Command(Kind.DIGIT, digits)
    return Command(Kind.RETURN_CODE, digits) if len(digits) == RETURN_CODE_DIGITS and digits[0] == "0" else None


def _spelled(words: list[str]) -> Kind | None:
    """Find the command all these words mean: one of them, a listed phrase, spaced letters, or one said over and over."""
    if all(len(word) == 1 for word in words):
        return _exact("".join(words)) or _repeated(words)
    return _exact(" ".join(words)) or _repeated(words)


def _repeated(words: list[str]) -> Kind | None:
    kinds = {_exact(word) for word in words}
    return kinds.pop() if len(kinds) == 1 else None


def _exact(phrase: str) -> Kind | None:
    return _caller_words().get(phrase)


def _slipped(word: str) -> Kind | None:
    """Find the one command this word is a slip away from; None where it could be two, or is a word of its own."""
    if word in _lookalikes():
        return None
    near = {
        kind
        for known, kind in _caller_words().items()
        if len(known) >= SLIP_FROM_LETTERS and OSA.distance(word, known, score_cutoff=1) <= 1
    }
    return near.pop() if len(near) == 1 else None


def _verb(words: list[str]) -> tuple[Verb, list[str]] | None:
    """Split off what the officer decided from the words that follow it."""
    for end in range(len(words) - 1, 0, -1):
        if verb := _officer_words().get(" ".join(words[:end])):
            return verb, words[end:]
    if words and (verb := _VERB_DIGITS.get(words[0][0])):
        return verb, [words[0][1:], *words[1:]]
    return None


@lru_cache(maxsize=1)
def _caller_words() -> Mapping[str, Kind]:
    commands = shipped().commands
    return {word.lower(): Kind(name) for name in CALLER_COMMANDS for word in commands[name]}


@lru_cache(maxsize=1)
def _officer_words() -> Mapping[str, Verb]:
    commands = shipped().commands
    return {word.lower(): Verb(name) for name in OFFICER_COMMANDS for word in commands[name]}


@lru_cache(maxsize=1)
def _lookalikes() -> frozenset[str]:
    return frozenset(word.lower() for word in shipped().commands[LOOKALIKES])
