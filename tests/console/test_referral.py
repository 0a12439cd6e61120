"""What an agency says by phone is noted on the case page, fact by fact and step by step, and can be printed."""

import pytest
from sqlalchemy import select

from hotline.models import Case, Referral, ReferralState, SharedFact
from hotline.roles import MATRIX, May, Role
from tests.console.desk import Browser, Desk


def told(desk: Desk) -> tuple[Case, str]:
    case = desk.case()
    desk.tell(case, "Invented post")
    with desk.site.db.reading() as session:
        return case, session.scalars(select(Referral.id)).one()


def state(desk: Desk) -> Referral:
    with desk.site.db.reading() as session:
        return session.scalars(select(Referral)).unique().one()


def send(browser: Browser, case: Case, one: str, step: str, **fields: str) -> int:
    return int(browser.post(f"/case/{case.token}/referral/{one}/{step}", **fields).status_code)


def test_the_way_of_a_referral_is_noted_and_told_on_the_page(desk: Desk) -> None:
    case, one = told(desk)
    intake = desk.signed_in("intake")
    assert send(intake, case, one, "accept") == 303
    assert state(desk).state == ReferralState.ACCEPTED
    assert send(intake, case, one, "share", fact="place", ground="danger") == 303
    assert send(intake, case, one, "outcome", outcome="rescued") == 303
    page = intake.get(f"/case/{case.token}").get_data(as_text=True)
    for words in ("works on it", "people were rescued", "Where · Danger to life"):
        assert words in page, words
    printed = intake.get(f"/case/{case.token}/referral").get_data(as_text=True)
    assert "People were rescued" in printed
    assert "danger to life" in printed
    assert "they took our papers" not in printed


def test_who_declines_has_a_reason(desk: Desk) -> None:
    case, one = told(desk)
    assert send(desk.signed_in("intake"), case, one, "decline", reason="no_means") == 303
    assert (state(desk).state, state(desk).reason) == (ReferralState.DECLINED, "no_means")
    assert "nobody or nothing to go with" in desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("step", "fields", "status"),
    [
        ("decline", {"reason": "because"}, 400),
        ("outcome", {"outcome": "great"}, 400),
        ("share", {"fact": "number", "ground": "consent"}, 400),
        ("share", {"fact": "place", "ground": "curiosity"}, 400),
        ("share", {"ground": "consent"}, 303),
    ],
)
def test_what_is_none_changes_nothing(desk: Desk, step: str, fields: dict[str, str], status: int) -> None:
    case, one = told(desk)
    assert send(desk.signed_in("intake"), case, one, step, **fields) == status
    assert state(desk).state == ReferralState.TOLD
    with desk.site.db.reading() as session:
        assert session.scalars(select(SharedFact)).all() == []


def test_a_referral_of_another_case_or_one_that_was_withdrawn_is_not_there(desk: Desk) -> None:
    case, one = told(desk)
    other = desk.case()
    assert send(desk.signed_in("intake"), other, one, "accept") == 404
    with desk.site.db.transaction() as session:
        session.get_one(Referral, one).state = ReferralState.WITHDRAWN
    assert send(desk.signed_in("intake"), case, one, "accept") == 409


def test_each_step_is_for_those_who_work_cases(desk: Desk) -> None:
    case, one = told(desk)
    for role in Role:
        if May.WORK_CASE not in MATRIX[role]:
            for step in ("accept", "decline", "outcome", "share"):
                assert send(desk.signed_in(str(role)), case, one, step) == 404, f"{role} {step}"
    assert state(desk).state == ReferralState.TOLD
