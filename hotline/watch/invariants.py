"""What must hold at every moment, each as one question to an index: how many there are that break it.

Nothing here repairs, with one exception: a text that came in and left no trace is put among the dead letters, where a person
can have it read again.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE
from hotline.models import (
    DEAD_STATES,
    ON_THE_WAY,
    UNREAD,
    Broadcast,
    BroadcastState,
    Case,
    Counter,
    Inbox,
    InboxKind,
    InboxState,
    Message,
    MessageKind,
    MessageState,
    table,
    written_out,
)
from hotline.routing import directory
from hotline.watch.dead import LIFE, PATIENCE, UNANSWERED, UNSETTLED

INBOX, MESSAGE, CASE, COUNTER, BROADCAST = (table(m) for m in (Inbox, Message, Case, Counter, Broadcast))
UNACCOUNTED = "done without a trace"
ACCOUNTED_UNTIL = "watch.accounted"
ACCOUNTED_AT_ONCE = 1000
SETTLING = timedelta(minutes=2)  # what was spooled while the database was away comes in with the ids of that time
UNSEEN, UNSENT = written_out(INBOX.c.state, UNREAD), written_out(MESSAGE.c.state, ON_THE_WAY)
MANY = 100
GONE = (*(state for state in DEAD_STATES if state is not MessageState.UNKNOWN), MessageState.SUPPRESSED, MessageState.CANCELLED)
DAY = [timedelta(minutes=30 * half) for half in range(48)]


class Invariant(StrEnum):
    """The invariants by their numbers in docs/safety.md."""

    I1 = "every text that came in is in a report, was an answer or a word we obey, or waits for a person"
    I2 = "every life in danger has an alert on its way and a ladder that climbs, or somebody has answered"
    I3 = "nothing is held by a worker that is gone"
    I4 = "every broadcast that is over has no text on its way, and none has more texts than people were approved"
    I5 = "somebody is on duty at every hour of the next day"
    I6 = "the record of who saw and did what still has its newest anchor"


def account(session: Session, deployment: Deployment, now: datetime) -> int:
    """Look at the texts that are done since the last time, and park each of which nothing was kept. Returns how many."""
    upto = session.scalar(select(COUNTER.c.value).where(COUNTER.c.name == ACCOUNTED_UNTIL)) or 0
    oldest = [session.scalar(select(func.min(INBOX.c.id)).where(UNSEEN, INBOX.c.state == state)) for state in WAITING]
    end = min([_id_of(now - SETTLING), *(row_id for row_id in oldest if row_id)])
    seen = session.execute(
        select(INBOX.c.id, INBOX.c.kind, INBOX.c.state, INBOX.c.reason)
        .where(INBOX.c.id >= _id_of(datetime.fromtimestamp(upto, UTC)), INBOX.c.id < end)
        .order_by(INBOX.c.id)
        .limit(ACCOUNTED_AT_ONCE)
    ).all()
    done = [row for row in seen if (row.state, row.reason) == (InboxState.DONE, None)]
    owing = [row.id for row in done if row.kind in {InboxKind.SMS, InboxKind.DESK}]
    kept = set(session.scalars(select(MESSAGE.c.inbox_id).where(MESSAGE.c.inbox_id.in_(owing)))) if owing else set()
    lost = [row_id for row_id in owing if row_id not in kept]
    parked = {"state": InboxState.PARKED, "reason": UNACCOUNTED}
    if lost:
        session.connection().execute(update(INBOX).where(INBOX.c.id.in_(lost)).values(**parked))
    reached = seen[-1].id if len(seen) == ACCOUNTED_AT_ONCE else end
    _remember(session, deployment, int(reached[:12], 16) // 1000)
    return len(lost)


def unaccounted(session: Session, deployment: Deployment, now: datetime) -> int:
    """I1: how many texts were found done without a trace, and nobody has seen to."""
    del deployment, now
    traceless = (INBOX.c.state == InboxState.PARKED, INBOX.c.reason == UNACCOUNTED)
    return len(session.execute(select(INBOX.c.id).where(*UNSETTLED, *traceless).limit(MANY)).all())


def unheard(session: Session, deployment: Deployment, now: datetime) -> int:
    """I2: how many lives in danger have no ladder, one that stands still, or no alert that may arrive."""
    del deployment
    texted = (MESSAGE.c.kind == MessageKind.ALERT, MESSAGE.c.gateway.not_in(BESIDE))  # nobody wakes from an e-mail
    alert = (MESSAGE.c.case_id == CASE.c.id, *texted, MESSAGE.c.state.not_in(GONE))
    stands = CASE.c.next_step_at.is_(None) | (CASE.c.next_step_at < now - PATIENCE)
    broken = select(CASE.c.id).where(CASE.c.rank == LIFE, *UNANSWERED, stands | ~exists().where(*alert)).limit(MANY)
    return len(session.execute(broken).all())


def held(session: Session, deployment: Deployment, now: datetime) -> int:
    """I3: how many rows are claimed for longer than two leases."""
    over = now - timedelta(seconds=deployment.settings.lease_seconds)
    reading = (UNSEEN, INBOX.c.state == InboxState.CLAIMED, INBOX.c.lease_until < over)
    sending = (UNSENT, MESSAGE.c.state == MessageState.CLAIMED, MESSAGE.c.lease_until < over)
    questions = (select(INBOX.c.id).where(*reading), select(MESSAGE.c.id).where(*sending))
    return sum(len(session.execute(question.limit(MANY)).all()) for question in questions)


def uneven(session: Session, deployment: Deployment, now: datetime) -> int:
    """I4: how many broadcasts are over though texts of theirs are on their way, or have more texts than people were approved."""
    del deployment
    over = (BROADCAST.c.state.in_((BroadcastState.DONE, BroadcastState.STOPPED)), BROADCAST.c.ended_at < now - PATIENCE)
    going = (MESSAGE.c.broadcast_id == BROADCAST.c.id, MESSAGE.c.state.in_((MessageState.QUEUED, MessageState.CLAIMED)))
    broken = or_(and_(*over, exists().where(*going)), BROADCAST.c.rows > BROADCAST.c.people)
    return len(session.execute(select(BROADCAST.c.id).where(broken).limit(MANY)).all())


def unguarded(session: Session, deployment: Deployment, now: datetime) -> int:
    """I5: in how many half hours of the next day nobody with a phone is on duty. The last resort does not count."""
    hours = [span for entry in directory.load(session) if entry.wakes and not entry.last_resort for span in entry.hours]
    local = deployment.local(now)
    return sum(not any(span.cover(local + later) for span in hours) for later in DAY)


def unanchored(session: Session, deployment: Deployment, now: datetime) -> int:
    """I6: 1 when the record does not have its newest anchor, or the anchors cannot be read."""
    del now
    try:
        return int(not audit.holds(session, deployment.settings.instance / "audit.anchors"))
    except OSError:
        return 1


Check = Callable[[Session, Deployment, datetime], int]
CHECKS: Mapping[Invariant, Check] = {
    Invariant.I1: unaccounted,
    Invariant.I2: unheard,
    Invariant.I3: held,
    Invariant.I4: uneven,
    Invariant.I5: unguarded,
    Invariant.I6: unanchored,
}
WAITING = (InboxState.RECEIVED, InboxState.CLAIMED)


def _remember(session: Session, deployment: Deployment, seconds: int) -> None:
    """Note up to which second texts are accounted for."""
    session.execute(deployment.db.insert_or_add(COUNTER), [{"name": ACCOUNTED_UNTIL, "value": 0}])
    session.execute(update(COUNTER).where(COUNTER.c.name == ACCOUNTED_UNTIL).values(value=seconds))


def _id_of(moment: datetime) -> str:
    """Return the first id of a moment: ids begin with the milliseconds of their making."""
    return f"{int(moment.timestamp() * 1000):012x}"
