"""Delivery reports: what a gateway says became of a text. They come late, twice and in any order; rank only rises."""

from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from hotline import subscribers
from hotline.gateways.contract import Progress, StatusUpdate
from hotline.models import Caller, Message, MessageKind, MessageState, Referral, ReferralState, table

MESSAGE, CALLER, REFERRAL = table(Message), table(Caller), table(Referral)
STATES = {
    Progress.ACCEPTED: MessageState.ACCEPTED,
    Progress.SENT: MessageState.SENT,
    Progress.UNDELIVERED: MessageState.UNDELIVERED,
    Progress.FAILED: MessageState.FAILED,
    Progress.DELIVERED: MessageState.DELIVERED,
}
RANK = {
    MessageState.QUEUED: 0,
    MessageState.CLAIMED: 0,
    MessageState.UNKNOWN: 0,
    MessageState.DEAD: 0,
    MessageState.ACCEPTED: 1,
    MessageState.SENT: 2,
    MessageState.UNDELIVERED: 3,
    MessageState.FAILED: 4,
    MessageState.DELIVERED: 5,
}
FAILURES = (MessageState.UNDELIVERED, MessageState.FAILED)
OPEN = (MessageState.QUEUED, MessageState.CLAIMED)
ARRIVED = (MessageState.ACCEPTED, MessageState.SENT, MessageState.DELIVERED)


def apply(session: Session, gateway: str, report: StatusUpdate, now: datetime) -> bool:
    """Raise the state of the message a report names. Returns False when it is to be looked at again later.

    So it is when no such message is known (yet), or when bad news may be of the try that is being made now or of the one before:
    our own note will tell. Our own id names a message whichever gateway has it now: an alert may have changed to the other since.
    """
    theirs = and_(MESSAGE.c.provider_id == report.provider_id, MESSAGE.c.gateway == gateway)
    named = MESSAGE.c.id == report.message_id if report.message_id else theirs
    row = session.execute(select(MESSAGE).where(named).with_for_update()).mappings().first()
    if row is None:
        return False
    bad = STATES[report.progress] in FAILURES
    if row["state"] == MessageState.QUEUED and bad:
        _failed(session, row["id"], report)
        return True
    if row["state"] in OPEN and report.provider_id and row["provider_id"] == report.provider_id and not _arrived(report):
        return True  # overtaken by the bad news of the same try: the next one stands
    if bad and row["state"] == MessageState.CLAIMED and row["attempts"] > 1:
        return False
    if bad and row["provider_id"] and report.provider_id and row["provider_id"] != report.provider_id:
        return True  # of an earlier try; a later one was accepted
    if state := raised(MessageState(row["state"]), report.progress):
        known = None if row["state"] in OPEN else row["provider_id"]  # a row on its way names only a try that has failed
        values = {
            "state": state,
            "settled_at": now if RANK[state] >= 3 else None,
            "accepted_at": row["accepted_at"] or now,
            "provider_id": known or report.provider_id or row["provider_id"],
        }
        session.execute(update(MESSAGE).where(MESSAGE.c.id == row["id"]).values(**values, reason=report.code))
        if row["kind"] == MessageKind.ALERT and state in ARRIVED:
            _told(session, row["case_id"], row["contact_id"], now)
    if report.opted_out and row["caller_id"]:
        earlier = or_(CALLER.c.opted_out_at.is_(None), CALLER.c.opted_out_at < now)
        session.execute(update(CALLER).where(CALLER.c.id == row["caller_id"], earlier).values(opted_out_at=now))
    if report.opted_out and row["subscriber_id"]:
        subscribers.leave(session, now, ids=[row["subscriber_id"]])
    return True


def raised(state: MessageState, progress: Progress) -> MessageState | None:
    """Return the state a receipt raises a message to, or None where it tells nothing new.

    Bad news of an earlier try does not stop the next one: a text that is queued again stays so.
    """
    told = STATES[progress]
    if (state is MessageState.QUEUED and told in FAILURES) or RANK.get(state, 99) >= RANK[told]:
        return None
    return told


def _failed(session: Session, message_id: str, report: StatusUpdate) -> None:
    """Note which try of a text that waits for its next one is known to have failed, so that its older news cannot stop it."""
    if report.provider_id:
        failed = {"provider_id": report.provider_id, "reason": report.code}
        session.execute(update(MESSAGE).where(MESSAGE.c.id == message_id).values(failed))


def _arrived(report: StatusUpdate) -> bool:
    return report.progress is Progress.DELIVERED


def _told(session: Session, case_id: str, contact_id: str, now: datetime) -> None:
    """Note that a contact was told: the worker that sent the alert may have died before it could."""
    queued = (REFERRAL.c.case_id == case_id, REFERRAL.c.contact_id == contact_id, REFERRAL.c.state == ReferralState.QUEUED)
    session.execute(update(REFERRAL).where(*queued).values(state=ReferralState.TOLD, told_at=now))
