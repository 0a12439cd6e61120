"""The clock: makes lost work impossible. Works with Redis down; one leads, the others wait.

Every few seconds it frees what dead workers held, climbs the ladder of cases nobody has answered, stores what was spooled, rings
for rows that stand still, looks whether what must hold does, anchors the audit chain, removes raw webhooks
and shreds closed cases past their day.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline import audit
from hotline.broadcasts import campaign, checking, making
from hotline.casework import announce, shred
from hotline.casework.referral import take_back
from hotline.comeback import forget_tries
from hotline.config import load
from hotline.deployment import Deployment
from hotline.intake import arrivals, overheard, quarantine, spool, tapes
from hotline.log import configure
from hotline.models import UNREAD, Counter, DialledSession, Inbox, InboxState, Lane, Quarantine, first_id, table, written_out
from hotline.outbound import bridge, callback, deliver, duty
from hotline.queue import QueueName
from hotline.radio import forgetting, surge
from hotline.routing import escalate
from hotline.routing.settle import settle
from hotline.watch import alarm, invariants
from hotline.watch.alarm import BEAT
from workers.reconciling import asking

log = logging.getLogger("workers.clock")
T = TypeVar("T")

INBOX, COUNTER, SESSION = table(Inbox), table(Counter), table(DialledSession)
SESSIONS_END = timedelta(minutes=15)  # networks end a session after three minutes, and may repeat its last hop
STOPPED_KEPT = timedelta(days=1)  # hops of a stopped session that were spooled in an outage may come late
LEADER = "clock"


def round_(deployment: Deployment) -> None:
    """Do everything once, each step in a transaction of its own. Raises SQLAlchemyError when the database is away."""
    _step(deployment, "take back", take_back)
    steps = {"climb": escalate.climb, "instead": escalate.instead, "settle": settle}
    climbed = set().union(*(_step(deployment, name, work) or set() for name, work in steps.items()))
    freed = (_step(deployment, "inbox", free_inbox) or 0) + (_step(deployment, "messages", deliver.free_expired) or 0)
    _step(deployment, "announce", announce.changes)
    _step(deployment, "broadcasts", campaign.begin_due)
    _step(deployment, "broadcasts over", making.finish)
    tend_spool(deployment)
    _step(deployment, "account", invariants.account)
    _step(deployment, "dead letters", alarm.recount)
    _step(deployment, "watch", alarm.sound)
    _step(deployment, "purge", purge)
    _step(deployment, "recordings", tapes.expire)
    if _step(deployment, "shred", shred.over_age):
        deployment.db.scrub(*shred.SCRUBBED)
    _step(deployment, "surge", surge.measure)
    _step(deployment, "radio", forgetting.forget)
    _step(deployment, "anchor", anchor)
    for queue in _step(deployment, "beat", beat) or ():
        deployment.bell.ring(queue)
    if freed or climbed:
        log.info("round", extra={"claimed": freed, "lane": ",".join(sorted(climbed))})


def _step(deployment: Deployment, name: str, work: Callable[[Session, Deployment, datetime], T]) -> T | None:
    """Do one step. What breaks it must not keep the others from their work: a ladder stopped for a purge would cost lives."""
    try:
        with deployment.db.transaction() as session:
            return work(session, deployment, deployment.db.now(session))
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("step failed", extra={"step": name})
        return None


def tend_spool(deployment: Deployment) -> None:
    """Store what this machine's web processes spooled, and keep the ballast. Every machine's clock does, also one that waits."""
    try:
        spool.flush(deployment)
    except OSError:
        log.exception("step failed", extra={"step": "spool"})
    for ballast in spool.Spool.of(deployment.settings).ballasts:
        try:
            ballast.tend()
        except OSError as error:
            log.warning("no ballast", extra={"error": type(error).__name__})


def beat(session: Session, deployment: Deployment, now: datetime) -> list[QueueName]:
    """Note that the clock lives, and return the queues to ring for."""
    session.execute(deployment.db.insert_or_add(COUNTER), [{"name": BEAT, "value": 0}])
    session.execute(update(COUNTER).where(COUNTER.c.name == BEAT).values(value=int(now.timestamp())))
    return standing_still(session, deployment, now)


def anchor(session: Session, deployment: Deployment, now: datetime) -> None:
    """Write the newest hash of the audit chain outside the database."""
    del now
    audit.anchor(session, deployment.settings.instance / "audit.anchors")


def free_inbox(session: Session, deployment: Deployment, now: datetime) -> int:
    """Give back webhooks whose worker vanished; one that brought down too many workers is set aside."""
    lost = (written_out(INBOX.c.state, UNREAD), INBOX.c.state == InboxState.CLAIMED, INBOX.c.lease_until < now)
    worn = INBOX.c.attempts >= deployment.settings.max_attempts
    connection = session.connection()
    why = func.coalesce(INBOX.c.reason, "worker vanished")
    set_aside = update(INBOX).where(*lost, worn).values(state=InboxState.POISON, reason=why)
    poisoned = connection.execute(set_aside).rowcount
    return poisoned + connection.execute(update(INBOX).where(*lost).values(state=InboxState.RECEIVED)).rowcount


def standing_still(session: Session, deployment: Deployment, now: datetime) -> list[QueueName]:
    """Return the queues in which rows are due."""
    busy = {lane for lane in Lane if deliver.waiting(session, deployment, lane, now)}
    busy |= {Lane.BULK} if callback.waiting(session, now) or making.waiting(session, deployment, now) else set()
    busy |= {Lane.BULK} if checking.waiting(session, now) else set()
    busy |= {Lane.REPLY} if bridge.waiting(session, now) else set()
    busy |= {Lane.LIFE} if duty.waiting(session, now) else set()
    lanes = [QueueName(lane) for lane in Lane if lane in busy]
    due = [QueueName.TAPES] if tapes.due(session, now) or overheard.due(session, now) else []
    return ([QueueName.INTAKE] if arrivals.waiting(session) or quarantine.asked(session) else []) + lanes + due


def purge(session: Session, deployment: Deployment, now: datetime) -> None:
    """Remove a few raw webhooks past their day; the reports made of them stay."""
    before = now - timedelta(days=deployment.settings.inbox_days)
    # Ids begin with the milliseconds of their making, so the oldest are found without another index.
    old = select(INBOX.c.id).where(INBOX.c.id < first_id(before), INBOX.c.state == InboxState.DONE).limit(500)
    session.execute(delete(INBOX).where(INBOX.c.id.in_(old)))
    session.execute(delete(SESSION).where(SESSION.c.at < now - SESSIONS_END, ~SESSION.c.stopped))
    session.execute(delete(SESSION).where(SESSION.c.at < now - STOPPED_KEPT))
    forget_tries(session, now)
    aside = table(Quarantine)
    forgotten = aside.c.id < first_id(now - timedelta(days=deployment.settings.quarantine_days))
    freed = sum(session.scalars(delete(aside).where(forgotten).returning(aside.c.size)))
    if freed:
        bytes_kept = COUNTER.c.name == Counter.QUARANTINED_BYTES
        session.execute(update(COUNTER).where(bytes_kept).values(value=COUNTER.c.value - freed))


def main() -> None:
    """Run for ever; a round that fails is tried again."""
    configure()
    deployment = Deployment(load())
    while True:
        try:
            with deployment.db.leading(LEADER) as leads:
                if leads:
                    lead(deployment)
            tend_spool(deployment)
        except Exception:
            log.exception("round failed")
        time.sleep(deployment.settings.clock_seconds)


def lead(deployment: Deployment) -> None:
    """Go round and round, and ask the gateways for what they received meanwhile, until a round fails."""
    with asking(deployment):
        while True:
            round_(deployment)
            time.sleep(deployment.settings.clock_seconds)


if __name__ == "__main__":
    main()
