"""The directory as routing reads it: active contacts with their agencies and duty hours."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.models import Agency, Contact, Duty, Tier, table
from hotline.routing.choose import Entry, Hours

CONTACT, AGENCY, DUTY = table(Contact), table(Agency), table(Duty)


def load(session: Session) -> tuple[Entry, ...]:
    """Return all active contacts."""
    hours: defaultdict[str, list[Hours]] = defaultdict(list)
    for duty in session.execute(select(DUTY.c.contact_id, DUTY.c.weekday, DUTY.c.start, DUTY.c.end)):
        hours[duty.contact_id].append(Hours(duty.weekday, duty.start, duty.end))
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
        )
        for row in rows
    )
