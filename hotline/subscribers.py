"""People who agreed to texts or calls to many: how they come onto a list, and how they leave, at once and everywhere.

A number is looked up by its keyed hash and kept sealed. Whoever left stays left: only the person's own word, by text, dialled
code or call, brings them back, never a list of numbers that somebody brings in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.voice import many_of
from hotline.models import BroadcastList, Message, MessageState, Reach, Subscriber, Subscription, new_id, table
from hotline.phone import prefix_of

LIST, SUBSCRIBER, SUBSCRIPTION, MESSAGE = (table(m) for m in (BroadcastList, Subscriber, Subscription, Message))
BY_TEXT: Final = "JOIN by text"
BY_USSD: Final = "ussd"
BY_CALL: Final = "call"
KEYS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
MOST_KEYS: Final = 10  # of a keyword; a gateway brings no more


@dataclass(frozen=True)
class Joining:
    """Somebody who agreed. `address` is E.164; `source` says by what, such as the name of a meeting."""

    address: str
    source: str
    agreed_at: datetime
    language: str | None = None
    sector: str | None = None
    interests: tuple[str, ...] = ()
    reach: Reach = Reach.TEXT


@dataclass(frozen=True)
class Enrolled:
    """How many of those who agreed were not on the list before, and how many were."""

    fresh: int
    known: int


def bound_to(subscriber_id: str) -> str:
    """Return what a subscriber's number is bound to."""
    return f"subscriber|number|{subscriber_id}"


def list_of(session: Session, said: str) -> str | None:
    """Return the id of the list with that keyword, or of the only one with that keyword on the keys of a phone."""
    if not said.isdecimal():
        return session.execute(select(LIST.c.id).where(LIST.c.keyword == said.casefold())).scalar()
    keyed = [row.id for row in session.execute(select(LIST.c.id, LIST.c.keyword)) if _keys(row.keyword) == said[:MOST_KEYS]]
    return str(keyed[0]) if len(keyed) == 1 else None


def enrol(
    session: Session, deployment: Deployment, list_id: str, joining: Sequence[Joining], now: datetime, *, own: bool = False
) -> Enrolled:
    """Put people on a list. `own` says that they asked for it themselves, which undoes a stop and says how to reach them.

    One number given several times is one person, the first line counts. What is already known of a person is kept.
    """
    by_index: dict[bytes, Joining] = {}
    for one in joining:
        by_index.setdefault(deployment.number_index(one.address), one)
    if not by_index:
        return Enrolled(0, 0)
    connection = session.connection()
    insert_unless_there(connection, SUBSCRIBER, [_row(deployment, index, one, now) for index, one in by_index.items()])
    theirs = SUBSCRIBER.c.number_index.in_(by_index)
    ids = {row.number_index: row.id for row in session.execute(select(SUBSCRIBER.c.number_index, SUBSCRIBER.c.id).where(theirs))}
    on_it = (SUBSCRIPTION.c.list_id == list_id, SUBSCRIPTION.c.subscriber_id.in_(ids.values()))
    known = len(session.execute(select(SUBSCRIPTION.c.subscriber_id).where(*on_it)).all())
    agreed = [
        {"list_id": list_id, "subscriber_id": ids[index], "source": one.source, "agreed_at": one.agreed_at}
        for index, one in by_index.items()
    ]
    insert_unless_there(connection, SUBSCRIPTION, agreed)
    if own:
        session.execute(update(SUBSCRIBER).where(theirs).values(left_at=None))
        for index, one in by_index.items():
            reached_by(session, index, one.reach)
    return Enrolled(len(by_index) - known, known)


def join(session: Session, deployment: Deployment, said: str, joining: Joining, now: datetime) -> bool:
    """Put somebody on the list of a word by their own wish, which takes back an earlier stop. False where there is none."""
    list_id = list_of(session, said)
    if list_id is not None:
        enrol(session, deployment, list_id, [joining], now, own=True)
    return list_id is not None


def reached_by(session: Session, number_index: bytes, reach: Reach) -> None:
    """Note how whoever has this number wants to be reached; nothing where nobody on a list has it."""
    session.execute(update(SUBSCRIBER).where(SUBSCRIBER.c.number_index == number_index).values(reach=reach))


def called(session: Session, deployment: Deployment, names: Iterable[str]) -> dict[str, str]:
    """Return whom calls to many were for, by the names of the calls: a gateway may name either end of a call of ours."""
    by_row = {many.message_id: name for name in names if (many := many_of(name)) is not None}
    if not by_row:
        return {}
    columns = select(MESSAGE.c.id, SUBSCRIBER.c.id.label("who"), SUBSCRIBER.c.number_sealed)
    found = columns.join(SUBSCRIBER, SUBSCRIBER.c.id == MESSAGE.c.subscriber_id).where(MESSAGE.c.id.in_(by_row))
    opened = deployment.keyring.fields.open_text
    return {by_row[row.id]: opened(row.number_sealed, bound_to(row.who)) for row in session.execute(found)}


def leave(session: Session, now: datetime, *, numbers: Iterable[bytes] = (), ids: Iterable[str] = ()) -> None:
    """Let people go, by the keyed hashes of their numbers or by their ids: of each list, and of each broadcast under way.

    What is queued for them is taken back in the same transaction, so that from its commit on nothing is claimed for them.
    """
    gone, by_number = list(ids), list(numbers)
    if by_number:
        gone += session.scalars(select(SUBSCRIBER.c.id).where(SUBSCRIBER.c.number_index.in_(by_number)))
    if not gone:
        return
    waiting = (MESSAGE.c.subscriber_id.in_(gone), MESSAGE.c.state == MessageState.QUEUED)
    stopped = {"state": MessageState.SUPPRESSED, "reason": "asked us to stop", "settled_at": now}
    session.connection().execute(update(MESSAGE).where(*waiting).values(**stopped))
    # Texts first and people after them, in the order of their ids: whoever claims texts locks in that order, too.
    earlier: ColumnElement[bool] = or_(SUBSCRIBER.c.left_at.is_(None), SUBSCRIBER.c.left_at < now)
    theirs = (SUBSCRIBER.c.id.in_(gone), earlier)
    locked = session.scalars(select(SUBSCRIBER.c.id).where(*theirs).order_by(SUBSCRIBER.c.id).with_for_update()).all()
    session.execute(update(SUBSCRIBER).where(SUBSCRIBER.c.id.in_(locked)).values(left_at=now))


def _keys(keyword: str) -> str:
    return keyword.translate(KEYS)[:MOST_KEYS]


def _row(deployment: Deployment, index: bytes, one: Joining, now: datetime) -> dict[str, object]:
    row_id = new_id()
    return {
        "id": row_id,
        "number_index": index,
        "number_sealed": deployment.keyring.fields.seal_text(one.address, bound_to(row_id)),
        "prefix": prefix_of(one.address, deployment.settings.region),
        "language": one.language,
        "sector": one.sector,
        "interests": f",{','.join(one.interests)}," if one.interests else "",
        "reach": one.reach,
        "created_at": now,
        "left_at": None,
    }
