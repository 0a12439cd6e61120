"""The circuit breaker: a gateway that fails too often is left alone for a while, and tried again with one text.

Tries are counted where they are on record anyway, in the attempts, and only when one has failed: a healthy gateway costs nothing.
What is found out stands in a row that all workers read as they claim (docs/adr/0016), so it holds across machines, and with
Redis away. A breaker never stops an alert to life: that goes by the other gateway, and where none is open by the same.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from hotline.config import Settings
from hotline.db import insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import Sent
from hotline.models import Attempt, GatewayHealth, first_id, table

log = logging.getLogger(__name__)

ATTEMPT, HEALTH = table(Attempt), table(GatewayHealth)
NEWEST = 200  # tries that are looked at; with more in the window the newest tell
NOT_TRIED = "gateway shut"  # the code of a text that stayed here: it says nothing about the gateway
CLOCKS_DIFFER = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class Health:
    """The gateways to leave alone now. `ripe` maps those whose time is over to when it was: one text may try each."""

    shut: frozenset[str]
    ripe: Mapping[str, datetime]


def health(session: Session, now: datetime) -> Health:
    """Return how the gateways are."""
    rows = session.execute(select(HEALTH)).mappings().all()
    opened = {row["name"]: row["shut_until"] for row in rows if row["shut_until"] is not None}
    paused = {row["name"] for row in rows if row["paused_until"] is not None and row["paused_until"] > now}
    ripe = {name: until for name, until in opened.items() if until <= now and name not in paused}
    return Health(frozenset(opened) | paused, ripe)


def failing(settings: Settings, failed: int, tried: int) -> bool:
    """Whether so many failures among so many tries are too many."""
    return failed >= settings.breaker_failures and failed * 100 >= settings.breaker_percent * tried


def probing(session: Session, settings: Settings, name: str, until: datetime, now: datetime) -> bool:
    """Try to become the one worker that may try a gateway again. Whoever does and then dies is followed by the next."""
    taken = now + timedelta(seconds=settings.lease_seconds + settings.connect_timeout_seconds + settings.read_timeout_seconds)
    ours = update(HEALTH).where(HEALTH.c.name == name, HEALTH.c.shut_until == until).values(shut_until=taken)
    return session.connection().execute(ours).rowcount == 1


def watch(
    session: Session, deployment: Deployment, outcomes: Mapping[str, Sequence[Sent]], probed: frozenset[str], now: datetime
) -> None:
    """Learn from what each gateway made of its texts. These tries must be on record already."""
    for name, made in outcomes.items():
        failed = any(sent.faulty for sent in made)
        if name in probed:
            _after_probe(session, deployment, name, now, failed=failed)
        elif failed:
            _judge(session, deployment, name, now)
        if waits := [sent.retry_after for sent in made if sent.retry_after]:
            _put(session, deployment, name, now, paused_until=now + min(timedelta(seconds=max(waits)), LONGEST_PAUSE))


def set_pause(session: Session, deployment: Deployment, name: str, *, until: datetime | None, now: datetime) -> None:
    """Leave a gateway alone until then because a person says so; with no time, use it again and forget what went wrong."""
    if until is not None:
        _put(session, deployment, name, now, paused_until=until)
    else:
        _put(session, deployment, name, now, paused_until=None, shut_until=None, trips=0, since=now)


def _judge(session: Session, deployment: Deployment, name: str, now: datetime) -> None:
    chosen, known = deployment.settings, _known(session, name)
    if known is not None and known["shut_until"] is not None:
        return
    since = now - timedelta(minutes=chosen.breaker_minutes)
    tries = _tries(session, name, max(since, known["since"]) if known is not None else since)
    failed = sum(tries)
    if failing(chosen, failed, len(tries)):
        log.error("gateway shut", extra={"gateway": name, "failed": failed, "count": len(tries)})
        shut = now + timedelta(seconds=chosen.breaker_pause_seconds)
        _put(session, deployment, name, now, shut_until=shut, trips=1)


def _tries(session: Session, name: str, since: datetime) -> Sequence[bool]:
    """Return for each try that has ended since then whether it failed."""
    newest = (
        select(ATTEMPT.c.faulty)
        .where(ATTEMPT.c.id > first_id(since - CLOCKS_DIFFER), ATTEMPT.c.gateway == name, ATTEMPT.c.ended_at > since)
        .where(ATTEMPT.c.faulty.is_not(None))
        .order_by(ATTEMPT.c.id.desc())
        .limit(NEWEST)
    )
    return session.scalars(newest).all()


def _after_probe(session: Session, deployment: Deployment, name: str, now: datetime, *, failed: bool) -> None:
    if not failed:
        log.warning("gateway open again", extra={"gateway": name})
        _put(session, deployment, name, now, shut_until=None, trips=0, since=now)
        return
    known = _known(session, name)
    trips = known["trips"] if known else 0
    pause = min(timedelta(seconds=deployment.settings.breaker_pause_seconds * 2**trips), LONGEST_PAUSE)
    _put(session, deployment, name, now, shut_until=now + pause, trips=min(trips + 1, 8))


def _known(session: Session, name: str) -> RowMapping | None:
    return session.execute(select(HEALTH).where(HEALTH.c.name == name)).mappings().first()


def _put(session: Session, deployment: Deployment, name: str, now: datetime, **values: object) -> None:
    """Write what is known now, making the row where it is the first time."""
    change = update(HEALTH).where(HEALTH.c.name == name).values(**values)
    if session.connection().execute(change).rowcount == 0:
        since = now - timedelta(minutes=deployment.settings.breaker_minutes)
        blank = {"name": name, "since": since, "trips": 0, "shut_until": None, "paused_until": None}
        insert_unless_there(session.connection(), HEALTH, [blank])
        session.connection().execute(change)
