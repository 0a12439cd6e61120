"""Delivery: takes queued messages of one lane and gets them out of the building.

Three steps, each its own transaction or none: claim rows and write an attempt for each; call the gateway with no session open,
so that a slow gateway cannot hold the database; write down what is known. The token taken at the claim fences the last step:
a worker that was thought dead cannot finish another's attempt.
"""

import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, RowMapping, bindparam, or_, select, tuple_, update
from sqlalchemy.orm import Session

from hotline.db import add_rows, claim
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.models import (
    ON_THE_WAY,
    Attempt,
    Caller,
    Case,
    CaseKey,
    CaseState,
    Contact,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Referral,
    ReferralState,
    new_id,
    table,
    written_out,
)
from hotline.outbound.compose import bound_to
from hotline.outbound.doubt import Verdict, judge
from hotline.outbound.window import may_write
from hotline.privacy import CannotOpen

log = logging.getLogger(__name__)

MESSAGE, ATTEMPT, CALLER, CONTACT, REFERRAL = (table(m) for m in (Message, Attempt, Caller, Contact, Referral))
CASE, CASE_KEY = table(Case), table(CaseKey)
ON_ITS_WAY = written_out(MESSAGE.c.state, ON_THE_WAY)


@dataclass(frozen=True)
class Parcel:
    """Messages claimed under one token, ready for their gateways.

    `withheld` maps a message that may not go to the reason, `attempts` one that goes to its attempt.
    """

    token: str
    rows: dict[str, RowMapping]
    texts: dict[str, list[OutboundText]]
    withheld: dict[str, str]
    attempts: dict[str, str] = field(default_factory=dict)


def waiting(session: Session, lane: Lane, now: datetime) -> bool:
    """Whether any message of a lane is due."""
    due = (ON_ITS_WAY, MESSAGE.c.lane == lane, MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.due_at <= now)
    return session.execute(select(MESSAGE.c.id).where(*due).limit(1)).first() is not None


def take(session: Session, deployment: Deployment, lane: Lane, now: datetime) -> Parcel:
    """Claim due messages of a lane and write an attempt for each, before any gateway is called."""
    token = secrets.token_hex(8)
    rows = claim(
        session,
        MESSAGE,
        where=[ON_ITS_WAY, MESSAGE.c.lane == lane, MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.due_at <= now],
        order_by=[MESSAGE.c.due_at],
        limit=deployment.settings.deliver_batch,
        values={
            "state": MessageState.CLAIMED,
            "claim_token": token,
            "lease_until": now + _lease(deployment),
            "attempts": MESSAGE.c.attempts + 1,
        },
    )
    parcel = _pack(session, deployment, token, sorted(rows, key=lambda row: (row["due_at"], row["id"])), now)
    attempts = []
    for name, texts in parcel.texts.items():
        for text in texts:
            parcel.attempts[text.id] = new_id()
            attempts.append({"id": parcel.attempts[text.id], "message_id": text.id, "gateway": name, "started_at": now})
    add_rows(session, ATTEMPT, attempts)
    return parcel


def send(deployment: Deployment, parcel: Parcel) -> list[Sent]:
    """Hand a parcel to its gateways. No session is open."""
    outcomes = []
    for name, texts in parcel.texts.items():
        gateway = deployment.shelf.get(name)
        if gateway is None:
            outcomes += [Sent(text.id, Certainty.REFUSED, code="gateway has no settings", retry=True) for text in texts]
        else:
            outcomes += gateway.send(texts)
    return outcomes


def settle(session: Session, deployment: Deployment, parcel: Parcel, outcomes: Sequence[Sent], now: datetime) -> None:
    """Write down what became of a parcel. Rows that another worker holds by now are left alone."""
    withheld = []
    for row_id, why in parcel.withheld.items():
        row = parcel.rows[row_id]
        withheld.append(_settled(row, Verdict(MessageState.SUPPRESSED, reason=why), None, row["gateway"], now))
    settled = []
    for sent in outcomes:
        row = parcel.rows[sent.id]
        verdict = _verdict(row, sent, deployment.settings.max_attempts)
        settled.append(_settled(row, verdict, sent, _other_gateway(deployment, row, verdict), now))
    if not (withheld or settled):
        return
    _write(session, parcel.token, withheld + settled)
    _close_attempts(session, parcel, outcomes, now)
    accepted = [parcel.rows[sent.id] for sent in outcomes if sent.certainty is Certainty.ACCEPTED]
    _told(session, [row for row in accepted if row["kind"] == MessageKind.ALERT], now)
    _talking(session, [row for row in accepted if row["kind"] == MessageKind.REPLY], now)
    _stopped(session, [parcel.rows[sent.id] for sent in outcomes if sent.opted_out], now)


def free_expired(session: Session, deployment: Deployment, now: datetime) -> int:
    """Judge messages whose worker vanished in mid-send as unknown, each by its kind. Returns how many there were."""
    lost = session.execute(
        select(MESSAGE)
        .where(ON_ITS_WAY, MESSAGE.c.state == MessageState.CLAIMED, MESSAGE.c.lease_until < now)
        .with_for_update(skip_locked=True)
    )
    rows = lost.mappings().all()
    for row in rows:
        sent = Sent(row["id"], Certainty.UNKNOWN, code="worker vanished")
        verdict = _verdict(row, sent, deployment.settings.max_attempts)
        at_once = replace(verdict, again_in=timedelta(0)) if verdict.state is MessageState.QUEUED else verdict
        via = _other_gateway(deployment, row, verdict)
        _write(session, row["claim_token"], [_settled(row, at_once, sent, via, now)])
    return len(rows)


@contextmanager
def keeping(deployment: Deployment, parcel: Parcel) -> Iterator[None]:
    """Hold on to a parcel while its gateway is slow: renews the short lease until the block ends, or the process does."""
    done = threading.Event()
    pause = deployment.settings.lease_seconds / 3

    def renew() -> None:
        while not done.wait(pause):
            with deployment.db.transaction() as session:
                ours = (MESSAGE.c.claim_token == parcel.token, MESSAGE.c.state == MessageState.CLAIMED)
                later = deployment.db.now(session) + _lease(deployment)
                session.execute(update(MESSAGE).where(MESSAGE.c.id.in_(parcel.rows), *ours).values(lease_until=later))

    renewer = threading.Thread(target=renew, name="lease", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def _pack(session: Session, deployment: Deployment, token: str, rows: Sequence[RowMapping], now: datetime) -> Parcel:
    people, cases = _people(session, rows), _cases(session, rows)
    parcel = Parcel(token, {row["id"]: row for row in rows}, {}, {})
    for row in rows:
        person, case = people[row["caller_id"] or row["contact_id"]], cases.get(row["case_id"])
        if why := _withheld(deployment, row, person, case, now):
            parcel.withheld[row["id"]] = why
            continue
        try:
            text = _opened(deployment, row, person, case, now)
        except CannotOpen:
            log.exception("message cannot be opened", extra={"row": row["id"]})
            parcel.withheld[row["id"]] = "cannot be opened"
        else:
            parcel.texts.setdefault(row["gateway"], []).append(text)
    return parcel


def _opened(deployment: Deployment, row: RowMapping, person: RowMapping, case: RowMapping | None, now: datetime) -> OutboundText:
    """Return a message with its number and words in clear. Raises CannotOpen, also where the case's key is gone."""
    keyring, whose = deployment.keyring, "caller" if row["caller_id"] else "contact"
    to = keyring.fields.open_text(person["number_sealed"], f"{whose}|number|{person['id']}")
    if row["case_id"] is not None and (case is None or case["wrapped"] is None):
        raise CannotOpen
    key = keyring.case_key(case["id"], case["wrapped"]) if case else keyring.fields
    return OutboundText(row["id"], to, key.open_text(row["sealed"], bound_to(row["id"])), _valid_for(row, now))


def _withheld(deployment: Deployment, row: RowMapping, person: RowMapping, case: RowMapping | None, now: datetime) -> str | None:
    if row["valid_until"] is not None and row["valid_until"] <= now:
        return "too late"
    if row["caller_id"] is None or _overtaken(row, case):
        return _overtaken(row, case)
    if not person["reachable"]:
        return "sender has no number"
    if row["kind"] == MessageKind.REPLY:
        return may_write(deployment, person, now)
    stopped = person["panic_at"] or person["opted_out_at"]
    return "asked us to stop" if stopped is not None and stopped > row["created_at"] else None


def _overtaken(row: RowMapping, case: RowMapping | None) -> str | None:
    """Return why a case no longer wants a message. A page that was on its way when somebody answered must not go again."""
    if case is not None and case["state"] == CaseState.FROZEN:
        return "this item is frozen"
    answered = case is not None and case["acknowledged_at"] is not None
    return "somebody has answered" if answered and row["kind"] == MessageKind.ALERT else None


def _people(session: Session, rows: Sequence[RowMapping]) -> dict[str, RowMapping]:
    callers = {row["caller_id"] for row in rows if row["caller_id"]}
    contacts = {row["contact_id"] for row in rows if row["contact_id"]}
    found: list[RowMapping] = [*session.execute(select(CALLER).where(CALLER.c.id.in_(callers))).mappings()] if callers else []
    found += session.execute(select(CONTACT).where(CONTACT.c.id.in_(contacts))).mappings() if contacts else []
    return {row["id"]: row for row in found}


def _cases(session: Session, rows: Sequence[RowMapping]) -> dict[str, RowMapping]:
    cases = {row["case_id"] for row in rows if row["case_id"]}
    if not cases:
        return {}
    columns = select(CASE.c.id, CASE.c.state, CASE.c.acknowledged_at, CASE_KEY.c.wrapped)
    found = columns.outerjoin(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id).where(CASE.c.id.in_(cases))
    return {row["id"]: row for row in session.execute(found).mappings()}


def _valid_for(row: RowMapping, now: datetime) -> int | None:
    return max(1, int((row["valid_until"] - now).total_seconds())) if row["valid_until"] else None


def _lease(deployment: Deployment) -> timedelta:
    return timedelta(seconds=deployment.settings.lease_seconds)


def _other_gateway(deployment: Deployment, row: RowMapping, verdict: Verdict) -> str:
    """Return the gateway of the next try: a life-danger alert that did not go out changes to the other one."""
    first, second = deployment.settings.gateway, deployment.settings.second_gateway
    changes = second and verdict.state is MessageState.QUEUED and row["lane"] == Lane.LIFE and row["kind"] == MessageKind.ALERT
    if not changes:
        return str(row["gateway"])
    return second if row["gateway"] == first else first


def _verdict(row: RowMapping, sent: Sent, max_attempts: int) -> Verdict:
    kind, lane = MessageKind(row["kind"]), Lane(row["lane"])
    return judge(sent, kind=kind, lane=lane, attempts=row["attempts"], max_attempts=max_attempts)


def _settled(row: RowMapping, verdict: Verdict, sent: Sent | None, via: str, now: datetime) -> dict[str, object]:
    accepted = verdict.state is MessageState.ACCEPTED
    return {
        "row": row["id"],
        "to": verdict.state,
        "via": via,
        "due": now + (verdict.again_in or timedelta(0)),
        "why": verdict.reason,
        "pid": sent.provider_id if sent else None,
        "taken": now if accepted else None,
        "settled": None if verdict.again_in is not None or accepted else now,
    }


def _write(session: Session, token: str, settled: Sequence[dict[str, object]]) -> None:
    ours = (MESSAGE.c.id == bindparam("row"), MESSAGE.c.claim_token == token, MESSAGE.c.state == MessageState.CLAIMED)
    statement = update(MESSAGE).where(*ours)
    values: dict[str, BindParameter[Any]] = {
        "state": bindparam("to"),
        "gateway": bindparam("via"),
        "due_at": bindparam("due"),
        "reason": bindparam("why"),
        "provider_id": bindparam("pid"),
        "accepted_at": bindparam("taken"),
        "settled_at": bindparam("settled"),
    }
    session.connection().execute(statement.values(values), settled)


def _close_attempts(session: Session, parcel: Parcel, outcomes: Sequence[Sent], now: datetime) -> None:
    alike: dict[tuple[Certainty, str | None], list[str]] = {}
    for sent in outcomes:
        alike.setdefault((sent.certainty, sent.code), []).append(parcel.attempts[sent.id])
    for (certainty, code), ids in alike.items():
        closed = update(ATTEMPT).where(ATTEMPT.c.id.in_(ids)).values(ended_at=now, result=certainty, code=code)
        session.connection().execute(closed)


def _told(session: Session, alerts: Sequence[RowMapping], now: datetime) -> None:
    if not alerts:
        return
    pairs = [(row["case_id"], row["contact_id"]) for row in alerts]
    queued = (tuple_(REFERRAL.c.case_id, REFERRAL.c.contact_id).in_(pairs), REFERRAL.c.state == ReferralState.QUEUED)
    session.connection().execute(update(REFERRAL).where(*queued).values(state=ReferralState.TOLD, told_at=now))


def _talking(session: Session, replies: Sequence[RowMapping], now: datetime) -> None:
    for row in replies:
        session.execute(update(CALLER).where(CALLER.c.id == row["caller_id"]).values(open_question="talk", asked_at=now))


def _stopped(session: Session, rows: Sequence[RowMapping], now: datetime) -> None:
    callers = [row["caller_id"] for row in rows if row["caller_id"]]
    never = or_(CALLER.c.opted_out_at.is_(None), CALLER.c.opted_out_at < now)
    if callers:
        session.execute(update(CALLER).where(CALLER.c.id.in_(callers), never).values(opted_out_at=now))
