"""What a call goes through, as data: each stop with its keys and what they tell. Words are in voice.toml and calls.toml.

The gate comes first: whoever picks up or overhears hears nothing that tells what this is until they press a key. Then the
language, and before anything is asked whether it is safe to talk. The danger is asked before the message, since a key can be
acted on at once and a recording only when somebody has listened to it. A call that we place has a gate of its own: whoever
picks up may be anybody, so without its key nothing more is said. A show's question is
one more key of the menu; its words are the poll's own, and its prompt is for when there is none. In a call to one of many the
message is that broadcast's own recording, played before the prompt of its stop. An officer who is to be joined with somebody
presses a key first, so that a mailbox never is; the other phone hears nothing of ours at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hotline.gateways.voice import BRIDGE, DUTY, MANY, Then
from hotline.intake.ussd.tree import (
    ASKED,
    CODE,
    JOINED,
    LANGUAGES,
    LATER,
    LEAVE,
    LISTS,
    NEWS,
    NO_LIST,
    UNKNOWN,
    VOTED,
    Answer,
    Said,
)

GATE: Final = "gate"
CALLED_BACK: Final = "called_back"
NOBODY: Final = "nobody"
LANGUAGE: Final = "language"
MENU: Final = "menu"
RECORD: Final = "record"
REVIEW: Final = "review"
THANKS: Final = "thanks"
QUIET: Final = "quiet"
ERASED: Final = "erased"
BYE: Final = "bye"
POLL: Final = "poll"
BUSY: Final = "busy"
JOIN: Final = "join"
JOIN_CALL: Final = "join_call"
NO_LIST_CALL: Final = "no_list_call"
JOINED_CALL: Final = "joined_call"
MANY_HEARD: Final = "many_heard"
MANY_LEFT: Final = "many_left"
NO_MORE: Final = "no_more"
BRIDGE_JOIN: Final = "bridge_join"
BRIDGE_UNANSWERED: Final = "bridge_unanswered"
# Where the word of a list is keyed in, and where it leads: onto it for texts, or to be called.
KEYED_IN: Final[Mapping[str, str]] = MappingProxyType(
    {JOIN: JOINED, NO_LIST: JOINED, JOIN_CALL: JOINED_CALL, NO_LIST_CALL: JOINED_CALL}
)
ADVICE: Final = ("offer", "signs", "numbers", "rights")
REPEAT: Final = "9"
BACK: Final = "*"
# A contact's answer to an alert, by the same digits as by text.
DUTY_KEYS: Final = MappingProxyType({"1": "take", "2": "pass_on", "3": "not_ours"})
# Nobody has heard it yet. So it is taken for what this line is there for, and never for routine, until somebody has.
UNHEARD: Final = Said("trafficking", "soon")


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a call: what is said and what is waited for.

    `silence` leads on when nothing is pressed twice, or once where it is not `patient`. `says` are its prompts, else its own.
    """

    name: str
    keys: tuple[Answer, ...] = ()
    then: Then = Then.KEY
    silence: str = BYE
    says: tuple[str, ...] | None = None
    patient: bool = True

    @property
    def prompts(self) -> tuple[str, ...]:
        """The names of what is said."""
        return (self.name,) if self.says is None else self.says

    @property
    def last(self) -> bool:
        """Whether the call ends with it."""
        return self.then is Then.HANG_UP


def _plain(digit: str, name: str, to: str) -> Answer:
    return Answer(digit, name, to, tells=False)


_ALL: Final = (
    Stop(GATE, (_plain("1", "on", LANGUAGE),)),
    Stop(CALLED_BACK, (_plain("1", "on", LANGUAGE),), silence=NOBODY, patient=False),
    Stop(NOBODY, then=Then.HANG_UP, says=()),
    Stop(DUTY, tuple(_plain(key, verb, "duty_thanks") for key, verb in DUTY_KEYS.items()), silence=NOBODY),
    Stop("duty_thanks", then=Then.HANG_UP),
    Stop(BRIDGE, (_plain("1", "join", BRIDGE_JOIN),), silence=NOBODY),
    Stop(BRIDGE_JOIN, then=Then.JOIN, silence=NOBODY, says=()),
    Stop(BRIDGE_UNANSWERED, then=Then.HANG_UP),
    Stop(MANY, (_plain("1", "hear", MANY_HEARD), _plain("3", NO_MORE, MANY_LEFT)), silence=NOBODY, patient=False),
    Stop(
        MANY_HEARD,
        (_plain("1", "hear", MANY_HEARD), _plain("2", "speak", MENU), _plain("3", NO_MORE, MANY_LEFT)),
        silence=NOBODY,
        patient=False,
    ),
    Stop(MANY_LEFT, then=Then.HANG_UP, says=("left",)),
    Stop(LANGUAGE, tuple(_plain(str(place), code, MENU) for place, code in enumerate(LANGUAGES, start=1)), silence=MENU),
    Stop(
        MENU,
        (Answer("1", "help", "safe"), _plain("2", "advice", "advice"), _plain("3", "radio", POLL), _plain("4", "news", CODE)),
    ),
    Stop(POLL, tuple(_plain(str(digit), f"answer_{digit}", VOTED) for digit in range(1, 5))),
    Stop(VOTED, then=Then.HANG_UP),
    Stop("safe", (Answer("1", "yes", "danger"), Answer("2", "no", QUIET, text=False))),
    Stop(
        "danger",
        (
            Answer("1", "yes", RECORD, Said(urgency="immediate")),
            Answer("2", "no", RECORD, ASKED),
            Answer("3", "unsure", RECORD, UNHEARD),
        ),
        silence=RECORD,
    ),
    Stop(RECORD, (Answer("", "left", REVIEW, UNHEARD),), Then.RECORD),
    Stop(
        REVIEW,
        (Answer("1", "send", THANKS), Answer("2", "again", RECORD), Answer("3", "erase", ERASED)),
        silence=THANKS,
    ),
    Stop(
        "advice",
        (
            _plain("1", "offer", "offer"),
            _plain("2", "signs", "signs"),
            _plain("3", "numbers", "numbers"),
            _plain("4", "rights", "rights"),
            _plain("5", LISTS, LISTS),
        ),
    ),
    Stop(LISTS, (_plain("1", "join", JOIN), _plain("2", LEAVE, "left"), _plain("3", "join_call", JOIN_CALL))),
    Stop(JOIN, then=Then.NUMBER),
    Stop(NO_LIST, then=Then.NUMBER),
    Stop(JOIN_CALL, then=Then.NUMBER),
    Stop(NO_LIST_CALL, then=Then.NUMBER, says=(NO_LIST,)),
    Stop(CODE, then=Then.NUMBER),
    Stop(UNKNOWN, then=Then.NUMBER),
    *(Stop(name, says=(name, "listened")) for name in (*ADVICE, LATER, *NEWS)),
    *(Stop(name, then=Then.HANG_UP) for name in (THANKS, QUIET, ERASED, BYE, BUSY, JOINED, JOINED_CALL, "left")),
)
STOPS: Final[Mapping[str, Stop]] = MappingProxyType({stop.name: stop for stop in _ALL})
PROMPTS: Final = tuple(dict.fromkeys(name for stop in _ALL for name in stop.prompts))
