"""Climbs the ladder of cases nobody has answered. Run by the clock; stops only when a person answers."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import RowMapping, Select, select, update
from sqlalchemy.orm import Session

from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE
from hotline.models import (
    AT_REST,
    DEAD_STATES,
    RANK,
    Assessed,
    Case,
    CaseKey,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Reading,
    Referral,
    ReferralState,
    Tier,
    table,
    written_out,
)
from hotline.outbound import duty
from hotline.privacy import CannotOpen, Key
from hotline.routing import conflict, directory, ladder
from hotline.routing.book import sentences
from hotline.routing.choose import OPEN, Choice, Entry, Need, choose, circle, next_after, rung, wake_somebody
from hotline.routing.refer import Referable, alerts_to, need, referral, steps_for

log = logging.getLogger(__name__)

CASE, CASE_KEY, MESSAGE, REFERRAL = table(Case), table(CaseKey), table(Message), table(Referral)
ASSESSED = table(Assessed)
HIGHER = {
    ladder.Rung.SUPERVISOR: (Tier.SUPERVISOR, Tier.NATIONAL),
    ladder.Rung.EVERYONE: (Tier.SUPERVISOR, Tier.NATIONAL, Tier.DIRECTOR),
}
CLIMBED_AT_ONCE = 100
AGENCIES: Final = 2
SILENT: Final = (ReferralState.QUEUED, ReferralState.TOLD)
LOST: Final = (MessageState.DEAD, MessageState.FAILED, MessageState.SUPPRESSED, MessageState.CANCELLED)
LATELY: Final = timedelta(hours=1)  # what was lost before has long been a step of the ladder
DEAD: Final = (written_out(MESSAGE.c.state, DEAD_STATES), MESSAGE.c.handled_at.is_(None))
UNANSWERED: Final = (CASE.c.acknowledged_at.is_(None), ~written_out(CASE.c.state, AT_REST))
MOST_MINUTES = 9999  # what an alert has room for; after a week the number says nothing more


class Work(Protocol):
    """What is done for one case."""

    def __call__(
        self, session: Session, deployment: Deployment, case: RowMapping, entries: Sequence[Entry], now: datetime
    ) -> set[Lane]:
        """Return the lanes in which alerts now wait."""


def climb(session: Session, deployment: Deployment, now: datetime) -> set[Lane]:
    """Take every case whose step is due one step up. Returns the lanes in which alerts now wait."""
    due = (
        select(CASE, CASE_KEY.c.wrapped)
        .join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id)
        .where(CASE.c.next_step_at <= now)
        .order_by(CASE.c.rank, CASE.c.next_step_at)
        .limit(CLIMBED_AT_ONCE)
        .with_for_update(skip_locked=True, of=CASE)
    )
    return _each(session, deployment, due, _climb, now)


def instead(session: Session, deployment: Deployment, now: datetime) -> set[Lane]:
    """Tell others at once of a danger to life whose alert cannot arrive: a dead number must not cost a step of the ladder.

    Returns the lanes in which alerts now wait.
    """
    lately = (MESSAGE.c.lane == Lane.LIFE, MESSAGE.c.settled_at > now - LATELY)
    refused = select(MESSAGE.c.case_id).where(*DEAD, *lately, MESSAGE.c.kind == MessageKind.ALERT, MESSAGE.c.state.in_(LOST))
    cases = (
        select(CASE, CASE_KEY.c.wrapped)
        .join(CASE_KEY, CASE_KEY.c.case_id == CASE.c.id)
        .where(CASE.c.id.in_(refused), CASE.c.rank == RANK["immediate"], *UNANSWERED, CASE.c.next_step_at > now)
        .limit(CLIMBED_AT_ONCE)
        .with_for_update(skip_locked=True, of=CASE)
    )
    return _each(session, deployment, cases, _replace, now)


def _each(session: Session, deployment: Deployment, asked: Select[Any], work: Work, now: datetime) -> set[Lane]:
    """Do a work for each of these cases, with those of the directory who may know of it."""
    cases = session.execute(asked).mappings().all()
    entries = directory.reachable(session, deployment) if cases else ()
    barred = conflict.bars(session, [case["id"] for case in cases]) if cases else {}
    lanes: set[Lane] = set()
    for case in cases:
        try:
            admitted = barred.get(case["id"], OPEN).admitted(entries)
            lanes |= work(session, deployment, case, admitted, now)
        except CannotOpen:
            log.exception("case cannot climb", extra={"case": case["handle"]})
    return lanes


def _replace(session: Session, deployment: Deployment, case: RowMapping, entries: Sequence[Entry], now: datetime) -> set[Lane]:
    """Choose anew without those no alert can reach, while fewer than two agencies are left who may hear of it."""
    sent = select(MESSAGE.c.contact_id).where(MESSAGE.c.case_id == case["id"], MESSAGE.c.kind == MessageKind.ALERT)
    rings = set(session.scalars(sent.where(MESSAGE.c.gateway.not_in(BESIDE), MESSAGE.c.state.not_in(LOST))))
    states = _states(session, case)
    waiting = {one for one, state in states.items() if state in SILENT and one in rings}
    if len({entry.agency for entry in entries if entry.wakes and entry.id in waiting}) >= AGENCIES:
        return set()
    left = [entry for entry in entries if entry.id in waiting or entry.id not in states]
    known = referable(session, deployment, case)
    wanted = need(deployment, known.reading)
    chosen = choose(wanted, left, deployment.local(now), sentences(deployment))
    new = [choice for choice in chosen if choice.entry.id not in states]
    alerts = [row for choice in new for row in alerts_to(deployment, known, choice, now)]
    add_rows(session, REFERRAL, [referral(case["id"], choice, now, step=case["ladder_step"]) for choice in new])
    add_rows(session, MESSAGE, alerts)
    return {Lane(str(row["lane"])) for row in alerts}


def _states(session: Session, case: RowMapping) -> dict[str, str]:
    """Return how the referral of each contact stands."""
    referred = session.execute(select(REFERRAL.c.contact_id, REFERRAL.c.state).where(REFERRAL.c.case_id == case["id"]))
    return {row.contact_id: row.state for row in referred}


def _climb(session: Session, deployment: Deployment, case: RowMapping, entries: Sequence[Entry], now: datetime) -> set[Lane]:
    steps = steps_for(deployment, life=case["rank"] == RANK["immediate"])
    number, started, previous = case["ladder_step"], case["ladder_from"], case["next_step_at"]
    upto = ladder.reached(steps, number, started=started, now=now)
    if upto > number:
        previous = started + steps[upto].after
    states = _states(session, case)
    known = referable(session, deployment, case)
    rungs = frozenset(ladder.step_at(steps, step).rung for step in range(number, upto + 1))
    local, wanted = deployment.local(now), need(deployment, known.reading)
    choices = _whom(wanted, circle(wanted, entries, local, sentences(deployment)), local, rungs, states)
    minutes = min(max(1, round((now - started).total_seconds() / 60)), MOST_MINUTES)
    new = [referral(case["id"], choice, now, step=upto + 1) for choice in choices if choice.entry.id not in states]
    alerts = [row for choice in choices for row in alerts_to(deployment, known, choice, now, minutes=minutes)]
    add_rows(session, REFERRAL, new)
    add_rows(session, MESSAGE, alerts)
    if ladder.Rung.CALL in rungs:
        phones = [entry.id for entry in entries if entry.phone]
        duty.ring(session, deployment, case["id"], [one for one in phones if states.get(one) in SILENT], now)
    following = ladder.due(steps, upto + 1, started=started, previous=previous, now=now)
    session.execute(update(CASE).where(CASE.c.id == case["id"]).values(ladder_step=upto + 1, next_step_at=following))
    return {Lane(str(row["lane"])) for row in alerts}


def _whom(
    wanted: Need, entries: Sequence[Entry], local: datetime, steps: frozenset[ladder.Rung], states: dict[str, str]
) -> list[Choice]:
    """Return those already told who have not answered, and whoever these steps add; the last resort if that is nobody."""
    silent = [entry for entry in entries if states.get(entry.id) in SILENT]
    again = [Choice(entry, "no answer yet") for entry in silent]
    added = next_after(wanted, entries, local, frozenset(states)) if ladder.Rung.NEXT in steps else ()
    added += rung(wanted, entries, {tier for step in steps for tier in HIGHER.get(step, ())})
    seen = {choice.entry.id for choice in again}
    chosen = again + [choice for choice in added if choice.entry.id not in seen]
    if ladder.Rung.EVERYONE in steps or not wake_somebody(chosen):
        known = seen | {choice.entry.id for choice in chosen}
        chosen += [Choice(entry, "last resort") for entry in entries if entry.last_resort and entry.id not in known]
    if wanted.life and not wake_somebody(chosen):
        known = {choice.entry.id for choice in chosen}
        left = (entry for entry in entries if entry.id not in known and not entry.abroad)
        chosen += [Choice(entry, "nobody else is left") for entry in left]
    return chosen


def referable(session: Session, deployment: Deployment, case: RowMapping) -> Referable:
    """Return what contacts have to know of a stored case; `case` holds its columns and `wrapped`, its sealed key."""
    key = deployment.keyring.case_key(case["id"], case["wrapped"])
    whole = _newest(session, case["id"], key)
    plain = json.loads(whole) if whole else {}
    reading = Reading(
        category=case["category"],
        urgency=case["urgency"],
        minors=case["minors"],
        language=case["language"],
        language_confident=False,
        places=tuple(plain.get("places", ())),
        rules_version="",
        whole=whole,
        signs=frozenset(str(one["rule"]) for one in plain.get("findings", ())),
    )
    return Referable(case["id"], case["handle"], key, reading)


def _newest(session: Session, case_id: str, key: Key) -> str:
    """Return the newest assessment: the next contact, too, is one whose area and matter it is. Empty where there is none."""
    newest = select(ASSESSED.c.id, ASSESSED.c.sealed).where(ASSESSED.c.case_id == case_id)
    row = session.execute(newest.order_by(ASSESSED.c.at.desc(), ASSESSED.c.id.desc()).limit(1)).first()
    return key.open_text(row.sealed, f"assessment|sealed|{row.id}") if row else ""
