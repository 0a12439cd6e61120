"""The network's side of a call: rings the hotline, plays its pages, brings keys and recordings, and says when a phone hangs up.

From within a call it can be asked to ring a second phone: once somebody picks up there the two are joined, each of them shown
the hotline's number, and the hotline is told of it as by any network.

Recordings stay with the network until the hotline fetches and removes them, as at a provider. All of it lives in this process.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote

from hotline.gateways.ringing import ANSWER_WITHIN
from hotline.gateways.simulator import PLACED
from hotline.gateways.voice import NUMBER_DIGITS, Far, Then
from hotline.models import new_id
from hotline.simulator.handsets import Handsets, Mood
from hotline.simulator.send import Carrier, Exchange
from hotline.sound import Unreadable, as_wav, decoded, seconds

LONGEST_CALL = timedelta(minutes=15)
LARGEST_TAPE = 6 * 1024 * 1024
KEYS = "123456789*0#"
STEP = "/in/simulator/voice"
BEEP = "/in/simulator/beep"
RINGING = "ringing"
JOINED = "joined"


@dataclass(frozen=True)
class Prompt:
    """One prompt of a page: its words as a caption, and the address of its audio, empty where nobody has recorded it."""

    words: str
    language: str
    audio: str


@dataclass(frozen=True)
class Call:
    """One call as its phone shows it.

    `then` is what the page waits for, `typed` what of a number has been keyed in; `over` says why the call goes no further.
    `mate` is the number of the phone it is joined with, or is to be, and `shown` the number it sees in its place; of the two,
    the one that `leads` is the one the hotline speaks to, and `named` is where word of the other goes.
    """

    id: str
    began: datetime
    onward: str = STEP
    says: tuple[Prompt, ...] = ()
    then: str = ""
    typed: str = ""
    over: str = ""
    mate: str = ""
    shown: str = ""
    named: str = ""
    leads: bool = False
    since: datetime | None = None

    @property
    def words(self) -> str:
        """What is said, as one caption."""
        return " ".join(prompt.words for prompt in self.says)


class Tapes:
    """The recordings the network holds for the hotline, by an id nobody can guess."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}
        self._turn = Lock()

    def hold(self, sound: bytes) -> str:
        """Keep a recording and return its id."""
        with self._turn:
            self._held[tape := new_id()] = sound
        return tape

    def get(self, tape: str) -> bytes | None:
        """Return a recording, None where there is none."""
        return self._held.get(tape)

    def remove(self, tape: str) -> None:
        """Forget a recording."""
        with self._turn:
            self._held.pop(tape, None)

    def __len__(self) -> int:
        return len(self._held)


class Calling:
    """The calls of all phones of this demo, by the blind index of the number."""

    def __init__(self, handsets: Handsets, carrier: Carrier, tapes: Tapes) -> None:
        self._handsets, self._carrier, self.tapes = handsets, carrier, tapes
        self._calls: dict[bytes, Call] = {}

    def call(self, number: str) -> Call | None:
        """Return the call on a phone; one that has lasted too long is forgotten."""
        call = self._calls.get(self._handsets.index(number))
        if call and call.then == RINGING and datetime.now(UTC) - call.began > timedelta(seconds=ANSWER_WITHIN):
            self.hang_up(number)
            return None
        return call if call and datetime.now(UTC) - call.began < LONGEST_CALL else None

    def ring(self, number: str) -> None:
        """Call the hotline."""
        self.hang_up(number)
        self._step(number, Call(new_id(), datetime.now(UTC)))

    def beep(self, number: str) -> None:
        """Ring once and hang up: the hotline turns it away and calls back."""
        self.hang_up(number)
        off = self._handsets.moment(number).mood is Mood.OFF
        call = Call(new_id(), datetime.now(UTC), over="signal" if off else "turned away")
        if not off and not self._post(number, replace(call, onward=BEEP)).taken:
            call = replace(call, over="failed")
        self._put(number, call)

    def comes(self, number: str, name: str) -> None:
        """Let a phone ring for a call of the hotline's; one that is off or busy takes none."""
        call = Call(new_id(), datetime.now(UTC), f"{STEP}?{PLACED}={quote(name)}", then=RINGING)
        before = self.call(number)
        if self._handsets.moment(number).mood is Mood.OFF or (before and not before.over):
            self._post(number, call, over="1")
        else:
            self._put(number, call)

    def rings(self, number: str) -> bool:
        """Whether a phone is ringing."""
        call = self.call(number)
        return call is not None and call.then == RINGING

    def pick_up(self, number: str) -> None:
        """Take the call that rings."""
        call = self.call(number)
        if call is None or call.then != RINGING:
            return
        if call.mate:
            self._join(number, call)
        else:
            self._step(number, replace(call, then=""))

    def press(self, number: str, key: str) -> None:
        """Press a key; an empty one is silence, for which a network waits some seconds.

        Where a number is asked for, the network brings it once it is whole, ended by a hash, or followed by silence.
        """
        call = self.call(number)
        if call is None or call.over or call.then in (RINGING, Then.JOIN, JOINED) or (key and key not in KEYS):
            return
        typed = call.typed + key.strip("#") if call.then == Then.NUMBER else key
        if call.then == Then.NUMBER and key not in ("", "#", "*") and len(typed) < NUMBER_DIGITS:
            self._put(number, replace(call, typed=typed))
        else:
            self._step(number, replace(call, typed=""), keys=typed)

    def leave(self, number: str, sound: bytes) -> bool:
        """Leave a message after the tone. Returns whether it was sound at all."""
        call = self.call(number)
        if call is None or call.over or call.then != "record":
            return False
        try:
            heard = decoded(sound)
        except Unreadable:
            return False
        tape = self.tapes.hold(as_wav(heard))
        self._step(number, call, recording=tape, seconds=str(round(seconds(heard))))
        return True

    def hang_up(self, number: str) -> None:
        """Put the phone down; the network says so. What was told stays told."""
        call = self._calls.pop(self._handsets.index(number), None)
        if call is None or call.over:
            return
        if call.mate:
            self._part(number, call)
        else:
            self._post(number, call, over="1")

    def _ring_second(self, number: str, call: Call, page: dict[str, Any]) -> None:
        """Ring the phone a page names; one that is off or busy is told as not picked up."""
        second = str(page["to"])
        before = self.call(second)
        lead = replace(call, says=(), then=Then.JOIN, onward=_target(page["onward"]), mate=second, shown=str(page["from"]))
        lead = replace(lead, named=f"{STEP}?{PLACED}={quote(str(page['name']))}", leads=True)
        if self._handsets.moment(second).mood is Mood.OFF or (before and not before.over) or second == number:
            self._step(number, replace(lead, mate="", then=""), far=Far.UNANSWERED)
            return
        self._put(number, lead)
        self._put(second, Call(new_id(), datetime.now(UTC), then=RINGING, mate=number, shown=lead.shown))

    def _join(self, number: str, call: Call) -> None:
        """Join a phone that was picked up with the one that waits for it."""
        lead, now = self.call(call.mate), datetime.now(UTC)
        if lead is None or lead.over or not lead.leads:
            self._put(number, replace(call, over="signal"))
            return
        self._put(number, replace(call, then=JOINED, since=now))
        self._put(call.mate, replace(lead, then=JOINED, since=now))
        self._post(call.mate, replace(lead, onward=lead.named), far=Far.ANSWERED)

    def _part(self, number: str, call: Call) -> None:
        """End what joins two phones, whichever of them hung up, and say so."""
        other = self._calls.get(self._handsets.index(call.mate))
        if other is None:
            return
        joined = call.since is not None
        told = {"far": Far.ENDED if joined else Far.UNANSWERED, "seconds": str(_seconds(call.since))}
        if call.leads:
            self._put(call.mate, replace(other, then="", over="gone"))
            self._post(number, call, over="1", **told)
        else:
            self._step(call.mate, replace(other, mate="", then=""), **told)

    def _step(self, number: str, call: Call, **fields: str) -> None:
        mood = self._handsets.moment(number).mood
        if mood is Mood.OFF:
            self._put(number, replace(call, over="signal"))
            return
        exchange = [self._post(number, call, **fields) for _ in range(mood.copies)][-1]
        page = page_of(exchange)
        if page is None:
            self._put(number, replace(call, over="failed"))
            return
        if page["then"] == Then.JOIN:
            self._ring_second(number, call, page)
            return
        says = tuple(Prompt(one["words"], one["language"], one["audio"]) for one in page["says"])
        over = "end" if page["then"] == "hang up" else ""
        self._put(number, replace(call, says=says, then=page["then"], onward=_target(page["onward"]), over=over))
        if over:
            self._post(number, replace(call, onward=_target(page["onward"])), over="1")

    def _post(self, number: str, call: Call, **fields: str) -> Exchange:
        address = self._handsets.deployment.sender(number).address
        exchange = self._carrier.call(call.id, address, call.onward, fields)
        self._handsets.moment(number).wire = (exchange,)
        return exchange

    def _put(self, number: str, call: Call) -> None:
        self._calls[self._handsets.index(number)] = call


def page_of(exchange: Exchange) -> dict[str, Any] | None:
    """Return the page a step of a call was answered with, None where it was answered with none."""
    try:
        page: dict[str, Any] = json.loads(exchange.answer_body)
    except ValueError:
        return None
    return page if exchange.taken and "says" in page else None


def _seconds(since: datetime | None) -> int:
    return int((datetime.now(UTC) - since).total_seconds()) if since else 0


def _target(onward: object) -> str:
    return str(onward) or STEP
