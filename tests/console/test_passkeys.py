"""Passkeys: added with a fresh factor, good for one question once, only here, only theirs, and gone with their officer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
import time_machine
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline import passkeys
from hotline.models import AuditEvent, Passkey, SpentChallenge
from hotline.roles import Role
from tests.console import test_browser
from tests.console.desk import PASSWORD, Browser, Desk
from tests.console.test_browser import chromium  # noqa: F401  a fixture
from tests.console.test_team import join, shown_link
from tests.fakes.authenticator import Authenticator

HERE = "http://localhost:8001"
CODE = "123456"  # any six digits, of somebody invented


def add(browser: Browser, device: Authenticator, name: str = "My phone", code: str = CODE) -> TestResponse:
    offered = browser.post("/me/passkeys/offer", code=code)
    if offered.status_code != 200:
        return offered
    return browser.post("/me/passkeys", name=name, code=code, answer=device.make(offered.get_json()))


def knock(desk: Desk, device: Authenticator) -> TestResponse:
    browser = desk.browser()
    return browser.post("/sign-in/passkey", answer=device.use(browser.post("/sign-in/passkey/ask").get_json()))


def with_passkey(desk: Desk, name: str = "intake") -> Authenticator:
    device = Authenticator(HERE)
    assert add(desk.signed_in(name), device).status_code == 303
    return device


def acts(desk: Desk) -> list[tuple[str, dict]]:
    with desk.site.db.reading() as session:
        return [(one.action, one.meta) for one in session.scalars(select(AuditEvent).order_by(AuditEvent.seq))]


def kept(desk: Desk) -> list[Passkey]:
    with desk.site.db.reading() as session:
        return list(session.scalars(select(Passkey)))


@pytest.fixture
def _still() -> Iterator[None]:
    """Time stands: a wait of a second is not over because the machine is busy."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def test_a_passkey_is_added_with_a_fresh_factor_and_opens_the_door_alone(either: Desk) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser, device = either.browser(), Authenticator(HERE)
        browser.post("/sign-in", name="real", password=PASSWORD, code=either.code("real"))
        assert add(browser, device, code="000000").status_code == 403
        clock.shift(timedelta(seconds=31))
        assert add(browser, device, name="  My \t phone ", code=either.code("real")).status_code == 303
        page = browser.get("/me").get_data(as_text=True)
        assert "<span>My phone</span>" in page
        assert "not yet" in page
        visitor = either.browser()
        asked = visitor.post("/sign-in/passkey/ask").get_json()
        assert asked["allowCredentials"] == [], "the door names nobody's key"
        answer = visitor.post("/sign-in/passkey", answer=device.use(asked))
        assert (answer.status_code, answer.location) == (303, "/")
        assert "not yet" not in visitor.get("/me").get_data(as_text=True)
    (one,) = kept(either)
    assert (one.sign_count, one.used_at is not None) == (1, True)
    assert ("sign_in", {"by": "passkey"}) in acts(either)
    assert ("officer.passkey_added", {"key": one.id}) in acts(either)


def test_an_answer_counts_once_in_its_own_browser_within_two_minutes(either: Desk) -> None:
    device = with_passkey(either)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser = either.browser()
        asked = browser.post("/sign-in/passkey/ask").get_json()
        stolen, answer = browser.client.get_cookie("form"), device.use(asked)
        assert stolen is not None
        assert either.browser().post("/sign-in/passkey", answer=answer).status_code == 403, "asked in another browser"
        browser._shown = browser.token()
        assert browser.post("/sign-in/passkey", answer=answer).status_code == 303
        thief = either.browser()
        thief.client.set_cookie("form", stolen.value)
        device.count -= 1
        thief._shown = browser._shown
        with either.site.db.transaction() as session:
            session.merge(kept(either)[0]).sign_count = 0
        assert thief.post("/sign-in/passkey", answer=device.use(asked)).status_code == 403, "cookie and question once more"
        late = either.browser()
        asked = late.post("/sign-in/passkey/ask").get_json()
        clock.shift(timedelta(seconds=121))
        assert late.post("/sign-in/passkey", answer=device.use(asked)).status_code == 403
        assert knock(either, device).status_code == 303
    with either.site.db.reading() as session:
        assert len(session.scalars(select(SpentChallenge)).all()) == 1, "what is over is forgotten"


@pytest.mark.usefixtures("_still")
def test_what_is_not_this_passkey_here_and_now_is_refused_and_makes_the_account_wait(either: Desk) -> None:
    device, theirs = with_passkey(either), with_passkey(either, "second")
    assert knock(either, device).status_code == 303
    wrong = {
        "another origin": replace(device, origin="https://desk.example.org"),
        "no finger, face or PIN": replace(device, verified=False),
        "another key": replace(device, key=theirs.key),
        "another officer's name": replace(device, user=theirs.user),
        "a count that does not grow": replace(device, count=0),
    }
    for number, (why, one) in enumerate(wrong.items(), start=1):
        one.count = one.count if why.startswith("a count") else 10
        assert knock(either, one).status_code == 403, why
        assert either.officer("intake").failures == number, why
    assert acts(either)[-1] == ("sign_in.refused", {"by": "passkey"})
    device.count = 20
    assert knock(either, device).status_code == 403, "after five failures even the right one waits"
    with either.site.db.transaction() as session:
        session.merge(either.officer("intake")).try_again_at = None
    assert knock(either, device).status_code == 303
    assert either.officer("intake").failures == 0


def test_nonsense_at_the_door_is_refused_and_nobody_s_account_waits(desk: Desk) -> None:
    device = with_passkey(desk)
    fine = json.loads(device.use(desk.browser().post("/sign-in/passkey/ask").get_json()))
    for part, value in (("rawId", 7), ("rawId", "ü"), ("response", None), ("response", {}), ("type", "x"), ("id", "AAAA")):
        browser = desk.browser()
        browser.post("/sign-in/passkey/ask")
        assert browser.post("/sign-in/passkey", answer=json.dumps(fine | {part: value})).status_code == 403, part
        for name in fine["response"]:
            bent = fine | {"response": fine["response"] | {name: "gICA" if value else 5}}
            browser.post("/sign-in/passkey/ask")
            assert browser.post("/sign-in/passkey", answer=json.dumps(bent)).status_code == 403, name
    before = desk.officer("intake").failures
    for answer in ("", "[]", "{}", "[" * 5000, "x" * 20_000, json.dumps(fine | {"rawId": "AAAA"})):
        browser = desk.browser()
        browser.post("/sign-in/passkey/ask")
        assert browser.post("/sign-in/passkey", answer=answer).status_code == 403
    assert desk.officer("intake").failures == before


def test_a_passkey_is_made_for_one_session_by_its_own_question_and_nobody_else_s_is_taken(either: Desk) -> None:
    device = with_passkey(either)
    other = either.signed_in("second")
    assert add(other, replace(device)).status_code == 422, "it is somebody's already"
    for lying in (Authenticator("https://desk.example.org"), Authenticator(HERE, verified=False)):
        assert add(other, lying).status_code == 422
    assert other.post("/me/passkeys", name="x", answer=device.make({"user": {"id": "AA"}, "rp": {"id": "x"}, "challenge": "AA"}))
    offered = other.post("/me/passkeys/offer", code=CODE).get_json()
    broken = json.loads(Authenticator(HERE).make(offered))
    broken["response"]["attestationObject"] = "gICA"
    assert other.post("/me/passkeys", name="x", answer=json.dumps(broken)).status_code == 422
    at_the_door = other.post("/sign-in/passkey/ask").get_json()
    made = Authenticator(HERE).make(offered | {"challenge": at_the_door["challenge"]})
    assert other.post("/me/passkeys", name="x", answer=made).status_code == 422, "asked at the door, with no fresh factor"
    assert [one.officer_id for one in kept(either)] == [either.officer("intake").id]


def test_one_s_own_is_removed_with_a_fresh_factor_on_record_and_opens_nothing_any_more(either: Desk) -> None:
    device = with_passkey(either)
    (one,) = kept(either)
    path = f"/me/passkeys/{one.id}/remove"
    assert either.signed_in("second").post(path, code=CODE).status_code == 303
    browser = either.signed_in("intake")
    assert browser.post(path, code="12").status_code == 403
    assert kept(either), "another's is not there, and a wrong code removes nothing"
    assert browser.post(path, code=CODE).status_code == 303
    assert acts(either)[-1] == ("officer.passkey_removed", {"key": one.id})
    assert knock(either, device).status_code == 403


def test_whoever_is_struck_off_or_begins_anew_has_no_passkeys(either: Desk) -> None:
    device, admin = with_passkey(either, "second"), either.signed_in("admin")
    path = f"/team/{either.officer('second').id}"
    admin.post(f"{path}/strike-off")
    assert kept(either) == []
    admin.post(f"{path}/let-in")
    assert either.officer("second").active
    assert knock(either, device).status_code == 403
    device = with_passkey(either, "second")
    link = shown_link(unescape(admin.post(f"{path}/renew").get_data(as_text=True)))
    assert knock(either, device).status_code == 303, "nothing changes before the link is used"
    assert join(either, urlsplit(link).path)[0] == 303
    assert knock(either, device).status_code == 403


@pytest.mark.parametrize(
    ("address", "demo", "where"),
    [
        ("https://desk.example.org", False, ("https://desk.example.org", "desk.example.org")),
        ("https://desk.example.org:8443/x", False, ("https://desk.example.org:8443", "desk.example.org")),
        ("http://127.0.0.1:8001", True, (HERE, "localhost")),
        ("http://127.0.0.1:8001", False, None),
        ("http://desk.example.org", True, None),
        ("https://192.0.2.7", False, None),
        ("http://192.0.2.7", True, None),
    ],
)
def test_passkeys_hold_where_browsers_have_them(
    build: Callable[..., Desk], address: str, *, demo: bool, where: tuple[str, str] | None
) -> None:
    found = passkeys.place(build(console_url=address, demo=demo).site.settings)
    assert (found and (found.origin, found.name)) == where


def test_where_there_are_none_nothing_offers_them_and_signing_in_is_as_it_was(build: Callable[..., Desk]) -> None:
    desk = build(console_url="http://127.0.0.1:8001", demo=False)
    desk.enrol("real", Role.INTAKE, demo=False)
    browser = desk.browser()
    assert "passkey" not in browser.get("/sign-in").get_data(as_text=True)
    assert browser.post("/sign-in/passkey/ask").status_code == 404
    assert browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real")).status_code == 303
    assert "None can be added here" in browser.get("/me").get_data(as_text=True)


@pytest.mark.browser
@pytest.mark.skipif(not test_browser.CHROMIUM, reason="no Chromium on this machine")
def test_a_real_browser_makes_one_and_signs_in_with_it(build: Callable[..., Desk], chromium: Chromium) -> None:  # noqa: F811
    desk = build()
    desk.enrol("intake", Role.INTAKE)
    with test_browser.open_street(desk, chromium) as street:
        street.address = street.address.replace("127.0.0.1", "localhost")
        desk.site.settings = desk.site.settings.model_copy(update={"console_url": street.address})
        page = street.officer(lands="me")
        device = page.context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        able = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
        able |= {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
        device.send("WebAuthn.addVirtualAuthenticator", {"options": able})
        page.get_by_label("What you call the device").fill("Invented laptop")
        page.locator("#passkey-code").fill(CODE)
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("status").first).to_contain_text("Added.")
        expect(page.locator(".passkeys")).to_contain_text("Invented laptop")
        page.context.clear_cookies()
        page.goto(f"{street.address}/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url("**/today")
        assert street.complaints == []
    (one,) = kept(desk)
    assert (one.sign_count > 0, one.used_at is not None) == (True, True)
