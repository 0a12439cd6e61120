"""The phone that rings first is an officer's own: kept with a fresh factor, typed twice, sealed, and never shown whole."""

import pytest
from sqlalchemy import select

from hotline import own_phone, team
from hotline.models import AuditEvent, Officer
from tests.console.desk import Desk

NUMBER = "+250780000291"  # invented
CODE = "123456"


def kept(desk: Desk) -> str | None:
    return own_phone.number_of(desk.site, desk.officer("intake"))


def keep(desk: Desk, number: str = "0780 000 291", again: str = "+250 780 000 291", code: str = CODE) -> tuple[int, str]:
    browser = desk.signed_in("intake")
    answer = browser.post("/me/phone", number=number, again=again, code=code)
    return answer.status_code, answer.get_data(as_text=True) + browser.get("/me").get_data(as_text=True)


def test_a_number_is_kept_sealed_and_shown_by_its_last_digits(either: Desk) -> None:
    status, page = keep(either)
    assert (status, kept(either)) == (303, NUMBER)
    assert "+250 ••• ••91" in page
    with either.site.db.reading() as session:
        sealed = session.scalars(select(Officer.phone_sealed).where(Officer.name == "intake")).one()
        told = session.execute(select(AuditEvent.action, AuditEvent.object, AuditEvent.meta)).all()
    for where in (page, repr(sealed), repr(told)):
        assert NUMBER[4:] not in where.replace(" ", "")
    assert [one.action for one in told].count("officer.phone_kept") == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"code": "12345"}, 403), ({"again": "+250780000292"}, 422), ({"number": "+33612345678", "again": "+33612345678"}, 422)],
    ids=["no fresh factor", "two numbers", "another country"],
)
def test_what_is_unproved_or_no_number_of_this_country_is_not_kept(desk: Desk, wrong: dict[str, str], status: int) -> None:
    assert keep(desk, **wrong)[0] == status
    assert kept(desk) is None


def test_it_goes_when_its_officer_removes_it_or_is_struck_off(desk: Desk) -> None:
    keep(desk)
    assert desk.signed_in("intake").post("/me/phone/remove", code="12345").status_code == 403
    assert desk.signed_in("intake").post("/me/phone/remove", code=CODE).status_code == 303
    assert kept(desk) is None
    keep(desk)
    with desk.site.db.transaction() as session:
        one = session.scalars(select(Officer).where(Officer.name == "intake")).one()
        team.strike_off(session, one, by=desk.officer("admin"), now=desk.site.clock())
    assert kept(desk) is None


def test_who_calls_nobody_has_no_phone_here(desk: Desk) -> None:
    browser = desk.signed_in("auditor")
    assert "/me/phone" not in browser.get("/me").get_data(as_text=True)
    assert browser.post("/me/phone", number=NUMBER, again=NUMBER, code=CODE).status_code == 404
