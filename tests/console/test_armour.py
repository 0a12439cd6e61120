"""What other web sites, and callers who write markup, can do to an officer's browser: nothing."""

import gzip
import re
from collections.abc import Callable

import pytest

from tests.console.desk import ORIGIN, Desk

EVIL = "https://evil.example.org"
MARKUP = """<script>alert(1)</script><img src=x onerror=alert(2)>"'{{7*7}}"""


def test_a_form_without_its_token_changes_nothing_and_gives_the_text_back(desk: Desk) -> None:
    case = desk.case()
    answer = desk.signed_in("intake").post(f"/case/{case.token}/note", token="", text="keep these words")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "That page was open too long" in page
    assert "keep these words" in page
    assert desk.again(case).updated_at == case.updated_at


def test_another_browser_s_token_is_no_token(desk: Desk) -> None:
    case, theirs = desk.case(), desk.signed_in("second").token()
    assert desk.signed_in("intake").post(f"/case/{case.token}/claim", token=theirs, version="0").status_code == 400
    assert desk.again(case).owner_id is None


def test_a_form_from_another_site_changes_nothing(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    for origin in (EVIL, "null", "http://127.0.0.1:8001.evil.example.org"):
        assert browser.post(f"/case/{case.token}/claim", origin=origin, version="0").status_code == 400
    assert desk.again(case).owner_id is None


def test_a_browser_that_hides_its_origin_is_believed_only_from_the_same_site(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    path, fields = f"/case/{case.token}/claim", {"version": "0", "csrf_token": browser.token()}
    for site, status in (("cross-site", 400), ("same-site", 400), ("same-origin", 303)):
        answer = browser.client.post(path, data=fields, headers={"Origin": "null", "Sec-Fetch-Site": site})
        assert answer.status_code == status


def test_what_a_caller_writes_stays_text(desk: Desk) -> None:
    case = desk.case(MARKUP)
    desk.assess(case, findings=[{"axis": "act", "sentence": MARKUP, "words": "script"}], missing=[MARKUP], places=[MARKUP])
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "{{7*7}}" in page


def test_broken_characters_do_not_break_a_page(desk: Desk) -> None:
    case = desk.case("half \ud83d a character, \x00 and \u202e backwards")
    answer = desk.signed_in("intake").get(f"/case/{case.token}")
    assert answer.status_code == 200
    assert "half \ufffd a character" in answer.get_data(as_text=True)


def test_every_answer_carries_the_headers(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    for path in ("/queue", f"/case/{desk.case().token}", "/nowhere", "/sign-in"):
        headers = browser.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_holds_a_script_a_style_or_another_host(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    for path in ("/queue", f"/case/{desk.case().token}", "/nowhere"):
        page = browser.get(path).get_data(as_text=True)
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page
        assert "http://" not in page
        assert "https://" not in page


def test_files_are_addressed_by_content_and_kept_for_ever(desk: Desk) -> None:
    browser = desk.browser()
    page = browser.get("/sign-in").get_data(as_text=True)
    address = page.split('<link rel="stylesheet" href="')[2].split('"')[0]
    answer = browser.get(address, Accept_Encoding="gzip")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert browser.get(address.replace("/assets/", "/assets/0")).status_code == 404
    assert browser.get("/assets/0/../../armour.py").status_code == 404


def test_a_page_is_compressed_for_browsers_that_take_it_and_reads_the_same(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    plain, packed = (browser.get("/owed", **taken) for taken in ({}, {"Accept_Encoding": "gzip, deflate, br"}))
    unpacked = gzip.decompress(packed.data)
    assert re.sub(rb'value="[^"]+"', b"", unpacked) == re.sub(rb'value="[^"]+"', b"", plain.data), (
        "but for the token of its forms"
    )
    assert len(packed.data) < len(plain.data) / 3
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding, Cookie")
    assert packed.content_length == len(packed.data)
    for small, taken in (("/urgent", "gzip"), ("/owed", "gzip;q=0")):
        assert "Content-Encoding" not in browser.get(small, Accept_Encoding=taken).headers, small


def test_a_fault_shows_no_trace_and_keeps_what_was_typed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    desk.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("hotline.casework.reply.reply", None)
    answer = browser.post(f"/case/{case.token}/reply", text="typed with care")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "typed with care" in page
    assert "Traceback" not in page
    assert "TypeError" not in page


def test_a_session_that_ended_gives_the_text_back(desk: Desk) -> None:
    case, browser = desk.case(), desk.signed_in("intake")
    token = browser.token()
    browser.client.delete_cookie("desk")
    answer = browser.post(f"/case/{case.token}/reply", token=token, text="typed with care")
    assert answer.status_code == 401
    assert "typed with care" in answer.get_data(as_text=True)


def test_every_page_of_a_demo_says_so(build: Callable[..., Desk]) -> None:
    assert "DEMO" in build().browser().get("/sign-in").get_data(as_text=True)


def test_a_real_desk_does_not(build: Callable[..., Desk]) -> None:
    assert "DEMO" not in build(demo=False).browser().get("/sign-in").get_data(as_text=True)


def test_our_own_origin_is_taken_from_the_settings_or_the_request(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    for origin in (ORIGIN, "http://localhost"):
        case = desk.case()
        assert browser.post(f"/case/{case.token}/claim", origin=origin, version="0").status_code == 303
