"""What a case has, asked of the database in one go: a page asks no further for what is not there, and sees what changes.

A case goes in; ids and states come out, no words. Each question of a page costs PostgreSQL and us a way there and back.
"""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, Text, bindparam, cast, func, select
from sqlalchemy.orm import Session

from hotline.models import (
    Base,
    BridgedCall,
    Broadcast,
    CheckWord,
    Direction,
    Exclusion,
    LegalTrack,
    Message,
    Note,
    Recording,
    Referral,
    Report,
    SharedFact,
    table,
)

# In which order a database tells rows is its own affair, so what they say is put in order here.
LISTED: Final = ("messages", "referrals", "notes", "recordings", "exclusions", "calls", "facts")


def of(session: Session, case_id: str) -> Mapping[str, str | None]:
    """Return what a case has: `messages`, `referrals`, `notes`, `recordings`, `exclusions`, `calls`, `facts`, None where none.

    `track` and `word` say whether it has a legal track and a check word, `answered` is the name of the broadcast that somebody
    answered with it, `heard` the id of the newest text of the person.
    """
    return {str(name): said for name, said in session.execute(_PARTS, {"case": case_id}).mappings().one().items()}


def shown(found: Mapping[str, str | None]) -> list[list[str]]:
    """Return what is different when any part of the case is."""
    return [sorted((found[name] or "").split(",")) for name in LISTED]


def _listed(model: type[Base], *what: ColumnElement[str]) -> ScalarSelect[str | None]:
    rows = table(model).c
    said = func.aggregate_strings(reduce(add, (rows.id, *what)), ",")
    return select(said).where(rows.case_id == _CASE).scalar_subquery()


def _there(model: type[Base]) -> ScalarSelect[str | None]:
    rows = table(model).c
    return select(rows.case_id).where(rows.case_id == _CASE).scalar_subquery()


_CASE: Final[ColumnElement[str]] = bindparam("case")
_MESSAGE, _REFERRAL, _RECORDING, _EXCLUSION, _CALL, _BROADCAST, _REPORT = (
    table(one).c for one in (Message, Referral, Recording, Exclusion, BridgedCall, Broadcast, Report)
)
_PARTS: Final = select(
    _listed(Message, _MESSAGE.state).label("messages"),
    _listed(Referral, _REFERRAL.state, func.coalesce(cast(_REFERRAL.told_at, Text), "")).label("referrals"),
    _listed(Note).label("notes"),
    _listed(Recording, _RECORDING.state).label("recordings"),
    _listed(Exclusion, _EXCLUSION.state).label("exclusions"),
    _listed(BridgedCall, _CALL.state).label("calls"),
    _listed(SharedFact).label("facts"),
    _there(LegalTrack).label("track"),
    _there(CheckWord).label("word"),
    select(_BROADCAST.name)
    .join(table(Report), _REPORT.broadcast_id == _BROADCAST.id)
    .where(_REPORT.case_id == _CASE)
    .limit(1)
    .scalar_subquery()
    .label("answered"),
    select(_MESSAGE.id)
    .where(_MESSAGE.case_id == _CASE, _MESSAGE.direction == Direction.IN)
    .order_by(_MESSAGE.created_at.desc(), _MESSAGE.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("heard"),
)
