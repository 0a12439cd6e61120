"""Noise waits in a view of its own, one in ten is shown all the same, and every step has a way back. All texts are invented."""

import pytest
from sqlalchemy import select

from hotline.models import Aside, AuditEvent, Case, NamedClue
from tests.console.desk import Browser, Desk
from tests.console.test_queue import handles

ROUTINE = {"category": "spam_or_prank", "urgency": "routine", "rank": 2}
SET_RIGHT = {"was_category": "spam_or_prank", "was_urgency": "routine", "category": "gbv", "urgency": "soon"}


def stands(browser: Browser, case: Case) -> set[str]:
    return {view for view in ("new", "noise", "all") if case.handle in handles(browser, f"/queue?view={view}")}


def aside_of(desk: Desk, case: Case) -> str | None:
    with desk.site.db.reading() as session:
        return session.get_one(Case, case.id).aside


def test_what_is_set_aside_leaves_new_and_nothing_else(desk: Desk) -> None:
    parked, other = desk.case(**ROUTINE, aside=Aside.PARKED), desk.case()
    browser = desk.signed_in("intake")
    assert stands(browser, parked) == {"noise", "all"}
    assert stands(browser, other) == {"new", "all"}


def test_a_sample_stands_in_new_and_says_so(desk: Desk) -> None:
    sampled = desk.case(**ROUTINE, aside=Aside.SAMPLED)
    browser = desk.signed_in("intake")
    assert stands(browser, sampled) == {"new", "all"}
    assert "shown as a sample" in browser.get("/queue").get_data(as_text=True)


def test_noise_is_brought_back_and_set_aside_again_on_record(desk: Desk) -> None:
    case = desk.case(**ROUTINE, aside=Aside.PARKED)
    browser = desk.signed_in("intake")
    assert browser.post(f"/case/{case.token}/bring-back").status_code == 303
    assert stands(browser, case) == {"new", "all"}
    assert browser.post(f"/case/{case.token}/set-aside").status_code == 303
    assert stands(browser, case) == {"noise", "all"}
    with desk.site.db.reading() as session:
        done = session.scalars(select(AuditEvent.action).where(AuditEvent.object == case.handle)).all()
    assert {"case.brought_back", "case.set_aside"} <= set(done)


def test_only_routine_noise_that_nobody_has_can_be_set_aside(desk: Desk) -> None:
    other = desk.case(category="gbv", urgency="routine", rank=2)
    urgent = desk.case(category="spam_or_prank")
    owned = desk.case(**ROUTINE, owner_id=desk.officer("second").id, state="open")
    browser = desk.signed_in("intake")
    for case in (other, urgent, owned):
        assert browser.post(f"/case/{case.token}/set-aside").status_code == 409
        assert aside_of(desk, case) is None


def test_bringing_back_twice_does_nothing_twice(desk: Desk) -> None:
    case = desk.case(**ROUTINE, aside=Aside.PARKED)
    browser = desk.signed_in("intake")
    browser.post(f"/case/{case.token}/bring-back")
    assert browser.post(f"/case/{case.token}/bring-back").status_code == 409


def test_who_may_only_look_moves_nothing(desk: Desk) -> None:
    case = desk.case(**ROUTINE, aside=Aside.PARKED)
    browser = desk.signed_in("auditor")
    assert "Put into New" not in browser.get("/queue?view=noise").get_data(as_text=True)
    assert browser.post(f"/case/{case.token}/bring-back").status_code == 404
    assert aside_of(desk, case) == Aside.PARKED


@pytest.mark.parametrize("deed", ["claim", "correct"])
def test_what_a_person_works_on_or_sets_right_is_no_noise_any_more(desk: Desk, deed: str) -> None:
    case = desk.case(**ROUTINE, aside=Aside.PARKED)
    desk.signed_in("intake").post(f"/case/{case.token}/{deed}", version="0", **SET_RIGHT)
    assert aside_of(desk, case) is None


def test_an_empty_view_says_what_would_stand_there(desk: Desk) -> None:
    page = desk.signed_in("intake").get("/queue?view=noise").get_data(as_text=True)
    assert "Nothing is set aside" in page
    assert "One in ten" in page


def said(desk: Desk, case: Case, wording: str) -> None:
    with desk.site.db.transaction() as session:
        session.add(NamedClue(case_id=case.id, value_index=wording.encode(), kind="wording", at=case.opened_at))


def test_texts_that_say_the_same_are_folded_and_all_stand_on_the_page(desk: Desk) -> None:
    first, second, third, other, urgent = cases = [desk.case(**ROUTINE) for _ in range(4)] + [desk.case()]
    for case in (first, second, third, urgent):
        said(desk, case, "the same words")
    said(desk, other, "other words")
    browser = desk.signed_in("intake")
    page = browser.get("/queue").get_data(as_text=True)
    assert set(handles(browser, "/queue")) == {case.handle for case in cases}
    assert "2 like this" in page
    rows = [f'id="row-{case.handle}"' in page for case in cases]
    assert rows == [True, False, False, True, True], "what is more urgent stands by itself"
