"""What the handsets hold: their texts in the database, and beside them what a phone forgets when it is switched off.

Texts are sealed like every other word of a person and found by the blind index of the number. A text's way is kept in its
`direction` column; the network's mood, the unread mark and the last exchange live in this process only.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update

from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import OutboundText
from hotline.models import PhoneText, new_id, table
from hotline.outbound.meter import measure
from hotline.simulator.send import Exchange

SHOWN = 60
TRIMMED = 160  # characters a careless network leaves of a text or a page
OVERTAKEN = 4.0  # seconds a text takes that another is to overtake
GIVEN_UP_AFTER = timedelta(seconds=30)
RINGS_FOR = timedelta(hours=1)

TEXTS = table(PhoneText)


class Way(StrEnum):
    """How far a text got: arrived, held by the network while the phone is off; or sending, sent, unsent."""

    ARRIVED = "in"
    HELD = "held"
    SENDING = "sending"
    SENT = "out"
    UNSENT = "unsent"


class Mood(StrEnum):
    """How the simulated network behaves towards one phone."""

    GOOD = "good"
    SLOW = "slow"
    TWICE = "twice"
    TRIMS = "trims"
    MIXES = "mixes"
    OFF = "off"

    @property
    def delay(self) -> float:
        """Seconds each text takes, either way."""
        return 2.0 if self is Mood.SLOW else 0.0

    @property
    def copies(self) -> int:
        """How often a webhook is delivered."""
        return 2 if self is Mood.TWICE else 1

    def carried(self, body: str) -> str:
        """Return what is left of a text or a page, either way."""
        return body[:TRIMMED] if self is Mood.TRIMS else body


@dataclass(frozen=True)
class Text:
    """One text as its handset shows it. `refused` is what the network said of an unsent one."""

    id: str
    way: Way
    body: str
    at: datetime
    refused: str = ""

    @property
    def arrived(self) -> bool:
        """Whether it came to this phone."""
        return self.way is Way.ARRIVED

    @property
    def parts(self) -> int:
        """Segments it took on the air."""
        return measure(self.body).segments


@dataclass(frozen=True)
class Arrival:
    """The last request that brought a text to a phone, cut down to this text; `others` went to other phones with it."""

    request: str
    others: int


@dataclass
class Moment:
    """What one phone knows only while it is switched on."""

    mood: Mood = Mood.GOOD
    seen: datetime | None = None
    wire: tuple[Exchange, ...] = ()
    arrival: Arrival | None = None
    refused: dict[str, str] = field(default_factory=dict)
    _carried: int = 0

    def delay(self) -> float:
        """Return the seconds the next text takes, either way; where the network mixes texts up, the next but one overtakes it."""
        self._carried += 1
        return OVERTAKEN if self.mood is Mood.MIXES and self._carried % 2 else self.mood.delay


class Handsets:
    """All phones of this demo. A phone is known by its number; every method that takes one takes it as written."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._moments: dict[bytes, Moment] = {}
        self._in_hand: set[bytes] = set()

    def index(self, number: str) -> bytes:
        """Return the blind index of a number."""
        return self.deployment.number_index(self.deployment.sender(number).address)

    def moment(self, number: str) -> Moment:
        """Return what this phone knows only now."""
        return self._moments.setdefault(self.index(number), Moment())

    def taken_in_hand(self, number: str) -> None:
        """Note that a page shows this phone: whoever looks at it plays it."""
        self._in_hand.add(self.index(number))

    def in_hand(self, number: str) -> bool:
        """Whether a page has shown this phone since the network began."""
        return self.index(number) in self._in_hand

    def thread(self, number: str) -> tuple[Text, ...]:
        """Return the newest texts of a phone, oldest first. A slow network's text is not there before its time."""
        now = datetime.now(UTC)
        statement = (
            select(TEXTS)
            .where(TEXTS.c.number_index == self.index(number), TEXTS.c.direction != Way.HELD, TEXTS.c.at <= now)
            .order_by(TEXTS.c.at.desc(), TEXTS.c.id.desc())
            .limit(SHOWN)
        )
        with self.deployment.db.reading() as session:
            rows = session.execute(statement).mappings().all()
        refused = self.moment(number).refused
        return tuple(
            Text(row["id"], _way(row["direction"], row["at"], now), self._open(row), row["at"], refused.get(row["id"], ""))
            for row in reversed(rows)
        )

    def unread(self, number: str, thread: Sequence[Text]) -> int:
        """Return how many texts arrived since the phone was last looked at."""
        seen = self.moment(number).seen
        return sum(text.arrived and (seen is None or text.at > seen) for text in thread)

    def ringing(self, numbers: Sequence[str]) -> list[str]:
        """Return those of the numbers whose phone got a text in the last hour that nobody has looked at."""
        now = datetime.now(UTC)
        by_index = {self.index(number): number for number in numbers}
        statement = (
            select(TEXTS.c.number_index, func.max(TEXTS.c.at))
            .where(TEXTS.c.number_index.in_(by_index), TEXTS.c.at.between(now - RINGS_FOR, now), TEXTS.c.direction == Way.ARRIVED)
            .group_by(TEXTS.c.number_index)
        )
        with self.deployment.db.reading() as session:
            newest = [(by_index[index], at) for index, at in session.execute(statement)]
        return [number for number, at in newest if at > (self.moment(number).seen or now - RINGS_FOR)]

    def held(self, number: str) -> int:
        """Return how many texts wait in the network for this phone to be switched on."""
        with self.deployment.db.reading() as session:
            return len(session.scalars(select(TEXTS.c.id).where(*self._held(number))).all())

    def read(self, number: str) -> None:
        """Mark everything on this phone as seen."""
        self.moment(number).seen = datetime.now(UTC)

    def begin(self, number: str, body: str) -> str:
        """Put a text that is about to be sent on the phone and return its id. It stays there whatever becomes of it."""
        text_id = new_id()
        address = self.deployment.sender(number).address
        row = self._row(text_id, self.index(number), body, way=Way.SENDING, at=datetime.now(UTC), sender=address)
        with self.deployment.db.transaction() as session:
            insert_unless_there(session.connection(), TEXTS, [row])
        return text_id

    def unsent(self, number: str, text_id: str) -> str | None:
        """Return the words of a text that did not get away, or None when there is no such text on this phone."""
        return next((text.body for text in self.thread(number) if text.id == text_id and text.way is Way.UNSENT), None)

    def settle(self, number: str, text_id: str, exchanges: tuple[Exchange, ...]) -> None:
        """Keep what the network answered, and with it whether the text is sent. No exchange means the phone is off."""
        moment = self.moment(number)
        taken = any(exchange.taken for exchange in exchanges)
        moment.refused[text_id] = "" if taken else _said(exchanges)
        moment.wire = exchanges or moment.wire
        with self.deployment.db.transaction() as session:
            way = Way.SENT if taken else Way.UNSENT
            session.execute(update(TEXTS).where(TEXTS.c.id == text_id).values(direction=way))

    def deliver(self, texts: Sequence[OutboundText], *, sender: str, head: str) -> dict[Mood, list[str]]:
        """Put the hotline's texts on their phones in one transaction and return their ids by the mood of the network.

        A text whose id is there already is left as it is. `head` is the head of the request that brought them, to be shown.
        """
        now = datetime.now(UTC)
        moods: dict[Mood, list[str]] = {}
        rows = []
        for text in texts:
            index = self.index(text.to)
            mood, delay = Mood.GOOD, 0.0
            if (moment := self._moments.get(index)) is not None:
                mood, delay = moment.mood, moment.delay()
                moment.arrival = Arrival(f"{head}\n\n{_entry(text)}", len(texts) - 1)
            moods.setdefault(mood, []).append(text.id)
            way = Way.HELD if mood is Mood.OFF else Way.ARRIVED
            at = now + timedelta(seconds=delay)
            rows.append(self._row(text.id, index, mood.carried(text.body), way=way, at=at, sender=sender))
        with self.deployment.db.transaction() as session:
            insert_unless_there(session.connection(), TEXTS, rows)
        return moods

    def switch(self, number: str, mood: Mood) -> list[str]:
        """Change the network of a phone. Switching it on lets in what waited; return the ids of those texts."""
        self.moment(number).mood = mood
        if mood is Mood.OFF:
            return []
        now = datetime.now(UTC)
        statement = update(TEXTS).where(*self._held(number)).values(direction=Way.ARRIVED, at=now).returning(TEXTS.c.id)
        with self.deployment.db.transaction() as session:
            return list(session.execute(statement).scalars())

    def empty(self, number: str) -> None:
        """Take everything off a phone, as a reset does. The hotline keeps what it stored."""
        index = self.index(number)
        with self.deployment.db.transaction() as session:
            session.execute(delete(TEXTS).where(TEXTS.c.number_index == index))
        self._moments.pop(index, None)

    def _held(self, number: str) -> tuple[ColumnElement[bool], ...]:
        return (TEXTS.c.number_index == self.index(number), TEXTS.c.direction == Way.HELD)

    def _row(self, text_id: str, index: bytes, body: str, *, way: Way, at: datetime, sender: str) -> dict[str, object]:
        key = self.deployment.keyring.fields
        return {
            "id": text_id,
            "number_index": index,
            "direction": way,
            "sender_sealed": key.seal_text(sender, f"phone_text|sender|{text_id}"),
            "sealed": key.seal_text(body, f"phone_text|sealed|{text_id}"),
            "at": at,
        }

    def _open(self, row: RowMapping) -> str:
        return self.deployment.keyring.fields.open_text(row["sealed"], f"phone_text|sealed|{row['id']}")


def _way(stored: str, at: datetime, now: datetime) -> Way:
    """Read a stored way; a text that has been sending for long was cut off with its process, so it can be sent again."""
    way = Way(stored)
    return Way.UNSENT if way is Way.SENDING and now - at > GIVEN_UP_AFTER else way


def _entry(text: OutboundText) -> str:
    return json.dumps([{"id": text.id, "to": text.to, "text": text.body}], ensure_ascii=False)


def _said(exchanges: Iterable[Exchange]) -> str:
    last = next(iter(exchanges), None)
    if last is None:
        return "off"
    return str(last.status) if last.status else "nothing"
