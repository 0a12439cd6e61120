"""Delivery: takes queued messages of one lane and gets them out of the building.

Three steps, each its own transaction or none: claim rows and write an attempt for each; call the gateway with no session open
(hotline/outbound/calls.py), so that a slow gateway cannot hold the database; write down what is known, of some texts before
others. The token taken at the claim fences the last step: a worker that was thought dead cannot finish another's attempt.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import RowMapping, Update, and_, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline import subscribers
from hotline.comeback import filled
from hotline.db import Given, add_rows, among, change_each
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE, Certainty, OutboundText, Sent
from hotline.models import (
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
)
from hotline.outbound import breaker, recipients
from hotline.outbound.claiming import ON_ITS_WAY, Claimed, gather, other_gateway, to_life, waiting
from hotline.outbound.compose import bound_to
from hotline.outbound.doubt import AT_ONCE, Try, Verdict, judge, looks_up
from hotline.outbound.window import may_write
from hotline.privacy import CannotOpen

__all__ = ["Parcel", "free_expired", "keeping", "settle", "take", "waiting"]

log = logging.getLogger(__name__)

MESSAGE, ATTEMPT, CALLER, CONTACT, REFERRAL = (table(m) for m in (Message, Attempt, Caller, Contact, Referral))
CASE, CASE_KEY = table(Case), table(CaseKey)
SETTLED = {
    "row": MESSAGE.c.id, "token": MESSAGE.c.claim_token, "to": MESSAGE.c.state, "via": MESSAGE.c.gateway, "due": MESSAGE.c.due_at,
    "why": MESSAGE.c.reason, "pid": MESSAGE.c.provider_id, "taken": MESSAGE.c.accepted_at, "settled": MESSAGE.c.settled_at,
}  # fmt: skip
TOLD = {"of": REFERRAL.c.case_id, "whom": REFERRAL.c.contact_id, "at": REFERRAL.c.told_at}


@dataclass(frozen=True)
class Parcel:
    """Messages claimed under one token, ready for their gateways.

    `withheld` maps a message that may not go to the reason, `attempts` one that goes to its attempt, `doubts` one that may have
    gone out already to when; `shut` are the gateways to be left alone, `probed` those that one of these texts tries again.
    """

    token: str
    taken_at: datetime
    rows: dict[str, RowMapping]
    texts: dict[str, list[OutboundText]]
    withheld: dict[str, str]
    shut: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()
    attempts: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, datetime] = field(default_factory=dict)


def take(
    session: Session, deployment: Deployment, lane: Lane, now: datetime, room: Mapping[str, int] = MappingProxyType({})
) -> Parcel:
    """Claim due messages of a lane and write an attempt for each, before any gateway is called.

    `room` says how many a gateway with a limit may be given now. What may not leave is settled here.
    """
    claimed = gather(session, deployment, lane, now, room)
    parcel = _pack(session, deployment, claimed, now)
    parcel.doubts.update(_doubts(session, tuple(parcel.rows.values())))
    attempts: list[Mapping[str, object]] = []
    for name, texts in parcel.texts.items():
        for text in texts:
            parcel.attempts[text.id] = new_id()
            attempts.append({"id": parcel.attempts[text.id], "message_id": text.id, "gateway": name, "started_at": now})
    add_rows(session, ATTEMPT, attempts)
    _suppress(session, parcel, now)
    return parcel


def settle(session: Session, deployment: Deployment, parcel: Parcel, outcomes: Sequence[Sent], now: datetime) -> None:
    """Write down what became of texts of a parcel, all or some. Rows that another worker holds by now are left alone."""
    if not outcomes:
        return
    via = {text.id: name for name, texts in parcel.texts.items() for text in texts}
    gone = _gone_already(session, [parcel.rows[sent.id] for sent in outcomes if sent.certainty is not Certainty.ACCEPTED])
    settled = []
    for sent in outcomes:
        row = parcel.rows[sent.id]
        known = tried(deployment, row, doubted=sent.id in parcel.doubts)
        verdict = Verdict(MessageState.ACCEPTED) if sent.id in gone else judge(sent, known)
        # A text in doubt was out of our hands since the claim; what was surely not sent waits from now on.
        since = parcel.taken_at if sent.certainty is Certainty.UNKNOWN else now
        settled.append(_settled(row, verdict, sent, _next_gateway(deployment, row, via[sent.id], verdict), now, since))
    _write(session, settled)
    _close_attempts(session, parcel, outcomes, now)
    _learn(session, deployment, parcel.probed, via, outcomes, now)
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
        verdict = judge(sent, tried(deployment, row, doubted=False))  # it may have vanished before it asked any gateway
        if to_life(row) and row["attempts"] < deployment.settings.max_attempts:
            verdict = replace(verdict, again_in=AT_ONCE)  # it has waited for as long as its lease
        via = _next_gateway(deployment, row, row["gateway"], verdict)
        _write(session, [_settled(row, verdict, sent, via, now, now)])
    return len(rows)


@contextmanager
def keeping(deployment: Deployment, parcel: Parcel) -> Iterator[None]:
    """Hold on to a parcel while its gateway is slow: renews the short lease until the block ends, or the process does."""
    done = threading.Event()
    pause = deployment.settings.lease_seconds / 3

    def renew() -> None:
        while not done.wait(pause):
            try:
                with deployment.db.transaction() as session:
                    ours = (MESSAGE.c.claim_token == parcel.token, MESSAGE.c.state == MessageState.CLAIMED)
                    later = deployment.db.now(session) + _lease(deployment)
                    session.execute(update(MESSAGE).where(MESSAGE.c.id.in_(parcel.rows), *ours).values(lease_until=later))
            except SQLAlchemyError as error:  # nobody can take the parcel from us either while the database is away
                log.warning("lease not renewed", extra={"error": type(error).__name__})

    renewer = threading.Thread(target=renew, name="lease", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def tried(deployment: Deployment, row: RowMapping, *, doubted: bool) -> Try:
    """Return what is known of a message for the judgement of its kind."""
    other = to_life(row) and bool(other_gateway(deployment.settings, row["gateway"]))
    gateway = deployment.shelf.get(row["gateway"])
    folds = gateway is not None and gateway.folds_copies
    most = deployment.settings.max_attempts
    return Try(MessageKind(row["kind"]), Lane(row["lane"]), row["attempts"], most, other=other, doubted=doubted, folds=folds)


def _pack(session: Session, deployment: Deployment, claimed: Claimed, now: datetime) -> Parcel:
    rows = claimed.rows
    people, cases = _people(session, rows), _cases(session, rows)
    by_id, probed = {row["id"]: row for row in rows}, frozenset(claimed.probes.values())
    parcel = Parcel(claimed.token, now, by_id, {}, {}, claimed.shut, probed)
    for row in rows:
        person, case = people[row["caller_id"] or row["contact_id"] or row["subscriber_id"]], cases.get(row["case_id"])
        if why := _withheld(deployment, row, person, case, now):
            parcel.withheld[row["id"]] = why
            continue
        try:
            text = _opened(deployment, row, person, case, now)
        except CannotOpen:
            log.exception("message cannot be opened", extra={"row": row["id"]})
            parcel.withheld[row["id"]] = "cannot be opened"
        else:
            parcel.texts.setdefault(claimed.route(deployment.settings, row), []).append(text)
    return parcel


def _doubts(session: Session, rows: Sequence[RowMapping]) -> dict[str, datetime]:
    """Return when messages that may have gone out already, and can be looked for at their gateway, were tried first."""
    again = [row["id"] for row in rows if row["attempts"] > 1 and looks_up(MessageKind(row["kind"]), Lane(row["lane"]))]
    if not again:
        return {}
    doubtful = (ATTEMPT.c.message_id.in_(again), or_(ATTEMPT.c.result == Certainty.UNKNOWN, ATTEMPT.c.result.is_(None)))
    tries = select(ATTEMPT.c.message_id, func.min(ATTEMPT.c.started_at)).where(*doubtful).group_by(ATTEMPT.c.message_id)
    return {row.message_id: row[1] for row in session.execute(tries)}


def _gone_already(session: Session, rows: Sequence[RowMapping]) -> set[str]:
    """Return which messages a gateway has taken from an earlier try, whose worker came back while the later one was under way."""
    again = [row["id"] for row in rows if row["attempts"] > 1]
    if not again:
        return set()
    taken = select(ATTEMPT.c.message_id).where(ATTEMPT.c.message_id.in_(again), ATTEMPT.c.result == Certainty.ACCEPTED)
    return set(session.scalars(taken))


def _suppress(session: Session, parcel: Parcel, now: datetime) -> None:
    """Settle what may not leave."""
    withheld = []
    for row_id, why in parcel.withheld.items():
        row = parcel.rows[row_id]
        withheld.append(_settled(row, Verdict(MessageState.SUPPRESSED, reason=why), None, row["gateway"], now, now))
    if withheld:
        _write(session, withheld)


def _learn(
    session: Session,
    deployment: Deployment,
    probed: frozenset[str],
    via: Mapping[str, str],
    outcomes: Sequence[Sent],
    now: datetime,
) -> None:
    if not probed and not any(sent.faulty or sent.retry_after is not None for sent in outcomes):
        return
    by_gateway: dict[str, list[Sent]] = {}
    for sent in outcomes:
        by_gateway.setdefault(via[sent.id], []).append(sent)
    breaker.watch(session, deployment, by_gateway, probed, now)


def _opened(
    deployment: Deployment, row: RowMapping, person: Mapping[str, Any], case: RowMapping | None, now: datetime
) -> OutboundText:
    """Return a message with its number and words in clear. Raises CannotOpen, also where the case's key is gone."""
    keyring, whose, what = deployment.keyring, _whose(row), _at(row)
    to = keyring.fields.open_text(person[f"{what}_sealed"], f"{whose}|{what}|{person['id']}")
    if row["case_id"] is not None and (case is None or case["wrapped"] is None):
        raise CannotOpen
    key = keyring.case_key(case["id"], case["wrapped"]) if case else keyring.fields
    body = filled(deployment, row["id"], row["template"], key.open_text(row["sealed"], bound_to(row["id"])))
    return OutboundText(row["id"], to, body, _valid_for(row, now))


def _at(row: RowMapping) -> str:
    """Return which address of a person a message goes to."""
    return str(row["gateway"]) if row["gateway"] in BESIDE else "number"


def _whose(row: RowMapping) -> str:
    return "caller" if row["caller_id"] else "subscriber" if row["subscriber_id"] else "contact"


def _withheld(
    deployment: Deployment, row: RowMapping, person: Mapping[str, Any], case: RowMapping | None, now: datetime
) -> str | None:
    if row["valid_until"] is not None and row["valid_until"] <= now:
        return recipients.TOO_LATE
    if row["subscriber_id"] is not None:
        return recipients.why_not(person)
    if row["caller_id"] is None or _overtaken(row, case):
        gone = person[f"{_at(row)}_sealed"] is None
        return "no such address any more" if gone else _overtaken(row, case)
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


def _people(session: Session, rows: Sequence[RowMapping]) -> dict[str, Mapping[str, Any]]:
    callers = {row["caller_id"] for row in rows if row["caller_id"]}
    contacts = {row["contact_id"] for row in rows if row["contact_id"]}
    many = {row["subscriber_id"] for row in rows if row["subscriber_id"]}
    found = recipients.people(session, many) if many else []
    found += [*session.execute(select(CALLER).where(CALLER.c.id.in_(callers))).mappings()] if callers else []
    found += [*session.execute(select(CONTACT).where(CONTACT.c.id.in_(contacts))).mappings()] if contacts else []
    return {row["id"]: row for row in found}


def _cases(session: Session, rows: Sequence[RowMapping]) -> dict[str, RowMapping]:
    cases = {row["case_id"] for row in rows if row["case_id"]}
    if not cases:
        return {}
    columns = select(CASE.c.id, CASE.c.state, CASE.c.acknowledged_at, CASE_KEY.c.wrapped)
    found = columns.outerjoin(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id).where(among(session, CASE.c.id, cases))
    return {row["id"]: row for row in session.execute(found).mappings()}


def _valid_for(row: RowMapping, now: datetime) -> int | None:
    return max(1, int((row["valid_until"] - now).total_seconds())) if row["valid_until"] else None


def _lease(deployment: Deployment) -> timedelta:
    return timedelta(seconds=deployment.settings.lease_seconds)


def _next_gateway(deployment: Deployment, row: RowMapping, via: str, verdict: Verdict) -> str:
    """Return the gateway of the next try: a life-danger alert that did not go out changes to the other one."""
    changes = verdict.state is MessageState.QUEUED and to_life(row)
    return (other_gateway(deployment.settings, via) if changes else "") or via


def _settled(row: RowMapping, verdict: Verdict, sent: Sent | None, via: str, now: datetime, since: datetime) -> dict[str, object]:
    accepted = verdict.state is MessageState.ACCEPTED
    return {
        "row": row["id"],
        "token": row["claim_token"],
        "to": verdict.state,
        "via": via,
        "due": max(now, since + (verdict.again_in or AT_ONCE)),
        "why": verdict.reason,
        "pid": sent.provider_id if sent and verdict.again_in is None else None,
        "taken": now if accepted else None,
        "settled": None if verdict.again_in is not None or accepted else now,
    }


def _write(session: Session, settled: Sequence[dict[str, object]]) -> None:
    """Write down what each message came to, unless another worker holds it by now."""
    change_each(session, _settling, SETTLED, settled)


def _settling(given: Given) -> Update:
    # Whoever was thought dead and comes back with good news is believed while nobody else holds the row, unless the same text is
    # known to have failed since: a row that waits names only such a one.
    held = and_(MESSAGE.c.state == MessageState.CLAIMED, MESSAGE.c.claim_token == given["token"])
    freed = or_(MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.state == MessageState.UNKNOWN)
    good = given["to"] == MessageState.ACCEPTED
    lives = or_(MESSAGE.c.provider_id.is_(None), MESSAGE.c.provider_id != given["pid"])
    values = {"state": given["to"], "gateway": given["via"], "due_at": given["due"], "reason": given["why"]}
    values |= {"provider_id": given["pid"], "accepted_at": given["taken"], "settled_at": given["settled"]}
    return update(MESSAGE).where(MESSAGE.c.id == given["row"], or_(held, and_(freed, good, lives))).values(values)


def _close_attempts(session: Session, parcel: Parcel, outcomes: Sequence[Sent], now: datetime) -> None:
    alike: dict[tuple[Certainty, str | None, bool | None], list[str]] = {}
    for sent in outcomes:
        faulty = sent.faulty if sent.code != breaker.NOT_TRIED else None
        alike.setdefault((sent.certainty, sent.code, faulty), []).append(parcel.attempts[sent.id])
    for (certainty, code, faulty), ids in alike.items():
        values = {"ended_at": now, "result": certainty, "code": code, "faulty": faulty}
        closed = update(ATTEMPT).where(among(session, ATTEMPT.c.id, ids)).values(values)
        session.connection().execute(closed)


def _told(session: Session, alerts: Sequence[RowMapping], now: datetime) -> None:
    told = [{"of": row["case_id"], "whom": row["contact_id"], "at": now} for row in alerts]
    if told:
        change_each(session, _telling, TOLD, told)


def _telling(given: Given) -> Update:
    queued = (REFERRAL.c.case_id == given["of"], REFERRAL.c.contact_id == given["whom"], REFERRAL.c.state == ReferralState.QUEUED)
    return update(REFERRAL).where(*queued).values(state=ReferralState.TOLD, told_at=given["at"])


def _talking(session: Session, replies: Sequence[RowMapping], now: datetime) -> None:
    callers = [row["caller_id"] for row in replies]
    if callers:
        session.execute(update(CALLER).where(CALLER.c.id.in_(callers)).values(open_question="told", asked_at=now))


def _stopped(session: Session, rows: Sequence[RowMapping], now: datetime) -> None:
    subscribers.leave(session, now, ids=[row["subscriber_id"] for row in rows if row["subscriber_id"]])
    callers = [row["caller_id"] for row in rows if row["caller_id"]]
    never = or_(CALLER.c.opted_out_at.is_(None), CALLER.c.opted_out_at < now)
    if callers:
        session.execute(update(CALLER).where(CALLER.c.id.in_(callers), never).values(opted_out_at=now))
