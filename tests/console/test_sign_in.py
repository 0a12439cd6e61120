"""Who gets in: name, password and code together, each code once, and never a word about which was wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline import officers
from hotline.models import AuditEvent, OfficerSession
from hotline.roles import Role
from tests.conftest import REAL_HASHER
from tests.console.desk import PASSWORD, Desk

THURSDAY = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


def enter(desk: Desk, **answers: str) -> TestResponse:
    right = {"name": "real", "password": PASSWORD, "code": desk.code("real")}
    return desk.browser().post("/sign-in", **right | answers)


def test_name_password_and_code_open_the_queue(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/").location == "/today"
    assert browser.get("/queue").status_code == 200


def test_whatever_was_wrong_the_answer_is_the_same(desk: Desk) -> None:
    wrong = [{"name": "nobody"}, {"password": "another long password"}, {"code": "000000"}, {"password": "x" * 500}]
    pages = {_without_token(enter(desk, **answers)) for answers in wrong}
    assert len(pages) == 1
    assert "That did not work." in pages.pop()


def test_a_code_opens_the_door_once(desk: Desk) -> None:
    with time_machine.travel(THURSDAY, tick=False):
        assert enter(desk).status_code == 303
        assert enter(desk).status_code == 403
    with time_machine.travel(THURSDAY + timedelta(seconds=30), tick=False):
        assert enter(desk).status_code == 303


def test_an_older_code_than_the_last_one_used_is_refused(desk: Desk) -> None:
    with time_machine.travel(THURSDAY - timedelta(seconds=30), tick=False):
        older = desk.code("real")
    with time_machine.travel(THURSDAY, tick=False):
        assert enter(desk).status_code == 303
        assert enter(desk, code=older).status_code == 403


@pytest.mark.parametrize(("seconds", "status"), [(-30, 303), (30, 303), (-60, 403), (60, 403)])
def test_a_clock_may_be_wrong_by_one_step(desk: Desk, seconds: int, status: int) -> None:
    with time_machine.travel(THURSDAY + timedelta(seconds=seconds), tick=False):
        code = desk.code("real")
    with time_machine.travel(THURSDAY, tick=False):
        assert enter(desk, code=code).status_code == status


def test_guessing_gets_slower_and_never_locks_anybody_out(desk: Desk) -> None:
    with time_machine.travel(THURSDAY, tick=False):
        for _ in range(officers.FREE_FAILURES):
            enter(desk, password="a wrong long password")
        assert enter(desk).status_code == 403
    with time_machine.travel(THURSDAY + timedelta(seconds=2), tick=False):
        assert enter(desk).status_code == 303
    assert desk.officer("real").failures == 0


def test_the_delay_grows_to_42_seconds_and_no_further() -> None:
    seconds = [officers.delay(failures).total_seconds() for failures in (0, 4, 5, 6, 7, 8, 9, 10, 11, 500)]
    assert seconds == [0, 0, 1, 2, 4, 8, 16, 32, 42, 42]


def test_a_password_costs_what_it_should(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(officers, "_hasher", REAL_HASHER)
    desk.enrol("careful", Role.INTAKE)
    assert desk.officer("careful").password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert officers._NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_only_two_passwords_are_checked_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(officers, "WAIT_FOR_HASH", 0.01)
    with officers._turn(), officers._turn():
        assert enter(desk).status_code == 503
    assert enter(desk).status_code == 303


def test_signing_in_is_on_record_and_so_is_being_refused(desk: Desk) -> None:
    enter(desk, password="a wrong long password")
    enter(desk)
    with desk.site.db.reading() as session:
        acts = list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.seq)))
    assert acts == ["sign_in.refused", "sign_in"]


def test_an_idle_session_ends_and_a_page_that_refreshes_itself_does_not_keep_it(desk: Desk) -> None:
    with time_machine.travel(THURSDAY, tick=False) as clock:
        browser = desk.signed_in("intake")
        clock.shift(timedelta(minutes=14))
        assert browser.get("/queue/rows", X_By_Itself="1").status_code == 200
        clock.shift(timedelta(minutes=2))
        assert browser.get("/queue").location == "/sign-in"


def test_work_keeps_a_session_but_not_beyond_its_longest(desk: Desk) -> None:
    with time_machine.travel(THURSDAY, tick=False) as clock:
        browser = desk.signed_in("intake")
        for _ in range(47):
            clock.shift(timedelta(minutes=10))
            assert browser.get("/queue").status_code == 200
        clock.shift(timedelta(minutes=11))
        assert browser.get("/queue").location == "/sign-in"


def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    cookie = browser.client.get_cookie("desk")
    assert cookie is not None
    answer = browser.post("/sign-out")
    assert "storage" in answer.headers["Clear-Site-Data"]
    browser.client.set_cookie("desk", cookie.value)
    assert browser.get("/queue").location == "/sign-in"


def test_a_new_sign_in_ends_the_one_before(desk: Desk) -> None:
    first = desk.browser()
    with time_machine.travel(THURSDAY, tick=False) as clock:
        first.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
        assert first.get("/queue").status_code == 200
        clock.shift(timedelta(minutes=1))
        assert enter(desk).status_code == 303
        assert first.get("/queue").location == "/sign-in"


def test_an_officer_struck_off_is_out_at_once(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    with desk.site.db.transaction() as session:
        session.merge(desk.officer("intake")).active = False
    assert browser.get("/queue").location == "/sign-in"


def test_the_database_holds_no_cookie(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    cookie = browser.client.get_cookie("desk")
    assert cookie is not None
    with desk.site.db.reading() as session:
        row = session.scalars(select(OfficerSession)).one()
    assert cookie.value.encode() not in row.token_hash
    assert len(cookie.value) >= 43
    assert cookie.http_only
    assert cookie.same_site == "Strict"


def test_over_https_the_cookie_is_bound_to_the_host(build: Callable[..., Desk]) -> None:
    desk = build(console_url="https://desk.example.org")
    desk.enrol("real", Role.INTAKE, demo=False)
    browser = desk.browser()
    page = browser.client.get("/sign-in", base_url="https://desk.example.org")
    assert "max-age=" in page.headers["Strict-Transport-Security"]
    token = page.get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "name": "real", "password": PASSWORD, "code": desk.code("real")}
    answer = browser.client.post(
        "/sign-in", data=fields, base_url="https://desk.example.org", headers={"Origin": "https://desk.example.org"}
    )
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(line.startswith("__Host-desk=") and "Secure" in line and "Path=/" in line for line in cookies)


def test_one_click_works_only_for_the_invented_and_only_on_this_machine(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.post(f"/demo/{desk.officer('real').id}").status_code == 404
    path, token = f"/demo/{desk.officer('intake').id}", browser.token()
    fields, headers = {"csrf_token": token}, {"Origin": "http://127.0.0.1:8001"}
    far = browser.client.post(path, data=fields, headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    proxied = browser.client.post(path, data=fields, headers=headers | {"X-Forwarded-For": "10.0.0.9"})
    assert [answer.status_code for answer in (far, proxied)] == [404, 404]
    renamed = browser.get("/sign-in", Host="desk.example.org").get_data(as_text=True)
    assert path not in renamed
    assert path in browser.get("/sign-in").get_data(as_text=True)


def test_without_a_demo_there_is_no_such_door(build: Callable[..., Desk]) -> None:
    desk = build(demo=False)
    desk.enrol("intake", Role.INTAKE)
    browser = desk.browser()
    assert browser.post(f"/demo/{desk.officer('intake').id}").status_code == 404
    assert "invented" not in browser.get("/sign-in").get_data(as_text=True)


def test_a_short_password_is_not_taken(desk: Desk) -> None:
    with desk.site.db.transaction() as session, pytest.raises(officers.Unsuitable, match="15 to 128"):
        officers.enrol(session, desk.site, name="new", display_name="New", role=Role.INTAKE, password="too short")


def test_a_name_is_taken_once(desk: Desk) -> None:
    with desk.site.db.transaction() as session, pytest.raises(officers.Unsuitable, match="taken"):
        officers.enrol(session, desk.site, name="real", display_name="New", role=Role.INTAKE, password=PASSWORD)


def _without_token(answer: TestResponse) -> str:
    page = answer.get_data(as_text=True)
    for part in page.split('name="csrf_token" value="')[1:]:
        page = page.replace(part.split('"')[0], "")
    return page
