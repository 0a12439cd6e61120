"""A text to many in a real browser, by two people: written, checked, approved, seen to go, held, let go, and reported."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from datetime import time as hour

import pytest
from playwright.sync_api import Browser, Page, expect

from hotline.broadcasts import campaign, checking
from hotline.broadcasts.making import finish
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.models import Lane
from hotline.roles import Role
from tests.axe import violations
from tests.broadcasts.casting import Casts, fill, number
from tests.console.desk import Desk
from tests.console.test_browser import CHROMIUM, Street, beat, chromium, open_street
from tests.line import Line
from workers import jobs

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
CLEAN = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}


@pytest.fixture
def street(build: Callable[..., Desk], chromium: Browser) -> Iterator[Street]:
    desk = build(quiet_from=hour(0), quiet_until=hour(0), broadcast_second_person=50, deliver_batch=60)
    desk.enrol("jeanne", Role.BROADCASTER)
    desk.enrol("paul", Role.SUPERVISOR)
    with open_street(desk, chromium) as place:
        yield place


@pytest.fixture
def casts(street: Street) -> Casts:
    casts = Casts(Line(street.desk.site, now=datetime.now(UTC)))
    del casts.site.db.__dict__["now"]
    for place, (keyword, language, sector) in enumerate(
        [("market", "rw", "Kamembe"), ("market2", "rw", "Bugarama"), ("boats", "sw", "Nkombo"), ("border", "fr", "Mururu")]
    ):
        numbers = [number(place * 1000 + at) for at in range((120, 90, 60, 30)[place])]
        fill(casts.site, keyword, numbers, casts.now, language=language, sector=sector)
    return casts


def nobody(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="UserDoesNotExist")


def look(page: Page) -> None:
    """Nothing on it keeps anybody from using it, by WCAG 2.2 AA, and nothing is wider than the page."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def narrowly(page: Page) -> None:
    """The same on a phone, in the dark."""
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark")
    look(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(CLEAN)


def test_two_people_bring_a_text_to_many_from_the_library_to_its_report(  # noqa: PLR0915  one long story
    street: Street, casts: Casts
) -> None:
    site = casts.site
    jeanne = street.officer("Jeanne", "broadcasts", viewport=CLEAN, reduced_motion="reduce")
    jeanne.set_default_timeout(10_000)
    look(jeanne)
    jeanne.get_by_role("link", name="New broadcast").first.click()
    look(jeanne)
    narrowly(jeanne)
    jeanne.locator("button[value=job_abroad]").click()

    jeanne.fill("#text-rw", "Baguhaye akazi n\u2019abana kure? Tubaze: {ussd}. Guhagarika: STOP")
    expect(jeanne.locator("#look-rw")).to_contain_text("UCS-2")
    expect(jeanne.locator("#look-rw blockquote")).to_contain_text("*778#")
    look(jeanne)
    narrowly(jeanne)
    jeanne.get_by_role("button", name="Repair characters").first.click()
    expect(jeanne.locator("#text-rw")).to_have_value("Baguhaye akazi n'abana kure? Tubaze: {ussd}. Guhagarika: STOP")
    jeanne.select_option("#choices", "2")
    jeanne.get_by_role("button", name="Keep and choose people").click()

    jeanne.wait_for_url("**/people")
    expect(jeanne.locator("#count")).to_contain_text("300")
    for keyword in ("boats", "market", "border"):
        jeanne.locator(f"input[value={keyword}]").check()
    expect(jeanne.locator("#count")).to_contain_text("210")
    look(jeanne)
    narrowly(jeanne)
    jeanne.get_by_role("button", name="Keep and check").click()

    jeanne.get_by_role("button", name="Check every row").click()
    expect(jeanne.get_by_role("heading", name="Going through every row")).to_be_visible()
    look(jeanne)
    assert checking.make(site) == 1
    beat(jeanne)
    expect(jeanne.locator("#rows")).to_contain_text("texts on the air")
    look(jeanne)
    narrowly(jeanne)
    jeanne.get_by_role("link", name="Go to the approval").click()
    expect(jeanne.locator("main")).to_contain_text("Waits for a second person")

    paul = street.officer("Paul", "queue", viewport=CLEAN, reduced_motion="reduce")
    paul.get_by_text("What is said").click()
    paul.get_by_role("link", name="Broadcasts").click()
    paul.get_by_role("link", name="A job offer from far away").click()
    look(paul)
    narrowly(paul)
    paul.fill("#people", "211")
    paul.get_by_role("button", name="Approve for 210 people").click()
    expect(paul.get_by_role("alert")).to_contain_text("That is not the number of people")
    paul.fill("#people", "210")
    paul.get_by_role("button", name="Approve for 210 people").click()

    jeanne.reload()
    look(jeanne)
    jeanne.get_by_role("button", name="Send to 210 people").click()
    with site.db.transaction() as session:
        campaign.begin_due(session, site, site.db.now(session))
    for carrier in casts.line.carriers.values():
        carrier.next = [nobody] * 7
    jobs.deliver_batch(site, Lane.BULK)
    beat(jeanne)
    expect(jeanne.locator(".far b")).to_have_text("57 %")
    before = jeanne.locator(".far b").inner_text()
    look(jeanne)
    narrowly(jeanne)
    jeanne.get_by_role("button", name="Pause").click()
    expect(jeanne.locator(".cast-state")).to_have_text("Paused")
    jobs.deliver_batch(site, Lane.BULK)
    jeanne.reload()
    assert jeanne.locator(".far b").inner_text() == before, "nothing leaves while it is paused"
    jeanne.get_by_role("button", name="Go on").click()
    while jobs.deliver_batch(site, Lane.BULK):
        pass
    with site.db.transaction() as session:
        finish(session, site, site.db.now(session))
    beat(jeanne)
    expect(jeanne.locator(".cast-state")).to_have_text("Sent")
    look(jeanne)
    narrowly(jeanne)
    with jeanne.expect_download() as saved:
        jeanne.get_by_role("link", name="Report as XLSX").click()
    assert saved.value.suggested_filename == "broadcast.xlsx"
    jeanne.goto(f"{street.address}/broadcasts")
    look(jeanne)
    jeanne.goto(f"{street.address}/lists")
    look(jeanne)
    narrowly(jeanne)
    assert [one for one in street.complaints if "422" not in one] == []
