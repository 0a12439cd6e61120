"""Moderation: texts that passed the wall, read by one person before anything of them is on a screen of a studio.

A moderator writes a card anew, hides a text, or moves it to the hotline with one key; texts of the very same words are read and
decided about once. Moving is a mark here and nothing else: a worker takes the stored webhook down the way of any report, and the
words leave radio. The studio never had them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.models import Card, Episode, Inbox, InboxState, Question, QuestionState, new_id, table, written_out
from hotline.radio.wall import folded

CARD, EPISODE, INBOX, QUESTION = table(Card), table(Episode), table(Inbox), table(Question)
LONGEST_CARD: Final = 240
PERSONAL_WAITS: Final = timedelta(minutes=15)
OFTEN: Final = 3  # texts of one phone; further ones are read after everybody else's
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
    """A question as its moderator reads it.

    `times` is how often the very same words came; `often` says that this phone has asked other things before.
    """

    id: str
    words: str
    language: str
    inlet: str
    received_at: datetime
    state: str
    times: int = 1
    often: bool = False


def phone_of(deployment: Deployment, episode_id: str, address: str) -> bytes:
    """Return by what a phone is known in one episode, and in no other."""
    return deployment.keyring.blind_index(f"radio.{episode_id}", address)


def likeness_of(deployment: Deployment, episode_id: str, words: str) -> bytes:
    """Return by what words are known in one episode; signs and capitals make no other words."""
    plain = " ".join(re.findall(r"\w+", folded(words)))
    return deployment.keyring.blind_index(f"radio.words.{episode_id}", plain or words)


def take_in(session: Session, deployment: Deployment, asked: Sequence[Asked]) -> None:
    """Store questions, each once."""
    rows = []
    for one in asked:
        row_id = new_id()
        row: dict[str, object] = {"id": row_id, "episode_id": one.episode_id, "inbox_id": one.inbox_id, "phone": one.phone}
        row["likeness"] = likeness_of(deployment, one.episode_id, one.words)
        row |= {"sealed": deployment.keyring.fields.seal_text(one.words, bound_to(row_id)), "language": one.language}
        row |= {"inlet": one.inlet, "received_at": one.received_at, "state": QuestionState.WAITING}
        rows.append(row)
    if rows:
        insert_unless_there(session.connection(), QUESTION, rows)


def known(session: Session, inbox_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the state of questions that came by these webhooks, by webhook."""
    rows = session.execute(select(QUESTION.c.inbox_id, QUESTION.c.state).where(QUESTION.c.inbox_id.in_(inbox_ids)))
    return {row.inbox_id: row.state for row in rows}


def to_read(session: Session, deployment: Deployment, episode_id: str, state: str, limit: int = 100) -> list[Waiting]:
    """Return the questions of an episode in a state, oldest first; what a phone asks beyond a few comes after all others'."""
    mine = (QUESTION.c.episode_id == episode_id, QUESTION.c.state == state)
    alike = QUESTION.c.likeness
    ranked = select(
        QUESTION,
        func.row_number().over(partition_by=alike, order_by=(QUESTION.c.received_at, QUESTION.c.id)).label("copy"),
        func.count().over(partition_by=alike).label("times"),
    ).where(*mine)
    first = ranked.subquery()
    of_phone = func.row_number().over(partition_by=first.c.phone, order_by=first.c.received_at).label("of_phone")
    each = select(first, of_phone).where(first.c.copy == 1).subquery()
    rows = session.execute(select(each).order_by(each.c.of_phone > OFTEN, each.c.received_at).limit(limit)).mappings()
    return [
        Waiting(
            row["id"],
            deployment.keyring.fields.open_text(row["sealed"], bound_to(row["id"])) if row["sealed"] else "",
            row["language"],
            row["inlet"],
            row["received_at"],
            row["state"],
            row["times"],
            row["of_phone"] > OFTEN,
        )
        for row in rows
    ]


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
    alike = (*_like(row["episode_id"], row["likeness"]), of[1])
    session.execute(update(QUESTION).where(*alike).values(state=QuestionState.APPROVED, card_id=card_id))
    return card_id


def hide(session: Session, question_id: str) -> bool:
    """Put a question aside, and take its card back. Returns whether it was there."""
    return _turn(session, question_id, QuestionState.HIDDEN)


def move(session: Session, question_id: str) -> bool:
    """Say that a question belongs to the hotline: from this moment it is nowhere in radio, nor is any of the same words."""
    return _turn(session, question_id, QuestionState.MOVING)


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
    gone = {"state": QuestionState.MOVED, "sealed": b""}
    session.execute(update(QUESTION).where(QUESTION.c.id.in_([row.id for row in due])).values(**gone))
    return len(due)


def bound_to(question_id: str) -> str:
    """Return what the sealed words of a question are bound to."""
    return f"radio_question|sealed|{question_id}"


def moved_before(session: Session, deployment: Deployment, episode_id: str, words: str) -> bool:
    """Whether a moderator has moved these very words to the hotline: whoever sends them again belongs there too."""
    alike = _like(episode_id, likeness_of(deployment, episode_id, words))
    gone = QUESTION.c.state.in_((QuestionState.MOVING, QuestionState.MOVED))
    return session.execute(select(QUESTION.c.id).where(*alike, gone).limit(1)).first() is not None


def _like(episode_id: str, likeness: bytes) -> tuple[ColumnElement[bool], ...]:
    return QUESTION.c.episode_id == episode_id, QUESTION.c.likeness == likeness


def _turn(session: Session, question_id: str, to: QuestionState) -> bool:
    alive = QUESTION.c.state.not_in((QuestionState.MOVING, QuestionState.MOVED))
    meant = select(QUESTION.c.episode_id, QUESTION.c.likeness).where(QUESTION.c.id == question_id, alive)
    row = session.execute(meant).one_or_none()
    if row is None:
        return False
    alike = (*_like(row.episode_id, row.likeness), alive)
    found = session.execute(select(QUESTION.c.card_id).where(*alike).with_for_update()).all()
    session.execute(update(QUESTION).where(*alike).values(state=to))
    for card_id in {one.card_id for one in found if one.card_id}:
        session.execute(update(CARD).where(CARD.c.id == card_id).values(withdrawn=True, text=""))
        up = (EPISODE.c.id == row.episode_id, EPISODE.c.card_id == card_id)
        session.execute(update(EPISODE).where(*up).values(card_id=None))
    return bool(found)
