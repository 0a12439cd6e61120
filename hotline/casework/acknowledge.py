"""A person answers: the ladder stops, every other page for the case is cancelled, and all of it in one transaction."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, true, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.gateways.mail import Mail
from hotline.models import (
    DEAD_STATES,
    Case,
    Contact,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Officer,
    Referral,
    ReferralState,
    table,
)
from hotline.outbound.beside import letter
from hotline.outbound.compose import Draft

WAITING = (MessageState.QUEUED, MessageState.HELD)
NOTICE_LIFE, LETTER_LIFE = timedelta(minutes=30), timedelta(hours=12)


def acknowledge(session: Session, case: Case, *, now: datetime, officer: Officer) -> bool:
    """Record that an officer at the desk has the case. Returns False when somebody had answered before; then nothing changes."""
    locked = _locked(session, case.id)
    if locked.acknowledged_at is not None:
        return False
    stop_ladder(session, locked, now)
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.acknowledged", subject=locked.handle)
    return True


def cancel_pages(session: Session, case_id: str, *, only_to: str | None = None) -> int:
    """Cancel every page for a case that has not left yet, or only those to one contact. Returns how many there were."""
    whose = Message.contact_id == only_to if only_to else true()
    waiting = (Message.case_id == case_id, Message.kind == MessageKind.ALERT, Message.state.in_(WAITING), whose)
    result = session.connection().execute(update(table(Message)).where(*waiting).values(state=MessageState.CANCELLED))
    return result.rowcount


def take(session: Session, deployment: Deployment, case: Case, referral: Referral, now: datetime, *, by: str) -> None:
    """Let a case be this contact's, unless somebody was quicker."""
    contact = referral.contact
    mine = case.acknowledged_by_id == contact.id
    if case.acknowledged_at is not None and not mine:
        at = f"{deployment.local(case.acknowledged_at):%H:%M}"
        notice(session, deployment, contact, "staff.already_taken", now, code=case.handle, time=at)
        return
    if not mine:
        case.acknowledged_by_id = contact.id
        referral.state, referral.answered_at = ReferralState.ACKNOWLEDGED, now
        stop_ladder(session, case, now)
        audit.record(session, now, actor=f"contact:{contact.id}", action="case.acknowledged", subject=case.handle, by=by)
    notice(session, deployment, contact, "staff.taken", now, code=case.handle, time=f"{deployment.local(now):%H:%M}")


def hand_on(session: Session, deployment: Deployment, case: Case, referral: Referral, now: datetime, *, by: str) -> None:
    """Let the next person be told."""
    referral.state, referral.answered_at = ReferralState.PASSED_ON, now
    hand_back(session, case, referral, now)
    audit.record(session, now, actor=f"contact:{referral.contact_id}", action="case.handed_on", subject=case.handle, by=by)
    notice(session, deployment, referral.contact, "staff.passed_on", now, code=case.handle)


def hand_back(session: Session, case: Case, referral: Referral, now: datetime) -> None:
    """Cancel pages to a contact who does not have the case any more, and let the ladder find the next."""
    if case.acknowledged_by_id == referral.contact_id:
        case.acknowledged_at, case.acknowledged_by_id = None, None
        case.ladder_from, case.ladder_step = now, 0
    session.flush()
    cancel_pages(session, case.id, only_to=referral.contact_id)
    if case.acknowledged_at is None:
        case.next_step_at, case.ladder_from = now, case.ladder_from or now


def stop_ladder(session: Session, case: Case, now: datetime) -> None:
    """Note that somebody has the case: no step is due, and no page leaves any more."""
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


def notice(session: Session, deployment: Deployment, contact: Contact, key: str, now: datetime, **values: str) -> None:
    """Text a contact in their language. Who has no phone gets an e-mail that there is news; a webhook hears of it by itself."""
    if contact.number_sealed is not None:
        lane, gateway, valid = Lane.LIFE, deployment.settings.gateway, NOTICE_LIFE
        body = deployment.words.text(key, contact.language, **values)
    elif contact.mail_sealed is not None and deployment.shelf.get(Mail.name) is not None and "code" in values:
        lane, gateway, valid, key = Lane.REPLY, Mail.name, LETTER_LIFE, "staff.mail_news"
        body = letter(deployment, key, values["code"], contact.language)
    else:
        return
    draft = Draft(
        kind=MessageKind.NOTICE,
        lane=lane,
        body=body,
        gateway=gateway,
        contact_id=contact.id,
        template=key,
        valid_for=valid,
    )
    session.connection().execute(insert(table(Message)), [draft.row(deployment.keyring.fields, now)])
