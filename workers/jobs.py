"""Every job: claim rows, call the stages, ring the next. The whole path of a report can be read here.

A job carries a queue's name and nothing else. It may run twice, late or never: rows are claimed by status under a lock, so
twice is harmless, and the clock rings again for what stands still, so never is impossible.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial

from sqlalchemy import RowMapping, insert
from sqlalchemy.orm import Session

from hotline.broadcasts import checking
from hotline.broadcasts.making import make
from hotline.casework.answers import Decision, answer
from hotline.config import load
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.gateways.contract import InboundText, OptOut, StatusUpdate
from hotline.intake import arrivals, beeps, clues, quarantine
from hotline.intake.arrivals import Claimed
from hotline.intake.assessed import assessed_row
from hotline.intake.callers import stopped_at_gateway
from hotline.intake.receive import receive
from hotline.intake.received import Opened, Received
from hotline.models import Assessed, Lane, table
from hotline.outbound import bridge, status
from hotline.outbound.callback import call_back
from hotline.outbound.duty import call_duty
from hotline.queue import QueueName
from hotline.radio import moderation, polls, trace
from hotline.routing.grow import reread, words_of
from hotline.routing.refer import Referable, first_step, refer
from workers import calls, desk, hops, radio, tapes
from workers.posting import Post
from workers.reading import read

log = logging.getLogger(__name__)

LONGEST_DRAIN = 20.0
LINGER = 1.0
PAUSE = 0.05
PAUSE_BETWEEN_PARCELS = 0.15  # an alert waits for it at most; half the pause would cost a third more processor time for each


@cache
def deployment() -> Deployment:
    """Return this process's deployment. First asked for inside a job, which is after the fork."""
    return Deployment(load())


def drain_inbox(queue: str) -> None:
    """Take waiting webhooks until no more come; then check those again that the desk has asked about."""
    _until_quiet(QueueName(queue), lambda: drain_batch(deployment()), full=deployment().settings.drain_batch)
    check_asked(deployment())


def deliver(queue: str) -> None:
    """Send one lane's due messages until no more come."""
    site = deployment()
    if queue == QueueName.BULK:
        checking.make(site)
    with Post(site, Lane(queue)) as post:
        batch = partial(_bulk_batch, site, post) if queue == QueueName.BULK else post.batch
        _until_quiet(QueueName(queue), batch, full=site.settings.deliver_batch, pause=PAUSE_BETWEEN_PARCELS)
    if queue == QueueName.LIFE:
        call_duty(site)
    if queue == QueueName.REPLY:
        bridge.place_calls(site)
    if queue == QueueName.BULK:
        call_back(site)


def fetch_tapes(queue: str) -> None:
    """Fetch recordings, seal them here and remove them at their provider, until none is due."""
    _until_quiet(QueueName(queue), lambda: tapes.batch(deployment()), full=tapes.AT_ONCE)


def drain_batch(site: Deployment) -> int:
    """Take one batch of webhooks through intake, triage and routing. Returns how many rows there were."""
    with site.db.reading() as session:
        if not arrivals.waiting(session):
            return 0
    with site.db.transaction() as session:
        moderation.hand_over(session, site.db.now(session))
        token, rows = arrivals.take(session, site, site.db.now(session))
    if rows:
        _process(site, token, rows)
    return len(rows)


def check_asked(site: Deployment) -> None:
    """Check the signatures of quarantined webhooks that somebody at the desk has asked about."""
    with site.db.reading() as session:
        if not quarantine.asked(session):
            return
    quarantine.verify_asked(site)


def deliver_batch(site: Deployment, lane: Lane) -> int:
    """Send one batch of a lane and wait until all of it is sent. Returns how many messages there were."""
    with Post(site, lane) as post:
        return _bulk_batch(site, post) if lane is Lane.BULK else post.batch()


def _bulk_batch(site: Deployment, post: Post) -> int:
    """Send one batch of the broadcasts, after making the rows that come next."""
    made = make(site)
    return max(post.batch(), made)


def _process(site: Deployment, token: str, rows: Sequence[RowMapping]) -> None:
    """Process claimed rows together; when that fails, each alone, so that one bad row cannot hold up the others."""
    try:
        _advance(site, arrivals.read(site, token, rows))
    except Exception as error:
        if len(rows) > 1:
            for row in rows:
                _process(site, token, [row])
            return
        log.exception("row failed", extra={"row": rows[0]["id"], "attempts": rows[0]["attempts"]})
        with site.db.transaction() as session:
            most = site.settings.max_attempts
            arrivals.give_up(session, rows[0]["id"], token, max_attempts=most, error=type(error).__name__)


def _advance(site: Deployment, claimed: Claimed) -> None:
    texts = [arrival for arrival in claimed.arrivals if isinstance(arrival.event, InboundText)]
    readings = {arrival.inbox_id: read(arrival.event.body) for arrival in texts if isinstance(arrival.event, InboundText)}
    dialled, called, taken_down = hops.of(claimed), calls.of(claimed), desk.of(claimed)
    with site.db.transaction() as session:
        now = site.db.now(session)
        received = receive(session, site, texts, readings, now, partial(first_step, site, now))
        lanes = received.lanes | _refer(session, site, received, now)
        stops = [arrival.event.sender for arrival in claimed.arrivals if isinstance(arrival.event, OptOut)]
        stopped_at_gateway(session, site, stops, now)
        for given in received.answers:
            answer(session, site, Decision(given.contact_id, given.verb, given.code, given.choice, given.words), now)
            lanes.add(Lane.LIFE)
        noted = desk.advance(session, site, taken_down, now)
        lanes |= noted.lanes | _refer(session, site, noted, now)
        told = hops.advance(session, site, dialled, now)
        spoken = calls.advance(session, site, called, now)
        lanes |= told.lanes | spoken.lanes | calls.answers(session, site, claimed, now)
        calls.bridged(session, claimed)
        beeps.take(session, site, claimed.arrivals, now)
        opened = received.opened + noted.opened + told.opened + spoken.opened
        trace.lay(session, site.settings, (_told(new) for new in opened))
        polls.cast(session, [*received.votes, *radio.votes(session, site, claimed)])
        ended = {one.inbox_id: became for one in claimed.arrivals if (became := calls.receipt(one)) is not None}
        lanes |= {Lane.BULK} if ended else set()
        later = _statuses(session, claimed, ended, now) | spoken.later
        arrivals.finish(session, claimed, later=later, obeyed=received.obeyed)
        hops.forget(session, dialled, told)
        for lane in lanes:
            after_commit(session, partial(site.bell.ring, QueueName(lane)))
    for new in opened:
        what = {"case": new.handle, "category": new.reading.category, "urgency": new.reading.urgency}
        log.info("new report", extra=what)


def _told(new: Opened) -> trace.Told:
    event = new.arrival.event
    to = event.to if isinstance(event, InboundText) else ""
    return trace.Told(new.case_id, new.reading.words, new.channel, to, new.arrival.received_at)


def _refer(session: Session, site: Deployment, received: Received, now: datetime) -> set[Lane]:
    """Route what is new, and read again as a whole what grew."""
    fresh = [Referable(new.case_id, new.handle, new.key, new.reading, begun=new.begun) for new in received.opened]
    clues.keep_new(session, site, [(new.case_id, new.reading) for new in received.opened], now)
    lanes = refer(session, site, fresh, now)
    grown = [(case.case_id, case.key, read(words_of(session, case.case_id, case.key))) for case in received.grown.values()]
    if grown:
        rows = [assessed_row(case_id, key, reading, now) for case_id, key, reading in grown]
        session.connection().execute(insert(table(Assessed)), rows)
        clues.keep_grown(session, site, [(case_id, reading) for case_id, _, reading in grown], now)
        lanes |= reread(session, site, grown, now)
    return lanes


def _statuses(session: Session, claimed: Claimed, calls_: Mapping[str, StatusUpdate], now: datetime) -> frozenset[str]:
    """Apply delivery reports, and what became of calls to many; returns the rows to be looked at later.

    Those are the ones whose message is not known yet.
    """
    told = [(arrival, calls_.get(arrival.inbox_id, arrival.event)) for arrival in claimed.arrivals]
    return frozenset(
        arrival.inbox_id
        for arrival, update in told
        if isinstance(update, StatusUpdate) and not status.apply(session, arrival.gateway, update, now)
    )


def _until_quiet(queue: QueueName, batch: Callable[[], int], *, full: int, pause: float = PAUSE) -> None:
    """Run batches until nothing has come for a moment, then look once more.

    Starting a job costs more than handling fifty rows, so a drain lingers; while it holds the wake flag nobody rings for
    rows that it is about to find. A batch costs as much as thirty of its rows, so one that was not full is followed by a
    breath in which the next can grow.
    """
    bell = deployment().bell
    started = seen = held = time.monotonic()
    bell.hold(queue)
    while (now := time.monotonic()) - seen < LINGER and now - started < LONGEST_DRAIN:
        if now - held > LINGER / 2:
            bell.hold(queue)
            held = now
        done = batch()
        if done:
            seen = time.monotonic()
        if done < full:
            time.sleep(pause)
    bell.lower(queue)
    if batch():
        bell.ring(queue)
