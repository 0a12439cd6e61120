"""Radio: stations, shows and what is read out in them; votes, questions, cards; and which prompt led to a report.

Votes and questions know a phone by a keyed hash of one poll or one episode alone: two polls cannot be laid side by side, and
none beside the callers. What the studio may see of all this stands in hotline/radio/eyes.py.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base, listed, new_id, partial_index


class Station(Base):
    """A radio station. `aliases` are what listeners call it besides: stations change names, and people keep the old ones."""

    __tablename__ = "radio_station"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    aliases: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Show(Base):
    """A show of a station. It starts `starts` minutes after midnight on `weekdays` (Monday is 0), in the deployment's zone.

    `format` names a file of message_templates/shows, `code` the short code its listeners text (empty: the deployment's),
    `keyword` what stands before their text where several shows share one code. `outline` is what its producer wrote besides:
    segments, polls and what is said in each language. `budget` is how many automatic answers one episode may cost.
    """

    __tablename__ = "radio_show"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    station_id: Mapped[str] = mapped_column(ForeignKey("radio_station.id"))
    name: Mapped[str] = mapped_column(unique=True)
    format: Mapped[str]
    language: Mapped[str]
    weekdays: Mapped[list[int]] = mapped_column(JSON)
    starts: Mapped[int]
    minutes: Mapped[int]
    code: Mapped[str]
    keyword: Mapped[str]
    stream_url: Mapped[str]
    outline: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    budget: Mapped[int]
    created_at: Mapped[datetime]


class Episode(Base):
    """One broadcast of a show. `on_air_at` and `off_air_at` are when the switch was turned, whatever the plan said.

    What the studio shows: the segment that runs, the card that is up, and `blank` where everything is hidden. `diverted` counts
    texts that the wall kept from radio. In `flood` nothing but questions is answered: `surge_at` says since when a measure
    wants it so, `by_hand` that a person has decided, so that no measure does any more.
    """

    __tablename__ = "radio_episode"
    __table_args__ = (partial_index("ix_radio_episode_on_air", "on_air_at", where="on_air_at IS NOT NULL"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    show_id: Mapped[str] = mapped_column(ForeignKey("radio_show.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    on_air_at: Mapped[datetime | None]
    off_air_at: Mapped[datetime | None]
    segment_id: Mapped[str | None]
    segment_at: Mapped[datetime | None]
    card_id: Mapped[str | None]
    blank: Mapped[bool] = mapped_column(default=False)
    flood: Mapped[bool] = mapped_column(default=False)
    surge_at: Mapped[datetime | None]
    by_hand: Mapped[bool] = mapped_column(default=False)
    diverted: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    recording: Mapped[str] = mapped_column(default="")


class Segment(Base):
    """One part of an episode in its order. `say` are the exact words to say, by language."""

    __tablename__ = "radio_segment"
    __table_args__ = (Index("ix_radio_segment_episode", "episode_id", "place"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    episode_id: Mapped[str] = mapped_column(ForeignKey("radio_episode.id"))
    place: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    minutes: Mapped[int]
    say: Mapped[dict[str, str]] = mapped_column(JSON)


class Prompt(Base):
    """Something that asks listeners to act: a question read out, a code, a jingle. `gives` are the ways in that it names."""

    __tablename__ = "radio_prompt"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    episode_id: Mapped[str] = mapped_column(ForeignKey("radio_episode.id"), index=True)
    segment_id: Mapped[str | None] = mapped_column(ForeignKey("radio_segment.id"))
    name: Mapped[str]
    gives: Mapped[list[str]] = mapped_column(JSON)


class Airing(Base):
    """That a prompt went out at a moment: noted by the studio, or read from a station's log of jingles."""

    __tablename__ = "radio_airing"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    prompt_id: Mapped[str] = mapped_column(ForeignKey("radio_prompt.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class Poll(Base):
    """A question with two to four answers. `options`: digit, words by language, and the line whose ringing is a vote for it."""

    __tablename__ = "radio_poll"
    __table_args__ = (partial_index("ix_radio_poll_opened", "opened_at", where="opened_at IS NOT NULL"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    episode_id: Mapped[str] = mapped_column(ForeignKey("radio_episode.id"), index=True)
    segment_id: Mapped[str] = mapped_column(ForeignKey("radio_segment.id"))
    prompt_id: Mapped[str] = mapped_column(ForeignKey("radio_prompt.id"))
    question: Mapped[dict[str, str]] = mapped_column(JSON)
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Vote(Base):
    """The one vote of a phone in a poll; the last one counts. `phone` is a keyed hash of this poll and the number."""

    __tablename__ = "radio_vote"

    poll_id: Mapped[str] = mapped_column(ForeignKey("radio_poll.id"), primary_key=True)
    phone: Mapped[bytes] = mapped_column(primary_key=True)
    choice: Mapped[str]
    language: Mapped[str]
    inlet: Mapped[str]
    at: Mapped[datetime]
    changes: Mapped[int] = mapped_column(default=0)


class Tally(Base):
    """How many phones stand behind an answer, by language and way in: all that anybody in a studio learns of votes."""

    __tablename__ = "radio_tally"

    poll_id: Mapped[str] = mapped_column(ForeignKey("radio_poll.id"), primary_key=True)
    choice: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    inlet: Mapped[str] = mapped_column(primary_key=True)
    votes: Mapped[int]


class QuestionState(StrEnum):
    """waiting → approved | hidden; any of them → moving (a moderator says: to the hotline) → moved, and its words are gone."""

    WAITING = "waiting"
    APPROVED = "approved"
    HIDDEN = "hidden"
    MOVING = "moving"
    MOVED = "moved"


class Question(Base):
    """A text to a show that passed the wall, for its moderator alone. `sealed` is empty once it has left radio.

    `phone` is a keyed hash of the episode and the number, `likeness` one of the episode and the words: what says the same is
    read, and decided about, once.
    """

    __tablename__ = "radio_question"
    __table_args__ = (
        Index("ix_radio_question_episode", "episode_id", "state", "received_at"),
        Index("ix_radio_question_likeness", "episode_id", "likeness"),
        partial_index("ix_radio_question_moving", "id", where=f"state IN {listed([QuestionState.MOVING])}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    episode_id: Mapped[str] = mapped_column(ForeignKey("radio_episode.id"))
    inbox_id: Mapped[str] = mapped_column(unique=True)
    phone: Mapped[bytes]
    likeness: Mapped[bytes]
    sealed: Mapped[bytes]
    language: Mapped[str]
    inlet: Mapped[str]
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=QuestionState.WAITING)
    card_id: Mapped[str | None]


class Card(Base):
    """A question as the studio may read it out: words a moderator wrote anew. `number` makes it "Caller 3".

    Something `personal` is not to be seen before `visible_from`, a quarter of an hour after it was told.
    """

    __tablename__ = "radio_card"
    __table_args__ = (Index("ix_radio_card_episode", "episode_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    episode_id: Mapped[str] = mapped_column(ForeignKey("radio_episode.id"))
    number: Mapped[int]
    text: Mapped[str]
    language: Mapped[str]
    inlet: Mapped[str]
    personal: Mapped[bool]
    visible_from: Mapped[datetime]
    approved_at: Mapped[datetime]
    approved_by: Mapped[str]
    shown_at: Mapped[datetime | None]
    withdrawn: Mapped[bool] = mapped_column(default=False)


class Theme(Base):
    """What cards of a show may be about: a name, and words by which a card is proposed for it. A struck one is coded no more."""

    __tablename__ = "radio_theme"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    show_id: Mapped[str] = mapped_column(ForeignKey("radio_show.id"), index=True)
    name: Mapped[str]
    words: Mapped[list[str]] = mapped_column(JSON)
    struck: Mapped[bool] = mapped_column(default=False)


class Coding(Base):
    """What one coder says a card is about; an empty theme says: about none of them."""

    __tablename__ = "radio_coding"

    card_id: Mapped[str] = mapped_column(ForeignKey("radio_card.id"), primary_key=True)
    coder: Mapped[str] = mapped_column(primary_key=True)
    theme_id: Mapped[str]
    at: Mapped[datetime]


class Screen(Base):
    """A device that shows one episode's studio and nothing else. `key_hash` is of a key that its browser alone has.

    It asks with a `code` on its screen; a producer who reads it pairs the device, until they end it or the day is over.
    """

    __tablename__ = "radio_screen"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    code: Mapped[str]
    episode_id: Mapped[str | None] = mapped_column(ForeignKey("radio_episode.id"), index=True)
    asked_at: Mapped[datetime]
    paired_at: Mapped[datetime | None]
    paired_by: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]


class How(StrEnum):
    """By what a report was laid to a prompt, surest first."""

    CODE = "code"
    INLET = "inlet"
    SAID = "said"
    TIME = "time"


class Exposure(Base):
    """Which prompt a report most likely answers. `certainty` is in per cent; no person stands here."""

    __tablename__ = "radio_exposure"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    prompt_id: Mapped[str] = mapped_column(ForeignKey("radio_prompt.id"), index=True)
    how: Mapped[str]
    inlet: Mapped[str]
    certainty: Mapped[int]
    at: Mapped[datetime]
