"""A person answers: the ladder stops, every other page for the case is cancelled, and all of it in one transaction.

By text the answer counts only from the number that was alerted and with the case's handle. Whoever was not alerted learns
nothing, not even that the handle exists.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, true, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.models import (
    DEAD_STATES,
    Case,
    CaseState,
    Contact,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Officer,
    Referral,
    ReferralState,
    Verb,
    table,
)
from hotline.outbound.compose import Draft

WAITING = (MessageState.QUEUED, MessageState.HELD)
NOTICE_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class Decision:
    """What a contact decided about an alert: which verb, for the case of which handle; None where it cannot be read.

    `by`: "sms", or "voice" for a key that was pressed in a call of ours to their number.
    """

    contact_id: str
    verb: Verb
    code: str | None
    by: str = "sms"


def answer(session: Session, deployment: Deployment, decision: Decision, now: datetime) -> None:
    """Carry out a contact's answer to an alert and confirm it by text."""
    contact = session.get_one(Contact, decision.contact_id)
    found = _alerted(session, contact.id, decision.code)
    if found is None:
        _notice(session, deployment, contact, "staff.unknown_code", now)
        return
    case, referral = found
    if case.state == CaseState.CLOSED:
        _notice(session, deployment, contact, "staff.closed", now, code=case.handle)
    elif decision.verb is Verb.TAKE:
        _take(session, deployment, case, referral, decision, now)
    else:
        _hand_on(session, deployment, case, referral, decision, now)


def acknowledge(session: Session, case: Case, *, now: datetime, officer: Officer) -> bool:
    """Record that an officer at the desk has the case. Returns False when somebody had answered before; then nothing changes."""
    locked = _locked(session, case.id)
    if locked.acknowledged_at is not None:
        return False
    _stop_ladder(session, locked, now)
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.acknowledged", subject=locked.handle)
    return True


def cancel_pages(session: Session, case_id: str, *, only_to: str | None = None) -> int:
    """Cancel every page for a case that has not left yet, or only those to one contact. Returns how many there were."""
    whose = Message.contact_id == only_to if only_to else true()
    waiting = (Message.case_id == case_id, Message.kind == MessageKind.ALERT, Message.state.in_(WAITING), whose)
    result = session.connection().execute(update(table(Message)).where(*waiting).values(state=MessageState.CANCELLED))
    return result.rowcount


def _alerted(session: Session, contact_id: str, code: str | None) -> tuple[Case, Referral] | None:
    if code is None:
        return None
    found = session.execute(
        select(Case, Referral)
        .join(Referral, Referral.case_id == Case.id)
        .where(Case.handle == code, Referral.contact_id == contact_id)
        .with_for_update(of=Case)
    ).first()
    return (found[0], found[1]) if found else None


def _take(session: Session, deployment: Deployment, case: Case, referral: Referral, decision: Decision, now: datetime) -> None:
    contact = referral.contact
    mine = case.acknowledged_by_id == contact.id
    if case.acknowledged_at is not None and not mine:
        at = f"{deployment.local(case.acknowledged_at):%H:%M}"
        _notice(session, deployment, contact, "staff.already_taken", now, code=case.handle, time=at)
        return
    if not mine:
        case.acknowledged_by_id = contact.id
        referral.state, referral.answered_at = ReferralState.ACKNOWLEDGED, now
        _stop_ladder(session, case, now)
        audit.record(session, now, actor=f"contact:{contact.id}", action="case.acknowledged", subject=case.handle, by=decision.by)
    _notice(session, deployment, contact, "staff.taken", now, code=case.handle, time=f"{deployment.local(now):%H:%M}")


def _hand_on(session: Session, deployment: Deployment, case: Case, referral: Referral, decision: Decision, now: datetime) -> None:
    contact = referral.contact
    declined = decision.verb is Verb.NOT_OURS
    referral.state = ReferralState.DECLINED if declined else ReferralState.PASSED_ON
    referral.answered_at = now
    if case.acknowledged_by_id == contact.id:
        case.acknowledged_at, case.acknowledged_by_id = None, None
        case.ladder_from, case.ladder_step = now, 0
    session.flush()
    cancel_pages(session, case.id, only_to=contact.id)
    if case.acknowledged_at is None:
        case.next_step_at, case.ladder_from = now, case.ladder_from or now
    action = "case.declined" if declined else "case.handed_on"
    audit.record(session, now, actor=f"contact:{contact.id}", action=action, subject=case.handle, by=decision.by)
    _notice(session, deployment, contact, "staff.not_ours" if declined else "staff.passed_on", now, code=case.handle)


def _stop_ladder(session: Session, case: Case, now: datetime) -> None:
    case.acknowledged_at, case.next_step_at, case.updated_at = now, None, now
    case.version += 1
    session.flush()
    cancel_pages(session, case.id)
    _settle_pages(session, case.id, now)


def _settle_pages(session: Session, case_id: str, now: datetime) -> None:
    """Take pages that never got out off the list of dead letters: nobody waits for them any more."""
    dead = (Message.case_id == case_id, Message.kind == MessageKind.ALERT, Message.state.in_(DEAD_STATES))
    session.execute(update(table(Message)).where(*dead, Message.handled_at.is_(None)).values(handled_at=now))


def _locked(session: Session, case_id: str) -> Case:
    return session.execute(
        select(Case).where(Case.id == case_id).with_for_update(of=Case).execution_options(populate_existing=True)
    ).scalar_one()


def _notice(session: Session, deployment: Deployment, contact: Contact, key: str, now: datetime, **values: str) -> None:
    draft = Draft(
        kind=MessageKind.NOTICE,
        lane=Lane.LIFE,
        body=deployment.words.text(key, contact.language, **values),
        gateway=deployment.settings.gateway,
        contact_id=contact.id,
        template=key,
        valid_for=NOTICE_LIFE,
    )
    session.connection().execute(insert(table(Message)), [draft.row(deployment.keyring.fields, now)])
