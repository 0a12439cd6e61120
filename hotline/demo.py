"""The demo's invented district: agencies, contacts with duty hours, and officers, read from demo.toml."""

import secrets
import tomllib
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from hotline import audit, own_phone
from hotline.deployment import Deployment
from hotline.models import Agency, BroadcastList, Contact, Officer, Tier, new_id, table
from hotline.officers import add, hashed
from hotline.routing.sheet import duties
from hotline.subscribers import Joining
from hotline.subscribers import enrol as gather

SHIPPED = Path(__file__).with_name("demo.toml")


def seed(session: Session, deployment: Deployment, now: datetime, path: Path = SHIPPED) -> bool:
    """Fill an empty directory. Returns False when somebody is in it already; then nothing is touched."""
    if session.scalar(select(Contact.id).limit(1)) is not None:
        return False
    story = tomllib.loads(path.read_text(encoding="utf-8"))
    for entry in story["agency"]:
        agency = Agency(id=new_id(), name=entry["name"], kind=entry["kind"])
        session.add(agency)
        session.add_all(contact(deployment, agency, fields) for fields in entry["contacts"])
    of = {person["name"]: person.pop("agency") for person in story["officer"] if "agency" in person}
    phones = {person["name"]: person.pop("phone") for person in story["officer"] if "phone" in person}
    kept = hashed(secrets.token_urlsafe(24))  # a password nobody knows, one for all: a hash takes a quarter of a second
    for person in story["officer"]:
        add(session, deployment, kept, **person, demo=True)
    session.flush()
    for name, agency_name in of.items():
        its = select(Agency.id).where(Agency.name == agency_name).scalar_subquery()
        session.execute(update(Officer).where(Officer.name == name).values(agency_id=its))
    for officer in session.scalars(select(Officer).where(Officer.name.in_(phones)).order_by(Officer.name)):
        own_phone.keep(session, deployment, officer, (phones[officer.name],) * 2, now=now)
    for entry in story.get("list", ()):
        _gather(session, deployment, entry, now)
    audit.record(session, now, actor="demo", action="directory.seeded", subject="demo", agencies=len(story["agency"]))
    return True


def _gather(session: Session, deployment: Deployment, entry: dict[str, Any], now: datetime) -> None:
    """Make a list and put invented people on it, their languages and sectors by turns."""
    list_id, first = new_id(), int(deployment.sender(entry["first"]).address)
    session.execute(insert(table(BroadcastList)).values(id=list_id, keyword=entry["keyword"], name=entry["name"], created_at=now))
    turns = zip(range(first, first + entry["people"]), cycle(entry["languages"]), cycle(entry["sectors"]), strict=False)
    people = [Joining(f"+{number}", entry["source"], now, language, sector) for number, language, sector in turns]
    gather(session, deployment, list_id, people, now)


def contact(deployment: Deployment, agency: Agency, fields: dict[str, Any]) -> Contact:
    """Return a contact of an agency. `hours` are as "mon-fri 08:00-17:00"."""
    contact_id = fields.get("id") or new_id()
    address = deployment.sender(fields["number"]).address
    return Contact(
        id=contact_id,
        agency_id=agency.id,
        name=fields["name"],
        number_index=deployment.number_index(address),
        number_sealed=deployment.keyring.fields.seal_text(address, f"contact|number|{contact_id}"),
        language=fields["language"],
        tier=Tier(fields.get("tier", Tier.DUTY)),
        areas=fields["areas"],
        categories=fields["categories"],
        last_resort=fields.get("last_resort", False),
        station=fields.get("station"),
        aliases=fields.get("aliases", []),
        badge=fields.get("badge"),
        duties=[duty for line in fields["hours"] for duty in duties(line)],
    )
