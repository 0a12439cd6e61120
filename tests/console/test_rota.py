"""Who is on now: names and hours of contacts, never a number, and a clear sentence when too few are on duty."""

import tomllib

from sqlalchemy import select, update

from hotline.demo import SHIPPED, contact
from hotline.models import Agency, Contact, Duty, new_id
from tests.console.desk import Desk


def test_an_empty_directory_says_so(desk: Desk) -> None:
    assert "The directory is empty" in desk.signed_in("intake").get("/rota").get_data(as_text=True)


def filled(desk: Desk) -> None:
    with desk.site.db.transaction() as session:
        for one in tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["agency"]:
            agency = Agency(id=new_id(), name=one["name"], kind=one["kind"])
            session.add(agency)
            session.add_all(contact(desk.site, agency, fields) for fields in one["contacts"])


def test_who_would_be_told_this_minute_stands_first(desk: Desk) -> None:
    filled(desk)
    page = desk.signed_in("supervisor").get("/rota").get_data(as_text=True)
    assert "would be told to" in page
    assert "mon-sun 00:00-24:00" in page
    assert "number never verified" in page
    assert "+250" not in page


def test_too_few_on_duty_is_said(desk: Desk) -> None:
    filled(desk)
    with desk.site.db.transaction() as session:
        keep = session.scalars(select(Contact.id).where(Contact.last_resort)).one()
        session.execute(update(Contact).where(Contact.id != keep).values(active=False))
        session.execute(update(Duty).values(start=0, end=1440))
    page = desk.signed_in("intake").get("/rota").get_data(as_text=True)
    assert "alone this minute: too few are on duty" in page
