"""Forgets what radio needs no more: what listeners asked, which phone voted for what, and devices that were paired.

What stays are counts and cards, which hold nobody's words and nobody's phone.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import Poll, Question, QuestionState, Screen, Vote, table

POLL, QUESTION, SCREEN, VOTE = table(Poll), table(Question), table(Screen), table(Vote)
KEPT: Final = timedelta(days=30)
SCREENS_KEPT: Final = timedelta(days=1)
AT_ONCE: Final = 500


def forget(session: Session, deployment: Deployment, now: datetime) -> None:
    """Forget a few of each."""
    del deployment
    told = (QUESTION.c.received_at < now - KEPT, QUESTION.c.phone != b"", QUESTION.c.state != QuestionState.MOVING)
    old = session.scalars(select(QUESTION.c.id).where(*told).limit(AT_ONCE)).all()
    if old:
        gone = {"sealed": b"", "phone": b"", "likeness": b""}
        session.execute(update(QUESTION).where(QUESTION.c.id.in_(old)).values(**gone))
    voted = select(VOTE.c.poll_id).join(POLL, POLL.c.id == VOTE.c.poll_id).where(POLL.c.closed_at < now - KEPT).limit(1)
    if poll_id := session.scalar(voted):
        session.execute(delete(VOTE).where(VOTE.c.poll_id == poll_id))
    session.execute(delete(SCREEN).where(SCREEN.c.asked_at < now - SCREENS_KEPT))
