"""Polls: what a text votes for, and the exact count. One vote a phone; whoever votes again changes it.

A vote knows its phone by a keyed hash of this poll alone. The tally is moved in the same transaction as the vote, under a lock of
the poll, so that it is exact at every moment and nobody ever has to count rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.models import Poll, Tally, Vote, table
from hotline.radio.wall import folded

POLL, TALLY, VOTE = table(Poll), table(Tally), table(Vote)
PER_CENT_FROM: Final = 20  # votes; of fewer people nobody is to see a share


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote on its way in. `phone` is the keyed hash of `phone_of`."""

    poll_id: str
    phone: bytes
    choice: str
    language: str
    inlet: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """One answer as it stands. `share` in per cent is None before enough phones have voted."""

    digit: str
    words: Mapping[str, str]
    votes: int
    share: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A poll as the studio shows it. `languages` and `inlets` are counts of phones."""

    poll: Mapping[str, Any]
    bars: tuple[Bar, ...]
    votes: int
    languages: Mapping[str, int]
    inlets: Mapping[str, int]


def phone_of(deployment: Deployment, poll_id: str, address: str) -> bytes:
    """Return by what a phone is known in one poll, and in no other."""
    return deployment.keyring.blind_index(f"radio.{poll_id}", address)


def of_episodes(session: Session, episode_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the newest poll that was opened in each of these episodes, by episode."""
    opened = select(POLL).where(POLL.c.episode_id.in_(episode_ids), POLL.c.opened_at.is_not(None)).order_by(POLL.c.opened_at)
    return {row["episode_id"]: dict(row) for row in session.execute(opened).mappings()}


def choice_of(poll: Mapping[str, Any], text: str) -> str | None:
    """Return the digit of the answer a text votes for: the digit alone, or the words of an answer in any language."""
    plain = folded(text).strip(" .!#*")
    for option in poll["options"]:
        if plain == option["digit"] or plain in {folded(words) for words in option["words"].values()}:
            return str(option["digit"])
    return None


def rung(session: Session, line: str) -> tuple[Mapping[str, Any], str] | None:
    """Return the open poll and its answer for which ringing this line is a vote."""
    still = select(POLL).where(POLL.c.opened_at.is_not(None), POLL.c.closed_at.is_(None))
    for poll in session.execute(still.order_by(POLL.c.opened_at.desc())).mappings():
        for option in poll["options"]:
            if line and option["beep"] == line:
                return dict(poll), str(option["digit"])
    return None


def cast(session: Session, votes: Iterable[Cast]) -> int:
    """Count votes, the later of one phone over its earlier. Returns how many phones voted or changed their vote."""
    newest: dict[tuple[str, bytes], Cast] = {}
    for one in votes:
        before = newest.get((one.poll_id, one.phone))
        if before is None or before.at <= one.at:
            newest[one.poll_id, one.phone] = one
    counted = 0
    for poll_id in sorted({poll_id for poll_id, _ in newest}):
        counted += _count(session, poll_id, [one for one in newest.values() if one.poll_id == poll_id])
    return counted


def standing(session: Session, poll: Mapping[str, Any]) -> Standing:
    """Return how a poll stands, from its tally alone."""
    rows = session.execute(select(TALLY).where(TALLY.c.poll_id == poll["id"])).mappings().all()
    total = sum(row["votes"] for row in rows)

    def by(name: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in rows:
            found[row[name]] = found.get(row[name], 0) + row["votes"]
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    counts = by("choice")
    bars = tuple(
        Bar(
            option["digit"],
            option["words"],
            votes := counts.get(option["digit"], 0),
            round(100 * votes / total) if total >= PER_CENT_FROM else None,
        )
        for option in poll["options"]
    )
    return Standing(poll, bars, total, by("language"), by("inlet"))


def recount(session: Session, poll_id: str) -> dict[str, int]:
    """Count a poll's votes row by row, to hold against its tally."""
    counted = select(VOTE.c.choice, func.count()).where(VOTE.c.poll_id == poll_id).group_by(VOTE.c.choice)
    return {row[0]: row[1] for row in session.execute(counted)}


def _count(session: Session, poll_id: str, votes: Sequence[Cast]) -> int:
    poll = session.execute(select(POLL).where(POLL.c.id == poll_id).with_for_update()).mappings().one_or_none()
    votes = [one for one in votes if poll is not None and (poll["closed_at"] is None or one.at <= poll["closed_at"])]
    mine = select(VOTE).where(VOTE.c.poll_id == poll_id, VOTE.c.phone.in_([one.phone for one in votes]))
    before = {row["phone"]: row for row in session.execute(mine).mappings()}
    moved: dict[tuple[str, str, str], int] = {}
    fresh, changed = [], []
    for one in votes:
        old = before.get(one.phone)
        now_ = (one.choice, one.language, one.inlet)
        was = None if old is None else (old["choice"], old["language"], old["inlet"])
        if was == now_ or (old is not None and old["at"] > one.at):
            continue
        moved[now_] = moved.get(now_, 0) + 1
        if was is None:
            fresh.append(_row(one))
        else:
            moved[was] = moved.get(was, 0) - 1
            changed.append({"whose": one.phone, "to": one.choice, "speaks": one.language, "by": one.inlet, "when": one.at})
    add_rows(session, VOTE, fresh)
    if changed:
        this = update(VOTE).where(VOTE.c.poll_id == poll_id, VOTE.c.phone == bindparam("whose"))
        session.connection().execute(
            this.values(
                choice=bindparam("to"),
                language=bindparam("speaks"),
                inlet=bindparam("by"),
                at=bindparam("when"),
                changes=VOTE.c.changes + 1,
            ),
            changed,
        )
    _move(session, poll_id, {key: by for key, by in moved.items() if by})
    return len(fresh) + len(changed)


def _row(one: Cast) -> dict[str, object]:
    return {
        "poll_id": one.poll_id,
        "phone": one.phone,
        "choice": one.choice,
        "language": one.language,
        "inlet": one.inlet,
        "at": one.at,
        "changes": 0,
    }


def _move(session: Session, poll_id: str, by: Mapping[tuple[str, str, str], int]) -> None:
    if not by:
        return
    rows = [{"poll_id": poll_id, "choice": c, "language": lang, "inlet": inlet, "votes": n} for (c, lang, inlet), n in by.items()]
    add = _insert(session, TALLY)
    keys = [TALLY.c.poll_id, TALLY.c.choice, TALLY.c.language, TALLY.c.inlet]
    session.connection().execute(
        add.on_conflict_do_update(index_elements=keys, set_={"votes": TALLY.c.votes + add.excluded.votes}), rows
    )


def _insert(session: Session, into: Table) -> Any:
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(into)
