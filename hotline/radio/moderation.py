"""Moderation: texts that passed the wall, read by one person before anything of them is on a screen of a studio.

A moderator writes a card anew, hides a text, or moves it to the hotline with one key. Moving is a mark here and nothing else: a
worker takes the stored webhook down the way of any report, and the words leave radio. The studio never had them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.models import Card, Episode, Inbox, InboxState, Question, QuestionState, new_id, table, written_out

CARD, EPISODE, INBOX, QUESTION = table(Card), table(Episode), table(Inbox), table(Question)
LONGEST_CARD: Final = 240
PERSONAL_WAITS: Final = timedelta(minutes=15)
MOVING: Final = written_out(QUESTION.c.state, [QuestionState.MOVING])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way in. `phone` is a keyed hash of the episode and the number."""

    episode_id: str
    inbox_id: str
    phone: bytes
    words: str
    language: str
    inlet: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question as its moderator reads it; `times` is how often the very same words came."""

    id: str
    words: str
    language: str
    inlet: str
    received_at: datetime
    theme: str
    state: str
    times: int = 1


def phone_of(deployment: Deployment, episode_id: str, address: str) -> bytes:
    """Return by what a phone is known in one episode, and in no other."""
    return deployment.keyring.blind_index(f"radio.{episode_id}", address)


def take_in(session: Session, deployment: Deployment, asked: Sequence[Asked]) -> None:
    """Store questions, each once."""
    rows = []
    for one in asked:
        row_id = new_id()
        row: dict[str, object] = {"id": row_id, "episode_id": one.episode_id, "inbox_id": one.inbox_id, "phone": one.phone}
        row |= {"sealed": deployment.keyring.fields.seal_text(one.words, bound_to(row_id)), "language": one.language}
        row |= {"inlet": one.inlet, "received_at": one.received_at, "state": QuestionState.WAITING, "theme": ""}
        rows.append(row)
    if rows:
        insert_unless_there(session.connection(), QUESTION, rows)


def known(session: Session, inbox_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the state of questions that came by these webhooks, by webhook."""
    rows = session.execute(select(QUESTION.c.inbox_id, QUESTION.c.state).where(QUESTION.c.inbox_id.in_(inbox_ids)))
    return {row.inbox_id: row.state for row in rows}


def to_read(session: Session, deployment: Deployment, episode_id: str, state: str, limit: int = 100) -> list[Waiting]:
    """Return the questions of an episode in a state, oldest first, those of the very same words as one."""
    mine = (QUESTION.c.episode_id == episode_id, QUESTION.c.state == state)
    rows = session.execute(select(QUESTION).where(*mine).order_by(QUESTION.c.received_at).limit(limit * 5)).mappings()
    found: dict[str, Waiting] = {}
    for row in rows:
        words = deployment.keyring.fields.open_text(row["sealed"], bound_to(row["id"])) if row["sealed"] else ""
        first = found.get(words.casefold().strip())
        times = first.times + 1 if first else 1
        kept = (row["id"], row["received_at"]) if first is None else (first.id, first.received_at)
        found[words.casefold().strip()] = Waiting(
            kept[0], words, row["language"], row["inlet"], kept[1], row["theme"], row["state"], times
        )
    return list(found.values())[:limit]


def words(session: Session, deployment: Deployment, question_id: str) -> str:
    """Return the words of a question, nothing where they are gone."""
    sealed = session.scalar(select(QUESTION.c.sealed).where(QUESTION.c.id == question_id))
    return deployment.keyring.fields.open_text(sealed, bound_to(question_id)) if sealed else ""


def counts(session: Session, episode_id: str) -> dict[str, int]:
    """Return how many questions of an episode are in each state."""
    by = select(QUESTION.c.state, func.count()).where(QUESTION.c.episode_id == episode_id).group_by(QUESTION.c.state)
    found = {row[0]: row[1] for row in session.execute(by)}
    return {str(state): found.get(state, 0) for state in QuestionState}


def approve(session: Session, question_id: str, text: str, *, personal: bool, by: str, now: datetime) -> str | None:
    """Make a card of words a moderator wrote; returns its id, or None where the question is not there to be approved any more."""
    of = (QUESTION.c.id == question_id, QUESTION.c.state.in_((QuestionState.WAITING, QuestionState.HIDDEN)))
    row = session.execute(select(QUESTION).where(*of).with_for_update()).mappings().one_or_none()
    if row is None:
        return None
    session.execute(select(EPISODE.c.id).where(EPISODE.c.id == row["episode_id"]).with_for_update())
    last = session.scalar(select(func.max(CARD.c.number)).where(CARD.c.episode_id == row["episode_id"])) or 0
    visible = max(now, row["received_at"] + PERSONAL_WAITS) if personal else now
    values: dict[str, Any] = {
        "number": last + 1,
        "text": text,
        "language": row["language"],
        "inlet": row["inlet"],
        "withdrawn": False,
    }
    values |= {"personal": personal, "visible_from": visible, "approved_at": now, "approved_by": by}
    card_id = new_id()
    session.execute(CARD.insert().values(id=card_id, episode_id=row["episode_id"], **values))
    session.execute(update(QUESTION).where(*of).values(state=QuestionState.APPROVED, card_id=card_id))
    return card_id


def hide(session: Session, question_id: str) -> bool:
    """Put a question aside, and take its card back. Returns whether it was there."""
    return _turn(session, question_id, QuestionState.HIDDEN)


def move(session: Session, question_id: str) -> bool:
    """Say that a question belongs to the hotline: from this moment it is nowhere in radio, and neither are its likes."""
    return _turn(session, question_id, QuestionState.MOVING)


def group(session: Session, question_id: str, theme: str) -> None:
    """Put a question under a theme."""
    session.execute(update(QUESTION).where(QUESTION.c.id == question_id).values(theme=theme.strip()[:40]))


def moving(session: Session) -> bool:
    """Whether a question waits to be carried to the hotline."""
    return session.execute(select(QUESTION.c.id).where(MOVING).limit(1)).first() is not None


def hand_over(session: Session, now: datetime) -> int:
    """Give the webhooks of moved questions back to intake, as texts found late, and forget their words. Returns how many.

    Their likeness is cleared, or a text would be taken for its own twin and do nothing.
    """
    due = session.execute(select(QUESTION.c.id, QUESTION.c.inbox_id).where(MOVING).with_for_update(skip_locked=True)).all()
    if not due:
        return 0
    anew = {"state": InboxState.RECEIVED, "attempts": 0, "claim_token": None, "lease_until": None, "reason": None}
    anew |= {"found_at": now, "likeness": None, "said_at": None, "flag": None, "same_as": None}
    session.execute(update(INBOX).where(INBOX.c.id.in_([row.inbox_id for row in due])).values(**anew))
    gone = {"state": QuestionState.MOVED, "sealed": b"", "theme": ""}
    session.execute(update(QUESTION).where(QUESTION.c.id.in_([row.id for row in due])).values(**gone))
    return len(due)


def bound_to(question_id: str) -> str:
    """Return what the sealed words of a question are bound to."""
    return f"radio_question|sealed|{question_id}"


def _turn(session: Session, question_id: str, to: QuestionState) -> bool:
    alive = (QUESTION.c.id == question_id, QUESTION.c.state.not_in((QuestionState.MOVING, QuestionState.MOVED)))
    row = session.execute(select(QUESTION.c.card_id, QUESTION.c.episode_id).where(*alive).with_for_update()).one_or_none()
    if row is None:
        return False
    session.execute(update(QUESTION).where(*alive).values(state=to))
    if row.card_id:
        session.execute(update(CARD).where(CARD.c.id == row.card_id).values(withdrawn=True, text=""))
        up = (EPISODE.c.id == row.episode_id, EPISODE.c.card_id == row.card_id)
        session.execute(update(EPISODE).where(*up).values(card_id=None))
    return True
