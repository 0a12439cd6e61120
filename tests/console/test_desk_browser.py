"""The everyday work of officers in real browsers: writing, racing, and every screen of it fit for everybody."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect
from sqlalchemy import select

from hotline.models import OfficerSession
from tests.console.desk import PASSWORD
from tests.console.test_bridge import keep_phone
from tests.console.test_browser import FINDINGS, Street, beat, chromium, look, pytestmark, street  # noqa: F401  fixtures
from tests.console.test_number import numbered

WEIGHS = ("responseHeadersSize", "responseBodySize")
PHRASE = (
    "Thank you. One question: is anyone in danger right now? Reply 1 Yes, 2 No, 3 Not sure. "
    "If you can call safely, 112 is free at any hour."
)  # fmt: skip


def test_a_reply_is_written_from_the_phrasebook_mended_and_taken_back_by_keys(street: Street) -> None:  # noqa: F811
    case = street.desk.case()
    page = street.officer()
    page.goto(f"{street.address}/case/{case.token}")
    page.keyboard.press("/")
    page.keyboard.type("danger right now")
    page.keyboard.press("Enter")
    expect(page.locator("#reply-text")).to_have_value(PHRASE)
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.type(" N\u2019ego")
    expect(page.locator("#meter")).to_contain_text("UCS-2")
    page.get_by_role("button", name="Use plain signs").click()
    expect(page.locator("#meter")).to_contain_text("GSM-7")
    expect(page.locator(".locked")).to_contain_text("Thank you. One question: is an…")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread .reply .undo")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("status").first).to_contain_text("Taken back")
    expect(page.locator("#reply-text")).to_have_value(f"{PHRASE} N'ego")
    assert street.desk.texts_to(case)[0].state == "cancelled"
    assert street.complaints == []


def test_two_officers_race_for_one_item_and_one_answer_is_sent(street: Street) -> None:  # noqa: F811
    street.desk.enrol("second", "intake")
    case = street.desk.case()
    first, second = street.officer("Intake Intake"), street.officer("Second Intake")
    for page in (first, second):
        page.goto(f"{street.address}/case/{case.token}")
        page.fill("#reply-text", "Is it far?")
    first.get_by_role("button", name="Send").click()
    expect(first.locator(".thread .reply")).to_contain_text("Is it far?")
    second.get_by_role("button", name="Send").click()
    expect(second.get_by_role("heading", name="Intake took this")).to_be_visible()
    expect(second.locator("#typed")).to_have_value("Is it far?")
    second.get_by_role("link", name="Look at the item").click()
    expect(second.locator("#case-head")).to_contain_text("Intake")
    assert [text.state for text in street.desk.texts_to(case)] == ["queued"]
    assert street.desk.again(case).owner_id == street.desk.officer("intake").id


def test_the_screens_of_writing_are_fit_for_everybody(street: Street) -> None:  # noqa: F811
    case = street.desk.case("They took us and our papers now", minors="true", caller_safe_contact="any")
    street.desk.assess(case, findings=FINDINGS, missing=["age", "place"], next_question="age", places=["Kamembe"])
    kept = street.desk.case("hello", ago=timedelta(hours=3), caller_safe_contact="never", caller_opted_out_at=datetime.now(UTC))
    page = street.officer(color_scheme="dark", viewport={"width": 390, "height": 900})
    page.goto(f"{street.address}/case/{case.token}")
    page.keyboard.press("v")
    page.fill("#reply-text", "Thank you. The police will come to the house tonight, n\u2019abana bawe")
    expect(page.locator("#meter")).to_contain_text("UCS-2")
    look(page)
    page.fill("#reply-text", "Is it far?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".undo")).to_be_visible()
    page.locator("[data-phrasebook] summary").click()
    look(page)
    page.goto(f"{street.address}/case/{kept.token}")
    page.locator(".word summary").click()
    look(page)
    page.goto(f"{street.address}/phrases?language=fr")
    look(page)
    page.keyboard.press("i")
    page.get_by_label("Yes, now").check()
    page.fill("#text", "two boys were taken over the border")
    page.fill("#number", "12 or so")
    page.get_by_label("In their own words").press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("no phone number")
    look(page)


def test_a_life_in_danger_is_served_from_sign_in_to_answer_by_keys_alone(street: Street) -> None:  # noqa: F811
    """No pointer is used in this test, from the door on."""
    case = street.desk.case(
        "he locked my sister in, she is 12", minors="true", next_step_at=datetime.now(UTC) + timedelta(minutes=4)
    )
    page = street.page()
    page.goto(f"{street.address}/sign-in")
    door = page.get_by_role("button", name="Intake Intake")
    for _ in range(12):
        if door.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    expect(page).to_have_title(re.compile(r"^\(1 urgent\)"))
    page.keyboard.press("q")
    page.wait_for_url("**/queue?view=new")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url(f"**/case/{case.token}")
    expect(page.get_by_text("locked my sister")).to_have_count(0)
    page.keyboard.press("v")
    expect(page.get_by_text("locked my sister")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status").first).to_contain_text("Acknowledged")
    page.keyboard.press("/")
    page.keyboard.type("good to write")
    page.keyboard.press("Enter")
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread .reply")).to_contain_text("Is it good to write to this phone")
    page.keyboard.press("n")
    page.keyboard.type("asked whether it is safe")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread .note")).to_contain_text("asked whether it is safe")
    page.keyboard.press("q")
    page.wait_for_url("**/queue**")
    fresh = street.desk.again(case)
    assert fresh.acknowledged_at is not None
    assert fresh.next_step_at is None
    assert street.complaints == []


def test_an_urgent_item_sounds_until_somebody_has_it(street: Street) -> None:  # noqa: F811
    page = street.officer("Intake Intake")
    page.add_init_script(
        "window.tones = 0; const voice = OscillatorNode.prototype; voice.start = () => { tones += 1; }; voice.stop = () => {};"
    )
    page.reload()
    page.get_by_role("button", name="Turn on sound").click()
    expect(page.get_by_role("button", name="Sound is on")).to_be_visible()
    assert page.evaluate("tones") == 3, "switching it on is the test of it"
    case = street.desk.case()
    page.evaluate("document.dispatchEvent(new Event('desk:ask'))")
    expect(page).to_have_title(re.compile(r"^\(1 urgent\)"))
    assert page.evaluate("tones") == 6
    page.evaluate("document.dispatchEvent(new Event('desk:ask'))")
    street.desk.change(case, owner_id=street.desk.officer("intake").id)
    page.evaluate("document.dispatchEvent(new Event('desk:ask'))")
    expect(page).not_to_have_title(re.compile("urgent"))
    assert page.evaluate("tones") == 6
    assert street.complaints == []


def test_a_covered_page_locks_and_opens_again_with_all_that_was_typed(street: Street) -> None:  # noqa: F811
    street.desk.enrol("real", "intake", demo=False)
    case = street.desk.case()
    page = street.page()
    page.goto(f"{street.address}/sign-in")
    for label, value in (("Name", "real"), ("Password", PASSWORD), ("Code", street.desk.code("real"))):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/today")
    page.goto(f"{street.address}/case/{case.token}")
    page.fill("#reply-text", "half a sen")
    page.evaluate("document.querySelector('[data-cover]').dataset.after = 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("[data-password]")).to_be_visible()
    assert page.title() == "New tab"
    with street.desk.site.db.reading() as session:
        assert session.scalars(select(OfficerSession)).one().locked_at is not None
    page.locator("#cover-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("[data-cover]")).to_be_hidden()
    expect(page.locator("#reply-text")).to_have_value("half a sen")
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url("**/sign-in")
    with street.desk.site.db.reading() as session:
        assert session.scalars(select(OfficerSession)).one().ended_at is not None


def test_the_screens_of_a_shift_are_fit_for_everybody(street: Street) -> None:  # noqa: F811
    street.desk.enrol("second", "intake")
    tender = street.desk.case("my little sister", minors="true")
    mine = numbered(street.desk, owner_id=street.desk.officer("intake").id, state="open")
    keep_phone(street.desk)
    street.desk.tell(mine)
    other = street.desk.signed_in("second")
    other.get(f"/case/{tender.token}/live?writing=1")
    other.post("/handover", text="The radio show at six brings many texts.")
    page = street.officer("Intake Intake", color_scheme="dark", viewport={"width": 390, "height": 900})
    page.goto(f"{street.address}/queue?view=all&child=1")
    page.locator("[data-tick]").check()
    look(page)
    page.get_by_role("button", name="Set aside as noise").click()
    expect(page.get_by_role("status").first).to_contain_text("left as it is")
    look(page)
    for path in (
        "/queue",
        f"/case/{tender.token}",
        f"/case/{mine.token}/timeline",
        f"/case/{mine.token}/close",
        f"/case/{mine.token}/call",
        "/handover",
    ):
        page.goto(street.address + path)
        look(page)
    page.locator("[data-menu] summary").click()
    look(page)
    page.get_by_role("button", name="I need a break").click()
    look(page)
    page.get_by_role("button", name="Lock while I am away").click()
    page.wait_for_url("**/lock")
    look(page)


def test_rows_that_did_not_change_stay_and_one_that_is_lost_is_asked_for(street: Street) -> None:  # noqa: F811
    cases = [street.desk.case() for _ in range(4)]
    page = street.officer()
    page.locator(f"#row-{cases[1].handle} [data-tick]").check()
    for lost in (False, True):
        if lost:
            page.evaluate("id => document.getElementById(id).remove()", f"row-{cases[2].handle}")
        cases.append(street.desk.case())
        beat(page)
        expect(page.locator("[data-row]")).to_have_count(len(cases))
        rows = page.locator("[data-row]").evaluate_all("rows => rows.map(row => row.dataset.handle)")
        assert rows == [case.handle for case in cases]
        expect(page.locator(f"#row-{cases[1].handle} [data-tick]")).to_be_checked()
    assert street.complaints == []


def test_the_desk_is_light_enough_for_a_slow_network(street: Street) -> None:  # noqa: F811
    """At 3G's 400 kbit/s (Chromium's "slow 3G") 130 KB are 2.6 seconds; all bytes are counted as they come over the wire."""
    cases = [street.desk.case(minors="true") for _ in range(40)]
    for number, case in enumerate(cases[:10]):
        street.desk.tell(case, f"Invented desk {number}")
        street.desk.assess(case, findings=FINDINGS, missing=["age", "place"], next_question="age", places=["Kamembe"])
    page = street.page()
    weighed: list[tuple[str, int]] = []
    page.on("requestfinished", lambda sent: weighed.append((sent.url, sum(sent.sizes()[of] for of in WEIGHS))))
    page.goto(f"{street.address}/sign-in")
    page.wait_for_load_state("networkidle")
    first = sum(weight for _, weight in weighed)
    page.get_by_role("button", name="Intake").click()
    page.wait_for_url(f"{street.address}/**")
    for path in ("/queue", f"/case/{cases[0].token}"):
        page.goto(street.address + path)
        weighed.clear()
        street.desk.change(cases[0], urgency="immediate", version=street.desk.again(cases[0]).version + 1)
        cases.append(street.desk.case())
        with page.expect_event("requestfinished", lambda sent: "mark=" in sent.url):
            beat(page)
        fragments = {url.rpartition("?")[0]: weight for url, weight in weighed if "mark=" in url}
        assert len(fragments) == 1
        assert max(fragments.values()) <= 3 * 1024, fragments
    assert first <= 130 * 1024, first


def test_at_twice_the_size_nothing_runs_off_the_side(street: Street) -> None:  # noqa: F811
    """Twice the size on a screen of 1,280 is a page of 640 (WCAG 2.2, 1.4.4 and 1.4.10)."""
    case = street.desk.case()
    street.desk.tell(case)
    page = street.officer(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    for path in ("/queue", f"/case/{case.token}", "/new", "/handover", "/phrases", "/search", "/map", "/reports", "/rota", "/me"):
        page.goto(street.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.locator("h1").is_visible(), path
