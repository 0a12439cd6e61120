"""Who a broadcast is for: people on a list who have not left, narrowed by language, sector, interest, rest and way to reach them.

Read in pages by id, so that a hundred thousand cost no more memory than a page. Whether somebody falls into the sample or is
held out is a function of broadcast and person alone: counted twice, or after a crash, it comes out the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from hotline.models import BroadcastList, Message, Reach, Subscriber, Subscription, table

LIST, SUBSCRIBER, SUBSCRIPTION, MESSAGE = (table(m) for m in (BroadcastList, Subscriber, Subscription, Message))
SMALLEST: Final = 20  # people; with fewer, who got a text and who did not would tell about one of them
PAGE: Final = 2000


class Part(StrEnum):
    """What falls to somebody of the audience."""

    TEXTED = "texted"
    HELD_OUT = "held out"
    NOT_SAMPLED = "not sampled"


@dataclass(frozen=True)
class Audience:
    """A choice of people. Empty means all; `lists` are keywords. `rested_days` leaves out whoever was texted since then.

    `sources` say where somebody agreed: the training they attended, the show they heard.

    `sample` and `held_out` are per cent: of those found, how many are taken at all, and of these, how many get nothing. `ways`
    come from what there is to read and to hear: whoever wants calls gets nothing where nothing is recorded.
    """

    lists: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    rested_days: int = 0
    sample: int = 100
    held_out: int = 0
    ways: tuple[Reach, ...] = ()

    def kept(self) -> dict[str, Any]:
        """Return the choice as it is kept in a broadcast's row."""
        return {name: value for name, value in asdict(self).items() if name != "ways"}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return whom a broadcast as it is now can reach."""
        return replace(cls.read(row["audience"]), ways=ways(row))

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """Return what `kept` kept."""
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
        return cls(**given)

    def part(self, broadcast_id: str, subscriber_id: str) -> Part:
        """Return what falls to somebody."""
        drawn = blake2b(f"{broadcast_id}|{subscriber_id}".encode(), digest_size=4).digest()
        if int.from_bytes(drawn[:2]) * 100 >= self.sample << 16:
            return Part.NOT_SAMPLED
        return Part.HELD_OUT if int.from_bytes(drawn[2:]) * 100 < self.held_out << 16 else Part.TEXTED


@dataclass(frozen=True)
class Size:
    """How many people an audience has now, by language; `small` names chosen lists with too few people on them.

    Of those who would get it (`texted`), `called` are called.
    """

    texted: int
    held_out: int
    by_language: dict[str, int] = field(default_factory=dict)
    small: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    called: int = 0

    @property
    def enough(self) -> bool:
        """Whether it may be written to, and its number shown."""
        return self.texted >= SMALLEST and not self.small and not self.unknown


def ways(row: Mapping[str, Any]) -> tuple[Reach, ...]:
    """Return how a broadcast can reach people: by its texts, by its recordings; before it has either, by texts."""
    there = ((Reach.TEXT, row["texts"]), (Reach.CALL, row["recorded"]))
    return tuple(reach for reach, words in there if words) or (Reach.TEXT,)


def page(session: Session, audience: Audience, now: datetime, after: str, limit: int = PAGE) -> Sequence[Row[Any]]:
    """Return the next people of an audience by id: id, language, sector, prefix, reach."""
    asked = ("id", "language", "sector", "prefix", "reach")
    columns = select(*(SUBSCRIBER.c[name] for name in asked))
    return session.execute(
        _of(columns, audience, now).where(SUBSCRIBER.c.id > after).order_by(SUBSCRIBER.c.id).limit(limit)
    ).all()


def everybody(session: Session, audience: Audience, now: datetime) -> Iterator[Sequence[Row[Any]]]:
    """Yield an audience page by page."""
    after = ""
    while found := page(session, audience, now, after):
        yield found
        after = found[-1].id


def size(session: Session, audience: Audience, now: datetime, broadcast_id: str = "") -> Size:
    """Count an audience."""
    texted, held_out, called, by_language = 0, 0, 0, dict[str, int]()
    for people in everybody(session, audience, now):
        for person in people:
            part = audience.part(broadcast_id, person.id)
            held_out += part is Part.HELD_OUT
            if part is Part.TEXTED:
                texted += 1
                called += person.reach == Reach.CALL
                by_language[person.language or ""] = by_language.get(person.language or "", 0) + 1
    return Size(texted, held_out, by_language, *_unfit(session, audience), called)


def lists(session: Session) -> list[tuple[str, str, int]]:
    """Return each list's keyword, name and how many people are on it; nought stands for fewer than may be told."""
    counted = select(LIST.c.keyword, LIST.c.name, _on().label("people")).order_by(LIST.c.keyword)
    return [(row.keyword, row.name, row.people if row.people >= SMALLEST else 0) for row in session.execute(counted)]


@dataclass(frozen=True)
class Offered:
    """What an audience can be narrowed by: sectors, interests and sources of consent that at least twenty people share."""

    sectors: tuple[str, ...]
    interests: tuple[str, ...]
    sources: tuple[str, ...]


def offered(session: Session) -> Offered:
    """Return what may be asked for; what fewer than twenty share would point at them."""
    here = SUBSCRIBER.c.left_at.is_(None)
    many = func.count() >= SMALLEST
    sectors = select(SUBSCRIBER.c.sector).where(here, SUBSCRIBER.c.sector.is_not(None)).group_by(SUBSCRIBER.c.sector)
    on = select(SUBSCRIPTION.c.source).join(SUBSCRIBER, SUBSCRIBER.c.id == SUBSCRIPTION.c.subscriber_id).where(here)
    told = select(SUBSCRIBER.c.interests, func.count().label("people")).where(here, SUBSCRIBER.c.interests != "")
    words = Counter[str]()
    for row in session.execute(told.group_by(SUBSCRIBER.c.interests)):
        words.update(dict.fromkeys(row.interests.strip(",").split(","), row.people))
    return Offered(
        tuple(sorted(session.scalars(sectors.having(many)))),
        tuple(sorted(word for word, people in words.items() if people >= SMALLEST)),
        tuple(sorted(session.scalars(on.group_by(SUBSCRIPTION.c.source).having(many)))),
    )


def _unfit(session: Session, audience: Audience) -> tuple[tuple[str, ...], tuple[str, ...]]:
    counted = select(LIST.c.keyword, _on().label("people")).where(LIST.c.keyword.in_(audience.lists))
    found = {row.keyword: row.people for row in session.execute(counted)}
    small = tuple(keyword for keyword, people in found.items() if people < SMALLEST)
    return small, tuple(keyword for keyword in audience.lists if keyword not in found)


def _on() -> ColumnElement[int]:
    both = (SUBSCRIPTION.c.list_id == LIST.c.id, SUBSCRIBER.c.id == SUBSCRIPTION.c.subscriber_id)
    return select(func.count()).where(*both, SUBSCRIBER.c.left_at.is_(None)).scalar_subquery()


def _of(query: Select[Any], audience: Audience, now: datetime) -> Select[Any]:
    """Narrow a query of subscribers to an audience. Everybody in it is on a list, and has not left."""
    mine = exists().where(SUBSCRIPTION.c.subscriber_id == SUBSCRIBER.c.id)
    if audience.lists:
        chosen = select(LIST.c.id).where(LIST.c.keyword.in_(audience.lists))
        mine = mine.where(SUBSCRIPTION.c.list_id.in_(chosen))
    if audience.sources:
        mine = mine.where(SUBSCRIPTION.c.source.in_(audience.sources))
    query = query.where(SUBSCRIBER.c.left_at.is_(None), mine)
    if audience.ways:
        query = query.where(SUBSCRIBER.c.reach.in_(audience.ways))
    if audience.languages:
        query = query.where(SUBSCRIBER.c.language.in_(audience.languages))
    if audience.sectors:
        query = query.where(SUBSCRIBER.c.sector.in_(audience.sectors))
    if audience.interests:
        query = query.where(or_(*(SUBSCRIBER.c.interests.contains(f",{one},", autoescape=True) for one in audience.interests)))
    if audience.rested_days:
        before = now - timedelta(days=audience.rested_days)
        recent = (
            MESSAGE.c.subscriber_id == SUBSCRIBER.c.id,
            MESSAGE.c.broadcast_id.is_not(None),
            MESSAGE.c.created_at >= before,
        )
        query = query.where(~exists().where(*recent))
    return query
