"""The desk in a real browser: live, by keyboard, readable by everybody, and talking to no other host."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import select, update
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from hotline.gateways.contract import Certainty
from hotline.models import AuditEvent, Officer
from hotline.roles import Role
from hotline.watch import alarm
from hotline.watch.invariants import Invariant
from tests.axe import violations
from tests.console.desk import Desk
from tests.console.test_figures import year_of_reports
from tests.console.test_today import on_duty, tried
from tests.watch.letters import Letters

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
WHO_LEADS = {
    "Supervisor": (
        "/today",
        "/wall",
        "/channels",
        "/search",
        "/search?q=child:yes",
        "/search?q=place:nowhere",
        "/map",
        "/reports",
    ),
    "Admin": ("/today", "/channels", "/record/check", "/setup"),
    "Auditor": ("/today", "/record"),
}
FINDINGS = [
    {"axis": "act", "sentence": "People are taken somewhere.", "words": "took us"},
    {"axis": "means", "sentence": "Somebody else may hold papers.", "words": "papers"},
    {"axis": "danger", "sentence": "Words of danger.", "words": "now"},
]

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


class Silent(WSGIRequestHandler):
    """Writes no access log."""

    def log(self, *_: object, **__: object) -> None:
        pass


class Street:
    """The desk on a real port, and a page on it that notes whatever a page must not do."""

    def __init__(self, desk: Desk, server: BaseWSGIServer, browser: Browser) -> None:
        self.desk, self.server, self.browser = desk, server, browser
        self.address = f"http://127.0.0.1:{server.server_port}"
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []

    def page(self, **looks: object) -> Page:
        context: BrowserContext = self.browser.new_context(**looks)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("console", lambda line: self.complaints.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda sent: self._note(sent.url))
        return page

    def officer(self, name: str = "Intake", lands: str = "queue", **looks: object) -> Page:
        page = self.page(**looks)
        page.goto(f"{self.address}/sign-in")
        page.get_by_role("button", name=name).click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.goto(f"{self.address}/{lands}")
        return page

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.elsewhere.append(url)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@contextmanager
def open_street(desk: Desk, browser: Browser) -> Iterator[Street]:
    """Serve a desk, and see to it that no page asked another host for anything."""
    server = make_server("127.0.0.1", 0, desk.app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    place = Street(desk, server, browser)
    yield place
    for context in browser.contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert place.elsewhere == []


@pytest.fixture
def street(build: Callable[..., Desk], chromium: Browser) -> Iterator[Street]:
    desk = build()
    desk.enrol("intake", Role.INTAKE)
    with open_street(desk, chromium) as place:
        yield place


def beat(page: Page) -> None:
    """Do at once what the page does every five seconds."""
    page.wait_for_function("window.htmx !== undefined")
    page.evaluate("htmx.trigger('[data-pulse]', 'pulse')")


def test_a_new_item_slides_into_an_open_queue_and_is_announced(street: Street) -> None:
    page = street.officer()
    expect(page.get_by_role("heading", name="All claimed")).to_be_visible()
    case = street.desk.case(minors="true")
    beat(page)
    expect(page.locator("[data-row]")).to_contain_text(case.handle)
    expect(page.locator("[data-news]")).to_have_text(f"New item {case.handle}")
    expect(page.locator("#views a[href*='view=new']")).to_contain_text("1")
    assert page.title().startswith("(1")
    assert street.complaints == []


def test_triage_needs_no_mouse(street: Street) -> None:
    street.desk.case(ago=timedelta(minutes=2))
    second = street.desk.case(ago=timedelta(minutes=1))
    page = street.officer()
    for key in ("j", "j"):
        page.keyboard.press(key)
    expect(page.locator("[data-row].chosen")).to_contain_text(second.handle)
    page.keyboard.press("c")
    page.wait_for_url(f"**/case/{second.token}")
    expect(page.get_by_role("status").first).to_contain_text("It is yours")
    page.wait_for_load_state()
    page.keyboard.press("r")
    page.keyboard.type("n\u2019abana, jk")
    expect(page.locator("#meter")).to_contain_text("UCS-2")
    assert page.input_value("#reply-text") == "n\u2019abana, jk"
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread .reply")).to_contain_text("Leaving now")
    page.wait_for_load_state()  # the words are there before the keys are
    page.keyboard.press("q")
    page.wait_for_url("**/queue")
    assert street.complaints == []


def test_what_is_being_typed_survives_what_happens_meanwhile(street: Street) -> None:
    case = street.desk.case()
    page = street.officer()
    page.goto(f"{street.address}/case/{case.token}")
    page.fill("#reply-text", "half a sen")
    street.desk.tell(case, "Invented desk, Kamembe")
    beat(page)
    expect(page.locator("#side")).to_contain_text("Invented desk, Kamembe")
    expect(page.locator("#reply-text")).to_have_value("half a sen")
    expect(page.locator("#reply-text")).to_be_focused()
    assert street.complaints == []


def test_a_desk_that_is_gone_is_said_to_be_gone(street: Street) -> None:
    street.desk.case()
    page = street.officer()
    page.context.set_offline(True)
    beat(page)
    expect(page.locator("[data-live]")).to_contain_text("Live updates stopped")
    expect(page.locator("[data-live-again]")).to_be_visible()
    page.context.set_offline(False)
    beat(page)
    expect(page.locator("[data-live-words]")).to_have_text("Live")


def test_a_session_that_ended_takes_the_words_off_the_screen(street: Street) -> None:
    case = street.desk.case("words nobody else may see")
    page = street.officer()
    page.goto(f"{street.address}/case/{case.token}")
    page.context.clear_cookies(name="desk")
    beat(page)
    page.wait_for_url("**/sign-in")
    expect(page.get_by_text("words nobody else may see")).to_have_count(0)


def test_single_keys_can_be_switched_off(street: Street) -> None:
    street.desk.case()
    page = street.officer()
    page.keyboard.press("?")
    page.get_by_label("Use single keys on this device").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(page.locator("[data-row].chosen")).to_have_count(0)


def test_two_escapes_cover_the_screen(street: Street) -> None:
    street.desk.case()
    page = street.officer()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("[data-cover]")).to_be_visible()
    assert page.title() == "New tab"
    page.get_by_role("button", name="Show again").click()
    expect(page.locator("[data-cover]")).to_be_hidden()


def test_light_and_dark_are_remembered(street: Street) -> None:
    page = street.officer(color_scheme="light")
    page.locator("[data-menu] summary").click()
    page.get_by_text("Dark", exact=True).click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_without_scripts_everything_can_still_be_done(street: Street) -> None:
    case = street.desk.case()
    page = street.officer(java_script_enabled=False)
    page.get_by_role("button", name=f"Claim {case.handle}").click()
    page.get_by_role("button", name="Acknowledge").click()
    page.locator("#reply-text").fill("Thank you for writing.")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("To colleagues").click()
    page.locator("#note-text").fill("Ask again tonight.")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".thread")).to_contain_text("Ask again tonight.")
    expect(page.locator(".thread")).to_contain_text("Thank you for writing.")
    fresh = street.desk.again(case)
    assert fresh.acknowledged_at is not None
    assert fresh.owner_id == street.desk.officer("intake").id


def test_every_screen_is_fit_for_everybody(street: Street) -> None:
    case = street.desk.case(
        "They took us and our papers now", minors="true", next_step_at=datetime.now(UTC) + timedelta(minutes=4)
    )
    street.desk.assess(case, findings=FINDINGS, missing=["age", "place"], next_question="age", places=["Kamembe"])
    street.desk.tell(case)
    held = street.desk.case("W" * 300, ago=timedelta(hours=3), urgency="soon", rank=1, state="waiting")
    stranger = street.page()
    stranger.goto(f"{street.address}/sign-in")
    look(stranger)
    stranger.goto(f"{street.address}/nowhere")
    look(stranger)
    page = street.officer()
    for path in ("/queue?view=all", "/queue?view=mine", f"/case/{case.token}", f"/case/{held.token}"):
        page.goto(street.address + path)
        look(page)
    page.keyboard.press("?")
    look(page)
    with street.desk.site.db.transaction() as session:
        session.execute(update(Officer).where(Officer.name == "intake").values(language="rw"))
    for path in ("/queue?view=all&urgency=immediate", f"/case/{case.token}"):
        page.goto(street.address + path)
        expect(page.locator("html")).to_have_attribute("lang", "rw")
        look(page)


def test_dead_letters_are_fit_for_everybody(street: Street) -> None:
    street.desk.enrol("claudine", Role.SUPERVISOR)
    page = street.officer("Claudine")
    page.goto(f"{street.address}/dead")
    look(page)
    Letters(street.desk.site).one_of_each()
    now = datetime.now(UTC)
    with street.desk.site.db.transaction() as session:
        alarm.recount(session, street.desk.site, now)
        for broken in Invariant:
            alarm.set_counter(session, street.desk.site, f"watch.{broken.name}.since", int(now.timestamp()))
        alarm.set_counter(session, street.desk.site, alarm.BEAT, 1)
    street.desk.later()
    for path in ("/dead", "/queue"):
        page.goto(street.address + path)
        look(page)
    intake = street.officer("Intake")
    intake.goto(f"{street.address}/dead")
    look(intake)


def test_the_team_and_the_record_are_fit_for_everybody(street: Street) -> None:
    for role in (Role.ADMIN, Role.AUDITOR):
        street.desk.enrol(str(role), role)
    admin = street.officer("Admin", lands="team")
    admin.locator("#display_name").fill("Espérance M.")
    admin.locator("#new-name").fill("espe")
    admin.get_by_role("button", name="Make a link").click()
    link = admin.locator("#link").input_value()
    admin.locator("details.acts summary").first.click()
    look(admin)
    newcomer = street.page()
    newcomer.goto(street.address + link.partition("8001")[2])
    look(newcomer)
    auditor = street.officer("Auditor")
    for path in ("/record", "/record?who=nobody"):
        auditor.goto(street.address + path)
        look(auditor)


def test_a_dead_letter_is_replayed_once_though_the_button_is_pressed_twice(street: Street) -> None:
    street.desk.enrol("claudine", Role.SUPERVISOR)
    Letters(street.desk.site).message()
    page = street.officer("Claudine")
    page.keyboard.press("d")
    page.wait_for_url("**/dead")
    page.get_by_role("button", name="Try again").dblclick()
    expect(page.get_by_role("heading", name="Nothing is stuck")).to_be_visible()
    with street.desk.site.db.reading() as session:
        assert session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("dead.%"))).all() == ["dead.replay"]
    assert street.complaints == []


def test_without_scripts_a_dead_letter_can_be_mended_too(street: Street) -> None:
    street.desk.enrol("claudine", Role.SUPERVISOR)
    Letters(street.desk.site).webhook()
    page = street.officer("Claudine", java_script_enabled=False)
    page.goto(f"{street.address}/dead")
    page.get_by_role("button", name="Mark handled").click()
    expect(page.get_by_role("status").first).to_contain_text("Marked handled")
    expect(page.get_by_role("heading", name="Nothing is stuck")).to_be_visible()


def test_a_life_that_waits_appears_on_an_open_page_by_itself(street: Street) -> None:
    page = street.officer()
    expect(page.locator(".warn")).to_have_count(0)
    Letters(street.desk.site).message()
    with street.desk.site.db.transaction() as session:
        alarm.recount(session, street.desk.site, datetime.now(UTC))
    street.desk.later()
    beat(page)
    expect(page.locator(".warn")).to_contain_text("1 dead letter may cost a life")
    expect(page.locator(".badge-life").first).to_contain_text("1")
    page.get_by_role("link", name="Look now").click()
    page.wait_for_url("**/dead")
    expect(page.locator("[data-row]").first).to_contain_text("Alert to an officer")
    expect(page.locator("[data-row]").first).to_contain_text("For a supervisor")


LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1280, "dark"), (390, "dark"), (390, "light"))


def look(page: Page) -> None:
    """Assert that axe finds nothing, and that nothing runs off the side: on a desk and on a phone, light and dark."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, scheme)


def test_the_screens_of_who_leads_are_fit_for_everybody(street: Street) -> None:
    for role in (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR):
        street.desk.enrol(str(role), role)
    empty = street.officer("Supervisor")
    for path in ("/today", "/wall"):
        empty.goto(street.address + path)
        look(empty)
    case = street.desk.case(minors="true", ago=timedelta(minutes=31))
    street.desk.tell(case, "Invented border desk")
    street.desk.case(urgency="soon", rank=1, category="labour_abuse", next_step_at=datetime.now(UTC) + timedelta(minutes=20))
    on_duty(street.desk, "Invented child line")
    tried(street.desk, Certainty.ACCEPTED, times=9)
    tried(street.desk, Certainty.REFUSED, "401", times=4)
    year_of_reports(street.desk)
    for who, paths in WHO_LEADS.items():
        page = street.officer(who, lands="today")
        for path in paths:
            page.goto(street.address + path)
            look(page)
