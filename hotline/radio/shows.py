"""Shows and their episodes: written down, planned for a day, put on air and taken off again; what runs at a moment.

Stations, shows and episodes are rows; nothing here is about a listener. Sessions are the caller's, and are never committed here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from hotline.config import Settings
from hotline.models import Airing, Episode, Poll, Prompt, Segment, Show, Station, new_id, table
from hotline.radio.formats import ADDRESS, DAYS, Part, Written

AIRING, EPISODE, POLL, PROMPT, SEGMENT, SHOW, STATION = (
    table(model) for model in (Airing, Episode, Poll, Prompt, Segment, Show, Station)
)
AFTERWARDS: Final = timedelta(minutes=30)  # texts to a show go on for about so long
LOOK_AHEAD: Final = timedelta(days=8)


@dataclass(frozen=True)
class Running:
    """An episode that texts may be for, with the show it belongs to. `on_air` says whether it runs at this moment."""

    episode: Mapping[str, Any]
    show: Mapping[str, Any]
    station: str
    on_air: bool


def keep(session: Session, written: Written, parts: Sequence[Part], now: datetime) -> str:
    """Write a show down, or write it down anew under the same name; episodes there are stay as they were. Returns its id."""
    station_id = session.scalar(select(STATION.c.id).where(STATION.c.name == written.station)) or new_id()
    known = select(STATION.c.id).where(STATION.c.id == station_id)
    if session.execute(known).first() is None:
        row = {"id": station_id, "name": written.station, "aliases": list(written.aliases), "created_at": now}
        session.execute(STATION.insert().values(**row))
    elif written.aliases:
        session.execute(update(STATION).where(STATION.c.id == station_id).values(aliases=list(written.aliases)))
    values = {
        "station_id": station_id,
        "name": written.name,
        "format": written.format,
        "language": written.language,
        "weekdays": [DAYS.index(day) for day in written.days],
        "starts": written.at.hour * 60 + written.at.minute,
        "minutes": written.minutes,
        "code": written.code,
        "keyword": written.keyword.casefold(),
        "stream_url": written.stream,
        "outline": [part.model_dump(mode="json") for part in parts],
        "budget": written.budget,
    }
    show_id = session.scalar(select(SHOW.c.id).where(SHOW.c.name == written.name))
    if show_id is not None:
        session.execute(update(SHOW).where(SHOW.c.id == show_id).values(**values))
        return str(show_id)
    show_id = new_id()
    session.execute(SHOW.insert().values(id=show_id, created_at=now, **values))
    return show_id


def plan(session: Session, settings: Settings, show_id: str, day: date) -> str:
    """Make the episode of a day with its segments, prompts and polls, unless it is there. Returns its id."""
    show = session.execute(select(SHOW).where(SHOW.c.id == show_id)).mappings().one()
    begins = datetime.combine(day, time(show["starts"] // 60, show["starts"] % 60), settings.zone).astimezone(UTC)
    there = select(EPISODE.c.id).where(EPISODE.c.show_id == show_id, EPISODE.c.starts_at == begins)
    if found := session.scalar(there):
        return str(found)
    episode_id = new_id()
    ends = begins + timedelta(minutes=show["minutes"])
    plain = {"blank": False, "flood": False, "by_hand": False, "diverted": 0, "answers": 0, "recording": ""}
    session.execute(EPISODE.insert().values(id=episode_id, show_id=show_id, starts_at=begins, ends_at=ends, **plain))
    for place, part in enumerate(map(Part.model_validate, show["outline"])):
        _lay(session, episode_id, place, part)
    return episode_id


def days_of(show: Mapping[str, Any], settings: Settings, now: datetime, ahead: timedelta = LOOK_AHEAD) -> list[date]:
    """Return the days on which a show is still to begin, the next first."""
    today = now.astimezone(settings.zone)
    days = [today.date() + timedelta(days=later) for later in range(ahead.days)]
    minutes = today.hour * 60 + today.minute
    return [day for day in days if day.weekday() in show["weekdays"] and (day != today.date() or minutes < show["starts"] + 1)]


def go_on_air(session: Session, episode_id: str, now: datetime) -> None:
    """Turn the switch on; the first segment begins."""
    switched = update(EPISODE).where(
        EPISODE.c.id == episode_id, or_(EPISODE.c.on_air_at.is_(None), EPISODE.c.off_air_at.is_not(None))
    )
    if session.connection().execute(switched.values(on_air_at=now, off_air_at=None)).rowcount:
        begin(session, episode_id, segments(session, episode_id)[0]["id"], now)


def go_off_air(session: Session, episode_id: str, now: datetime) -> None:
    """Turn the switch off; polls close."""
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(off_air_at=now, card_id=None))
    close_polls(session, episode_id, now)


def keep_recording(session: Session, episode_id: str, address: str) -> bool:
    """Note where the recording of an episode is to be heard; an empty address says nowhere. Returns whether it is an address."""
    if re.fullmatch(ADDRESS, address) is None:
        return False
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(recording=address))
    return True


def close_polls(session: Session, episode_id: str, now: datetime) -> None:
    """Close whatever poll of an episode is open."""
    still = (POLL.c.episode_id == episode_id, POLL.c.opened_at.is_not(None), POLL.c.closed_at.is_(None))
    session.execute(update(POLL).where(*still).values(closed_at=now))


def begin(session: Session, episode_id: str, segment_id: str, now: datetime) -> None:
    """Let a segment begin: its poll opens and stays open until another one does or the show ends."""
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(segment_id=segment_id, segment_at=now))
    poll_id = session.scalar(select(POLL.c.id).where(POLL.c.segment_id == segment_id))
    if poll_id is not None:
        others = (
            POLL.c.episode_id == episode_id,
            POLL.c.id != poll_id,
            POLL.c.opened_at.is_not(None),
            POLL.c.closed_at.is_(None),
        )
        session.execute(update(POLL).where(*others).values(closed_at=now))
        session.execute(update(POLL).where(POLL.c.id == poll_id, POLL.c.opened_at.is_(None)).values(opened_at=now))
        session.execute(update(POLL).where(POLL.c.id == poll_id).values(closed_at=None))


def aired(session: Session, prompt_ids: Sequence[str], at: datetime) -> None:
    """Note that prompts went out at a moment."""
    if prompt_ids:
        session.execute(AIRING.insert(), [{"id": new_id(), "prompt_id": prompt_id, "at": at} for prompt_id in prompt_ids])


def prompts(session: Session, segment_id: str) -> Sequence[str]:
    """Return the prompts of a segment."""
    return session.scalars(select(PROMPT.c.id).where(PROMPT.c.segment_id == segment_id).order_by(PROMPT.c.id)).all()


def segments(session: Session, episode_id: str) -> list[Mapping[str, Any]]:
    """Return the segments of an episode in their order."""
    found = select(SEGMENT).where(SEGMENT.c.episode_id == episode_id).order_by(SEGMENT.c.place)
    return [dict(row) for row in session.execute(found).mappings()]


def episode(session: Session, episode_id: str) -> Mapping[str, Any] | None:
    """Return an episode with its show's name, language, code, keyword, stream and budget, and its station's name."""
    wanted = (
        SHOW.c.name.label("show"),
        SHOW.c.language,
        SHOW.c.code,
        SHOW.c.keyword,
        SHOW.c.stream_url,
        SHOW.c.budget,
        STATION.c.name.label("station"),
    )
    found = select(EPISODE, *wanted).join(SHOW, SHOW.c.id == EPISODE.c.show_id).join(STATION, STATION.c.id == SHOW.c.station_id)
    row = session.execute(found.where(EPISODE.c.id == episode_id)).mappings().one_or_none()
    return dict(row) if row else None


def open_to(session: Session, now: datetime) -> list[Running]:
    """Return episodes that texts may be for: on air or just over, the newest first; else those planned and those of today."""
    joined = select(EPISODE).where(EPISODE.c.on_air_at.is_not(None), EPISODE.c.on_air_at <= now)
    recent = joined.where(or_(EPISODE.c.off_air_at.is_(None), EPISODE.c.off_air_at > now - AFTERWARDS))
    found = session.execute(recent.order_by(EPISODE.c.on_air_at.desc()).limit(8)).mappings().all()
    if not found:
        near = (EPISODE.c.ends_at > now - timedelta(days=1), EPISODE.c.starts_at < now + LOOK_AHEAD)
        found = session.execute(select(EPISODE).where(*near).order_by(EPISODE.c.starts_at).limit(8)).mappings().all()
    ids = {row["show_id"] for row in found}
    named = (
        select(SHOW, STATION.c.name.label("station")).join(STATION, STATION.c.id == SHOW.c.station_id).where(SHOW.c.id.in_(ids))
    )
    by_id = {row["id"]: row for row in session.execute(named).mappings()} if ids else {}
    return [
        Running(
            dict(row),
            dict(by_id[row["show_id"]]),
            by_id[row["show_id"]]["station"],
            row["off_air_at"] is None and row["on_air_at"] is not None,
        )
        for row in found
    ]


def _lay(session: Session, episode_id: str, place: int, part: Part) -> None:
    segment_id, prompt_id = new_id(), new_id()
    values = {"kind": part.kind, "title": part.title, "minutes": part.minutes, "say": part.say}
    session.execute(SEGMENT.insert().values(id=segment_id, episode_id=episode_id, place=place, **values))
    if part.gives or part.poll:
        gives = [str(one) for one in part.gives]
        session.execute(
            PROMPT.insert().values(id=prompt_id, episode_id=episode_id, segment_id=segment_id, name=part.title, gives=gives)
        )
    if part.poll:
        options = [{"digit": str(at), "words": one.words, "beep": one.beep} for at, one in enumerate(part.options, start=1)]
        asked = {
            "episode_id": episode_id,
            "segment_id": segment_id,
            "prompt_id": prompt_id,
            "question": part.poll,
            "options": options,
        }
        session.execute(POLL.insert().values(id=new_id(), **asked))
