"""Dead letters: everything that was set aside and that no machine may move by itself, as one list.

Only what may be seen without reading anybody: kind, age, state, the handle of a case. No word and no number is opened here.
Each source is asked by an index over what is set aside alone, so the list costs the same however many messages there are.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import groupby

from sqlalchemy import BindParameter, Row, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from hotline import sight
from hotline.deployment import Deployment
from hotline.intake.spool import Spool
from hotline.log import NUMBER
from hotline.models import (
    AT_REST,
    DEAD_STATES,
    RANK,
    SET_ASIDE,
    Case,
    Inbox,
    InboxKind,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Quarantine,
    QuarantineState,
    Referral,
    table,
    written_out,
)
from hotline.watch import rules
from hotline.watch.rules import Judgement

MESSAGE, INBOX, CASE, ASIDE, REFERRAL = (table(m) for m in (Message, Inbox, Case, Quarantine, Referral))
PAGE = 50
MOST_FORGED = 500
LIFE = RANK["immediate"]
PATIENCE = timedelta(seconds=60)
DEAD = (written_out(MESSAGE.c.state, DEAD_STATES), MESSAGE.c.handled_at.is_(None))
UNSETTLED = (written_out(INBOX.c.state, SET_ASIDE), INBOX.c.handled_at.is_(None))
UNANSWERED = (CASE.c.acknowledged_at.is_(None), ~written_out(CASE.c.state, AT_REST))
UNTOLD = (*UNANSWERED, CASE.c.next_step_at.is_not(None), ~exists().where(REFERRAL.c.case_id == CASE.c.id))


class Source(StrEnum):
    """Where a dead letter lies."""

    MESSAGE = "message"
    INBOX = "inbox"
    SPOOL = "spool"
    QUARANTINE = "quarantine"
    CASE = "case"


@dataclass(frozen=True)
class Letter:
    """One thing that was set aside.

    `once` is good for one act on it as it is now: once anything has moved it, the token of an old page fits no more. `life`
    says that somebody may be in danger behind it. `many` counts what a line stands for, `case` is the case's token.
    """

    source: Source
    name: str
    judged: Judgement
    state: str
    since: datetime
    once: str
    life: bool = False
    reason: str = ""
    handle: str = ""
    case: str = ""
    attempts: int = 0
    size: int = 0
    many: int = 1

    @property
    def item(self) -> str:
        """The name by which the command line and the record call it."""
        return f"{self.source}-{self.name}"


@dataclass(frozen=True)
class Listed:
    """The list, what waits for a life first, then oldest first.

    `more` says that a source held more than a page, `blind` that the spool's folder could not be looked at.
    """

    letters: tuple[Letter, ...]
    more: bool = False
    blind: bool = False


def listed(session: Session, deployment: Deployment) -> Listed:
    """Return the dead letters, as many of each source as a page takes. A broadcast tells of its own texts in its report."""
    sources = [
        *(list(_messages(session, lane)) for lane in Lane if lane is not Lane.BULK),
        list(_webhooks(session)),
        list(_untold(session)),
    ]
    try:
        sources, blind = [*sources, list(_files(deployment))], False
    except OSError:
        blind = True
    found = [letter for source in sources for letter in source[:PAGE]] + list(_forged(session))
    more = any(len(source) > PAGE for source in sources)
    return Listed(tuple(sorted(found, key=lambda one: (not one.life, not _actable(one), one.since))), more, blind)


def find(session: Session, deployment: Deployment, source: Source, name: str) -> Letter | None:
    """Return one dead letter, locked until the transaction ends, or None when it is none any more."""
    if source is Source.SPOOL:
        return next((one for one in _files(deployment) if one.name == name), None)
    if source is Source.QUARANTINE:
        return next((one for one in _forged(session) if one.name == name), None)
    makers = {
        Source.MESSAGE: (_dead(), MESSAGE, _message),
        Source.INBOX: (_aside(), INBOX, _webhook),
        Source.CASE: (_alone(), CASE, _case),
    }
    query, of, make = makers[source]
    row = session.execute(query.where(of.c.id == name).with_for_update(of=of)).first()
    return make(row) if row else None


def life_waiting(session: Session, deployment: Deployment, now: datetime) -> int:
    """Return how many of the dead letters may cost a life and have waited for more than a minute; of many, about how many."""
    before = now - PATIENCE
    rows = sum(len(session.execute(query, {"before": before}).all()) for query in _costing_lives())
    return rows + sum(one.since < before for one in _files(deployment))


@cache
def _costing_lives() -> tuple[Select[*tuple[object, ...]], ...]:
    """Ask for a page of each that may cost a life since `before`: every page of the console asks, so they are made once."""
    before: BindParameter[datetime] = bindparam("before")
    alerts = _dead().where(MESSAGE.c.lane == Lane.LIFE, MESSAGE.c.kind == MessageKind.ALERT, MESSAGE.c.settled_at < before)
    unread = _aside().where(INBOX.c.kind != InboxKind.STATUS, INBOX.c.received_at < before)
    alone = _alone().where(CASE.c.rank == LIFE, CASE.c.opened_at < before)
    return tuple(query.limit(PAGE).execution_options(**{sight.MADE_ONCE: True}) for query in (alerts, unread, alone))


def _messages(session: Session, lane: Lane) -> Iterable[Letter]:
    query = _dead().where(MESSAGE.c.lane == lane).order_by(MESSAGE.c.settled_at).limit(PAGE + 1)
    return map(_message, session.execute(query))


def _webhooks(session: Session) -> Iterable[Letter]:
    return map(_webhook, session.execute(_aside().order_by(INBOX.c.id).limit(PAGE + 1)))


def _untold(session: Session) -> Iterable[Letter]:
    return map(_case, session.execute(_alone().order_by(CASE.c.rank, CASE.c.id).limit(PAGE + 1)))


def _dead() -> Select[*tuple[object, ...]]:
    """Ask for messages that did not get out. An alert of a case that somebody has answered is nobody's matter any more."""
    columns = ("id", "kind", "lane", "state", "settled_at", "created_at", "reason", "attempts", "claim_token")
    about = select(*(MESSAGE.c[name] for name in columns), CASE.c.handle, CASE.c.token, CASE.c.rank)
    answered = (MESSAGE.c.kind == MessageKind.ALERT) & CASE.c.acknowledged_at.is_not(None)
    return about.outerjoin_from(MESSAGE, CASE, CASE.c.id == MESSAGE.c.case_id).where(*DEAD, ~func.coalesce(answered, False))


def _aside() -> Select[*tuple[object, ...]]:
    columns = ("id", "kind", "state", "received_at", "reason", "attempts", "claim_token")
    return select(*(INBOX.c[name] for name in columns)).where(*UNSETTLED)


def _alone() -> Select[*tuple[object, ...]]:
    columns = ("id", "handle", "token", "rank", "opened_at", "ladder_step", "next_step_at", "state")
    return select(*(CASE.c[name] for name in columns)).where(*UNTOLD)


def _message(row: Row[*tuple[object, ...]]) -> Letter:
    return Letter(
        Source.MESSAGE,
        row.id,
        rules.of_message(MessageKind(row.kind), Lane(row.lane), MessageState(row.state)),
        row.state,
        row.settled_at or row.created_at,
        _once(row.id, row.state, row.claim_token),
        life=row.kind == MessageKind.ALERT and row.lane == Lane.LIFE,
        reason=_harmless(row.reason),
        handle=row.handle or "",
        case=row.token or "",
        attempts=row.attempts,
    )


def _webhook(row: Row[*tuple[object, ...]]) -> Letter:
    return Letter(
        Source.INBOX,
        row.id,
        rules.of_webhook(row.kind),
        row.state,
        row.received_at,
        _once(row.id, row.state, row.claim_token, row.reason),
        life=row.kind != InboxKind.STATUS,
        reason=_harmless(row.reason),
        attempts=row.attempts,
    )


def _case(row: Row[*tuple[object, ...]]) -> Letter:
    once = _once(row.id, row.ladder_step, row.next_step_at)
    return Letter(
        Source.CASE,
        row.id,
        rules.UNTOLD,
        row.state,
        row.opened_at,
        once,
        life=row.rank == LIFE,
        handle=row.handle,
        case=row.token,
    )


def _files(deployment: Deployment) -> Iterator[Letter]:
    for file in Spool.of(deployment.settings).bad():
        once = _once(file.path.name, file.size, file.at)
        yield Letter(Source.SPOOL, file.path.name, rules.FILE, "bad", file.at, once, life=True, size=file.size)


def _forged(session: Session) -> Iterator[Letter]:
    """Yield a line for each gateway and reason, over the newest that wait. Flooding the door must not make this page slow."""
    columns = (ASIDE.c.id, ASIDE.c.gateway, ASIDE.c.kind, ASIDE.c.reason, ASIDE.c.state, ASIDE.c.received_at)
    waiting: list[Row[*tuple[object, ...]]] = []
    for state in (QuarantineState.HELD, QuarantineState.ASKED):
        newest = select(*columns).where(ASIDE.c.state == state).order_by(ASIDE.c.id.desc()).limit(MOST_FORGED)
        waiting += session.execute(newest).all()
    for (gateway, kind, reason), group in groupby(sorted(waiting, key=_alike), _alike):
        rows: Sequence[Row[*tuple[object, ...]]] = list(group)
        asked = any(row.state == QuarantineState.ASKED for row in rows)
        state = QuarantineState.ASKED if asked else QuarantineState.HELD
        name, newest_id = f"{gateway}.{kind}.{reason}", max(row.id for row in rows)
        since = min(row.received_at for row in rows)
        yield Letter(
            Source.QUARANTINE,
            name,
            rules.FORGED,
            state,
            since,
            _once(state, newest_id),
            reason=f"{gateway}, {reason}",
            many=len(rows),
        )


def _alike(row: Row[*tuple[object, ...]]) -> tuple[str, str, str]:
    return row.gateway, row.kind, row.reason


def _actable(letter: Letter) -> bool:
    return len(letter.judged.acts) > 1 or letter.source is Source.CASE


def _once(*now: object) -> str:
    """Return a token of how a row is at this moment. The claim it died under is in it, so dying again makes a new one."""
    return hashlib.sha256("|".join(map(str, now)).encode()).hexdigest()[:20]


def _harmless(reason: str | None) -> str:
    """Return a reason for a page; gateways give codes, and anything shaped like a number is taken out all the same."""
    return NUMBER.sub("•", reason or "")
