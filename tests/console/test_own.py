"""Agencies at the console: what theirs was told of, what was written for them alone, their answers; nothing of anybody else's."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from hotline import team
from hotline.casework import own, referral
from hotline.models import (
    Agency,
    AuditEvent,
    Case,
    Cause,
    Contact,
    Exclusion,
    ExclusionState,
    Fact,
    Ground,
    Note,
    Officer,
    Outcome,
    Referral,
    ReferralState,
    new_id,
    subject,
)
from tests.console.desk import Desk

WORDS = "Three people behind the market. Ring the desk first."


@pytest.fixture
def told(desk: Desk) -> Case:
    """A case that two agencies were told of; the officer `agency` is of the first, and something was written for the second."""
    case = desk.case("they took our papers, we are at the mill")
    ours, theirs = desk.tell(case, "Our desk"), desk.tell(case, "Their desk")
    with desk.site.db.transaction() as session:
        for contact in (ours, theirs):
            one = session.scalars(select(Referral).where(Referral.contact_id == contact.id)).one()
            supervisor = session.scalars(select(Officer).where(Officer.name == "supervisor")).one()
            if contact is theirs:
                found = session.get_one(Case, case.id)
                own.brief(session, desk.site, found, one, "For the others alone.", officer=supervisor, now=datetime.now(UTC))
        officer = session.scalars(select(Officer).where(Officer.name == "agency")).one()
        officer.agency_id = ours.agency_id
    return case


def of(desk: Desk, name: str) -> Referral:
    with desk.site.db.reading() as session:
        return session.scalars(select(Referral).join(Contact).where(Contact.name == name)).one()


def text(answer: object) -> str:
    return " ".join(answer.get_data(as_text=True).split())  # type: ignore[attr-defined]


def test_an_agency_sees_its_own_referrals_and_nothing_else_of_a_case(desk: Desk, told: Case) -> None:
    agency, other = desk.signed_in("agency"), desk.case("another report, told to nobody")
    assert agency.get("/").location == "/referrals"
    listed = text(agency.get("/referrals"))
    assert told.handle in listed
    assert other.handle not in listed
    page = text(agency.get(f"/referrals/{of(desk, 'Our desk').id}"))
    for secret in ("papers", "mill", "Their desk", "For the others alone", told.token):
        assert secret not in page
    assert agency.get(f"/referrals/{of(desk, 'Their desk').id}").status_code == 404
    assert agency.post(f"/referrals/{of(desk, 'Their desk').id}", verb="take").status_code == 404
    assert agency.get(f"/case/{told.token}").status_code == 404


def test_what_the_desk_writes_for_an_agency_is_read_by_it_and_on_record(desk: Desk, told: Case) -> None:
    ours = of(desk, "Our desk")
    shared = {"fact": "place", "ground": "danger", "text": WORDS}
    assert desk.signed_in("supervisor").post(f"/case/{told.token}/referral/{ours.id}/share", **shared).status_code == 303
    page = text(desk.signed_in("agency").get(f"/referrals/{ours.id}"))
    assert WORDS in page
    assert "danger to life" in page
    with desk.site.db.reading() as session:
        done = session.scalars(select(AuditEvent).where(AuditEvent.object == told.handle).order_by(AuditEvent.seq)).all()
        kept = session.get_one(Referral, ours.id).brief or b""
    assert ("officer:agency", "referral.read") in [(event.actor, event.action) for event in done]
    assert b"market" not in kept
    assert "market" not in " ".join(str(event.meta) for event in done)


def test_it_takes_works_and_says_how_it_ended_as_by_text(desk: Desk, told: Case) -> None:
    agency, ours = desk.signed_in("agency"), of(desk, "Our desk")
    agency.post(f"/referrals/{ours.id}", verb="take")
    assert desk.again(told).acknowledged_by_id == ours.contact_id
    agency.post(f"/referrals/{ours.id}", verb="accept")
    agency.post(f"/referrals/{ours.id}", verb="note", text="two of us go now")
    assert agency.post(f"/referrals/{ours.id}", verb="outcome").status_code == 400
    assert agency.post(f"/referrals/{ours.id}", verb="outcome", choice="safe").status_code == 303
    one = of(desk, "Our desk")
    assert (one.state, one.outcome) == (ReferralState.OUTCOME, Outcome.SAFE)
    with desk.site.db.reading() as session:
        assert session.scalars(select(Note.contact_id).where(Note.case_id == told.id)).one() == ours.contact_id
    assert "two of us go now" in text(desk.signed_in("intake").get(f"/case/{told.token}"))


def test_what_was_taken_back_or_accuses_them_is_not_there(desk: Desk, told: Case) -> None:
    agency, ours = desk.signed_in("agency"), of(desk, "Our desk")
    with desk.site.db.transaction() as session:
        session.get_one(Referral, ours.id).state = ReferralState.WITHDRAWN
    assert agency.get(f"/referrals/{ours.id}").status_code == 404
    with desk.site.db.transaction() as session:
        session.get_one(Referral, ours.id).state = ReferralState.TOLD
        whom = subject("agency", session.scalars(select(Agency.id).where(Agency.name == "Our desk agency")).one())
        kept = Exclusion(
            id=new_id(), case_id=told.id, subject=whom, cause=Cause.BY_HAND, state=ExclusionState.EXCLUDED, sealed=b""
        )
        kept.at = datetime.now(UTC)
        session.add(kept)
    assert agency.get(f"/referrals/{ours.id}").status_code == 404
    assert told.handle not in text(agency.get("/referrals"))


def test_an_agency_s_contact_is_invited_for_an_agency(desk: Desk, told: Case) -> None:
    admin = desk.signed_in("admin")
    fields = {"name": "claire", "display_name": "Claire M.", "role": "agency"}
    assert "choose which" in text(admin.post("/team/invite", **fields))
    with desk.site.db.reading() as session:
        agency_id = session.scalars(select(Agency.id).where(Agency.name == "Their desk agency")).one()
    page = text(admin.post("/team/invite", **fields, agency=agency_id))
    token = re.search(r"/welcome/([\w-]+)", page)
    assert token
    now = datetime.now(UTC)
    with desk.site.db.transaction() as session:
        invitation = team.opened(session, token[1], now=now)
        assert invitation is not None
        secret = parse_qs(urlsplit(team.authenticator(desk.site, invitation)).query)["secret"][0]
        code = pyotp.TOTP(secret).at(now)
        officer_id = team.accept(session, desk.site, token[1], password_hash="", code=code, now=now)
        claire = session.get_one(Officer, officer_id)
        assert (claire.role, claire.agency_id) == ("agency", agency_id)
        assert [case.id for case, _ in own.mine(session, claire.agency_id)] == [told.id]


def test_an_account_of_no_agency_sees_nothing(desk: Desk, told: Case) -> None:
    with desk.site.db.transaction() as session:
        session.scalars(select(Officer).where(Officer.name == "agency")).one().agency_id = None
    page = text(desk.signed_in("agency").get("/referrals"))
    assert told.handle not in page
    assert "belongs to no agency" in page


def test_facts_are_told_one_by_one_to_one_agency(desk: Desk, told: Case) -> None:
    ours, theirs = of(desk, "Our desk"), of(desk, "Their desk")
    with desk.site.db.transaction() as session:
        found, one = session.get_one(Case, told.id), session.get_one(Referral, theirs.id)
        supervisor = session.scalars(select(Officer).where(Officer.name == "supervisor")).one()
        referral.share(session, found, one, [Fact.SUSPECTS], Ground.DUTY, officer=supervisor, now=datetime.now(UTC))
    assert "Who does it" not in text(desk.signed_in("agency").get(f"/referrals/{ours.id}"))
