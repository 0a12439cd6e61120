"""Screens: runs the demo, has invented people text, and takes the pictures of the docs.

Comes in: nothing but this checkout and a Chromium. Goes out, in docs/screens/: phones-and-queue.png, with which the README opens;
dead-letters.png, what a supervisor sees when something cannot go on by itself; broadcast-*.png, a text to many on its way; and
one of each other screen, as whoever uses it most sees it, some on a phone. Everything runs on loopback, in a folder of its own
that is removed again; a picture shows nothing that is not invented. Run `make screens` after a screen changed, and commit them.
"""  # noqa: INP001  a script of the house, not a package

import base64
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import screens_of_a_show
import screens_of_dead_letters
import urllib3
from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import insert, select

from hotline import handle, own_phone
from hotline.casework.correct import CATEGORIES
from hotline.config import Settings, child_environment
from hotline.deployment import Deployment
from hotline.models import (
    SECTOR,
    Case,
    NamedClue,
    Officer,
    QueueFilter,
    first_id,
    new_id,
    table,
)
from hotline.places import sectors
from hotline.routing import draft
from hotline.routing.book import sentences
from hotline.simulator import Profile, Role, send_sms, shipped

HOUSE: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = HOUSE / "docs" / "screens" / "phones-and-queue.png"
DEAD_LETTERS: Final = PICTURE.with_name("dead-letters.png")
STEPS: Final = ("words", "people", "approval", "going", "report")
BROADCAST: Final = {step: PICTURE.with_name(f"broadcast-{step}.png") for step in STEPS}
SWITCHES: Final = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
READY_SECONDS: Final = 60
RATE: Final = 20  # texts a second
PATIENCE: Final = 30_000  # milliseconds a page may take to show what it is waited for
HEIGHT: Final = 740
ROOM: Final = 12

WIDE: Final[ViewportSize] = {"width": 1180, "height": HEIGHT}
PHONE: Final[ViewportSize] = {"width": 390, "height": 760}
# Each screen: the picture's name, who looks ("" for a stranger), and the address; a case stands for {case}, a link may follow.
SCREENS: Final = (
    ("sign-in", "", "/sign-in"),
    ("today", "Claudine", "/today"),
    ("wall", "Claudine", "/wall"),
    ("queue", "Aline", "/queue"),
    ("case", "Aline", "{case}"),
    ("why-these", "Aline", "{case}/referral"),
    ("close", "Aline", "{case}/close"),
    ("call", "Aline", "{case}/call"),
    ("timeline", "Aline", "{case}/timeline"),
    ("hand-over", "Aline", "/handover"),
    ("told-to-us", "Grace", "/referrals"),
    ("rules", "Claudine", "/rules"),
    ("rule-draft", "Claudine", "/rules/draft"),
    ("rule-tried", "Claudine", "/rules/draft/try"),
    ("owed-to-us", "Claudine", "/owed"),
    ("kept-filter", "Claudine", "/queue?view=all&urgency=immediate&child=1"),
    ("setup", "Administrator", "/setup"),
    ("ask-number", "Aline", "{case}/number"),
    ("new-item", "Aline", "/new"),
    ("phrasebook", "Aline", "/phrases"),
    ("search", "Aline", "/search?q=category:trafficking"),
    ("missed-calls", "Aline", "/missed"),
    ("who-is-on", "Aline", "/rota"),
    ("numbers", "Claudine", "/numbers"),
    ("map-and-trends", "Claudine", "/map"),
    ("reports", "Claudine", "/reports"),
    ("texts-to-many", "Claudine", "/broadcasts"),
    ("lists", "Jeanne", "/lists"),
    ("channels", "Administrator", "/channels"),
    ("partners-keys", "Administrator", "/keys"),
    ("team", "Administrator", "/team"),
    ("directory", "Administrator", "/directory"),
    ("contact", "Administrator", "/directory > a[href*=contact]"),
    ("contacts-sheet", "Administrator", "/directory/sheet"),
    ("record-check", "Administrator", "/record/check"),
    ("record", "Auditor", "/record"),
    ("your-sign-in", "Aline", "/me"),
)
ON_A_PHONE: Final = frozenset({"today", "queue", "case", "map-and-trends", "wall", "setup", "told-to-us", "rules"})
SHAPE: Final = (9, 3, 6, 12, 4, 14, 2)  # how many invented reports of each kind a month begins with

SIDE_BY_SIDE: Final = """<!doctype html><style>
body { margin: 0; padding: 20px; display: flex; gap: 20px; background: #d8dee5; width: max-content }
img { display: block; height: HEIGHTpx; border-radius: 10px; box-shadow: 0 2px 14px #0004 }
</style><img src="PHONES"><img src="QUEUE">"""


def main() -> None:
    """Take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Taking pictures needs a Chromium on this machine.")
    caller, *others = (person for person in shipped() if person.role is Role.REPORTER)
    with demo() as settings, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        tell(settings, others)
        phones = picture_of_phones(browser, settings, caller)
        join(browser, phones, picture_of_queue(browser, settings, cases=len(others) + 1))
        remember(settings)
        taken = list(pictures_of_screens(browser, settings))
        taken += screens_of_a_show.pictures(browser, settings, environment(settings), PICTURE.parent)
        screens_of_dead_letters.strand(settings)
        screens_of_dead_letters.picture(browser, settings, DEAD_LETTERS)
        pictures_of_a_broadcast(browser, settings)
        browser.close()
    for picture in (PICTURE, DEAD_LETTERS, *BROADCAST.values(), *taken):
        sys.stdout.write(f"{picture.relative_to(HOUSE)}, {picture.stat().st_size // 1024} KiB\n")


@contextmanager
def demo() -> Iterator[Settings]:
    """Run the demo for as long as the block lasts, on free ports and in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-screens-"))
    web, desk = free_port(), free_port()
    settings = Settings(
        instance=folder,
        demo=True,
        web_port=web,
        desk_port=desk,
        public_url=f"http://127.0.0.1:{web}",
        console_url=f"http://127.0.0.1:{desk}",
        _env_file=None,
    )
    process = subprocess.Popen(
        [Path(sys.executable).with_name("hotline"), "up", "--demo"],
        env=environment(settings),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_ready(settings)
        yield settings
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def environment(settings: Settings) -> dict[str, str]:
    """Return what a `hotline` of this demo is told."""
    later = datetime.now(settings.zone) + timedelta(hours=6)  # a text to many leaves now, also when pictures are taken at night
    return child_environment(settings) | {
        "HOTLINE_PUBLIC_URL": settings.public_url,
        "HOTLINE_CONSOLE_URL": settings.console_url,
        "HOTLINE_QUIET_FROM": f"{later:%H:00}",
        "HOTLINE_QUIET_UNTIL": f"{later:%H:30}",
        "HOTLINE_GATEWAY_RATES": f"simulator:{RATE}",  # so slow that a broadcast can be seen to go
    }


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until_ready(settings: Settings) -> None:
    """Wait until both listeners answer. Raises SystemExit after a minute."""
    http, until = urllib3.PoolManager(timeout=2, retries=False), time.monotonic() + READY_SECONDS
    for address in (settings.public_url, settings.console_url):
        while True:
            try:
                if http.request("GET", f"{address}/readyz").status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                pass
            if time.monotonic() > until:
                raise SystemExit("The demo did not start; `make run` says why.")
            time.sleep(0.1)


def tell(settings: Settings, people: list[Profile]) -> None:
    """Have invented people send their first text."""
    deployment = Deployment(settings)
    for person in people:
        send_sms(deployment, sender=person.number, text=person.tries[0])
    deployment.close()


def picture_of_phones(browser: Browser, settings: Settings, caller: Profile) -> bytes:
    """Send the caller's text from the left phone, take the right one off the hook, and photograph both."""
    page = browser.new_page(viewport={"width": 860, "height": 1500}, device_scale_factor=1.5)
    page.goto(f"{settings.console_url}/simulator")
    page.locator("#text-a").fill(caller.tries[0])
    page.locator("#phone-a").get_by_role("button", name="Send from").click()
    expect(page.locator("#screen-a li.in")).to_have_count(1, timeout=PATIENCE)
    pick_up(page)
    expect(page.locator("#screen-b .thread")).to_contain_text("URGENT", timeout=PATIENCE)
    return page.screenshot(clip=around(page, "#phone-a .handset", "#phone-b .handset"))


def around(page: Page, *places: str) -> FloatRect:
    """Return the part of a page that holds these elements, with a little room about them."""
    boxes = [box for place in places if (box := page.locator(place).bounding_box())]
    left, top = min(box["x"] for box in boxes) - ROOM, min(box["y"] for box in boxes) - ROOM
    right, bottom = max(box["x"] + box["width"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
    return {"x": left, "y": top, "width": right - left + ROOM, "height": bottom - top + ROOM}


def pick_up(page: Page) -> None:
    """Give the right phone to somebody who was told something urgent."""
    for key in page.locator("#profile-b option").evaluate_all("options => options.map(one => one.value)"):
        page.locator("#change-b summary").click()
        page.locator("#profile-b").select_option(key)
        page.locator("#change-b").get_by_role("button", name="Use this phone").click()
        if "URGENT" in page.locator("#screen-b .thread").inner_text():
            return
    raise SystemExit("Nobody was told of anything urgent in English.")


def picture_of_queue(browser: Browser, settings: Settings, *, cases: int) -> bytes:
    """Sign in with one click and photograph the queue."""
    page = browser.new_context(viewport={"width": 1120, "height": HEIGHT}, device_scale_factor=1.5).new_page()
    page.goto(f"{settings.console_url}/sign-in")
    page.get_by_role("button", name="Aline").click()
    page.wait_for_url("**/today")
    page.goto(f"{settings.console_url}/queue")
    expect(page.locator("[data-row]")).to_have_count(cases, timeout=PATIENCE)
    return page.screenshot()


def remember(settings: Settings) -> None:
    """Store a year of invented reports that are closed, as rows alone, so that figures have something to show."""
    deployment, now = Deployment(settings), datetime.now(UTC)
    names = sectors(settings.templates, settings.district)
    handles = {handle.make() for _ in range(2000)}
    cases: list[dict[str, object]] = []
    clues: list[dict[str, object]] = []
    for back in range(12):
        for place, (category, many) in enumerate(zip(CATEGORIES, SHAPE, strict=False)):
            for number in range(many + (7 * (back + place)) % 9):
                at = now - timedelta(days=30 * back, minutes=10 + number)
                case_id = first_id(at) + new_id()[12:]
                plain = {"token": new_id(), "handle": handles.pop(), "state": "closed", "opened_at": at, "updated_at": at}
                facts = {"category": category, "urgency": "soon", "rank": 1, "minors": "no", "language": "rw", "channel": "sms"}
                cases.append({"id": case_id, "ladder_step": 0, "version": 0, **plain, **facts})
                index = deployment.clue_index(SECTOR, names[(place * 5 + number * number + back) % len(names)])
                clues.append({"case_id": case_id, "value_index": index, "kind": SECTOR, "at": at})
    with deployment.db.transaction() as session:
        claudine = session.scalars(select(Officer).where(Officer.name == "claudine")).one()
        for name, asked in (("Children now", "view=all&urgency=immediate&child=1"), ("In French", "view=all&language=fr")):
            session.add(QueueFilter(officer_id=claudine.id, role=claudine.role, name=name, asked=asked, at=now))
        session.execute(insert(table(Case)), cases)
        session.execute(insert(table(NamedClue)), clues)
        aline = session.scalars(select(Officer).where(Officer.name == "aline")).one()
        own_phone.keep(session, deployment, aline, ("+250788000099", "+250788000099"), now=now)
    draft.keep(settings, sentences(deployment))
    deployment.close()


def pictures_of_screens(browser: Browser, settings: Settings) -> Iterator[Path]:
    """Photograph each screen, wide, and some of them on a phone."""
    for size, end in ((WIDE, ""), (PHONE, "-phone")):
        contexts = {"": browser.new_context(viewport=size)}
        case = ""
        for name, who, where in SCREENS:
            path, _, link = where.partition(" > ")
            if end and name not in ON_A_PHONE:
                continue
            if who not in contexts:
                contexts[who] = browser.new_context(viewport=size)
                door = contexts[who].new_page()
                door.goto(f"{settings.console_url}/sign-in")
                door.get_by_role("button", name=who).click()
                door.wait_for_url(lambda url: "/sign-in" not in url)
            page = contexts[who].new_page()
            if "{case}" in path and not case:
                page.goto(f"{settings.console_url}/queue")
                case = page.locator("tr:not(:has(.chip.child)) a.open").first.get_attribute("href") or ""
            page.goto(settings.console_url + path.replace("{case}", case))
            if link:
                page.locator(link).first.click()
            page.wait_for_timeout(400)  # a chart has no sign that it is drawn
            picture = PICTURE.with_name(f"{name}{end}.png")
            page.screenshot(path=picture)
            page.close()
            yield picture
        for context in contexts.values():
            context.close()


def pictures_of_a_broadcast(browser: Browser, settings: Settings) -> None:
    """Bring a text to many from the library to its report, by two people, and photograph each step."""
    jeanne, claudine = (browser.new_page(viewport={"width": 1180, "height": HEIGHT}) for _ in range(2))
    for page, name in ((jeanne, "Jeanne"), (claudine, "Claudine")):
        page.goto(f"{settings.console_url}/sign-in")
        page.get_by_role("button", name=name).click()
        page.wait_for_url(lambda url: "/sign-in" not in url)

    def keep(page: Page, step: str) -> None:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=BROADCAST[step], full_page=True)

    jeanne.goto(f"{settings.console_url}/broadcasts/new")
    jeanne.locator("button[value=job_abroad]").click()
    keep(jeanne, "words")
    jeanne.get_by_role("button", name="Keep and choose people").click()
    for keyword in ("market", "border"):
        jeanne.locator(f"input[value={keyword}]").check()
    jeanne.fill("#held_out", "10")
    expect(jeanne.locator("#count")).to_contain_text("held out", timeout=PATIENCE)
    keep(jeanne, "people")
    jeanne.get_by_role("button", name="Keep and check").click()
    jeanne.get_by_role("button", name="Check every row").click()
    expect(jeanne.locator("#rows")).to_contain_text("texts on the air", timeout=PATIENCE)
    where = jeanne.url.removesuffix("/check")
    claudine.goto(f"{where}/approve")
    people = (claudine.locator(".decide .btn").text_content() or "").split(" for ")[1].split()[0]
    keep(claudine, "approval")
    claudine.fill("#people", people)
    claudine.locator(".decide .btn").click()
    jeanne.goto(f"{where}/approve")
    jeanne.locator(".decide .btn").click()
    expect(jeanne.locator(".far b")).to_have_text(re.compile(r"^[3-9]. %$"), timeout=PATIENCE)
    keep(jeanne, "going")
    expect(jeanne.locator(".cast-state")).to_have_text("Sent", timeout=PATIENCE * 2)
    keep(jeanne, "report")


def join(browser: Browser, phones: bytes, queue: bytes) -> None:
    """Put both pictures side by side into one."""
    page = browser.new_page(viewport={"width": 2000, "height": HEIGHT + 40})
    filled = SIDE_BY_SIDE.replace("HEIGHT", str(HEIGHT)).replace("PHONES", address(phones)).replace("QUEUE", address(queue))
    page.set_content(filled, wait_until="load")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.locator("body").screenshot(path=PICTURE)


def address(picture: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


if __name__ == "__main__":
    main()
