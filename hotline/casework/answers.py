"""What a contact texts back: takes it, passes it on, declines it, works on it, says how it ended, or writes to colleagues.

It counts only from the number that was alerted and with the case's handle. Whoever was not alerted learns nothing, not even
that the handle exists; nor does whoever must not know any more.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework import referral as steps
from hotline.casework.acknowledge import hand_on, notice, take
from hotline.casework.read import key_of
from hotline.deployment import Deployment
from hotline.models import Case, CaseState, Contact, Note, Outcome, Reason, Referral, ReferralState, Verb, new_id


@dataclass(frozen=True)
class Decision:
    """What a contact decided about an alert: which verb, for the case of which handle; None where it cannot be read.

    `choice` is the digit of a reason or an outcome, `words` are for colleagues. `by`: "sms", "voice" for a key that was
    pressed in a call of ours to their number, "console" for somebody of their agency who is signed in.
    """

    contact_id: str
    verb: Verb
    code: str | None
    choice: int | None = None
    words: str = ""
    by: str = "sms"


def answer(session: Session, deployment: Deployment, decision: Decision, now: datetime) -> None:
    """Carry out a contact's answer and confirm it by text. Their words become a note of the case, whatever they decide."""
    contact = session.get_one(Contact, decision.contact_id)
    found = _alerted(session, contact.id, decision.code)
    if found is None:
        known = _tested(session, contact, decision, now)
        notice(session, deployment, contact, "staff.desk_test_seen" if known else "staff.unknown_code", now)
        return
    case, referral = found
    if decision.words:
        _keep(session, deployment, case, contact, decision, now)
    if decision.verb is Verb.OUTCOME:
        _end(session, deployment, case, referral, decision.choice, now)
    elif decision.verb is Verb.NOTE:
        notice(session, deployment, contact, "staff.noted", now, code=case.handle)
    elif case.state == CaseState.CLOSED:
        notice(session, deployment, contact, "staff.closed", now, code=case.handle)
    elif referral.state == ReferralState.OUTCOME:  # what they said of its end stands until they correct it
        notice(session, deployment, contact, "staff.ended", now, code=case.handle)
    elif decision.verb is Verb.TAKE:
        take(session, deployment, case, referral, now, by=decision.by)
    elif decision.verb is Verb.PASS_ON:
        hand_on(session, deployment, case, referral, now, by=decision.by)
    elif decision.verb is Verb.NOT_OURS:
        actor = f"contact:{contact.id}"
        steps.decline(session, case, referral, _reason(decision.choice), now, actor=actor, by=decision.by)
        notice(session, deployment, contact, "staff.not_ours", now, code=case.handle)
    else:
        steps.accept(session, case, referral, now, actor=f"contact:{contact.id}")
        notice(session, deployment, contact, "staff.accepted", now, code=case.handle)


def _alerted(session: Session, contact_id: str, code: str | None) -> tuple[Case, Referral] | None:
    if code is None:
        return None
    found = session.execute(
        select(Case, Referral)
        .join(Referral, Referral.case_id == Case.id)
        .where(Case.handle == code, Referral.contact_id == contact_id, Referral.state != ReferralState.WITHDRAWN)
        .with_for_update(of=Case)
    ).first()
    return (found[0], found[1]) if found else None


def _tested(session: Session, contact: Contact, decision: Decision, now: datetime) -> bool:
    """Note that somebody answered the newest test page to them. Returns whether this was such an answer."""
    if decision.code is None or decision.code != contact.test_code:
        return False
    if contact.test_answered_at is None:
        contact.test_answered_at = now
        actor = f"contact:{contact.id}"
        audit.record(session, now, actor=actor, action="directory.test_answered", subject="directory", contact=contact.name)
    return True


def _end(session: Session, deployment: Deployment, case: Case, referral: Referral, choice: int | None, now: datetime) -> None:
    """Note an outcome by its digit; without one, say which there are."""
    outcomes = list(Outcome)
    if choice is None or not 1 <= choice <= len(outcomes):
        notice(session, deployment, referral.contact, "staff.outcomes", now, code=case.handle)
        return
    steps.end(session, case, referral, outcomes[choice - 1], now, actor=f"contact:{referral.contact_id}")
    notice(session, deployment, referral.contact, "staff.ended", now, code=case.handle)


def _reason(choice: int | None) -> Reason | None:
    theirs = [reason for reason in Reason if reason is not Reason.NO_NEWS]
    return theirs[choice - 1] if choice and choice <= len(theirs) else None


def _keep(session: Session, deployment: Deployment, case: Case, contact: Contact, said: Decision, now: datetime) -> None:
    note_id = new_id()
    sealed = key_of(session, deployment, case).seal_text(said.words, f"note|sealed|{note_id}")
    session.add(Note(id=note_id, case_id=case.id, contact_id=contact.id, sealed=sealed, at=now))
    case.updated_at = now
    audit.record(session, now, actor=f"contact:{contact.id}", action="case.noted", subject=case.handle, by=said.by)
