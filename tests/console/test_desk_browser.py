"""The everyday work of officers in real browsers: writing, racing, and every screen of it fit for everybody."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.console.test_browser import FINDINGS, Street, chromium, look, pytestmark, street  # noqa: F401  fixtures

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_screens_of_writing_are_fit_for_everybody(street: Street, scheme: str, width: int) -> None:  # noqa: F811
    case = street.desk.case("They took us and our papers now", minors="true", caller_safe_contact="any")
    street.desk.assess(case, findings=FINDINGS, missing=["age", "place"], next_question="age", places=["Kamembe"])
    kept = street.desk.case("hello", ago=timedelta(hours=3), caller_safe_contact="never", caller_opted_out_at=datetime.now(UTC))
    page = street.officer(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{street.address}/case/{case.token}")
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
