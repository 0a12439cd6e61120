"""Clues: keeps what a report names as keyed hashes, so that strangers who name one plate are linked without being known.

Readings of cases go in; rows of `clue` come out. The hash is HMAC under the deployment's index key: whoever has the
database alone cannot try plates against it. A case that names nothing costs nothing.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from hotline.db import add_rows, insert_unless_there
from hotline.deployment import Deployment
from hotline.models import NamedClue, Reading, table

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
    return [
        {"case_id": case_id, "value_index": deployment.clue_index(kind, value), "kind": kind, "at": now}
        for case_id, reading in read
        for kind, value in reading.clues
    ]
