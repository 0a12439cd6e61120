"""One call's walk through its stops. Pure: where it stands and what was pressed, to where it stands then.

Where a call stands rides in the address the gateway brings the next key to, sealed by the door and bound to the call. So no row
is read while somebody waits on the line, a step that comes twice is answered twice alike, and an outage changes nothing.
"""

import json
from dataclasses import asdict, dataclass, replace

from hotline.gateways.voice import BRIDGE, DUTY, MANY, Far, Then, bridge_of, duty_of, many_of
from hotline.intake.commands import return_code
from hotline.intake.ussd.tree import UNKNOWN, Answer
from hotline.intake.ussd.walk import Kept, Step
from hotline.intake.voice.tree import (
    BACK,
    BRIDGE_UNANSWERED,
    CALLED_BACK,
    GATE,
    KEYED_IN,
    LANGUAGE,
    MANY_HEARD,
    MANY_LEFT,
    NOBODY,
    POLL,
    REPEAT,
    STOPS,
    Stop,
)

# In a call of ours: where whoever picked up has told us nothing, and may be anybody.
UNKNOWN_YET = frozenset({CALLED_BACK, NOBODY, MANY, MANY_HEARD, MANY_LEFT})
OFTEN = 60  # steps; whoever presses on for ever is thanked and let go


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands.

    `behind` are the stops on the way back, `turn` counts its steps, `silent` those without a key; `placed` is our own name of a
    call that we placed. `asked` is the show's question that was said, `offers` how many answers it has.
    """

    language: str
    stop: str = GATE
    behind: tuple[str, ...] = ()
    turn: int = 0
    silent: int = 0
    placed: str = ""
    asked: str = ""
    offers: int = 0

    @property
    def reached(self) -> bool:
        """Whether somebody who was called by us has pressed the key with which they speak to us."""
        return bool(self.placed) and self.stop not in UNKNOWN_YET

    def packed(self) -> bytes:
        """Return it as bytes, to be sealed."""
        return json.dumps(list(asdict(self).values()), separators=(",", ":")).encode()

    @classmethod
    def unpacked(cls, raw: bytes) -> "Place":
        """Return what `packed` packed."""
        language, stop, behind, *counts = json.loads(raw)
        return cls(language, stop, tuple(behind), *counts)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one webhook does: where the call then stands, and the steps it took. `begun`: it was the first of its call.

    `number` are the digits of a return code that were keyed in, empty for what is none; what it stands for is for the door to
    find out. None where no number was asked for.
    """

    place: Place
    steps: tuple[Step, ...] = ()
    begun: bool = False
    number: str | None = None


def first(language: str, placed: str, *, machine: bool) -> Turn:
    """Return what the first webhook of a call does, or one whose place the gateway lost. A machine hears nothing."""
    if placed and machine:
        return Turn(Place(language, NOBODY, placed=placed))
    if contact := duty_of(placed):
        return Turn(Place(contact[0], DUTY, placed=placed))
    if officer := bridge_of(placed):
        return Turn(Place(officer[0], BRIDGE, placed=placed))
    if many := many_of(placed):
        return Turn(Place(many.language, MANY, placed=placed))
    if placed:
        return Turn(Place(language, CALLED_BACK, placed=placed))
    return Turn(Place(language), begun=True)


def hear(before: Place, keys: str, *, taped: bool, far: Far | None = None) -> Turn:
    """Return what a later webhook does; `far` is what became of a second phone that was to be joined."""
    stop = STOPS[before.stop]
    at = replace(before, turn=before.turn + 1)
    if stop.last:
        return Turn(at)
    if at.turn > OFTEN:
        return Turn(replace(at, stop=stop.silence if STOPS[stop.silence].last else "bye"))
    if stop.then is Then.JOIN:
        return Turn(replace(at, stop=BRIDGE_UNANSWERED if far is Far.UNANSWERED else stop.silence))
    if stop.then is Then.NUMBER:
        return _numbered(at, stop, keys)
    return _recorded(at, stop, keys, taped=taped) if stop.then is Then.RECORD else _pressed(at, stop, keys)


def _recorded(at: Place, stop: Stop, keys: str, *, taped: bool) -> Turn:
    if taped:
        return Turn(_gone(at, stop.keys[0]), (Step(stop.name, stop.keys[0].name),))
    return Turn(_back(at)) if keys == BACK else Turn(_silence(at, stop))


def _numbered(at: Place, stop: Stop, keys: str) -> Turn:
    """Take a number; until the door has looked, it stands for nothing. The word of a list is keyed in like one."""
    digits = keys.strip("# ")
    if not digits:
        return Turn(_silence(at, stop))
    if BACK in digits:
        return Turn(_back(at))
    if stop.name in KEYED_IN:
        return Turn(replace(at, stop=KEYED_IN[stop.name], silent=0), (Step(stop.name, Kept.LIST, digits),))
    return Turn(replace(at, stop=UNKNOWN, silent=0), number=return_code(digits) or "")


def _pressed(at: Place, stop: Stop, keys: str) -> Turn:
    key = keys.strip("# ")[:1]
    if not key:
        return Turn(_silence(at, stop))
    if stop.name == POLL:
        return _voted(at, stop, key)
    if chosen := next((answer for answer in stop.keys if answer.digit == key), None):
        return Turn(_gone(at, chosen), (Step(stop.name, chosen.name),))
    return Turn(_back(at) if key == BACK else replace(at, silent=0 if key == REPEAT else at.silent))


def _voted(at: Place, stop: Stop, key: str) -> Turn:
    """Take a key for an answer of the question that was said; any other key has it said once more."""
    chosen = next((answer for answer in stop.keys[: at.offers] if answer.digit == key), None)
    if chosen is None:
        return Turn(_back(at) if key == BACK else replace(at, silent=0))
    return Turn(_gone(at, chosen), (Step(stop.name, chosen.name, at.asked),))


def _gone(at: Place, answer: Answer) -> Place:
    language = answer.name if at.stop == LANGUAGE else at.language
    return replace(at, stop=answer.to, language=language, behind=(*at.behind, at.stop), silent=0)


def _back(at: Place) -> Place:
    """Return the stop before; a message that was left is not taken back by a star."""
    if not at.behind or at.stop == "review":
        return replace(at, silent=0)
    return replace(at, stop=at.behind[-1], behind=at.behind[:-1], silent=0)


def _silence(at: Place, stop: Stop) -> Place:
    """Say it once more, then go on where silence leads."""
    if at.silent == 0 and stop.patient:
        return replace(at, silent=1)
    if STOPS[stop.silence].last:
        return replace(at, stop=stop.silence, silent=0)
    return replace(at, stop=stop.silence, behind=(*at.behind, at.stop), silent=0)
