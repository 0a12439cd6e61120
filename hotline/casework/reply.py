"""An officer's reply to a caller: sent when we may write now, otherwise kept until the caller writes again.

We never write first (docs/safety.md). The rule is asked here, so that the officer is told at once, and asked again by delivery
at the moment of sending. A reply that must wait is stored as held, and never leaves by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.casework.work import Changed, Taken, lock
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.models import Caller, Case, CaseState, Lane, Message, MessageKind, MessageState, Officer, Report, table
from hotline.outbound.compose import Draft
from hotline.outbound.window import may_write
from hotline.queue import QueueName

CALLER = table(Caller)


class NobodyToWriteTo(Exception):
    """The case has no report, so there is nobody to write to."""


@dataclass(frozen=True)
class Leave:
    """Whether we may write to a case's caller now. `why_not` is None when we may, else the reason in an officer's words."""

    gateway: str
    caller_id: str
    why_not: str | None


def leave(session: Session, deployment: Deployment, case: Case, now: datetime) -> Leave:
    """Say whether a reply to this case would be sent now, or held and why. Raises NobodyToWriteTo."""
    report = session.scalars(select(Report).where(Report.case_id == case.id)).first()
    if report is None:
        raise NobodyToWriteTo
    caller = session.execute(select(CALLER).where(CALLER.c.id == report.caller_id)).mappings().one()
    if case.state == CaseState.FROZEN:
        why_not: str | None = "this item is frozen"
    elif not caller["reachable"]:
        why_not = "the sender has no number that can be written to"
    else:
        why_not = may_write(deployment, caller, now)
    return Leave(report.gateway, report.caller_id, why_not)


def reply(session: Session, deployment: Deployment, case: Case, *, officer: Officer, text: str, now: datetime) -> Message:
    """Store an officer's reply and return it: queued and rung for, or held with its reason.

    A case without an owner becomes the officer's. Raises Taken when another officer has it, Changed when it is closed, and
    NobodyToWriteTo.
    """
    locked = lock(session, case)
    _own(locked, officer, now=now)
    allowed = leave(session, deployment, locked, now)
    message = _stored(session, deployment, locked, officer=officer, text=text, allowed=allowed, now=now)
    locked.state = locked.state if locked.state == CaseState.FROZEN else CaseState.WAITING
    locked.updated_at, locked.version = now, locked.version + 1
    action = "case.reply_held" if allowed.why_not else "case.replied"
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=locked.handle)
    if not allowed.why_not:
        after_commit(session, lambda: deployment.bell.ring(QueueName.REPLY))
    return message


def _own(case: Case, officer: Officer, *, now: datetime) -> None:
    if case.owner is not None and case.owner_id != officer.id:
        raise Taken(case.owner)
    if case.state == CaseState.CLOSED:
        raise Changed
    if case.owner_id is None:
        case.owner_id, case.claimed_at = officer.id, now


def _stored(  # noqa: PLR0913  a message is made of that many things
    session: Session, deployment: Deployment, case: Case, *, officer: Officer, text: str, allowed: Leave, now: datetime
) -> Message:
    life = timedelta(minutes=deployment.settings.answer_validity_minutes)
    draft = Draft(
        kind=MessageKind.REPLY,
        body=text,
        gateway=allowed.gateway,
        case_id=case.id,
        caller_id=allowed.caller_id,
        officer_id=officer.id,
        lane=Lane.REPLY,
        state=MessageState.HELD if allowed.why_not else MessageState.QUEUED,
        valid_for=None if allowed.why_not else life,
    )
    message = Message(**draft.row(key_of(session, deployment, case), now), reason=allowed.why_not)
    session.add(message)
    session.flush()
    return message
