"""A page that refreshes itself is sent what has changed since it was drawn, and all of it where that is not known."""

import re

from hotline.console import changes
from tests.console.desk import Browser, Desk


def mark_on(page: str) -> str:
    (found,) = re.findall(r'id="mark" name="mark" value="(\w+)"', page)
    return str(found)


def text(browser: Browser, path: str) -> str:
    return browser.get(path).get_data(as_text=True)


def test_a_queue_is_sent_the_new_row_and_the_places_of_the_others(desk: Desk) -> None:
    browser, old = desk.signed_in("intake"), [desk.case() for _ in range(3)]
    before = text(browser, "/queue")
    new = desk.case()
    fresh = text(browser, f"/queue/rows?mark={mark_on(before)}")
    assert fresh.count("data-row") == 1
    assert f'<tr id="row-{new.handle}" class="immediate" data-row' in fresh
    for case in old:
        assert f'<tr id="row-{case.handle}" data-same></tr>' in fresh
    desk.signed_in("second").post(f"/case/{old[1].token}/claim", version="0")
    third = text(browser, f"/queue/rows?mark={mark_on(fresh)}")
    assert old[1].handle not in third, "it has an owner and is in New no more"
    assert third.count("data-same") == 3


def test_a_mark_that_is_unknown_forgotten_or_another_s_gets_everything(desk: Desk) -> None:
    browser, cases = desk.signed_in("intake"), [desk.case() for _ in range(3)]
    before = mark_on(text(browser, "/queue"))
    desk.case()
    whole = (text(browser, "/queue/rows?mark=none"), text(browser, "/queue/rows"))
    other = text(desk.signed_in("second"), f"/queue/rows?mark={before}")
    another_page = text(browser, f"/queue/rows?view=all&mark={before}")
    for _ in range(changes.KEPT):
        desk.app.extensions["shown"].keep(("somebody", "queue", "mark" + str(_)), {})
    for page in (*whole, other, another_page, text(browser, f"/queue/rows?mark={before}")):
        assert page.count("data-row") == len(cases) + 1
        assert "data-same" not in page


def test_a_case_is_sent_the_parts_that_changed(desk: Desk) -> None:
    case, browser = desk.case("they took our papers"), desk.signed_in("intake")
    page = text(browser, f"/case/{case.token}")
    desk.signed_in("second").post(f"/case/{case.token}/note", text="Rang the school.")
    news = text(browser, f"/case/{case.token}/live?mark={mark_on(page)}")
    assert "Rang the school." in news
    assert not re.findall(r'id="(side|signs|leave|views)"', news)
    desk.tell(case, "Invented desk, Kamembe")
    desk.change(case, urgency="soon", version=case.version + 1)
    more = text(browser, f"/case/{case.token}/live?mark={mark_on(news)}")
    assert "Invented desk, Kamembe" in more
    assert 'id="case-head"' in more
