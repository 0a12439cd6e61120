"""Makes a broken invariant loud: in the log, in a counter, in the doctor, on every page of those who can mend it, by text.

Everything that pages show is read from a few rows of the counters by name, so it costs the same whatever has piled up.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import (
    Case,
    CaseState,
    Counter,
    Exclusion,
    ExclusionState,
    Lane,
    Message,
    MessageKind,
    Tier,
    table,
)
from hotline.outbound.compose import Draft
from hotline.routing import directory
from hotline.routing.choose import Entry
from hotline.watch.dead import life_waiting
from hotline.watch.invariants import CHECKS, Invariant

log = logging.getLogger(__name__)

MESSAGE, COUNTER, CASE, EXCLUSION = (table(model) for model in (Message, Counter, Case, Exclusion))
BEAT, LIFE_WAITING = "clock.beat", "watch.life"
LATE_BEAT = 45  # seconds after which a clock counts as stopped
NOTICE_EVERY = 3600  # seconds between two texts about one invariant
NOTICE_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class Standing:
    """How things stand: lives waiting among the dead letters, what is broken since when, and whether the clock goes."""

    life: int = 0
    broken: tuple[Invariant, ...] = ()
    stopped: bool = False


def standing(session: Session, now: datetime) -> Standing:
    """Return how things stood at the clock's last round. One look-up by primary key."""
    kept = _counters(session, [BEAT, LIFE_WAITING, *(_since(one) for one in Invariant)])
    stopped = BEAT in kept and now.timestamp() - kept[BEAT] > LATE_BEAT
    return Standing(kept.get(LIFE_WAITING, 0), tuple(one for one in Invariant if kept.get(_since(one))), stopped)


def look(session: Session, deployment: Deployment, now: datetime) -> dict[Invariant, int]:
    """Ask each invariant how many break it; those that hold are not in the answer."""
    found = {one: check(session, deployment, now) for one, check in CHECKS.items()}
    return {one: count for one, count in found.items() if count}


def sound(session: Session, deployment: Deployment, now: datetime) -> list[Lane]:
    """Look, and be loud about what does not hold. Returns the lanes in which notices now wait."""
    broken, before = look(session, deployment, now), standing(session, now).broken
    for one in Invariant:
        if one in broken:
            add_to_counter(session, deployment, _times(one))
        if one in broken and one not in before:
            set_counter(session, deployment, _since(one), int(now.timestamp()))
            log.error("invariant broken", extra={"code": one.name, "count": broken[one]})
        elif one in before and one not in broken:
            set_counter(session, deployment, _since(one), 0)
            log.info("invariant holds again", extra={"code": one.name})
    return _call_out(session, deployment, list(broken), now)


def recount(session: Session, deployment: Deployment, now: datetime) -> None:
    """Note how many lives wait among the dead letters, for the badge of every page."""
    waiting = life_waiting(session, deployment, now)
    if _counters(session, [LIFE_WAITING]).get(LIFE_WAITING) != waiting:
        set_counter(session, deployment, LIFE_WAITING, waiting)


def set_counter(session: Session, deployment: Deployment, name: str, value: int) -> None:
    """Write one counter."""
    add_to_counter(session, deployment, name, 0)
    session.execute(update(COUNTER).where(COUNTER.c.name == name).values(value=value))


def add_to_counter(session: Session, deployment: Deployment, name: str, value: int = 1) -> None:
    """Add to one counter, which need not be there yet."""
    session.execute(deployment.db.insert_or_add(COUNTER), [{"name": name, "value": value}])


def _counters(session: Session, names: Sequence[str]) -> Mapping[str, int]:
    rows = session.execute(select(COUNTER.c.name, COUNTER.c.value).where(COUNTER.c.name.in_(names)))
    return {row.name: row.value for row in rows}


def _call_out(session: Session, deployment: Deployment, broken: Sequence[Invariant], now: datetime) -> list[Lane]:
    """Text the supervisor on call, once an hour about each invariant; several that break together are one text."""
    told = _counters(session, [_told(one) for one in broken])
    due = [one for one in broken if now.timestamp() - told.get(_told(one), 0) >= NOTICE_EVERY]
    chosen = _on_call(_unconcerned(session), deployment.local(now)) if due else None
    if chosen is None:
        return []
    for one in due:
        set_counter(session, deployment, _told(one), int(now.timestamp()))
    draft = Draft(
        kind=MessageKind.NOTICE,
        lane=Lane.LIFE,
        body=deployment.words.text("staff.watch", chosen.language, time=f"{deployment.local(now):%H:%M}"),
        gateway=deployment.settings.gateway,
        contact_id=chosen.id,
        template="staff.watch",
        valid_for=NOTICE_LIFE,
    )
    session.connection().execute(insert(MESSAGE), [draft.row(deployment.keyring.fields, now)])
    return [Lane.LIFE]


def _unconcerned(session: Session) -> Sequence[Entry]:
    """Return whom no open case is kept from: what fails may be about that very case. Everybody where nobody else is left."""
    entries = directory.load(session)
    of_open = select(EXCLUSION.c.subject).join(CASE, CASE.c.id == EXCLUSION.c.case_id).where(CASE.c.state != CaseState.CLOSED)
    kept = set(session.scalars(of_open.where(EXCLUSION.c.state != ExclusionState.DISMISSED).distinct()))
    return [entry for entry in entries if kept.isdisjoint(entry.subjects)] or entries


def _on_call(entries: Sequence[Entry], local: datetime) -> Entry | None:
    """Return the supervisor on duty, else any supervisor, else the last resort, else anybody above duty."""
    supervisors = [entry for entry in entries if entry.tier is Tier.SUPERVISOR]
    on_duty = [entry for entry in supervisors if entry.on_duty(local)]
    last = [entry for entry in entries if entry.last_resort]
    above = [entry for entry in entries if entry.tier is not Tier.DUTY]
    return next(iter(on_duty + supervisors + last + above), None)


def _since(one: Invariant) -> str:
    return f"watch.{one.name}.since"


def _told(one: Invariant) -> str:
    return f"watch.{one.name}.told"


def _times(one: Invariant) -> str:
    return f"watch.{one.name}.rounds"
