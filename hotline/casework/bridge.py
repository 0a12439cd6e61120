"""An officer asks to be joined with who reported a case, by phone, without seeing the number.

Comes in: a case, its officer, and whether they have read that a ring is heard. Goes out: a row that waits to be placed, and its
row of the record in the same transaction. Refused with one of a few fixed words, each a sentence of the page.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.reply import take_up
from hotline.casework.work import lock
from hotline.db import after_commit, insert_unless_there
from hotline.deployment import Deployment
from hotline.models import (
    IN_PROGRESS,
    BridgedCall,
    BridgedState,
    Case,
    CaseState,
    Officer,
    SafeContact,
    new_id,
    table,
    written_out,
)
from hotline.outbound.bridge import gateway_for, reporter
from hotline.outbound.window import may_ring
from hotline.queue import QueueName

CALL = table(BridgedCall)
GOING_ON: Final = written_out(CALL.c.state, IN_PROGRESS)


class Bar(StrEnum):
    """Why a case's caller is not called: each is a sentence of the page."""

    NO_PHONE = "no_phone"
    NO_GATEWAY = "no_gateway"
    CLOSED = "closed"
    FROZEN = "frozen"
    NUMBER_GONE = "number_gone"
    NOT_NOW = "not_now"
    RINGING = "ringing"
    UNCONFIRMED = "unconfirmed"


class CannotCall(Exception):
    """The call was not asked for. Says why."""

    def __init__(self, bar: Bar) -> None:
        super().__init__(bar)
        self.bar = bar


@dataclass(frozen=True)
class Outlook:
    """Whether an officer may call who reported a case: `bar` is None when they may.

    `why` are the words of the rule where the caller is not to be rung now, as the reply box says them. `asks`: it has to be
    confirmed that a ring is safe, since the caller has not said so for every hour.
    """

    bar: Bar | None
    why: str = ""
    asks: bool = True
    caller: RowMapping | None = None


def outlook(session: Session, deployment: Deployment, case: Case, officer: Officer, now: datetime) -> Outlook:
    """Say whether a call would be placed now."""
    if case.state in (CaseState.CLOSED, CaseState.FROZEN):
        return Outlook(Bar(case.state))
    caller = reporter(session, case)
    if caller is None:
        return Outlook(Bar.NUMBER_GONE)
    if why := may_ring(deployment, caller, now):
        return Outlook(Bar.NOT_NOW, why, caller=caller)
    asks = caller["safe_contact"] != SafeContact.ANY
    if gateway_for(deployment) is None:
        return Outlook(Bar.NO_GATEWAY, caller=caller, asks=asks)
    if session.get_one(Officer, officer.id).phone_sealed is None:
        return Outlook(Bar.NO_PHONE, caller=caller, asks=asks)
    return Outlook(Bar.RINGING if _going(session, case, officer) else None, caller=caller, asks=asks)


def ask(session: Session, deployment: Deployment, case: Case, *, officer: Officer, confirmed: bool, now: datetime) -> None:
    """Ask for a call; a case without an owner becomes the officer's. Raises CannotCall, Taken."""
    locked = lock(session, case)
    if locked.state != CaseState.CLOSED:
        take_up(locked, officer, now=now)
    seen = outlook(session, deployment, locked, officer, now)
    if seen.bar:
        raise CannotCall(seen.bar)
    if seen.asks and not confirmed:
        raise CannotCall(Bar.UNCONFIRMED)
    row = {
        "id": new_id(),
        "case_id": locked.id,
        "officer_id": officer.id,
        "gateway": gateway_for(deployment),
        "state": BridgedState.WAITING,
        "created_at": now,
        "due_at": now,
    }
    insert_unless_there(session.connection(), CALL, [row])
    if session.get(BridgedCall, row["id"]) is None:
        raise CannotCall(Bar.RINGING)
    locked.updated_at, locked.version = now, locked.version + 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="call.asked", subject=locked.handle)
    after_commit(session, lambda: deployment.bell.ring(QueueName.REPLY))


def newest(session: Session, case: Case, officer: Officer) -> BridgedCall | None:
    """Return the newest call this officer asked for about a case."""
    mine = (BridgedCall.case_id == case.id, BridgedCall.officer_id == officer.id)
    return session.scalars(select(BridgedCall).where(*mine).order_by(BridgedCall.id.desc()).limit(1)).first()


def on_phone(session: Session, case: Case) -> str | None:
    """Return who is being joined with the caller of a case now, by the name they are shown under."""
    going = (CALL.c.case_id == case.id, GOING_ON)
    return session.scalars(select(Officer.display_name).join(CALL, CALL.c.officer_id == Officer.id).where(*going)).first()


def _going(session: Session, case: Case, officer: Officer) -> bool:
    """Whether a phone rings already: this officer's, or for this case."""
    either = (CALL.c.case_id == case.id) | (CALL.c.officer_id == officer.id)
    return session.execute(select(CALL.c.id).where(GOING_ON, either).limit(1)).first() is not None
