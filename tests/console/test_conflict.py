"""A supervisor decides who may know of a case; an intake officer proposes; both see why."""

import pytest
from sqlalchemy import select

from hotline.console import guard
from hotline.models import AuditEvent, Case, Contact, Exclusion, ExclusionState, Referral
from hotline.roles import MATRIX, May, Role
from tests.console.desk import Desk


def exclusions(desk: Desk) -> list[Exclusion]:
    with desk.site.db.reading() as session:
        return list(session.scalars(select(Exclusion)).all())


def proposed(desk: Desk) -> tuple[Case, Contact, str]:
    case = desk.case()
    contact = desk.tell(case, "Kamembe police station")
    desk.signed_in("intake").post(f"/case/{case.token}/exclusion", whom=f"contact:{contact.id}", why="his brother works there")
    return case, contact, exclusions(desk)[0].id


def test_an_intake_officer_keeps_somebody_away_at_once(desk: Desk) -> None:
    case, contact, _ = proposed(desk)
    (row,) = exclusions(desk)
    assert (row.subject, row.state) == (f"contact:{contact.id}", ExclusionState.PROPOSED)
    with desk.site.db.reading() as session:
        assert session.scalars(select(Referral.state)).all() == ["withdrawn"]
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "exclusion.proposed"))
    assert event.object == case.handle
    assert "brother" not in str(event.meta)


def test_the_page_says_who_and_why_and_that_it_waits(desk: Desk) -> None:
    case, _, _ = proposed(desk)
    intake = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert "his brother works there" in intake
    assert "A supervisor decides" in intake
    assert 'value="dismiss"' not in intake
    assert 'value="dismiss"' in desk.signed_in("supervisor").get(f"/case/{case.token}").get_data(as_text=True)
    assert "decide who may know" in desk.signed_in("intake").get("/queue").get_data(as_text=True)


@pytest.mark.parametrize(("decision", "state"), [("exclude", "excluded"), ("dismiss", "dismissed")])
def test_a_supervisor_decides(desk: Desk, decision: str, state: str) -> None:
    case, _, row_id = proposed(desk)
    answer = desk.signed_in("supervisor").post(f"/case/{case.token}/exclusion/{row_id}", decision=decision)
    assert answer.status_code == 303
    (row,) = exclusions(desk)
    assert (row.state, row.decided_by.name) == (state, "supervisor")
    page = desk.signed_in("supervisor").get("/queue").get_data(as_text=True)
    assert "decide who may know" not in page


def test_nobody_but_a_supervisor_decides(desk: Desk) -> None:
    case, _, row_id = proposed(desk)
    for role in Role:
        if May.DECIDE_EXCLUSION not in MATRIX[role]:
            answer = desk.signed_in(str(role)).post(f"/case/{case.token}/exclusion/{row_id}", decision="dismiss")
            assert answer.status_code == 404, role
    assert exclusions(desk)[0].state == ExclusionState.PROPOSED


def test_what_is_none_is_refused_with_a_sentence(desk: Desk) -> None:
    case, _, row_id = proposed(desk)
    supervisor = desk.signed_in("supervisor")
    assert supervisor.post(f"/case/{case.token}/exclusion", whom="contact:nobody").status_code == 409
    assert supervisor.post(f"/case/{case.token}/exclusion/none", decision="exclude").status_code == 409
    assert supervisor.post(f"/case/{case.token}/exclusion/{row_id}", decision="perhaps").status_code == 400
    other = desk.case()
    assert supervisor.post(f"/case/{other.token}/exclusion/{row_id}", decision="exclude").status_code == 409


def test_an_officer_who_is_kept_away_meets_the_page_for_what_is_not_there(desk: Desk) -> None:
    case = desk.case()
    second = desk.signed_in("second")
    officer = desk.officer("second")
    desk.signed_in("intake").post(f"/case/{case.token}/exclusion", whom=f"officer:{officer.id}", why="")
    assert second.get(f"/case/{case.token}").status_code == 404
    assert guard.act_of(desk.app, "console.conflict.decide") is May.DECIDE_EXCLUSION
