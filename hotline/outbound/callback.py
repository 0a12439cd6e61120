"""Calls back whoever rang once. One call for a beep, by rules that keep it from costing lives, sleep or a fortune.

Only to mobile numbers of the country, one in flight a number, few a number and many a day, while it is fresh; at night only to
whoever rang a moment ago. No second try and no text: somebody else may hold the phone. What is not called is listed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, func, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.ringing import LONGEST_CALL, carries
from hotline.models import IN_FLIGHT, Beep, BeepState, table, written_out
from hotline.outbound import placing

log = logging.getLogger(__name__)

BEEP = table(Beep)
IN_THE_AIR = written_out(BEEP.c.state, IN_FLIGHT)
FRESH = timedelta(minutes=2)  # what counts as having rung this moment, at night
STALE = timedelta(minutes=30)  # later than this the phone may be in other hands
FORGOTTEN = timedelta(seconds=LONGEST_CALL + 60)  # after which nobody will tell what became of a call
BUDGET_USED = "the day's calls are used up"


@dataclass(frozen=True)
class Due:
    """One call to place. `id` is the beep's, `gateway` the one that is to carry it."""

    id: str
    gateway: str
    number: str


def waiting(session: Session, now: datetime) -> bool:
    """Whether a call back is due, or one is to be taken for lost."""
    due = (BEEP.c.state == BeepState.WAITING) & (BEEP.c.due_at <= now)
    return session.execute(select(BEEP.c.id).where(IN_THE_AIR, due | _lost(now)).limit(1)).first() is not None


def call_back(deployment: Deployment) -> int:
    """Place the calls that are due. One process at a time does. Returns how many were placed."""
    with deployment.db.leading("callback") as led:
        if not led:
            return 0
        placed = placing.place(deployment, waiting, take, _ring, settle)
    if placed:
        log.info("called back", extra={"count": placed})
    return placed


def take(session: Session, deployment: Deployment, now: datetime) -> list[Due]:
    """Claim what may be called now; what may not be called at all gets its reason."""
    _forget(session, now)
    chosen, rules = deployment.settings, Rules(session, deployment, now)
    busy = session.scalar(select(func.count()).where(IN_THE_AIR, BEEP.c.state == BeepState.DIALLING)) or 0
    due: list[Due] = []
    while len(due) + busy < chosen.beep_at_once and (row := _next(session, now)) is not None:
        via = chosen.voice_gateway or row["gateway"]
        reason = rules.against(row, via)
        if reason is None:
            rules.spent += 1
            number = deployment.keyring.fields.open_text(row["number_sealed"], f"beep|number|{row['id']}")
            due.append(Due(row["id"], via, number))
            values: dict[str, object] = {"state": BeepState.DIALLING, "dialled_at": now}
        else:
            values = {"state": BeepState.UNREACHED, "reason": reason, "settled_at": now}
        session.execute(update(BEEP).where(BEEP.c.id == row["id"]).values(**values))
    return due


def call_off(session: Session, numbers: Sequence[object], now: datetime) -> None:
    """Call off what waits for phones, by keyed hash, that have asked us to stop."""
    waits = (BEEP.c.number_index.in_(numbers), BEEP.c.state == BeepState.WAITING)
    stopped = {"state": BeepState.CANCELLED, "reason": "asked us to stop", "settled_at": now}
    session.execute(update(BEEP).where(*waits).values(**stopped))


def settle(session: Session, outcomes: Sequence[Sent], now: datetime) -> None:
    """Write down which calls were placed. One in doubt may be ringing, so it counts as placed."""
    for sent in outcomes:
        this = (BEEP.c.id == sent.id, BEEP.c.state == BeepState.DIALLING)
        if sent.certainty is Certainty.REFUSED:
            values: dict[str, object] = {"state": BeepState.UNREACHED, "reason": "the gateway refused", "settled_at": now}
        else:
            values = {"provider_id": sent.provider_id}
        session.execute(update(BEEP).where(*this).values(**values))


def _ring(deployment: Deployment, due: Due) -> Sent:
    gateway = carries(deployment.shelf.get(due.gateway))
    return gateway.call(due.number, due.id) if gateway else Sent(due.id, Certainty.REFUSED, code="carries no calls")


def _next(session: Session, now: datetime) -> RowMapping | None:
    mine = (IN_THE_AIR, BEEP.c.state == BeepState.WAITING, BEEP.c.due_at <= now)
    first = select(BEEP).where(*mine).order_by(BEEP.c.due_at).limit(1).with_for_update(skip_locked=True)
    return session.execute(first).mappings().one_or_none()


@dataclass
class Rules:
    """The rules of calling back as they stand on one day; `spent` counts today's calls."""

    session: Session
    deployment: Deployment
    now: datetime
    today: datetime = field(init=False)
    spent: int = field(init=False)

    def __post_init__(self) -> None:
        local = self.deployment.local(self.now)
        self.today = self.now - (local - local.replace(hour=0, minute=0, second=0, microsecond=0))
        self.spent = self.session.scalar(select(func.count()).where(BEEP.c.dialled_at >= self.today)) or 0

    def against(self, row: RowMapping, via: str) -> str | None:
        """Return why a beep is not called back, None when it is."""
        chosen, age = self.deployment.settings, self.now - row["last_at"]
        if carries(self.deployment.shelf.get(via)) is None:
            return "no gateway carries calls"
        if age > STALE:
            return "too long ago"
        if age > FRESH and not chosen.beep_from <= self.deployment.local(self.now).time() < chosen.beep_until:
            return "night"
        if self.spent >= chosen.beep_daily_budget:
            log.error("call-back budget used", extra={"count": self.spent})
            return BUDGET_USED
        called = (BEEP.c.number_index == row["number_index"], BEEP.c.dialled_at >= self.today)
        if (self.session.scalar(select(func.count()).where(*called)) or 0) >= chosen.beep_daily_cap:
            return "called often enough today"
        return None


def _forget(session: Session, now: datetime) -> None:
    values = {"state": BeepState.UNREACHED, "reason": "no word of the call", "settled_at": now}
    session.execute(update(BEEP).where(IN_THE_AIR, _lost(now)).values(**values))


def _lost(now: datetime) -> ColumnElement[bool]:
    return (BEEP.c.state == BeepState.DIALLING) & (BEEP.c.dialled_at < now - FORGOTTEN)
