"""Several items at once: the four safe things, what is left as it is, and putting it all back."""

import pytest
from sqlalchemy import select

from hotline.models import AuditEvent, Case
from tests.console.desk import Desk


def several(desk: Desk, who: str, deed: str, *cases: Case, **more: str) -> str:
    """Do something to several items, and return the page that follows."""
    browser = desk.signed_in(who)
    fields = {"deed": deed, "token": [case.token for case in cases], "csrf_token": browser.token(), **more}
    answer = browser.client.post("/queue/several", data=fields, headers={"Origin": "http://127.0.0.1:8001"})
    assert answer.status_code == 303
    page = browser.get(answer.location).get_data(as_text=True)
    desk.browsers = browser
    return page


def test_what_a_colleague_has_is_left_and_the_rest_is_claimed_and_put_back(desk: Desk) -> None:
    free = [desk.case(), desk.case()]
    theirs = desk.case(owner_id=desk.officer("second").id, state="open")
    page = several(desk, "intake", "claim", *free, theirs)
    assert "2 claimed" in page
    assert "1 was left as it is" in page
    assert {desk.again(case).owner_id for case in free} == {desk.officer("intake").id}
    assert desk.again(theirs).owner_id == desk.officer("second").id
    desk.browsers.post("/queue/several/undo")
    assert [(desk.again(case).owner_id, desk.again(case).state) for case in free] == [(None, "new"), (None, "new")]


def test_what_has_changed_since_is_not_put_back(desk: Desk) -> None:
    case = desk.case()
    several(desk, "intake", "claim", case)
    desk.browsers.post(f"/case/{case.token}/reply", text="Is it far?")
    desk.browsers.post("/queue/several/undo")
    assert desk.again(case).owner_id == desk.officer("intake").id


def test_a_case_is_given_to_whoever_may_work_on_it_and_may_know_of_it(desk: Desk) -> None:
    case, hidden = desk.case(), desk.case()
    colleague = desk.officer("second")
    desk.signed_in("supervisor").post(f"/case/{hidden.token}/exclusion", whom=f"officer:{colleague.id}", why="named in it")
    page = several(desk, "intake", "give", case, hidden, to=colleague.id)
    assert "1 given on" in page
    assert desk.again(case).owner_id == colleague.id
    assert desk.again(hidden).owner_id is None
    several(desk, "intake", "give", hidden, to=desk.officer("auditor").id)
    assert desk.again(hidden).owner_id is None
    with desk.site.db.reading() as session:
        assert session.scalars(select(AuditEvent.object).where(AuditEvent.action == "case.given")).all() == [case.handle]


@pytest.mark.parametrize(
    ("facts", "aside"), [({"category": "spam_or_prank", "urgency": "routine", "rank": 2}, "parked"), ({}, None)]
)
def test_only_noise_is_set_aside(desk: Desk, facts: dict[str, object], aside: str | None) -> None:
    case = desk.case(**facts)
    several(desk, "intake", "set_aside", case)
    assert desk.again(case).aside == aside


def test_nothing_else_is_done_to_several(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    for deed in ("reply", "close", "export"):
        assert browser.post("/queue/several", deed=deed, token=case.token).status_code == 400


def test_the_queue_is_narrowed_by_facts_and_the_address_holds_it(desk: Desk) -> None:
    french, child = desk.case(language="fr"), desk.case(minors="true")
    browser = desk.signed_in("intake")
    for asked, shown, hidden in (("language=fr", french, child), ("child=1", child, french), ("urgency=soon", None, french)):
        page = browser.get(f"/queue?{asked}").get_data(as_text=True)
        assert shown is None or shown.handle in page
        assert hidden.handle not in page
        assert hidden.handle not in browser.get(f"/queue/rows?{asked}").get_data(as_text=True)
    assert french.handle in browser.get("/queue?language=';--&urgency=x").get_data(as_text=True)
