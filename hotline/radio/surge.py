"""A surge: so many texts to a show that answering each vote would hold up what cannot wait. Votes are then only counted.

The clock measures; a producer decides by hand, and is then not overruled. Questions are answered at any time, for what they are
told keeps people from sending a report to a radio station.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Episode, Poll, Question, Vote, table
from hotline.radio.shows import AFTERWARDS

EPISODE, POLL, QUESTION, VOTE = table(Episode), table(Poll), table(Question), table(Vote)
SPAN: Final = timedelta(minutes=1)
MOST_ON_AIR: Final = 600  # phones in a minute; a show wants many texts, so it may have ten times as many as any other hour
MOST_OFF_AIR: Final = 60
AT_LEAST: Final = timedelta(minutes=2)  # for which answers stay off, lest they flicker


def measure(session: Session, deployment: Deployment, now: datetime) -> int:
    """Turn answers to votes off where a surge has begun, and on again where it is over. Returns how many were turned."""
    del deployment
    recent = (EPISODE.c.on_air_at <= now, or_(EPISODE.c.off_air_at.is_(None), EPISODE.c.off_air_at > now - AFTERWARDS))
    turned = 0
    for row in session.execute(select(EPISODE).where(*recent, EPISODE.c.by_hand.is_(False))).mappings():
        most = MOST_ON_AIR if row["off_air_at"] is None else MOST_OFF_AIR
        texts, since = _texts(session, row["id"], now), row["surge_at"]
        if since is None and texts > most:
            turned += _turn(session, row["id"], now)
        elif since is not None and texts < most // 2 and now - since >= AT_LEAST:
            turned += _turn(session, row["id"], None)
    return turned


def decide(session: Session, episode_id: str, *, on: bool) -> None:
    """Turn answers to votes off or on by hand; no measure changes it any more."""
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(flood=on, by_hand=True, surge_at=None))


def _texts(session: Session, episode_id: str, now: datetime) -> int:
    """Return how many phones have voted, and how many questions have come, in the last minute."""
    voted = select(func.count()).select_from(VOTE.join(POLL, POLL.c.id == VOTE.c.poll_id))
    asked = select(func.count()).select_from(QUESTION).where(QUESTION.c.episode_id == episode_id)
    votes = session.scalar(voted.where(POLL.c.episode_id == episode_id, VOTE.c.at > now - SPAN)) or 0
    return votes + (session.scalar(asked.where(QUESTION.c.received_at > now - SPAN)) or 0)


def _turn(session: Session, episode_id: str, since: datetime | None) -> int:
    values = {"flood": since is not None, "surge_at": since}
    session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(**values))
    return 1
