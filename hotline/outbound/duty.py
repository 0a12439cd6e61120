"""Calls contacts who have not answered an alert to life, beside the text that goes to them again.

At least once, as alerts are: a call that may not have been placed is placed again, and whoever is called twice hears the same.
What is spoken names nothing of the case, not even its handle: a call of ours to that phone is what it is about, by our own id.
Nothing is placed once somebody has answered.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping, and_, case, select, update
from sqlalchemy.orm import Session

from hotline.db import claim, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.ringing import ANSWER_WITHIN, carries
from hotline.gateways.voice import duty_name
from hotline.models import (
    TO_BE_CALLED,
    Case,
    CaseState,
    Contact,
    DutyCall,
    DutyCallState,
    Referral,
    ReferralState,
    new_id,
    table,
    written_out,
)
from hotline.outbound import placing

log = logging.getLogger(__name__)

CALL, CASE, CONTACT, REFERRAL = table(DutyCall), table(Case), table(Contact), table(Referral)
TO_PLACE = written_out(CALL.c.state, TO_BE_CALLED)
AT_ONCE: Final = 10
MOST: Final = 3  # times that one call is placed
AGAIN: Final = timedelta(seconds=ANSWER_WITHIN + 60)  # after which a call that told nothing is taken for one not placed
SOON: Final = timedelta(seconds=20)


@dataclass(frozen=True)
class Due:
    """One call to place, and the language of whoever is called."""

    id: str
    gateway: str
    number: str
    language: str


def gateway_for(deployment: Deployment) -> str | None:
    """Return the gateway that calls contacts: the one named for calls, or the first for texts that has a voice."""
    return placing.gateway_for(deployment, carries)


def ring(session: Session, deployment: Deployment, case_id: str, contacts: Iterable[str], now: datetime) -> None:
    """Have contacts called about a case; nothing where no gateway has a voice, for they are texted all the same."""
    via = gateway_for(deployment)
    rows = [
        {
            "id": new_id(),
            "case_id": case_id,
            "contact_id": contact_id,
            "gateway": via,
            "state": DutyCallState.WAITING,
            "attempts": 0,
            "created_at": now,
            "due_at": now,
        }
        for contact_id in contacts
    ]
    if via and rows:
        insert_unless_there(session.connection(), CALL, rows)


def waiting(session: Session, now: datetime) -> bool:
    """Whether a call is due, or one is to be taken for lost."""
    return session.execute(select(CALL.c.id).where(TO_PLACE, CALL.c.due_at <= now).limit(1)).first() is not None


def call_duty(deployment: Deployment) -> int:
    """Place the calls that are due. Returns how many were placed."""
    placed = placing.place(deployment, waiting, take, _ring, settle)
    if placed:
        log.info("called contacts", extra={"count": placed})
    return placed


def take(session: Session, deployment: Deployment, now: datetime) -> list[Due]:
    """Claim what is due for as long as a call may ring; what is needed no more, or was tried often enough, is settled."""
    values = {"state": DutyCallState.DIALLING, "due_at": now + AGAIN, "attempts": CALL.c.attempts + 1}
    claimed = claim(session, CALL, where=[TO_PLACE, CALL.c.due_at <= now], order_by=[CALL.c.due_at], limit=AT_ONCE, values=values)
    rows = _with_people(session, [row["id"] for row in claimed])
    ends = {row["id"]: end for row in rows if (end := _end(row))}
    for call_id, (state, reason) in ends.items():
        settled = {"state": state, "reason": reason, "settled_at": now}
        session.execute(update(CALL).where(CALL.c.id == call_id).values(**settled))
    open_text = deployment.keyring.fields.open_text
    return [
        Due(row["id"], row["gateway"], open_text(row["number_sealed"], f"contact|number|{row['contact_id']}"), row["language"])
        for row in rows
        if row["id"] not in ends
    ]


def settle(session: Session, outcomes: Sequence[Sent], now: datetime) -> None:
    """Write down which calls were placed; one that was refused is due again soon."""
    for sent in outcomes:
        refused = sent.certainty is Certainty.REFUSED
        values: dict[str, object] = {"due_at": now + SOON, "reason": sent.code} if refused else {"provider_id": sent.provider_id}
        session.execute(update(CALL).where(CALL.c.id == sent.id, CALL.c.state == DutyCallState.DIALLING).values(**values))


def over(session: Session, call_id: str, now: datetime) -> None:
    """Note that a call has ended; nothing changes where a key was pressed in it."""
    unanswered = (CALL.c.id == call_id, CALL.c.state == DutyCallState.DIALLING)
    ended = {"state": DutyCallState.UNREACHED, "reason": "nobody pressed a key", "settled_at": now}
    session.execute(update(CALL).where(*unanswered).values(**ended))


def answered(session: Session, call_id: str, now: datetime) -> tuple[str, str] | None:
    """Note that a key was pressed. Returns contact and handle, None for a call that was answered before or is unknown."""
    mine = select(CALL.c.contact_id, CASE.c.handle).join(CASE, CASE.c.id == CALL.c.case_id).where(CALL.c.id == call_id)
    found = session.execute(mine.where(CALL.c.state != DutyCallState.ANSWERED).with_for_update(of=CALL)).one_or_none()
    pressed = {"state": DutyCallState.ANSWERED, "reason": None, "settled_at": now}
    session.execute(update(CALL).where(CALL.c.id == call_id).values(**pressed))
    return (found.contact_id, found.handle) if found else None


def _with_people(session: Session, ids: Sequence[str]) -> Sequence[RowMapping]:
    silent = REFERRAL.c.state.in_((ReferralState.QUEUED, ReferralState.TOLD))
    columns = (CALL, CONTACT.c.number_sealed, CONTACT.c.language, CONTACT.c.active, CASE.c.acknowledged_at)
    more = (CASE.c.state.label("case_state"), case((silent, 1), else_=0).label("silent"))
    told = and_(REFERRAL.c.case_id == CALL.c.case_id, REFERRAL.c.contact_id == CALL.c.contact_id)
    asked = select(*columns, *more).join(CONTACT, CONTACT.c.id == CALL.c.contact_id).join(CASE, CASE.c.id == CALL.c.case_id)
    return session.execute(asked.outerjoin(REFERRAL, told).where(CALL.c.id.in_(ids))).mappings().all()


def _end(row: RowMapping) -> tuple[DutyCallState, str] | None:
    """Return why a call is not placed, None when it is."""
    if row["acknowledged_at"] is not None or not row["silent"] or row["case_state"] in (CaseState.CLOSED, CaseState.FROZEN):
        return DutyCallState.CANCELLED, "somebody has answered"
    if not row["active"] or row["number_sealed"] is None:
        return DutyCallState.CANCELLED, "no contact any more"
    return (DutyCallState.UNREACHED, row["reason"] or "no word of the call") if row["attempts"] > MOST else None


def _ring(deployment: Deployment, due: Due) -> Sent:
    gateway = carries(deployment.shelf.get(due.gateway))
    if gateway is None:
        return Sent(due.id, Certainty.REFUSED, code="carries no calls")
    sent = gateway.call(due.number, duty_name(due.language, due.id))
    return Sent(due.id, sent.certainty, sent.provider_id, sent.code)
