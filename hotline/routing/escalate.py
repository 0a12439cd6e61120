"""Climbs the ladder of cases nobody has answered. Run by the clock; stops only when a person answers."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.models import RANK, Case, CaseKey, Lane, Message, Reading, Referral, ReferralState, Tier, table
from hotline.routing import directory, ladder
from hotline.routing.choose import Choice, Entry, Need, next_after, rung
from hotline.routing.refer import Referable, alert, referral, steps_for

CASE, CASE_KEY, MESSAGE, REFERRAL = table(Case), table(CaseKey), table(Message), table(Referral)
HIGHER = {
    ladder.Rung.SUPERVISOR: (Tier.SUPERVISOR, Tier.NATIONAL),
    ladder.Rung.EVERYONE: (Tier.SUPERVISOR, Tier.NATIONAL, Tier.DIRECTOR),
}
CLIMBED_AT_ONCE = 100


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
    cases = session.execute(due).mappings().all()
    entries = directory.load(session) if cases else ()
    return {lane for case in cases for lane in _climb(session, deployment, case, entries, now)}


def _climb(session: Session, deployment: Deployment, case: RowMapping, entries: Sequence[Entry], now: datetime) -> set[Lane]:
    steps = steps_for(deployment, life=case["rank"] == RANK["immediate"])
    number, started = case["ladder_step"], case["ladder_from"]
    referred = session.execute(select(REFERRAL.c.contact_id, REFERRAL.c.state).where(REFERRAL.c.case_id == case["id"]))
    states = {row.contact_id: row.state for row in referred}
    need = Need(case["category"], case["urgency"], case["minors"] == "true", frozenset({deployment.settings.district}))
    choices = _whom(need, entries, deployment.local(now), ladder.step_at(steps, number).rung, states)
    referable = _referable(deployment, case)
    minutes = max(1, round((now - started).total_seconds() / 60))
    new = [referral(case["id"], choice, now, step=number + 1) for choice in choices if choice.entry.id not in states]
    alerts = [alert(deployment, referable, choice, now, minutes=minutes) for choice in choices]
    add_rows(session, REFERRAL, new)
    add_rows(session, MESSAGE, alerts)
    following = ladder.due(steps, number + 1, started=started, previous=case["next_step_at"], now=now)
    session.execute(update(CASE).where(CASE.c.id == case["id"]).values(ladder_step=number + 1, next_step_at=following))
    return {Lane(str(row["lane"])) for row in alerts}


def _whom(need: Need, entries: Sequence[Entry], local: datetime, step: ladder.Rung, states: dict[str, str]) -> list[Choice]:
    """Return those already told who have not answered, and whoever this step adds; the last resort if that is nobody."""
    silent = [entry for entry in entries if states.get(entry.id) in (ReferralState.QUEUED, ReferralState.TOLD)]
    again = [Choice(entry, "no answer yet") for entry in silent]
    if step is ladder.Rung.CALL:
        added: tuple[Choice, ...] = ()
    elif step is ladder.Rung.NEXT:
        added = next_after(need, entries, local, frozenset(states))
    else:
        added = rung(need, entries, HIGHER[step])
    seen = {choice.entry.id for choice in again}
    chosen = again + [choice for choice in added if choice.entry.id not in seen]
    if step is ladder.Rung.EVERYONE or not chosen:
        known = seen | {choice.entry.id for choice in chosen}
        chosen += [Choice(entry, "last resort") for entry in entries if entry.last_resort and entry.id not in known]
    return chosen


def _referable(deployment: Deployment, case: RowMapping) -> Referable:
    reading = Reading(
        category=case["category"],
        urgency=case["urgency"],
        minors=case["minors"],
        language=case["language"],
        language_confident=False,
        places=(),
        rules_version="",
        whole="",
    )
    return Referable(case["id"], case["handle"], deployment.keyring.case_key(case["id"], case["wrapped"]), reading)
