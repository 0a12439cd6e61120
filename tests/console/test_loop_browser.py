"""The loop, closed in a browser: a rule is changed, tried and published; a text comes; whoever the rule names takes it by text.

Then the outcome is noted at the desk, and any phone hears by the return code that it has ended. All people are invented.
"""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from hotline import console, studio
from hotline.deployment import Deployment
from hotline.studio import windows
from tests.console.test_browser import SWITCHES, Silent
from tests.line import Line
from tests.stages.test_comeback import SOMEBODY, by_text

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
PARTNER = "+250780000231"

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.fixture
def line(district: Deployment) -> Line:
    return Line(district, now=datetime.now(UTC))


@pytest.fixture
def desk(line: Line) -> Iterator[Page]:
    """A supervisor's browser at the desk of the very hotline that `line` texts."""
    app = Flask("desk", static_folder=None)
    windows.install(app, line.site)
    console.install(app, line.site, studio.root())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(base_url=f"http://127.0.0.1:{server.server_port}")
        page.goto("/sign-in")
        page.get_by_role("button", name="Claudine N.").click()
        page.wait_for_url("**/today")
        yield page
        browser.close()
    server.shutdown()
    thread.join()
    server.server_close()
    windows.close(app)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_rule_is_changed_and_the_loop_it_opens_closes(line: Line, desk: Page) -> None:
    line.says("+250780000109", "my boss has not paid us for three months")
    desk.goto("/rules")
    desk.get_by_role("button", name="Change the rules").click()
    desk.locator("li", has_text="A danger to life").get_by_role("link", name="Change").click()
    desk.locator("#kind-1").select_option("ngo")
    desk.locator("#tier-1").select_option("director")
    desk.get_by_role("button", name="Keep in the draft").click()
    expect(desk.locator("li", has_text="A danger to life")).to_contain_text("partner organisation (director)")
    desk.get_by_role("button", name="Try the draft").click()
    expect(desk.locator("main")).to_contain_text("Of the last 1 reports each would be told to the same people")
    desk.get_by_role("button", name="Publish this draft").click()
    expect(desk.get_by_role("status").first).to_contain_text("In force from now on")

    code = by_text(line)
    assert line.to(PARTNER), "the sentence that was published names them"
    (handle,) = (text.body[1:8] for text in line.sent if text.to == PARTNER)
    line.forget()
    line.says(PARTNER, f"1 {handle}")
    assert handle in line.to(PARTNER)[0]

    desk.goto("/queue?view=all")
    desk.get_by_role("link", name=handle).first.click()
    told = desk.locator("details.they-say", has_text="Partner, on call")
    told.locator("summary").click()
    told.get_by_label("How it ended").select_option("rescued")
    told.get_by_role("button", name="Note it").click()
    expect(desk.locator("#side")).to_contain_text("People were rescued")

    (news,) = line.says(SOMEBODY, code)
    assert news == line.site.words.text("news.ended", line.site.settings.default_language)
