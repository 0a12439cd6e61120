"""Return codes: ten digits shaped like a phone number, by which whoever told may ask from any phone what became of it.

Only a keyed hash of a code is stored. The digits are made by a key from what they are given for, a dialled session, a text or a
call, and made again where they are said; so they stand in no row, and no phone number stands beside the case they open.
All they open is one of six harmless states (docs/safety.md), to five tries a phone a day.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import (
    Case,
    CaseState,
    CodeTry,
    Ground,
    Outcome,
    Referral,
    ReferralState,
    ReturnCode,
    SharedFact,
    table,
)

LENGTH: Final = 10
TRIES: Final = 5  # a phone a day
UNKNOWN: Final = "unknown"
LATER: Final = "later"
HIDDEN: Final = "000 000 0000"  # stands for the digits in a stored text, until it leaves
GIVES_CODE: Final = "sms.s7"
CASE, CODE, TRY, REFERRAL, SHARED = (table(model) for model in (Case, ReturnCode, CodeTry, Referral, SharedFact))
MAY_MOVE_ON: Final = frozenset({"kept", "working", "passed_on"})
OVER: Final = frozenset({Outcome.RESCUED, Outcome.SAFE, Outcome.ARRESTED, Outcome.UNFOUNDED})

STATES: Final[Mapping[str, str]] = {
    CaseState.UNFINISHED: "kept",
    CaseState.NEW: "kept",
    CaseState.OPEN: "working",
    CaseState.WAITING: "question",
    CaseState.PASSED_ON: "passed_on",
    CaseState.CLOSED: "ended",
    CaseState.FROZEN: "kept",
}


def digits(deployment: Deployment, given_for: str) -> str:
    """Return the ten digits of what a code is given for: always the same ones."""
    prefix = deployment.settings.return_code_prefix
    rest = LENGTH - len(prefix)
    return f"{prefix}{int(deployment.keyring.repeat_index('return code', given_for), 16) % 10**rest:0{rest}}"


def drawn(session: str, draw: int | None) -> str:
    """Return what a dialled session or a call gives a code for; the first draw unless that code was taken."""
    return f"{session}|{draw or 0}"


def spaced(code: str) -> str:
    """Return a code as phone numbers are written: 075 482 1903."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def filled(deployment: Deployment, message_id: str, template: str | None, body: str) -> str:
    """Return a text as it leaves: with its code where it gives one."""
    return body.replace(HIDDEN, spaced(digits(deployment, message_id))) if template == GIVES_CODE else body


def taken(session: Session, deployment: Deployment, code: str) -> bool:
    """Whether a code stands for a case already."""
    return bool(session.scalar(select(exists().where(CODE.c.id == _hash(deployment, code)))))


def row(deployment: Deployment, code: str, case_id: str, now: datetime) -> dict[str, object]:
    """Return the row that makes a code stand for a case."""
    return {"id": _hash(deployment, code), "case_id": case_id, "at": now}


def ask(session: Session, deployment: Deployment, code: str, phone: str, now: datetime) -> str:
    """Count a try of a phone and return the key of a text of the book `news`, or UNKNOWN, or LATER after too many tries.

    For every way in: the door of the dialled code, the worker that reads texts, the voice line. To be called in a transaction.
    """
    name = deployment.keyring.repeat_index("return code try", phone, f"{deployment.local(now):%Y-%m-%d}")
    session.execute(deployment.db.insert_or_add(TRY), {"name": name, "value": 1, "at": now})
    if (session.scalar(select(TRY.c.value).where(TRY.c.name == name)) or 0) > TRIES:
        return LATER
    stands_for = select(CASE.c.id, CASE.c.state, CASE.c.acknowledged_at).join(CODE, CODE.c.case_id == CASE.c.id)
    found = session.execute(stands_for.where(CODE.c.id == _hash(deployment, code))).one_or_none()
    if found is None:
        return UNKNOWN
    state = STATES[found.state]
    return state if state not in MAY_MOVE_ON else _moved_on(session, found.id) or ("read" if found.acknowledged_at else state)


def _moved_on(session: Session, case_id: str) -> str | None:
    """Return what the agencies' answers add to a case that is nobody's turn but theirs: the best news there is.

    It has ended when every agency that worked on it has said that it is over; "what you agreed to was passed on" needs a fact
    that was passed on with consent.
    """
    rows = session.execute(select(REFERRAL.c.state, REFERRAL.c.outcome).where(REFERRAL.c.case_id == case_id)).all()
    working = any(row.state == ReferralState.ACCEPTED for row in rows)
    if not working and any(row.outcome in OVER for row in rows):
        return "ended"
    agreed = (SHARED.c.case_id == case_id, SHARED.c.ground == Ground.CONSENT)
    if session.scalar(select(exists().where(*agreed))):
        return "passed_on"
    return "working" if working else None


def forget_tries(session: Session, now: datetime) -> None:
    """Remove what was counted two days ago and before."""
    session.execute(delete(TRY).where(TRY.c.at < now - timedelta(days=2)))


def _hash(deployment: Deployment, code: str) -> str:
    return deployment.keyring.repeat_index("return code index", code)
