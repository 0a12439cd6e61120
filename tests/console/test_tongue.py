"""The console in the language of each officer: chosen by them, marked on the page, English where nothing else is there."""

import re

from hotline.console import tongue
from tests.console.desk import Browser, Desk


def lang(page: str) -> tuple[str, str]:
    """The language of the page, and of its main part where that is another."""
    whole, main = re.search(r'<html lang="(\w+)"', page), re.search(r'<main id="main"[^>]*? lang="(\w+)"', page)
    return whole[1] if whole else "", main[1] if main else ""


def read(browser: Browser, path: str) -> str:
    return browser.get(path).get_data(as_text=True)


def test_each_officer_reads_the_language_they_chose(desk: Desk) -> None:
    case = desk.case()
    mine, second = desk.signed_in("intake"), desk.signed_in("second")
    assert lang(read(mine, "/queue")) == ("en", "")
    assert mine.post("/me/language", language="rw").status_code == 303
    page = read(mine, "/queue")
    assert lang(page) == ("rw", "")
    assert "Ubufasha ubu" in page
    assert "Needs help now" not in page
    assert lang(read(mine, f"/case/{case.token}")) == ("rw", "")
    assert lang(read(second, "/queue")) == ("en", "")
    assert "Needs help now" in read(second, "/queue"), "what one reads is not kept for the next"
    assert mine.post("/me/language", language="xx").status_code == 400
    mine.post("/me/language", language="en")
    assert "Needs help now" in read(mine, "/queue")


def test_a_rule_is_said_in_the_language_of_the_page_and_what_is_english_says_so(desk: Desk) -> None:
    browser = desk.signed_in("supervisor")
    browser.post("/me/language", language="fr")
    assert browser.post("/rules/draft").status_code == 303
    page = read(browser, "/rules/draft")
    assert lang(page) == ("fr", "")
    assert "<b>un mineur</b> est nommé" in page
    assert '<span lang="en">' in read(browser, "/rules/draft/0")


def test_the_door_offers_its_languages(desk: Desk) -> None:
    page = read(desk.browser(), "/sign-in?lang=sw")
    assert lang(page) == ("sw", "")
    assert "Ingia" in page
    assert lang(read(desk.browser(), "/sign-in?lang=xx")) == ("en", "")
    assert "Ikinyarwanda</a>" in page


def test_a_name_in_a_sentence_stays_a_name(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert tongue.say("%(name)s is here", name="<b>x</b>") == "&lt;b&gt;x&lt;/b&gt; is here"
        assert tongue.say_many("%(num)s source", "%(num)s sources", 2) == "2 sources"
        assert str(tongue.Later("Queue")) == "Queue"
