"""Keeps the directory one contact at a time: changed, verified, away, swapped, on duty out of turn; and the holidays.

What the sheet would refuse is refused here with the same sentence, and nobody can be made so that no last resort is left. A new
number is a number nobody has verified. Each change is put on record with the contact's name and never with a number.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.models import Agency, Contact, Holiday, Spell, new_id, table
from hotline.routing import sheet
from hotline.routing.sheet import Fault, Refused

SPELL: Final = table(Spell)
KEPT: Final = timedelta(days=40)  # in which somebody may still ask why a report was, or was not, passed on
LONGEST: Final = timedelta(days=120)


def change(
    session: Session, deployment: Deployment, contact: Contact | None, given: Mapping[str, str], now: datetime, *, actor: str
) -> Contact:
    """Write what is given over a contact, or make a new one. An empty number leaves the one there is. Raises Refused."""
    before = sheet.cells(deployment, contact) if contact else {}
    number = given.get("number", "").strip() or before.get("number", "")
    row = sheet.row_of({**given, "number": number, "verified": before.get("verified", "")}, deployment)
    _alone(session, deployment, contact, row)
    one = contact or Contact(id=new_id())
    one.agency_id = _agency(session, row.agency, row.kind).id
    sheet.fill(deployment, one, row)
    sheet.call(deployment, one, row.number)
    if row.number is None and (row.email or "", row.webhook or "") != (before.get("email", ""), before.get("webhook", "")):
        one.verified_at = None
    session.add(one)
    session.flush()
    if session.scalars(select(Contact.id).where(Contact.last_resort, Contact.active)).first() is None:
        raise Refused([Fault(1, "last_resort", "Somebody must be the last resort: no active contact would be one.")])
    audit.record(session, now, actor=actor, action="directory.changed", subject="directory", contact=one.name)
    return one


def verify(session: Session, contact: Contact, now: datetime, *, actor: str) -> None:
    """Note that somebody answered under this number and is who the directory says."""
    contact.verified_at = now
    audit.record(session, now, actor=actor, action="directory.verified", subject="directory", contact=contact.name)


def away(  # noqa: PLR0913  who, from when until when, who stands in, by whom
    session: Session, contact: Contact, begins: datetime, ends: datetime, now: datetime, *, instead: Contact | None, actor: str
) -> None:
    """Note that a contact is away, and who is on duty instead. Raises Refused for a span that is none."""
    _add(session, contact, begins, ends, now, on_duty=False)
    if instead is not None:
        _add(session, instead, begins, ends, now, on_duty=True)
    more = {"instead": instead.name} if instead else {}
    audit.record(session, now, actor=actor, action="directory.away", subject="directory", contact=contact.name, **more)


def swap(  # noqa: PLR0913  two people and two spans, by whom
    session: Session, one: Contact, other: Contact | None, begins: datetime, ends: datetime, now: datetime, *,
    back: tuple[datetime, datetime], actor: str,
) -> None:  # fmt: skip
    """Note that another takes over somebody's span, and they that one's in return. Raises Refused."""
    if other is None or other is one:
        raise Refused([Fault(1, "instead", "Two people swap: choose the other.")])
    for gives, takes, span in ((one, other, (begins, ends)), (other, one, back)):
        _add(session, gives, *span, now, on_duty=False)
        _add(session, takes, *span, now, on_duty=True)
    audit.record(session, now, actor=actor, action="directory.swapped", subject="directory", contact=one.name, instead=other.name)


def on_duty(session: Session, contact: Contact, begins: datetime, ends: datetime, now: datetime, *, actor: str) -> None:
    """Note that a contact is on duty beside the weekly hours. Raises Refused for a span that is none."""
    _add(session, contact, begins, ends, now, on_duty=True)
    audit.record(session, now, actor=actor, action="directory.on_duty", subject="directory", contact=contact.name)


def take_back(session: Session, contact: Contact, spell_id: str, now: datetime, *, actor: str) -> bool:
    """Remove a span. Returns whether it was there."""
    mine = (SPELL.c.id == spell_id, SPELL.c.contact_id == contact.id)
    gone = session.connection().execute(delete(SPELL).where(*mine)).rowcount > 0
    if gone:
        audit.record(session, now, actor=actor, action="directory.span_removed", subject="directory", contact=contact.name)
    return gone


def holiday(session: Session, day: str, name: str, now: datetime, *, actor: str) -> None:
    """Note a holiday, as 2026-12-25; without a name it is one no more."""
    found = session.get(Holiday, day)
    if found is not None and not name:
        session.delete(found)
    elif found is not None:
        found.name = name
    elif name:
        session.add(Holiday(day=day, name=name))
    audit.record(session, now, actor=actor, action="directory.holiday", subject="directory", day=day)


def _alone(session: Session, deployment: Deployment, contact: Contact | None, row: sheet.Row) -> None:
    """Raise Refused where another contact has this number, or, without one, this name in the agency."""
    if row.number:
        same = select(Contact).where(Contact.number_index == deployment.number_index(row.number))
    else:
        same = select(Contact).join(Agency).where(Agency.name == row.agency, Contact.name == row.name)
    other = session.scalars(same).unique().first()
    if other is not None and other is not contact:
        column, says = ("number", "this number") if row.number else ("name", "this name in this agency")
        raise Refused([Fault(1, column, f"Another contact has {says}.")])


def _add(session: Session, contact: Contact, begins: datetime, ends: datetime, now: datetime, *, on_duty: bool) -> None:
    if not begins < ends or ends <= now or ends - begins > LONGEST:
        raise Refused([Fault(1, "until", "The end comes after the beginning, is not over yet, and within 120 days.")])
    session.execute(delete(SPELL).where(SPELL.c.ends < now - KEPT))
    session.add(Spell(id=new_id(), contact_id=contact.id, begins=begins, ends=ends, on_duty=on_duty))


def _agency(session: Session, name: str, kind: str) -> Agency:
    found = session.scalars(select(Agency).where(Agency.name == name)).first()
    if found is None:
        found = Agency(id=new_id(), name=name, kind=kind)
        session.add(found)
    found.kind = kind
    session.flush()
    return found
