"""People who agreed to texts to many, the lists they are on, and the broadcasts that go to them.

What one person is sent is a row of `message` like any other text; it names its broadcast and its subscriber.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, new_id


class BroadcastList(Base):
    """A list people are on. `keyword` is what is texted after JOIN: small letters and digits, without spaces."""

    __tablename__ = "broadcast_list"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    keyword: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Reach(StrEnum):
    """How somebody on a list wants to be reached: by a text to read, or by a call to listen to."""

    TEXT = "text"
    CALL = "call"


class Subscriber(Base):
    """Whoever agreed to texts or calls to many: one row a number, however many lists it is on.

    `interests` are words between commas, as ",market,school,", so that one can be found.
    `prefix` is the country and the first two digits of the number, which price it. `left_at` is when the person said stop: a
    list brought in later does not undo that, only the person's own JOIN does.
    """

    __tablename__ = "subscriber"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    number_index: Mapped[bytes] = mapped_column(unique=True)
    number_sealed: Mapped[bytes]
    prefix: Mapped[str]
    language: Mapped[str | None]
    sector: Mapped[str | None]
    interests: Mapped[str] = mapped_column(default="")
    reach: Mapped[str] = mapped_column(default=Reach.TEXT)
    created_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class Subscription(Base):
    """That somebody agreed to be on a list: by what (`source`), and when."""

    __tablename__ = "subscription"

    list_id: Mapped[str] = mapped_column(ForeignKey("broadcast_list.id"), primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(ForeignKey("subscriber.id"), primary_key=True, index=True)
    source: Mapped[str]
    agreed_at: Mapped[datetime]


class BroadcastState(StrEnum):
    """draft → checked → approved → scheduled → sending ⇄ paused → done | stopped. A change to the text leads back to draft."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class Broadcast(Base):
    """One text to many. The columns say who did what; the rows in `message` say what became of each person's text or call.

    `texts` by language; `recorded` by language is what is played to people who are called: name, words and seconds of each
    recording (hotline/broadcasts/recordings.py); `filled` are the values of the texts' placeholders; `audience` says who it is
    for; `found` is what the check found, of this `version` alone. `people` may be texted or called; `rows` is how many of their
    rows are made, up to the subscriber `upto`. `choices`: where the text asks a question, its answers are the digits up to this
    one; nought is no question.
    """

    __tablename__ = "broadcast"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(default=BroadcastState.DRAFT, index=True)
    texts: Mapped[dict[str, str]] = mapped_column(JSON)
    read_by_native: Mapped[list[str]] = mapped_column(JSON)
    filled: Mapped[dict[str, str]] = mapped_column(JSON)
    recorded: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON, default=dict)
    audience: Mapped[dict[str, Any]] = mapped_column(JSON)
    found: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    people: Mapped[int] = mapped_column(default=0)
    author: Mapped[str]
    approver: Mapped[str | None]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    send_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    upto: Mapped[str] = mapped_column(default="")
    rows: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime | None]
    choices: Mapped[int] = mapped_column(default=0)


class BroadcastCheck(Base):
    """A check somebody has asked for and a worker makes: how many people it has looked at so far, of how many.

    It is of one `version` of the broadcast; with the check the row is gone, and what was found stands in the broadcast.
    """

    __tablename__ = "broadcast_check"

    broadcast_id: Mapped[str] = mapped_column(ForeignKey("broadcast.id"), primary_key=True)
    version: Mapped[int]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)


class BroadcastAnswer(Base):
    """What somebody answered to the question of a broadcast: a digit, the first one counts."""

    __tablename__ = "broadcast_answer"

    broadcast_id: Mapped[str] = mapped_column(ForeignKey("broadcast.id"), primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    choice: Mapped[int]
    at: Mapped[datetime]
