"""Joins an officer and who reported a case: rings the officer, and leaves the other number for the door until the key is pressed.

Placed once: a call in doubt may be ringing, and is not placed again. The rules are asked once more at that moment. The number
that is to be joined is sealed for the door alone, in the row and nowhere else, and is gone when the call is over.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, RowMapping, func, literal, select, update
from sqlalchemy.orm import Session

from hotline import own_phone, sight
from hotline.catalog import REFERENCE
from hotline.db import claim
from hotline.deployment import Deployment
from hotline.gateways.bridging import LONGEST_OF_ALL, bridges
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.ringing import ANSWER_WITHIN
from hotline.gateways.voice import Far, bridge_name
from hotline.models import (
    IN_PROGRESS,
    NO_WORD,
    BridgedCall,
    BridgedState,
    Caller,
    Case,
    CaseKey,
    CaseState,
    Exclusion,
    ExclusionState,
    Officer,
    Report,
    table,
    written_out,
)
from hotline.outbound import placing
from hotline.outbound.window import may_ring

log = logging.getLogger(__name__)

CALL, CALLER, REPORT, EXCLUSION = table(BridgedCall), table(Caller), table(Report), table(Exclusion)
GOING_ON: Final = written_out(CALL.c.state, IN_PROGRESS)
AT_ONCE: Final = 10
STALE: Final = timedelta(minutes=2)  # an officer who asked longer ago does not expect a ring any more
TO_PRESS: Final = timedelta(seconds=4 * ANSWER_WITHIN)  # from the first ring until the key at most
LONGEST: Final = timedelta(seconds=LONGEST_OF_ALL)
TOO_LATE: Final = "asked too long ago"
CHANGED: Final = "something has changed meanwhile"


@dataclass(frozen=True)
class Due:
    """One call to place. `number` is the officer's."""

    id: str
    gateway: str
    number: str
    language: str


@dataclass(frozen=True)
class Word:
    """What one webhook tells of a call: that the key was `pressed`, what became of the `far` end, that all is `over`."""

    pressed: bool
    far: Far | None
    talked: int | None
    over: bool


def gateway_for(deployment: Deployment) -> str | None:
    """Return the gateway that joins two phones: the one named for calls, or the first for texts that can; None where none can."""
    return placing.gateway_for(deployment, bridges)


def reporter(session: Session, case: Case) -> RowMapping | None:
    """Return who reported a case, where a number is there that can be rung; none once the case is shredded."""
    found = select(CALLER).join(REPORT, REPORT.c.caller_id == CALLER.c.id).where(REPORT.c.case_id == case.id)
    caller = session.execute(found.limit(1)).mappings().first()
    there = caller is not None and caller["reachable"] and caller["number_sealed"]
    return caller if there and session.get(CaseKey, case.id) is not None else None


def waiting(session: Session, now: datetime) -> bool:
    """Whether a call is due, or one is to be taken for over."""
    return session.execute(select(CALL.c.id).where(GOING_ON, CALL.c.due_at <= now).limit(1)).first() is not None


def place_calls(deployment: Deployment) -> int:
    """Place the calls that are due. Returns how many were placed."""
    placed = placing.place(deployment, waiting, take, _ring, settle)
    if placed:
        log.info("called officers", extra={"count": placed})
    return placed


def take(session: Session, deployment: Deployment, now: datetime) -> list[Due]:
    """Claim what is due; what may not be placed any more is cancelled, and of what no word came is over."""
    lost = (GOING_ON, CALL.c.state == BridgedState.UNDER_WAY, CALL.c.due_at <= now)
    session.execute(update(CALL).where(*lost).values(**_over(now), reason=_once(CALL.c.reason, NO_WORD)))
    fresh = [GOING_ON, CALL.c.state == BridgedState.WAITING, CALL.c.due_at <= now]
    under_way = {"state": BridgedState.UNDER_WAY, "due_at": now + TO_PRESS}
    claimed = claim(session, CALL, where=fresh, order_by=[CALL.c.due_at], limit=AT_ONCE, values=under_way)
    return [due for row in claimed if (due := _due(session, deployment, session.get_one(BridgedCall, row["id"]), now))]


def settle(session: Session, outcomes: Sequence[Sent], now: datetime) -> None:
    """Write down which calls were placed; what may be ringing counts as placed."""
    for sent in outcomes:
        this = (CALL.c.id == sent.id, CALL.c.state == BridgedState.UNDER_WAY)
        if sent.certainty is Certainty.REFUSED:
            values = _over(now) | {"reason": sent.code or "refused"}
        else:
            values = {"provider_id": sent.provider_id}
        session.execute(update(CALL).where(*this).values(**values))


def told(session: Session, call_id: str, word: Word, at: datetime) -> None:
    """Note what a webhook tells. Each fact is noted once, so that what comes twice or late changes nothing."""
    placed = (CALL.c.id == call_id, CALL.c.state != BridgedState.CANCELLED)
    values: dict[str, object] = {}
    if word.pressed or word.far:
        values["pressed_at"] = _once(CALL.c.pressed_at, at)
        values["due_at"] = at + LONGEST
    if word.far in (Far.ANSWERED, Far.ENDED):
        values["joined_at"] = _once(CALL.c.joined_at, at - timedelta(seconds=word.talked or 0))
        values["far_sealed"] = None  # the door has given it, once
    if word.talked is not None:
        values["talked"] = _once(CALL.c.talked, word.talked)
    if word.over or word.far in (Far.ENDED, Far.UNANSWERED):
        values |= _over(at)
    if values:
        session.execute(update(CALL).where(*placed).values(**values))


def far_number(session: Session, deployment: Deployment, call_id: str) -> str | None:
    """Return the number to be joined, for the door, once the key was pressed; None once the call is over or was never placed."""
    going = (CALL.c.id == call_id, CALL.c.state == BridgedState.UNDER_WAY)
    sealed = session.execute(select(CALL.c.far_sealed).where(*going)).scalar()
    return deployment.keyring.dialled.open_text(sealed, _bound(call_id)) if sealed else None


def _due(session: Session, deployment: Deployment, call: BridgedCall, now: datetime) -> Due | None:
    """Return a call as it is to be placed, its other number left for the door; None where it is not to be, and is cancelled."""
    case, officer = session.get_one(Case, call.case_id), session.get_one(Officer, call.officer_id)
    number, far = own_phone.number_of(deployment, officer), _far(session, deployment, case, now)
    reason = None
    if call.created_at < now - STALE:
        reason = TOO_LATE
    elif not officer.active or number is None or case.owner_id != officer.id or far is None or _hidden(session, case, officer):
        reason = CHANGED
    if reason or number is None or far is None:
        values = _over(now) | {"state": BridgedState.CANCELLED, "reason": reason}
        session.execute(update(CALL).where(CALL.c.id == call.id).values(**values))
        return None
    sealed = deployment.keyring.dialled.seal_text(far, _bound(call.id))
    session.execute(update(CALL).where(CALL.c.id == call.id).values(far_sealed=sealed))
    return Due(call.id, call.gateway, number, officer.language or REFERENCE)


def _far(session: Session, deployment: Deployment, case: Case, now: datetime) -> str | None:
    """Return the number of who reported a case, None where it may not be rung or is gone."""
    caller = reporter(session, case)
    if caller is None or case.state in (CaseState.CLOSED, CaseState.FROZEN) or may_ring(deployment, caller, now):
        return None
    return deployment.keyring.fields.open_text(caller["number_sealed"], f"caller|number|{caller['id']}")


def _hidden(session: Session, case: Case, officer: Officer) -> bool:
    """Whether the officer must not know of the case by now."""
    theirs = (EXCLUSION.c.case_id == case.id, EXCLUSION.c.subject.in_(sight.subjects(officer)))
    standing = EXCLUSION.c.state != ExclusionState.DISMISSED
    return session.execute(select(EXCLUSION.c.id).where(*theirs, standing).limit(1)).first() is not None


def _once(fact: Column[Any], value: object) -> ColumnElement[Any]:
    """Return what keeps a fact that is known already."""
    return func.coalesce(fact, literal(value, fact.type))


def _over(now: datetime) -> dict[str, object]:
    return {"state": BridgedState.OVER, "ended_at": _once(CALL.c.ended_at, now), "far_sealed": None}


def _ring(deployment: Deployment, due: Due) -> Sent:
    gateway = bridges(deployment.shelf.get(due.gateway))
    if gateway is None:
        return Sent(due.id, Certainty.REFUSED, code="joins no calls")
    sent = gateway.ring_first(due.number, bridge_name(due.language, due.id))
    return Sent(due.id, sent.certainty, sent.provider_id, sent.code)


def _bound(call_id: str) -> str:
    return f"bridged_call|far_sealed|{call_id}"
