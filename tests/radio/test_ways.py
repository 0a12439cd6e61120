"""Every way to answer a show: a dialled code, a call, a ring, and the page that says how; each phone still has one vote."""

from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from flask import Flask

from hotline.app import listen
from hotline.intake.voice import recorded
from hotline.intake.voice.prompts import Prompts
from hotline.models import Beep, Case
from hotline.radio import asking
from hotline.radio.asking import spoken
from hotline.sound import as_wav
from tests.calling import Called
from tests.dialling import Dialled, post
from tests.radio.conftest import OnAir
from tests.radio.test_listening import JEAN, MARIE, PAUL


def test_the_radio_branch_of_the_dialled_code_asks_the_show_s_question(air: OnAir) -> None:
    air.begin("poll")
    phone = Dialled(air.line, number=MARIE)
    assert "5 " in phone.dial()
    page = phone.answer("5")
    assert "Wamenya aho usaba ubufasha?" in page
    assert "3 Simbizi" in page
    assert phone.answer("2").startswith("END ")
    air.line.work()
    assert air.counts() == {"2": 1}
    assert air.line.rows(Case) == [], "a vote tells nothing"
    air.says(MARIE, "1")
    assert air.counts() == {"1": 1}, "by whatever way, a phone has one vote"


def test_with_no_question_open_the_branch_says_so_and_leads_back(air: OnAir) -> None:
    phone = Dialled(air.line, number=MARIE)
    phone.dial()
    assert phone.answer("5").startswith("CON ")
    assert phone.answer("2").startswith("CON ")
    assert "1 " in phone.answer("0")
    air.line.work()
    assert air.line.rows(Case) == []


def test_a_key_of_a_call_is_a_vote(air: OnAir) -> None:
    air.begin("poll")
    phone = Called(air.line, number=JEAN)
    phone.ring()
    assert "Wamenya aho usaba ubufasha? Yego: 1." in phone.press("1", "1", "3")
    phone.press("3")
    air.line.work()
    assert air.counts() == {"3": 1}


def test_a_key_that_is_no_answer_is_no_vote_and_the_question_is_said_again(air: OnAir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LOOK_AGAIN", -1)
    air.begin("poll")
    phone = Called(air.line, number=JEAN)
    phone.ring()
    phone.press("1", "1", "3")
    for wrong in ("4", "7", "#"):
        assert "Wamenya aho usaba ubufasha?" in phone.press(wrong)
    air.switch(on=False)
    assert "ijwi ryawe" not in phone.press("2"), "it closed meanwhile"
    air.line.work()
    assert air.counts() == {}


def test_what_was_recorded_of_a_question_is_played_and_only_with_its_very_words(air: OnAir, tmp_path: Path) -> None:
    air.begin("poll")
    site, file = air.line.site, tmp_path / "asked.wav"
    file.write_bytes(as_wav(0.5 * np.sin(np.arange(8000 * 14) / 3)))
    shelf = Prompts(site.settings.instance, site.words, "https://hooks.example.org")
    words = spoken(air.poll(), "rw")
    assert shelf.said(words, "rw", frozenset()) is None, "it can be neither played nor spoken"
    assert recorded.take_asked(shelf, "rw", words, file) == 14
    heard = shelf.said(words, "rw", frozenset())
    assert heard is not None
    *_, digest, language, name = urlsplit(heard.audio).path.split("/")
    found = shelf.audio(name.removesuffix(".wav"), language)
    assert found is not None
    assert found.digest == digest
    assert shelf.said(f"{words} ", "rw", frozenset()) is None
    assert shelf.audio("asked-../../keys", "rw") is None
    phone = Called(air.line, number=JEAN)
    phone.ring()
    phone.press("1", "1", "3")
    assert phone.page["says"][0]["audio"].endswith(name)  # type: ignore[index]


def test_ringing_the_line_of_an_answer_is_a_vote_and_is_not_called_back(air: OnAir) -> None:
    air.begin("poll")
    for number in (PAUL, PAUL, MARIE):
        post(air.line, "beep", {"id": f"{number}-{air.line.texts}", "from": number, "to": "+250780000901"})
        air.line.texts += 1
    air.line.work()
    assert air.counts() == {"1": 2}
    assert air.line.rows(Beep) == []
    post(air.line, "beep", {"id": "other", "from": PAUL, "to": "+250780000777"})
    air.line.work()
    assert len(air.line.rows(Beep)) == 1


def test_the_page_for_the_public_is_small_and_keeps_and_fetches_nothing(air: OnAir) -> None:
    app = Flask("web", static_folder=None)
    page_of_the_public = listen.install(app, air.line.site)
    client = app.test_client()
    for language in listen.LANGUAGES:
        answer = client.get(f"/radio/{language}")
        page = answer.get_data(as_text=True)
        assert len(answer.data) + len(client.get("/radio.css").data) < 30_000
        assert "Radio Ijwi (invented)" in page
        assert all(f'<b class="code">{code}</b>' in page for code in ("7799", "7788", "*778#"))
        assert all(there in page for there in ("112", "116", 'class="away"'))
        assert "<script" not in page
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
    assert client.get("/radio/xx").status_code == 404
    page_of_the_public.close()
