"""The tree of screens behind the dialled code, as data: what can be answered where, where that leads, what it tells.

No word stands here: a screen's heading is the text `ussd.<screen>`, an answer's line `ussd.<screen>_<answer>`. A branch that a
deployment has besides is more screens and one more answer on the menu. Everything asked in the first three screens of a branch
is enough to act on; what follows may be left out, and hanging up there is as good as an end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MENU: Final = "menu"
BYE: Final = "bye"
STOPPED: Final = "stopped"
THANKS: Final = "thanks"
BUSY: Final = "busy"
CODE: Final = "code"
RADIO: Final = "radio"
VOTED: Final = "voted"
NEWS: Final = tuple(f"news_{name}" for name in ("kept", "read", "working", "question", "passed_on", "ended"))
UNKNOWN: Final = "unknown"
LATER: Final = "later"
LISTS: Final = "lists"
LEAVE: Final = "leave"
JOINED: Final = "joined"
NO_LIST: Final = "no_list"


class Input(StrEnum):
    """What a screen waits for: an answer of its own or of a poll, letters of a sector, words, a code, a list's word, nothing."""

    CHOICE = "choice"
    SECTOR = "sector"
    WORDS = "words"
    CODE = "code"
    LIST = "list"
    POLL = "poll"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Said:
    """What answers tell in the words of triage; None where they tell nothing of it. Graver answers stand over milder ones.

    `asked`: somebody went all the way to ask for help, so that a person has to look, whatever little they told.
    """

    category: str | None = None
    urgency: str | None = None
    minors: bool = False
    asked: bool = False

    def with_(self, other: "Said") -> "Said":
        """Return both together: the newer category, the higher urgency."""
        urgencies = [one for one in ("immediate", "soon", "routine") if one in (self.urgency, other.urgency)]
        urgency = urgencies[0] if urgencies else None
        return Said(other.category or self.category, urgency, self.minors or other.minors, self.asked or other.asked)


NOTHING: Final = Said()
HELD: Final = Said("trafficking", "soon")
ASKED: Final = Said(asked=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a screen. `tells` says that it belongs into a report, `text` what it says about being texted later."""

    digit: str
    name: str
    to: str
    said: Said = NOTHING
    tells: bool = True
    text: bool | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen. `optional`: what is told before it is worth acting on without it; `saved`: and the screen says so."""

    name: str
    answers: tuple[Answer, ...] = ()
    input: Input = Input.CHOICE
    optional: bool = False
    saved: bool = False

    @property
    def text(self) -> str:
        """The key of its heading."""
        return key_of("ussd", self.name)

    @property
    def last(self) -> bool:
        """Whether the session ends with it."""
        return self.input is Input.NOTHING


LANGUAGES: Final = ("rw", "rn", "sw", "fr", "en")


def key_of(book: str, name: str) -> str:
    """Return the key of a text of a way in; news has the same words on every one."""
    return name.replace("_", ".", 1) if name in NEWS else f"{book}.{name}"


def _plain(digit: str, name: str, to: str) -> Answer:
    return Answer(digit, name, to, tells=False)


_ALL: Final = (
    Screen(
        MENU,
        (
            Answer("1", "someone", "happening"),
            Answer("2", "me", "safe"),
            _plain("3", "advice", "advice"),
            _plain("4", "news", CODE),
            _plain("5", "radio", RADIO),
            _plain("8", "language", "language"),
        ),
    ),
    Screen("language", tuple(_plain(str(place), code, MENU) for place, code in enumerate(LANGUAGES, start=1))),
    Screen(
        "happening",
        (
            Answer("1", "held", "danger", HELD),
            Answer("2", "work", "danger", HELD),
            Answer("3", "taken", "danger", HELD),
            Answer("4", "child", "danger", Said("child_protection", "soon", minors=True)),
            Answer("5", "other", "danger"),
        ),
    ),
    Screen(
        "danger",
        (
            Answer("1", "yes", "sector", Said(urgency="immediate")),
            Answer("2", "no", "sector"),
            Answer("3", "unsure", "sector", Said(urgency="soon")),
        ),
    ),
    Screen(
        "sector",
        (Answer("1", "elsewhere", "tell"), Answer("2", "unknown", "tell")),
        Input.SECTOR,
        optional=True,
        saved=True,
    ),
    Screen("which", (), Input.CHOICE, optional=True),
    Screen("tell", (_plain("1", "skip", THANKS),), Input.WORDS, optional=True),
    Screen("safe", (Answer("1", "yes", "need"), _plain("2", "no", STOPPED))),
    Screen(
        "need",
        (
            Answer("1", "leave", "text", HELD),
            Answer("2", "papers", "text", HELD),
            Answer("3", "pay", "text", HELD),
            Answer("4", "hurt", "text", Said(urgency="immediate")),
            Answer("5", "talk", "text"),
        ),
    ),
    Screen(
        "text",
        (Answer("1", "yes", "sector", text=True), Answer("2", "no", "sector", text=False)),
        optional=True,
        saved=True,
    ),
    Screen(
        "advice",
        (
            _plain("1", "offer", "offer"),
            _plain("2", "signs", "signs"),
            _plain("3", "numbers", "numbers"),
            _plain("4", "rights", "rights"),
            _plain("5", "phone", "phone"),
            _plain("6", LISTS, LISTS),
        ),
    ),
    Screen(LISTS, (_plain("1", LEAVE, "left"),), Input.LIST),
    *(Screen(name) for name in ("offer", "signs", "numbers", "rights", "phone")),
    Screen(CODE, input=Input.CODE),
    Screen(RADIO, input=Input.POLL),
    *(
        Screen(name, input=Input.NOTHING)
        for name in ("left", JOINED, NO_LIST, VOTED, BYE, STOPPED, THANKS, BUSY, UNKNOWN, LATER, *NEWS)
    ),
)
SCREENS: Final[Mapping[str, Screen]] = MappingProxyType({screen.name: screen for screen in _ALL})
