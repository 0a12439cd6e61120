"""One's own sign-in: browsers that are listed and ended, codes for a lost phone, and a wall that shows nothing else."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select

from hotline.models import AuditEvent, OfficerSession
from tests.console.desk import PASSWORD, Browser, Desk

DEMO_CODE = "123456"


def codes(browser: Browser, code: str = DEMO_CODE) -> list[str]:
    return re.findall(r"<li><code>([\d ]+)</code>", browser.post("/me/codes", code=code).get_data(as_text=True))


def enter(desk: Desk, code: str) -> int:
    return desk.browser().post("/sign-in", name="real", password=PASSWORD, code=code).status_code


def test_one_sees_one_s_own_browsers_and_ends_one(desk: Desk) -> None:
    here, there, other = desk.signed_in("intake"), desk.signed_in("intake"), desk.signed_in("second")
    page = here.get("/me").get_data(as_text=True)
    assert page.count("/me/end/") == 2
    assert "This one" in page
    ended = re.findall(r'action="(/me/end/\w+)"', page)
    for path in ended:
        other.post(path)
    assert there.get("/today").status_code == 200, "another's is not there to be ended"
    with desk.site.db.reading() as session:
        mine = session.scalars(select(OfficerSession).where(OfficerSession.officer_id == desk.officer("intake").id)).all()
    oldest = min(mine, key=lambda one: one.created_at)
    there.post(f"/me/end/{oldest.id}")
    assert here.get("/today").location == "/sign-in"
    assert there.get("/today").status_code == 200


def test_ending_this_one_is_a_farewell(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    path = re.search(r'action="(/me/end/\w+)"', browser.get("/me").get_data(as_text=True))
    assert path
    answer = browser.post(path[1])
    assert "cookies" in answer.headers["Clear-Site-Data"]
    assert browser.get("/today").location == "/sign-in"


def test_a_lost_phone_locks_nobody_out(desk: Desk) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser = desk.browser()
        browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
        assert codes(browser, "000000") == []
        clock.shift(timedelta(seconds=31))
        made = codes(browser, desk.code("real"))
        assert len(set(made)) == 10
        assert "10</b> recovery codes left" in browser.get("/me").get_data(as_text=True)
        assert enter(desk, made[0]) == 303
        assert enter(desk, made[0]) == 403, "each opens once"
        assert enter(desk, made[1].replace(" ", "")) == 303
        assert desk.browser().post("/sign-in", name="real", password="a wrong but long one", code=made[2]).status_code == 403
        assert enter(desk, made[2]) == 303, "a wrong password uses up no code"
    with desk.site.db.reading() as session:
        kept = repr(session.execute(select(AuditEvent.meta, AuditEvent.action)).all())
    assert "recovery" in kept
    assert made[0] not in kept


def test_new_codes_make_the_old_ones_worthless(desk: Desk) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser = desk.browser()
        browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
        clock.shift(timedelta(seconds=31))
        old = codes(browser, desk.code("real"))
        new = codes(browser, old[0])
        assert len(new) == 10
        assert enter(desk, old[1]) == 403
        assert enter(desk, new[0]) == 303


def test_a_wall_that_hangs_shows_the_wall_and_nothing_else_for_half_a_day(desk: Desk) -> None:
    case = desk.case()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser = desk.signed_in("supervisor")
        assert browser.post("/wall/hang").location == "/wall"
        for path in ("/queue", f"/case/{case.token}", "/today", "/me", "/numbers"):
            assert browser.get(path).location == "/wall", path
        assert browser.post(f"/case/{case.token}/claim", version="0").location == "/wall"
        assert desk.again(case).owner_id is None
        clock.shift(timedelta(hours=11, minutes=59))
        assert browser.get("/wall/parts", X_By_Itself="1").status_code == 200
        clock.shift(timedelta(minutes=2))
        assert browser.get("/wall").location == "/sign-in"


def test_a_wall_hangs_on_when_its_officer_signs_in_elsewhere_and_falls_when_they_are_struck_off(desk: Desk) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        wall = desk.browser()
        wall.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
        wall.post("/wall/hang")
        clock.shift(timedelta(seconds=31))
        assert enter(desk, desk.code("real")) == 303
        assert wall.get("/wall").status_code == 200
        desk.signed_in("admin").post(f"/team/{desk.officer('real').id}/strike-off")
        assert wall.get("/wall").location == "/sign-in"
