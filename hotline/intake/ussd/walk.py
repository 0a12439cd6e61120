"""One session's walk through the screens. Pure: where it stands and what the network now says, to where it stands then.

Networks send all inputs so far, joined by `*`, and people type `*` too. So the text is compared with the one heard before: the
same is the network trying again, a longer one is new input, anything else begins anew. What is heard is kept as a keyed hash,
so that no word stands where a session does. A page is a function of this session's inputs alone (docs/safety.md).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from hotline.intake.commands import Kind, keyword_of, recognise, return_code
from hotline.intake.ussd.sectors import MOST_SHOWN, beginning
from hotline.intake.ussd.tree import BYE, JOINED, LEAVE, MENU, RADIO, SCREENS, STOPPED, UNKNOWN, VOTED, Answer, Input, Screen
from hotline.places import plain

BETWEEN: Final = "*"
BACK: Final = "0"
WORDS_FROM: Final = 3  # letters; fewer that fit nothing are a slip of the finger
Hash = Callable[[str], str]


class Kept(StrEnum):
    """Steps that are no answer of the tree: a sector, letters that several begin with, words, a vote, a list's word, a slip."""

    SECTOR = "sector"
    LETTERS = "letters"
    WORDS = "words"
    SLIP = "slip"
    VOTE = "vote"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: on which screen, which of its answers or kind, and the words where it has any."""

    screen: str
    answer: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands.

    `behind` are the screens on the way back, `offered` the names on the screen, `heard` the length and hash of the text so
    far, `life` how often it began anew, `draw` which return code its last page gives; `poll` and `asked` are the id and the
    words of the question before them, `offered` then its answers.
    """

    language: str
    screen: str = MENU
    behind: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    heard: tuple[int, str] | None = None
    life: int = 0
    draw: int | None = None
    poll: str = ""
    asked: str = ""

    @property
    def stopped(self) -> bool:
        """Whether the person has stopped it; from then on it says and keeps nothing else."""
        return self.screen == STOPPED

    def packed(self) -> bytes:
        """Return it as bytes, to be sealed."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, raw: bytes) -> "Standing":
        """Return what `packed` packed."""
        plain_ = json.loads(raw)
        lists = {"behind": tuple(plain_["behind"]), "offered": tuple(plain_["offered"])}
        return cls(**plain_ | lists | {"heard": tuple(plain_["heard"]) if plain_["heard"] else None})


@dataclass(frozen=True, slots=True)
class Turn:
    """What one hop does: where the session then stands, and the steps it took. `again`: the network repeated itself.

    `code` is a return code that was typed; what it stands for is for the door to find out.
    """

    standing: Standing
    steps: tuple[Step, ...] = ()
    again: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through the screens for one deployment: its sectors, its first language, and how to hash what is heard."""

    sectors: tuple[str, ...]
    language: str
    hash: Hash

    def hear(self, before: Standing | None, text: str) -> Turn:
        """Return what a hop does. `before` is None for a session nothing is known of; its text is then read from the start."""
        known = before or Standing(self.language)
        heard = (len(text), self.hash(text))
        if known.heard == heard or (known.stopped and before):
            return Turn(known, again=True)
        fresh = self._fresh(known, text)
        if fresh is None:
            anew = Standing(known.language, life=known.life + 1, heard=heard)
            return Turn(anew)
        steps: list[Step] = []
        standing = replace(known, heard=heard)
        while fresh and not SCREENS[standing.screen].last:
            taken, fresh = _taken(SCREENS[standing.screen], fresh)
            if SCREENS[standing.screen].input is Input.CODE and (code := return_code(taken)):
                return Turn(_gone(standing, UNKNOWN), tuple(steps), code=code)
            standing, step = self._answered(standing, taken)
            steps += [step] if step else []
        return Turn(standing, tuple(steps))

    def _fresh(self, known: Standing, text: str) -> str | None:
        """Return what was typed since, or None where the text does not go on from the one before, or goes on after an end."""
        if known.heard is None or known.heard[0] == 0:
            return text
        length, hashed = known.heard
        goes_on = text[length : length + 1] == BETWEEN and self.hash(text[:length]) == hashed
        return text[length + 1 :] if goes_on and not SCREENS[known.screen].last else None

    def _answered(self, at: Standing, typed: str) -> tuple[Standing, Step | None]:
        typed = typed.strip()
        if not typed.strip(f"{BETWEEN}# "):
            return at, None
        if typed == BACK:
            return _back(at), None
        if at.screen == RADIO:
            return _voted(at, typed)
        return self._which(at, typed) if at.screen == "which" else self._chosen(at, typed)

    def _chosen(self, at: Standing, typed: str) -> tuple[Standing, Step | None]:
        screen = SCREENS[at.screen]
        if chosen := chosen_of(screen, typed):
            return _gone(at, chosen.to, chosen), Step(at.screen, chosen.name)
        if screen.input is Input.SECTOR:
            return self._sector(at, typed)
        if screen.input is Input.LIST and (keyword := keyword_of(typed)):
            return _gone(at, JOINED), Step(at.screen, Kept.LIST, keyword)
        if screen.input is Input.WORDS:
            return _gone(at, screen.answers[0].to), Step(at.screen, Kept.WORDS, typed)
        return at, _unfitting(at, typed)

    def _sector(self, at: Standing, typed: str) -> tuple[Standing, Step]:
        found = beginning(self.sectors, typed)
        if len(found) == 1:
            return _gone(at, "tell"), Step(at.screen, Kept.SECTOR, found[0])
        if 1 < len(found) <= MOST_SHOWN:
            return replace(_gone(at, "which"), offered=found), Step(at.screen, Kept.LETTERS, typed)
        kept = _unfitting(at, typed)
        return (_gone(at, "tell") if not found and kept.answer == Kept.WORDS else at), kept

    def _which(self, at: Standing, typed: str) -> tuple[Standing, Step]:
        named = {str(place): name for place, name in enumerate(at.offered, start=1)}
        found = beginning(at.offered, named.get(typed, typed))
        if len(found) == 1:
            return _gone(at, "tell"), Step(at.screen, Kept.SECTOR, found[0])
        if typed == str(len(at.offered) + 1):
            return _gone(at, "tell"), Step(at.screen, "other")
        return at, _unfitting(at, typed)


def _voted(at: Standing, typed: str) -> tuple[Standing, Step | None]:
    """Take a vote; what is no number of an answer may be somebody who tells in the wrong place."""
    if typed.isdecimal() and typed.isascii() and 1 <= int(typed[:2]) <= len(at.offered):
        return _gone(at, VOTED), Step(RADIO, Kept.VOTE, f"{at.poll} {int(typed)}")
    return at, _unfitting(at, typed)


def chosen_of(screen: Screen, typed: str) -> Answer | None:
    """Return the answer of a screen that was meant: by its digit, or yes, no and stop by any of their words."""
    digit = typed.strip(f"{BETWEEN}# ")
    if found := next((answer for answer in screen.answers if answer.digit == digit), None):
        return found
    command = recognise(typed) if len(typed) > 1 else None
    name = {Kind.YES: "yes", Kind.NO: "no", Kind.STOP: LEAVE}.get(command.kind) if command else None
    return next((answer for answer in screen.answers if answer.name == name), None)


def _taken(screen: Screen, typed: str) -> tuple[str, str]:
    """Split off what this screen gets: up to the next `*`, or everything where words are asked for."""
    first, _, rest = typed.partition(BETWEEN)
    if screen.input is Input.WORDS and first not in {BACK, *(answer.digit for answer in screen.answers)}:
        return typed, ""
    return first, rest


def _gone(at: Standing, to: str, answer: Answer | None = None) -> Standing:
    language = answer.name if at.screen == "language" and answer else at.language
    if to == MENU or SCREENS[to].last:
        return replace(at, screen=to, language=language, behind=(), offered=(), poll="", asked="")
    return replace(at, screen=to, language=language, behind=(*at.behind, at.screen), offered=(), poll="", asked="")


def _back(at: Standing) -> Standing:
    """Return the screen before; behind a list of names that is the question, since the names depend on its answer."""
    behind = at.behind[:-1] if at.behind[-1:] == ("which",) else at.behind
    if not behind:
        return replace(at, screen=BYE if at.screen == MENU else MENU, behind=(), offered=(), poll="", asked="")
    return replace(at, screen=behind[-1], behind=behind[:-1], offered=(), poll="", asked="")


def _unfitting(at: Standing, typed: str) -> Step:
    """Whoever tells in the wrong place has told: words that fit nothing are kept like any others."""
    return Step(at.screen, Kept.WORDS if len(plain(typed)) >= WORDS_FROM or not typed.isascii() else Kept.SLIP, typed)
