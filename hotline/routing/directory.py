"""The directory as routing reads it: active contacts with their agencies and duty hours."""

from collections import defaultdict
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE
from hotline.models import Agency, Contact, Duty, Holiday, Spell, Tier, table
from hotline.routing.choose import Entry, Hours, Span

CONTACT, AGENCY, DUTY, HOLIDAY, SPELL = (table(model) for model in (Contact, Agency, Duty, Holiday, Spell))
NO_DAY: Final[frozenset[date]] = frozenset()


def load(session: Session) -> tuple[Entry, ...]:
    """Return all active contacts."""
    hours: defaultdict[str, list[Hours]] = defaultdict(list)
    for duty in session.execute(select(DUTY.c.contact_id, DUTY.c.weekday, DUTY.c.start, DUTY.c.end)):
        hours[duty.contact_id].append(Hours(duty.weekday, duty.start, duty.end))
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for spell in session.execute(select(SPELL.c.contact_id, SPELL.c.begins, SPELL.c.ends, SPELL.c.on_duty)):
        spans[spell.contact_id].append(Span(spell.begins, spell.ends, spell.on_duty))
    holidays = frozenset(map(date.fromisoformat, session.scalars(select(HOLIDAY.c.day))))
    rows = session.execute(
        select(CONTACT, AGENCY.c.kind.label("agency_kind"))
        .join(AGENCY, AGENCY.c.id == CONTACT.c.agency_id)
        .where(CONTACT.c.active)
    )
    return tuple(
        Entry(
            id=row.id,
            agency=row.agency_id,
            agency_kind=row.agency_kind,
            tier=Tier(row.tier),
            language=row.language,
            areas=frozenset(row.areas),
            categories=frozenset(row.categories),
            minors=row.minors,
            last_resort=row.last_resort,
            hours=tuple(hours[row.id]),
            station=row.station,
            spans=tuple(spans[row.id]),
            rests=holidays if row.rests_on_holidays else NO_DAY,
            beside=tuple(way for way in BESIDE if getattr(row, f"{way}_sealed") is not None),
            phone=row.number_sealed is not None,
            crossings=row.crossings,
            abroad=row.abroad,
        )
        for row in rows
    )


def reachable(session: Session, deployment: Deployment) -> tuple[Entry, ...]:
    """Return the active contacts who can be told by a way that this deployment has."""
    return tuple(entry for entry in load(session) if way_to(entry, deployment))


def way_to(entry: Entry, deployment: Deployment) -> bool:
    """Whether this deployment has a way to somebody."""
    return entry.phone or any(deployment.shelf.get(way) is not None for way in entry.beside)
