"""A screen of the studio is one device: the address opens nothing elsewhere, and its producer can end it at once."""

import re
from datetime import timedelta

import pytest

from hotline.models import Officer, Screen
from hotline.radio import screens
from tests.console.desk import Browser, Desk
from tests.radio.conftest import OnAir
from tests.radio.test_listening import MARIE, TIP


def code_on(device: Browser) -> str:
    page = device.get("/screen").get_data(as_text=True)
    found = re.search(r'class="code"[^>]*><span>(\w{4})</span> <span>(\w{4})</span>', page)
    assert found is not None
    return f"{found[1]} {found[2].lower()}"


def test_a_device_shows_one_episode_after_its_code_was_typed_and_nothing_once_it_is_ended(desk: Desk, air: OnAir) -> None:
    air.begin("poll")
    air.says(MARIE, TIP)
    producer, device, other = desk.signed_in("producer"), Browser(desk.app), Browser(desk.app)
    assert device.get("/screen/live").status_code == 410
    device.post("/screen")
    pairing = f"/shows/{air.episode_id}/screens"
    producer.post(pairing, code="ABCD 3467")
    assert device.get("/screen/live").status_code == 410
    code = code_on(device)
    producer.post(pairing, code=code)
    page = device.get("/screen").get_data(as_text=True)
    assert "Wamenya aho usaba ubufasha?" in page
    assert not any(words in page for words in ("locked them in", MARIE[1:], "producer", "Sign out"))
    assert device.post("/screen/hide").status_code == 303
    assert "Hidden" in device.get("/screen/live").get_data(as_text=True)
    assert device.post("/screen/other").status_code == 404
    assert other.get("/screen/live").status_code == 410, "the address alone opens nothing"
    assert other.post("/screen/show").status_code == 404
    for guarded in ("/studio", f"/studio/{air.episode_id}", f"/shows/{air.episode_id}", "/queue"):
        assert device.get(guarded).status_code in {302, 303}, guarded
    other.post("/screen")
    producer.post(pairing, code=code)
    assert other.get("/screen/live").status_code == 410, "a code pairs once"
    (shown, _) = air.line.rows(Screen)
    producer.post(pairing, end=shown["id"])
    assert device.get("/screen/live").status_code == 410
    assert "Show a code" in device.get("/screen").get_data(as_text=True)
    assert desk.signed_in("presenter").post(pairing, code=code).status_code == 404


def test_a_screen_ends_with_its_time_and_with_whoever_paired_it(desk: Desk, air: OnAir) -> None:
    with air.line.site.db.transaction() as session:
        key = screens.ask(session, air.line.now)
        (row,) = (dict(one) for one in session.execute(Screen.__table__.select()).mappings())
        assert row["key_hash"] != key.encode()
        assert screens.of_key(session, key, air.line.now + screens.CODE_LASTS) is None
        assert not screens.pair(session, row["code"], air.episode_id, "producer", air.line.now + screens.CODE_LASTS)
        assert screens.pair(session, row["code"], air.episode_id, "producer", air.line.now)
        assert screens.of_key(session, key, air.line.now + screens.LASTS - timedelta(seconds=1))
        assert screens.of_key(session, key, air.line.now + screens.LASTS) is None
        session.execute(Officer.__table__.update().where(Officer.name == "producer").values(active=False))
    device = Browser(desk.app)
    device.client.set_cookie("screen", key)
    assert device.get("/screen/live").status_code == 410


def test_not_everybody_who_asks_gets_a_code(desk: Desk, air: OnAir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "MOST_ASKING", 1)
    assert Browser(desk.app).post("/screen").status_code == 303
    assert Browser(desk.app).post("/screen").status_code == 503
    assert len(air.line.rows(Screen)) == 1
