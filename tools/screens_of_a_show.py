"""Pictures of an evening at the station: the studio and its moderator while listeners text, and what is left afterwards.

Part of `make screens`: it plays `hotline sim show` through the doors of the demo that runs there. Everybody in it is invented.
"""  # noqa: INP001  a script of the house, not a package

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from hotline.config import Settings

LISTENERS, SECONDS = 400, 30
STATION: Final = {"width": 1280, "height": 800}
PATIENCE: Final = 60_000  # milliseconds until the show is on air and its first question read


def pictures(browser: Browser, settings: Settings, environment: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """Play a show and photograph it from both sides of the glass, then its themes, its script and its end."""
    show = [str(Path(sys.executable).with_name("hotline")), "sim", "show"]
    asked = [*show, "--listeners", str(LISTENERS), "--tips", "2", "--seconds", str(SECONDS)]
    presenter, producer = (signed_in(browser, settings, name) for name in ("Divine", "Patrick"))
    playing = subprocess.Popen(asked, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        producer.goto(f"{settings.console_url}/shows")
        while not (on_air := producer.locator(".episodes li:has(.air) a").first).is_visible():
            producer.wait_for_timeout(300)
            producer.reload()
        episode = (on_air.get_attribute("href") or "").rpartition("/")[2]
        presenter.goto(f"{settings.console_url}/studio/{episode}")
        producer.goto(f"{settings.console_url}/shows/{episode}")
        expect(presenter.locator("main")).to_contain_text("people voted", timeout=PATIENCE)
        presenter.wait_for_timeout(SECONDS * 600)
        yield keep(presenter, folder / "studio.png")
        yield keep(producer, folder / "studio-moderation.png")
        playing.wait(SECONDS * 4)
    finally:
        playing.terminate()
    for page, path, name in (
        (presenter, f"/studio/{episode}/after", "studio-after"),
        (presenter, f"/studio/{episode}/script", "studio-script"),
        (presenter, "/studio", "studio-shows"),
        (producer, "/shows", "shows"),
    ):
        page.goto(settings.console_url + path)
        yield keep(page, folder / f"{name}.png")


def signed_in(browser: Browser, settings: Settings, name: str) -> Page:
    """Return the page of somebody invented."""
    page = browser.new_page(viewport=STATION)
    page.goto(f"{settings.console_url}/sign-in")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def keep(page: Page, picture: Path) -> Path:
    """Photograph what can be seen."""
    page.screenshot(path=picture)
    return picture
