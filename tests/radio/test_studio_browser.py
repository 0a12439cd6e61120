"""A producer makes a show, a presenter runs it by keys while the network drops and comes back, and a sheet is left."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from hotline.models import Poll
from hotline.radio import shows
from tests.axe import violations
from tests.console.desk import Desk
from tests.radio.conftest import OnAir

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
LOOKS = ({"width": 1280, "height": 800}, {"width": 390, "height": 844})

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


class Silent(WSGIRequestHandler):
    """Writes no access log."""

    def log(self, *_: object, **__: object) -> None:
        pass


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, desk.app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def signed_in(browser: Browser, address: str, name: str) -> Page:
    page = browser.new_context(viewport=LOOKS[0], color_scheme="light").new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))
    return page


def look(page: Page, name: str) -> None:
    """No complaint of accessibility and nothing wider than the screen, in both widths."""
    for width in LOOKS:
        page.set_viewport_size(width)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than {width}"
    page.set_viewport_size(LOOKS[0])


def test_an_evening_at_the_station(  # noqa: PLR0915  an evening is long
    desk: Desk, air: OnAir, browser: Browser, address: str
) -> None:
    air.switch(on=False)
    producer = signed_in(browser, address, "producer")
    expect(producer.get_by_role("heading", name="Shows", exact=True)).to_be_visible()
    look(producer, "shows")
    fields = {"station": "Radio Nova (invented)", "name": "Work and roads", "poll_en": "Would you ask somebody before you go?"}
    fields |= {"option_1_en": "Yes", "option_2_en": "No", "say_en": ""}
    for name, words in fields.items():
        if words:
            producer.fill(f"[name={name}]", words)
    producer.select_option("[name=language]", "en")
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        producer.check(f"[name=day_{day}]")
    producer.get_by_role("button", name="Write it down").click()
    expect(producer.get_by_role("heading", name="Work and roads")).to_be_visible()
    episode_id = producer.url.rsplit("/", 1)[1]
    air.episode_id = episode_id

    stage = signed_in(browser, address, "presenter")
    stage.goto(f"{address}/studio/{episode_id}")
    expect(stage.get_by_role("heading", name="Off air")).to_be_visible()
    stage.keyboard.press("o")
    expect(stage.get_by_role("heading", name="On air")).to_be_visible()
    stage.keyboard.press("ArrowRight")
    expect(stage.locator(".asked")).to_have_text("Would you ask somebody before you go?")
    expect(stage.locator(".votes")).to_contain_text("Waiting for the first vote")

    for number in range(19):
        air.line.text(f"+2507880009{number:02}", "1" if number < 12 else "2", to="7799")
    air.line.now = datetime.now(UTC)
    air.line.work()
    expect(stage.locator(".votes")).to_contain_text("Shares are shown from 20 votes on")
    air.line.text("+250788000999", "2", to="7799")
    air.line.text("+250788000998", "How can one tell that an agency is real?", to="7799")
    air.line.now = datetime.now(UTC)
    air.line.work()
    expect(stage.locator(".share").first).to_contain_text("60")
    look(stage, "stage")

    expect(producer.locator("blockquote").first).to_have_text("How can one tell that an agency is real?")
    look(producer, "moderation")
    producer.keyboard.press("e")
    producer.keyboard.type("What should one check before signing?")
    producer.keyboard.press("Escape")
    producer.uncheck("[name=personal]")
    producer.keyboard.press("y")
    expect(producer.get_by_role("status").first).to_contain_text("in your words")

    stage.keyboard.press("2")
    stage.keyboard.press("Space")
    expect(stage.locator(".words")).to_have_text("What should one check before signing?")
    look(stage, "questions")
    stage.keyboard.press("h")
    expect(stage.locator(".blanked")).to_be_visible()
    stage.keyboard.press("h")
    expect(stage.locator(".words")).to_be_visible()

    stage.context.set_offline(True)
    expect(stage.locator("[data-not-live]")).to_contain_text("Not live since", timeout=8000)
    expect(stage.locator(".words")).to_have_text("What should one check before signing?")
    stage.context.set_offline(False)
    expect(stage.locator("[data-not-live]")).to_be_hidden(timeout=8000)

    stage.keyboard.press("o")
    expect(stage.get_by_role("heading", name="Over")).to_be_visible()
    stage.goto(f"{address}/studio/{episode_id}/after")
    expect(stage.locator("svg.chart")).to_be_visible()
    expect(stage.locator(".counts")).to_contain_text("12")
    look(stage, "after")
    stage.goto(f"{address}/studio/{episode_id}/script")
    look(stage, "script")
    assert len(air.line.rows(Poll)) == 2
    with air.line.reading() as session:
        assert shows.episode(session, episode_id)["off_air_at"]
