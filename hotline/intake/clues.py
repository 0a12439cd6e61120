"""Clues: keeps what a report names as keyed hashes, so that strangers who name one plate are linked without being known.

Readings of cases go in; rows of `clue` come out. The hash is HMAC under the deployment's index key: whoever has the
database alone cannot try plates against it. A case that names nothing costs nothing. Places and their sectors are kept so, too:
cases are found and counted by them, and nobody reads from the database where a caller is (docs/adr/0039).
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from sqlalchemy.orm import Session

from hotline.db import add_rows, insert_unless_there
from hotline.deployment import Deployment
from hotline.models import PLACE, SECTOR, NamedClue, Reading, table
from hotline.places import plain, sectors_of

CLUE = table(NamedClue)


def keep_new(session: Session, deployment: Deployment, read: Iterable[tuple[str, Reading]], now: datetime) -> None:
    """Keep the clues of cases that are new."""
    add_rows(session, CLUE, _rows(deployment, read, now))


def keep_grown(session: Session, deployment: Deployment, read: Iterable[tuple[str, Reading]], now: datetime) -> None:
    """Keep the clues of cases that grew; one that is kept already stays as it is."""
    rows = _rows(deployment, read, now)
    if rows:
        insert_unless_there(session.connection(), CLUE, rows)


def _rows(deployment: Deployment, read: Iterable[tuple[str, Reading]], now: datetime) -> list[dict[str, object]]:
    index = cache(deployment.clue_index)  # many reports of a batch name the same places
    return [
        {"case_id": case_id, "value_index": index(kind, value), "kind": kind, "at": now}
        for case_id, reading in read
        for kind, value in (*reading.clues, *_places(deployment, reading))
    ]


def _places(deployment: Deployment, reading: Reading) -> set[tuple[str, str]]:
    settings = deployment.settings
    sectors = sectors_of(settings.templates, settings.district, reading.places)
    return {(PLACE, name) for place in reading.places if (name := plain(place))} | {(SECTOR, sector) for sector in sectors}
