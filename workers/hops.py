"""Hops of the dialled code on their way through the stages: part of a batch's one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import HopsEnd
from hotline.intake import clues
from hotline.intake.arrivals import Arrival, Claimed
from hotline.intake.assessed import assessed_row
from hotline.intake.dialled import Dialled
from hotline.intake.erase import remove_hops
from hotline.intake.received import Grown, Opened, Received
from hotline.intake.ussd.heard import Heard
from hotline.intake.ussd.told import said, words
from hotline.models import Assessed, Case, Inbox, Lane, Reading, table
from hotline.routing.grow import reread, words_of
from hotline.routing.settle import settle
from workers.reading import read_answers

CASE, INBOX = table(Case), table(Inbox)


@dataclass(frozen=True)
class Hops:
    """The hops and ends of sessions in one batch, with triage's reading of each hop by the id of its row."""

    arrivals: tuple[Arrival, ...]
    readings: Mapping[str, Reading]


@dataclass(frozen=True)
class Told:
    """What hops brought: new cases, lanes in which alerts now wait, and sessions (gateway, keyed hash) that were stopped."""

    opened: list[Opened] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    stopped: set[tuple[str, str]] = field(default_factory=set)


def of(claimed: Claimed) -> Hops:
    """Return the hops of a batch, read. No session is open while this runs."""
    hops = tuple(arrival for arrival in claimed.arrivals if isinstance(arrival.event, Heard | HopsEnd))
    heard = {arrival.inbox_id: arrival.event for arrival in hops if isinstance(arrival.event, Heard)}
    return Hops(hops, {row_id: read_answers(words(hop), said(hop), hop.language) for row_id, hop in heard.items()})


def advance(session: Session, site: Deployment, hops: Hops, now: datetime) -> Told:
    """Take hops into their reports; a danger to life is referred at once, the rest when its session is over or silent."""
    if not hops.arrivals:
        return Told()
    dialled = Dialled(session, site, hops.readings, now)
    received = dialled.take_hops(hops.arrivals)
    lanes = received.lanes | reread_grown(session, site, received, now) | settle(session, site, now)
    return Told(received.opened, lanes, dialled.stopped)


def reread_grown(
    session: Session, site: Deployment, received: Received, now: datetime, *, still_telling: bool = True
) -> set[Lane]:
    """Read again as a whole what grew, by default while its caller tells on; returns the lanes in which alerts now wait."""
    opened = {new.case_id for new in received.opened}  # these were read with no category before
    known = session.execute(select(CASE.c.id, CASE.c.category).where(CASE.c.id.in_(received.grown.keys() - opened)))
    before = {row.id: row.category for row in known}
    grown = [(case.case_id, case.key, _as_a_whole(session, case, before.get(case.case_id))) for case in received.grown.values()]
    if grown:
        rows = [assessed_row(case_id, key, reading, now) for case_id, key, reading in grown]
        session.connection().execute(insert(table(Assessed)), rows)
        clues.keep_grown(session, site, [(case_id, reading) for case_id, _, reading in grown], now)
    return reread(session, site, grown, now, still_telling=still_telling)


def _as_a_whole(session: Session, case: Grown, before: str | None) -> Reading:
    return read_answers(words_of(session, case.case_id, case.key), case.said, case.language, before=before)


def forget(session: Session, hops: Hops, told: Told) -> None:
    """Remove raw rows that are not to be kept: ends, which only repeat what was said, and all of a session that was stopped."""
    ends = [arrival.inbox_id for arrival in hops.arrivals if isinstance(arrival.event, HopsEnd)]
    if ends:
        session.execute(delete(INBOX).where(INBOX.c.id.in_(ends)))
    for gateway, dialled in told.stopped:
        remove_hops(session, gateway, dialled)
