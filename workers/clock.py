"""The clock: makes lost work impossible. Works with Redis down; one leads, the others wait.

Every few seconds it frees what dead workers held, climbs the ladder of cases nobody has answered, rings for rows that stand
still, anchors the audit chain and removes raw webhooks past their day.
"""

import logging
import time
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline import audit
from hotline.config import load
from hotline.deployment import Deployment
from hotline.intake import arrivals
from hotline.log import configure
from hotline.models import Counter, Inbox, InboxState, Lane, Quarantine, table
from hotline.outbound import deliver
from hotline.queue import QueueName
from hotline.routing import escalate

log = logging.getLogger("workers.clock")

INBOX, COUNTER = table(Inbox), table(Counter)
BEAT = "clock.beat"
LEADER = "clock"


def round_(deployment: Deployment) -> None:
    """Do everything once."""
    db = deployment.db
    with db.transaction() as session:
        now = db.now(session)
        freed = free_inbox(session, deployment, now) + deliver.free_expired(session, deployment, now)
        climbed = escalate.climb(session, deployment, now)
        purge(session, deployment, now)
        session.execute(db.insert_or_add(COUNTER), [{"name": BEAT, "value": 0}])
        session.execute(update(COUNTER).where(COUNTER.c.name == BEAT).values(value=int(now.timestamp())))
    with db.reading() as session:
        waiting = standing_still(session, now)
        audit.anchor(session, deployment.settings.instance / "audit.anchors")
    for queue in waiting:
        deployment.bell.ring(queue)
    if freed or climbed:
        log.info("round", extra={"claimed": freed, "lane": ",".join(sorted(climbed))})


def free_inbox(session: Session, deployment: Deployment, now: datetime) -> int:
    """Give back webhooks whose worker vanished; one that brought down too many workers is set aside."""
    lost = (INBOX.c.state == InboxState.CLAIMED, INBOX.c.lease_until < now)
    worn = INBOX.c.attempts >= deployment.settings.max_attempts
    connection = session.connection()
    set_aside = update(INBOX).where(*lost, worn).values(state=InboxState.POISON, reason="worker vanished")
    poisoned = connection.execute(set_aside).rowcount
    return poisoned + connection.execute(update(INBOX).where(*lost).values(state=InboxState.RECEIVED)).rowcount


def standing_still(session: Session, now: datetime) -> list[QueueName]:
    """Return the queues in which rows are due."""
    lanes = [QueueName(lane) for lane in Lane if deliver.waiting(session, lane, now)]
    return ([QueueName.INTAKE] if arrivals.waiting(session) else []) + lanes


def purge(session: Session, deployment: Deployment, now: datetime) -> None:
    """Remove a few raw webhooks past their day; the reports made of them stay."""
    before = now - timedelta(days=deployment.settings.inbox_days)
    # Ids begin with the milliseconds of their making, so the oldest are found without another index.
    old = select(INBOX.c.id).where(INBOX.c.id < _first_id(before), INBOX.c.state == InboxState.DONE).limit(500)
    session.execute(delete(INBOX).where(INBOX.c.id.in_(old)))
    aside = table(Quarantine)
    forgotten = _first_id(now - timedelta(days=deployment.settings.quarantine_days))
    session.execute(delete(aside).where(aside.c.id < forgotten))


def main() -> None:
    """Run for ever; a round that fails is tried again."""
    configure()
    deployment = Deployment(load())
    while True:
        try:
            with deployment.db.leading(LEADER) as leads:
                while leads:
                    round_(deployment)
                    time.sleep(deployment.settings.clock_seconds)
        except SQLAlchemyError:
            log.exception("round failed")
        time.sleep(deployment.settings.clock_seconds)


def _first_id(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1000):012x}"


if __name__ == "__main__":
    main()
