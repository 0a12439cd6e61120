"""What a studio shows of an episode at a moment: one frozen picture, read through a window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline.models import Card, Episode, Show, table
from hotline.radio import polls, shows
from hotline.radio.polls import Standing

CARD, EPISODE, SHOW = table(Card), table(Episode), table(Show)
ACTS: Final = ("next", "hide", "show", "forward", "back", "on", "off")


@dataclass(frozen=True)
class Picture:
    """An episode as its studio sees it. `place` is that of the segment that runs; `left` what remains of the show."""

    episode: Mapping[str, Any]
    segments: Sequence[Mapping[str, Any]]
    place: int
    poll: Standing | None
    card: Mapping[str, Any] | None
    cards: int
    waiting: int
    on_air: bool
    left: timedelta
    left_of_segment: timedelta

    @property
    def segment(self) -> Mapping[str, Any]:
        """The segment that runs, before the show the first."""
        return self.segments[self.place]

    @property
    def over(self) -> bool:
        """Whether the episode has been on air and is not any more."""
        return self.episode["off_air_at"] is not None

    def said(self, words: Mapping[str, str]) -> str:
        """Return words in the show's language, or in the first there is."""
        return words.get(self.episode["language"]) or words.get("en") or next(iter(words.values()), "")


def picture(session: Session, episode_id: str, now: datetime) -> Picture | None:
    """Return an episode as it is now, None where there is no such episode."""
    episode = shows.episode(session, episode_id)
    if episode is None:
        return None
    parts = shows.segments(session, episode_id)
    place = next((at for at, one in enumerate(parts) if one["id"] == episode["segment_id"]), 0)
    poll = polls.of_episodes(session, [episode_id]).get(episode_id)
    cards = ready(session, episode_id, now)
    card = next((one for one in cards if one["id"] == episode["card_id"]), None)
    on_air = episode["on_air_at"] is not None and episode["off_air_at"] is None
    length = episode["ends_at"] - episode["starts_at"]
    ends = episode["on_air_at"] + length if on_air else episode["ends_at"]
    segment_ends = (episode["segment_at"] or now) + timedelta(minutes=parts[place]["minutes"])
    return Picture(
        episode=episode,
        segments=parts,
        place=place,
        poll=polls.standing(session, poll) if poll else None,
        card=card,
        cards=len(cards),
        waiting=sum(one["shown_at"] is None for one in cards),
        on_air=on_air,
        left=max(ends - now, timedelta()),
        left_of_segment=max(segment_ends - now, timedelta()),
    )


def press(session: Session, episode_id: str, act: str, now: datetime) -> bool:
    """Do what a key of the studio says, one of ACTS. Returns whether there is such an episode."""
    seen = picture(session, episode_id, now)
    if seen is None:
        return False
    if act == "next":
        turn(session, episode_id, now)
    elif act in {"hide", "show"}:
        blank(session, episode_id, on=act == "hide")
    elif act == "on":
        shows.go_on_air(session, episode_id, now)
        _begin(session, seen, 0, now)
    elif act == "off":
        shows.go_off_air(session, episode_id, now)
    elif seen.on_air:
        _begin(session, seen, seen.place + (1 if act == "forward" else -1), now)
    return True


def _begin(session: Session, seen: Picture, place: int, now: datetime) -> None:
    if 0 <= place < len(seen.segments):
        segment_id = seen.segments[place]["id"]
        shows.begin(session, seen.episode["id"], segment_id, now)
        shows.aired(session, shows.prompts(session, segment_id), now)


def ready(session: Session, episode_id: str, now: datetime) -> list[Mapping[str, Any]]:
    """Return the cards of an episode that may be seen by now, in the order of their numbers."""
    seen = (CARD.c.episode_id == episode_id, CARD.c.withdrawn.is_(False), CARD.c.visible_from <= now)
    return [dict(row) for row in session.execute(select(CARD).where(*seen).order_by(CARD.c.number)).mappings()]


def turn(session: Session, episode_id: str, now: datetime) -> None:
    """Put up the next card that has not been shown; with none left, take the one that is up away."""
    fresh = next((one for one in ready(session, episode_id, now) if one["shown_at"] is None), None)
    if fresh:
        session.execute(update(CARD).where(CARD.c.id == fresh["id"]).values(shown_at=now))
    up = {"card_id": fresh["id"] if fresh else None, "blank": False}
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(**up))


def blank(session: Session, episode_id: str, *, on: bool) -> None:
    """Hide everything, or show it again."""
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(blank=on))


def near(session: Session, now: datetime) -> list[Mapping[str, Any]]:
    """Return episodes of these days with the name of their show, those on air first and then by time."""
    lately = (EPISODE.c.ends_at > now - timedelta(days=2), EPISODE.c.starts_at < now + timedelta(days=8))
    joined = select(EPISODE, SHOW.c.name.label("show")).join(SHOW, SHOW.c.id == EPISODE.c.show_id).where(*lately)
    rows = [dict(row) for row in session.execute(joined.order_by(EPISODE.c.starts_at)).mappings()]
    return sorted(rows, key=lambda row: (row["on_air_at"] is None or row["off_air_at"] is not None, row["starts_at"]))
