"""What officers took down, on its way through the stages: part of a batch's one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.intake.arrivals import Arrival, Claimed
from hotline.intake.received import Received
from hotline.intake.taken_down import TakenDown, said
from hotline.intake.told import Told
from hotline.models import Reading
from workers.hops import reread_grown
from workers.reading import read_answers


@dataclass(frozen=True)
class Notes:
    """What officers took down in one batch, with triage's reading of each by the id of its row."""

    arrivals: tuple[Arrival, ...]
    readings: Mapping[str, Reading]


def of(claimed: Claimed) -> Notes:
    """Return what officers took down, read. No session is open while this runs."""
    arrivals = tuple(arrival for arrival in claimed.arrivals if isinstance(arrival.event, Told))
    told = {arrival.inbox_id: arrival.event for arrival in arrivals if isinstance(arrival.event, Told)}
    return Notes(arrivals, {row_id: read_answers(one.words, said(one), one.language or None) for row_id, one in told.items()})


def advance(session: Session, site: Deployment, notes: Notes, now: datetime) -> Received:
    """Take them into cases; what joined an open one is read again as a whole. Returns what is new, to be referred."""
    if not notes.arrivals:
        return Received()
    received = TakenDown(session, site, notes.readings, now).take_down(notes.arrivals)
    lanes = reread_grown(session, site, received, now, still_telling=False)
    return Received(opened=received.opened, lanes=received.lanes | lanes)
