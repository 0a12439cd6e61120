"""Refers cases: chooses contacts, writes a referral and an alert for each, and starts the ladder.

An alert carries the case's handle, how urgent it is and the district; never identity, a place below the district, or words. What
goes beside the text, by e-mail or webhook, carries the handle and a link.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache

from sqlalchemy import update
from sqlalchemy.orm import Session

from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.models import Case, Lane, Message, MessageKind, Reading, Referral, ReferralState, Tier, new_id, table
from hotline.outbound.beside import SAYS
from hotline.outbound.compose import Draft
from hotline.privacy import Key
from hotline.routing import conflict, directory, ladder
from hotline.routing.book import sentences
from hotline.routing.choose import NOBODY_TOLD, OPEN, Choice, Entry, Need, choose

CASE, MESSAGE, REFERRAL = table(Case), table(Message), table(Referral)
_parsed = lru_cache(maxsize=8)(ladder.parse)


@dataclass(frozen=True)
class Referable:
    """A case that contacts may have to be told of.

    `told` are the contacts who have a referral of it already, `taken_by` the one who had taken it before it became urgent.
    `climbing` says that its ladder runs and is not to be started anew, `begun` that its row was just written with it.
    """

    case_id: str
    handle: str
    key: Key
    reading: Reading
    told: frozenset[str] = frozenset()
    taken_by: str | None = None
    climbing: bool = False
    begun: bool = False


def refer(session: Session, deployment: Deployment, cases: Sequence[Referable], now: datetime) -> set[Lane]:
    """Tell the chosen contacts of each case and start its ladder. Returns the lanes in which alerts now wait.

    The ladder of a case that is somebody's matter starts even while nobody can be told: it finds who comes on duty.
    """
    if not cases:
        return set()
    conflict.look(session, [conflict.told_of(case.case_id, case.key, case.reading) for case in cases], now)
    everybody, barred = directory.reachable(session, deployment), conflict.bars(session, [case.case_id for case in cases])
    local = deployment.local(now)
    admitted = cache(lambda bar: bar.admitted(everybody))
    rules = sentences(deployment)
    chosen = cache(lambda needed, bar: choose(needed, admitted(bar), local, rules))  # in a surge many cases ask for the same
    told = []
    for case in cases:
        bar = barred.get(case.case_id, OPEN)
        told.append((case, _whom(case, chosen(need(deployment, case.reading), bar), admitted(bar))))
    referrals, alerts = [], []
    clocks: dict[bool, list[str]] = {}
    for case, choices in told:
        urgent = case.reading.urgency == "immediate"
        referrals += [referral(case.case_id, choice, now) for choice in choices if choice.entry.id not in case.told]
        alerts += [row for choice in choices for row in alerts_to(deployment, case, choice, now)]
        if not case.begun and (choices or (_somebodys(case.reading) and not case.climbing)):
            clocks.setdefault(urgent, []).append(case.case_id)
    add_rows(session, REFERRAL, referrals)
    add_rows(session, MESSAGE, alerts)
    for urgent, ids in clocks.items():
        first = {"next_step_at": _first(deployment, now, life=urgent), "ladder_from": now, "ladder_step": 0}
        start = update(CASE).where(CASE.c.id.in_(ids)).values(first)
        session.connection().execute(start)
    return {Lane(str(row["lane"])) for row in alerts}


def first_step(deployment: Deployment, now: datetime, reading: Reading) -> datetime | None:
    """Return when the ladder of a new case climbs first, whoever is told; None where that depends on whether anybody is."""
    return _first(deployment, now, life=reading.urgency == "immediate") if _somebodys(reading) else None


def _somebodys(reading: Reading) -> bool:
    """Whether a case is somebody's matter, even while nobody can be told."""
    return reading.category not in NOBODY_TOLD or reading.urgency == "immediate"


def _first(deployment: Deployment, now: datetime, *, life: bool) -> datetime:
    return ladder.due(steps_for(deployment, life=life), 0, started=now, previous=now, now=now)


def _whom(case: Referable, chosen: tuple[Choice, ...], entries: Sequence[Entry]) -> tuple[Choice, ...]:
    theirs = (entry for entry in entries if entry.id == case.taken_by and entry not in [choice.entry for choice in chosen])
    return (*chosen, *(Choice(entry, "took it before it became urgent") for entry in theirs))


def need(deployment: Deployment, reading: Reading) -> Need:
    """Return what a case asks of the directory."""
    areas = frozenset(reading.places) | {deployment.settings.district}
    return Need(reading.category, reading.urgency, reading.minors == "true", areas, reading.signs)


def steps_for(deployment: Deployment, *, life: bool) -> tuple[ladder.Step, ...]:
    """Return the ladder of a case."""
    return _parsed(deployment.settings.ladder_life if life else deployment.settings.ladder_normal)


def referral(case_id: str, choice: Choice, now: datetime, *, step: int = 0) -> dict[str, object]:
    """Return the row that says a contact is to be told of a case."""
    return {
        "id": new_id(),
        "case_id": case_id,
        "contact_id": choice.entry.id,
        "state": ReferralState.QUEUED,
        "why": choice.why,
        "step": step,
        "created_at": now,
    }


def alerts_to(
    deployment: Deployment, case: Referable, choice: Choice, now: datetime, *, minutes: int = 0
) -> Iterator[dict[str, object]]:
    """Yield the message rows of an alert: the text where there is a phone, and one for each other way this contact is told.

    `minutes` says how long a repeated one has waited. Only the text travels in the lane of life: no mail server holds it up.
    """
    urgent = case.reading.urgency == "immediate"
    lane = Lane.LIFE if urgent else Lane.REPLY
    if choice.entry.phone:
        words = _words(deployment, case, choice.entry, minutes)
        yield _draft(deployment, case, choice, lane, words, deployment.settings.gateway).row(case.key, now)
    for way in choice.entry.beside:
        if deployment.shelf.get(way) is not None:
            said = SAYS[way](deployment, case.handle, choice.entry.language, now, alone=not choice.entry.phone)
            yield _draft(deployment, case, choice, Lane.REPLY, said, way).row(case.key, now)


def _draft(deployment: Deployment, case: Referable, choice: Choice, lane: Lane, body: str, gateway: str) -> Draft:
    return Draft(
        kind=MessageKind.ALERT,
        lane=lane,
        body=body,
        gateway=gateway,
        case_id=case.case_id,
        contact_id=choice.entry.id,
        valid_for=timedelta(hours=deployment.settings.page_expiry_hours),
    )


def _words(deployment: Deployment, case: Referable, entry: Entry, minutes: int) -> str:
    urgent = case.reading.urgency == "immediate"
    area = deployment.settings.district
    if minutes and entry.tier is not Tier.DUTY:
        return deployment.words.text("staff.supervisor", entry.language, code=case.handle, minutes=minutes)
    if minutes:
        key = "staff.alert_urgent_again" if urgent else "staff.alert_again"
        return deployment.words.text(key, entry.language, code=case.handle, area=area, minutes=minutes)
    key = ("staff.alert_urgent" if urgent else "staff.alert") + ("_minor" if case.reading.minors == "true" else "")
    return deployment.words.text(key, entry.language, code=case.handle, area=area)
