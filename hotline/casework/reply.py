"""An officer's reply to a caller: sent when we may write now, otherwise kept until the caller writes again.

We never write first (docs/safety.md). The rule is asked here, so that the officer is told at once, and asked again by delivery
at the moment of sending. A reply that must wait is stored as held, and never leaves by itself.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.casework.work import Changed, Taken, lock
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.models import Caller, Case, CaseState, Direction, Lane, Message, MessageKind, MessageState, Officer, Report, table
from hotline.outbound.compose import Draft
from hotline.outbound.window import may_write
from hotline.queue import QueueName

CALLER, MESSAGE, REPORT = table(Caller), table(Message), table(Report)
AN_ID: Final = re.compile(r"[0-9a-f]{32}")
_WHOM: Final = (
    select(CALLER, REPORT.c.gateway.label("via"))
    .join(REPORT, REPORT.c.caller_id == CALLER.c.id)
    .where(REPORT.c.case_id == bindparam("case"))
)
_NEWEST_HEARD: Final = (
    select(Message.id)
    .where(Message.case_id == bindparam("case"), Message.direction == Direction.IN)
    .order_by(Message.created_at.desc(), Message.id.desc())
    .limit(1)
)


class NobodyToWriteTo(Exception):
    """The case has no report, so there is nobody to write to."""


class WroteAgain(Exception):
    """The person wrote while the officer was typing: the answer may be to something that is no longer so."""


@dataclass(frozen=True)
class Written:
    """What an officer typed. `seen` is the newest text of the person on the page it was typed on; None does not ask.

    `known_as` is drawn with that page: sent twice, it is one reply.
    """

    text: str
    seen: str | None = None
    known_as: str = ""


@dataclass(frozen=True)
class Leave:
    """Whether we may write to a case's caller now. `why_not` is None when we may, else the reason in an officer's words."""

    gateway: str
    caller_id: str
    why_not: str | None


def leave(session: Session, deployment: Deployment, case: Case, now: datetime) -> Leave:
    """Say whether a reply to this case would be sent now, or held and why. Raises NobodyToWriteTo."""
    caller = session.execute(_WHOM, {"case": case.id}).mappings().first()
    if caller is None:
        raise NobodyToWriteTo
    if case.state == CaseState.FROZEN:
        why_not: str | None = "this item is frozen"
    elif not caller["reachable"]:
        why_not = "the sender has no number that can be written to"
    else:
        why_not = may_write(deployment, caller, now)
    return Leave(caller["via"], caller["id"], why_not)


def newest_heard(session: Session, case: Case) -> str:
    """Return the id of the newest text of the person, empty where there is none."""
    return session.scalars(_NEWEST_HEARD, {"case": case.id}).first() or ""


def reply(session: Session, deployment: Deployment, case: Case, *, officer: Officer, written: Written, now: datetime) -> Message:
    """Store an officer's reply and return it: due when it can no longer be taken back, or held with its reason.

    A case without an owner becomes the officer's. Raises Taken when another officer has it, Changed when it is closed,
    WroteAgain, and NobodyToWriteTo.
    """
    locked = lock(session, case)
    take_up(locked, officer, now=now)
    if earlier := _sent_before(session, locked, officer, written.known_as):
        return earlier
    if written.seen is not None and written.seen != newest_heard(session, locked):
        raise WroteAgain
    allowed = leave(session, deployment, locked, now)
    message = _stored(session, deployment, locked, officer=officer, written=written, allowed=allowed, now=now)
    locked.state = locked.state if locked.state == CaseState.FROZEN else CaseState.WAITING
    locked.updated_at, locked.version = now, locked.version + 1
    action = "case.reply_held" if allowed.why_not else "case.replied"
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=locked.handle)
    if not allowed.why_not and not deployment.settings.undo_seconds:  # otherwise the clock rings once it is due
        after_commit(session, lambda: deployment.bell.ring(QueueName.REPLY))
    return message


def take_back(session: Session, case: Case, message_id: str, *, officer: Officer, now: datetime) -> bool:
    """Take back a reply of the officer's own that has not left, held ones too. Returns whether it really stays here.

    It is one statement over the row's own state: a worker that has claimed it meanwhile was first, and it goes out.
    """
    locked = lock(session, case)
    own = (MESSAGE.c.id == message_id, MESSAGE.c.case_id == case.id, MESSAGE.c.officer_id == officer.id)
    here = (MESSAGE.c.kind == MessageKind.REPLY, MESSAGE.c.state.in_((MessageState.QUEUED, MessageState.HELD)))
    gone = {"state": MessageState.CANCELLED, "settled_at": now, "reason": None}
    if not session.connection().execute(update(MESSAGE).where(*own, *here).values(gone)).rowcount:
        return False
    if locked.state == CaseState.WAITING:
        locked.state = CaseState.OPEN
    locked.updated_at, locked.version = now, locked.version + 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.reply_taken_back", subject=locked.handle)
    return True


def take_up(case: Case, officer: Officer, *, now: datetime) -> None:
    """Make a case that nobody has an officer's own, before they speak to its caller. Raises Taken, Changed when closed."""
    if case.owner is not None and case.owner_id != officer.id:
        raise Taken(case.owner)
    if case.state == CaseState.CLOSED:
        raise Changed
    if case.owner_id is None:
        case.owner_id, case.claimed_at = officer.id, now


def _sent_before(session: Session, case: Case, officer: Officer, known_as: str) -> Message | None:
    own = (Message.id == known_as, Message.case_id == case.id, Message.officer_id == officer.id)
    return session.scalars(select(Message).where(*own)).first() if known_as else None


def _stored(  # noqa: PLR0913  a message is made of that many things
    session: Session, deployment: Deployment, case: Case, *, officer: Officer, written: Written, allowed: Leave, now: datetime
) -> Message:
    wait = timedelta(seconds=deployment.settings.undo_seconds)
    life = timedelta(minutes=deployment.settings.answer_validity_minutes)
    draft = Draft(
        kind=MessageKind.REPLY,
        body=written.text,
        gateway=allowed.gateway,
        case_id=case.id,
        caller_id=allowed.caller_id,
        officer_id=officer.id,
        lane=Lane.REPLY,
        state=MessageState.HELD if allowed.why_not else MessageState.QUEUED,
        due_at=now + wait,
        valid_for=None if allowed.why_not else life,
        known_as=written.known_as if AN_ID.fullmatch(written.known_as) else None,
    )
    message = Message(**draft.row(key_of(session, deployment, case), now), reason=allowed.why_not)
    session.add(message)
    session.flush()
    return message
