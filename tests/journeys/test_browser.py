"""One report's whole way with nothing but a browser: the phones, the queue, the case, the answer, against real processes."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright

from tests.journeys.running import Running
from tests.voices import said_aloud

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
WORDS = "They locked six girls in a house in Bugarama and took their passports, one is 14"
ANSWER = "Thank you for writing. Are you safe now?"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
]


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser.new_context()
        browser.close()


def watched(context: BrowserContext, running: Running, foreign: list[str]) -> Page:
    page = context.new_page()
    page.on("request", lambda sent: None if sent.url.startswith((running.desk, "data:")) else foreign.append(sent.url))
    return page


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_two_browser_windows_carry_a_report_to_an_officer_and_an_answer_back(running: Running, context: BrowserContext) -> None:
    foreign: list[str] = []
    phones, desk = watched(context, running, foreign), watched(context, running, foreign)
    desk.goto(f"{running.desk}/sign-in")
    desk.get_by_role("button", name="Aline U.").click()
    desk.wait_for_url("**/today")
    desk.goto(f"{running.desk}/queue")
    known = set(desk.locator("[data-row]").evaluate_all("rows => rows.map(row => row.dataset.handle)"))

    phones.goto(f"{running.desk}/simulator")
    phones.locator("#screen-a").wait_for()
    phones.locator("#phone-a textarea").fill(WORDS)
    phones.locator("#phone-a").get_by_role("button", name=re.compile("^Send from")).click()
    expect(phones.locator("#screen-a .thread")).to_contain_text(WORDS)
    expect(phones.locator("#screen-a .thread li.in").last).to_be_visible()

    desk.bring_to_front()
    row = desk.locator("[data-row].immediate").filter(has_not_text=re.compile("|".join(known) or "^$")).first
    expect(row).to_contain_text("trafficking", ignore_case=True, timeout=15_000)
    handle = row.get_attribute("data-handle")
    row.locator("a.open").click()
    desk.get_by_role("button", name="Show the words").click()  # it is about a child
    marked = desk.locator(".thread .caller mark")
    expect(marked.first).to_be_visible()
    assert {"locked", "passports"} <= {word for words in marked.all_inner_texts() for word in words.split()}
    expect(desk.locator("#side")).to_contain_text("hidden")

    desk.get_by_role("button", name="Acknowledge").click()
    expect(desk.locator(".thread")).to_contain_text("Acknowledged at the desk")
    desk.locator("#reply-text").fill(ANSWER)
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(desk.locator(".thread .reply")).to_contain_text(ANSWER)

    phones.bring_to_front()
    expect(phones.locator("#screen-a .thread li.in").last).to_contain_text(ANSWER, timeout=30_000)  # it waits to be taken back
    assert handle
    assert handle not in phones.locator("#screen-a").inner_text(), "a caller's phone never shows the code of a case"
    assert foreign == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_phone_dials_walks_is_cut_off_and_redials_to_the_same_first_page(running: Running, context: BrowserContext) -> None:
    foreign: list[str] = []
    phones, desk = watched(context, running, foreign), watched(context, running, foreign)
    phones.goto(f"{running.desk}/simulator")
    taken_in_hand(phones, "mother", "Mother")
    page = phones.locator("#screen-a .page")
    phones.locator("#phone-a").get_by_role("button", name="Dial *778#").click()
    expect(page).to_contain_text("Ni ubuntu")
    first = page.inner_text()
    typed = phones.locator("#typed-a")
    for answer, shown in (("8", "Ikirundi"), ("5", "Someone needs help"), ("1", "What is happening?"), ("4", "in danger now?")):
        expect(typed).to_be_focused()
        typed.fill(answer)
        typed.press("Enter")
        expect(page).to_contain_text(shown)
    expect(phones.locator("#screen-a .pill")).to_have_text(re.compile(r"\d+ of 160 characters"))
    expect(phones.locator("#screen-a .left")).to_have_text(re.compile(r"[0-3]:\d\d"))
    phones.get_by_role("button", name="Drop the session").click()
    expect(phones.locator("#screen-a .dialled")).to_have_count(0)

    phones.locator("#text-a").click()
    for key in "*778#":
        phones.locator(f'#phone-a [data-key="{key}"]').click()
    phones.locator("#text-a").press("Enter")
    expect(page).to_be_visible()
    assert page.inner_text() == first, "whatever happened before"
    phones.locator('#phone-a [data-key="0"]').click()
    phones.locator("#phone-a").get_by_role("button", name="Answer").click()
    expect(phones.locator("#screen-a .about")).to_contain_text("stays until closed")
    phones.get_by_role("button", name="Close").click()
    expect(phones.locator("#screen-a .thread li")).to_have_count(0)

    desk.goto(f"{running.desk}/sign-in")
    desk.get_by_role("button", name="Aline U.").click()
    desk.wait_for_url("**/today")
    desk.goto(f"{running.desk}/queue")
    expect(desk.locator("[data-row]").filter(has_text=re.compile("unfinished", re.IGNORECASE)).first).to_be_visible(
        timeout=15_000
    )
    assert foreign == []


LISTENING = "document.querySelectorAll('[data-tape] audio')"
KEYS = (("kanda 1", "1"), ("For English, press 5", "5"), ("needs help", "1"), ("safe to talk", "1"), ("in danger", "1"))


def taken_in_hand(phones: Page, profile: str, name: str) -> None:
    """Make the left phone somebody else's."""
    phones.locator("#change-a summary").click()
    phones.locator("#profile-a").select_option(profile)
    phones.locator("#change-a").get_by_role("button", name="Use this phone").click()
    expect(phones.locator("#phone-a .who")).to_contain_text(name)


def called(phones: Page) -> None:
    """Call from the left phone and press on to the tone."""
    screen = phones.locator("#screen-a")
    phones.locator("#call-a").click()
    for caption, key in KEYS:
        expect(screen.locator("[data-page]")).to_contain_text(caption, timeout=10_000)
        screen.get_by_role("button", name=key, exact=True).click()
    expect(screen.locator("[data-page]")).to_contain_text("After the tone", timeout=10_000)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_caller_leaves_a_voice_message_and_an_officer_hears_it(
    running: Running, context: BrowserContext, tmp_path: Path
) -> None:
    foreign: list[str] = []
    phones, desk = watched(context, running, foreign), watched(context, running, foreign)
    desk.goto(f"{running.desk}/sign-in")
    desk.get_by_role("button", name="Aline U.").click()
    desk.wait_for_url("**/today")
    desk.goto(f"{running.desk}/queue")
    known = set(desk.locator("[data-row]").evaluate_all("rows => rows.map(row => row.dataset.handle)"))

    phones.goto(f"{running.desk}/simulator")
    taken_in_hand(phones, "trader", "Trader")  # who has no open case that the call would join
    screen = phones.locator("#screen-a")
    called(phones)
    message = tmp_path / "message.wav"
    message.write_bytes(said_aloud(3.0))
    phones.locator("#sound-a").set_input_files(message)
    expect(screen.locator("[data-page]")).to_contain_text("To send it, press 1", timeout=10_000)
    screen.get_by_role("button", name="1", exact=True).click()
    expect(screen.locator("[data-page]")).to_contain_text("a person will listen to it")

    desk.bring_to_front()
    row = desk.locator("[data-row].immediate").filter(has_not_text=re.compile("|".join(known) or "^$")).first
    row.locator("a.open").click()
    sound = desk.locator("[data-tape] audio")
    expect(sound).to_have_count(1, timeout=20_000)
    desk.wait_for_function(f"() => {LISTENING}[0]?.readyState >= 1", timeout=10_000)
    assert 2.5 < sound.evaluate("one => one.duration") < 3.5
    sound.evaluate("one => one.play()")
    desk.wait_for_function(f"() => {LISTENING}[0].currentTime > 0.2", timeout=10_000)
    heard = context.request.get(desk.url.partition("?")[0].rstrip("/") + "/recording/" + tape_id(sound)).body()
    assert heard[:4] == b"RIFF"
    assert len(heard) > 40_000
    assert heard != message.read_bytes(), "another voice"

    desk.get_by_role("button", name="Hear it as it was spoken, on record").click()
    expect(desk.locator("[data-tape] audio")).to_have_count(2)
    desk.wait_for_function(f"() => {LISTENING}[1]?.readyState >= 1", timeout=10_000)
    assert foreign == []


def tape_id(sound: Locator) -> str:
    """Return the id of the recording an audio element plays."""
    return str(sound.get_attribute("src")).rpartition("/")[2]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_phone_s_own_microphone_is_heard(running: Running) -> None:
    listening = [*SWITCHES, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=listening)
        phones = browser.new_page()
        phones.goto(f"{running.desk}/simulator")
        called(phones)
        phones.get_by_role("button", name="Speak after the tone").click()
        stop = phones.get_by_role("button", name="Stop and go on")
        stop.wait_for()
        phones.wait_for_timeout(1200)  # the message lasts as long as it lasts
        stop.click()
        expect(phones.locator("#screen-a [data-page]")).to_contain_text("To send it, press 1", timeout=10_000)
        browser.close()
