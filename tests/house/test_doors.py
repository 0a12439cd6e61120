"""Every address of both listeners has a keeper: the gateways' door, the officers' guard, or the phones of a demo."""

import logging
import shutil
import sys
from collections.abc import Iterator

import pytest
from flask import Flask

from hotline.app import desk, web
from hotline.config import Settings
from hotline.console import guard
from hotline.deployment import Deployment
from hotline.gateways.simulator import SEND_PATH
from hotline.inbound import PREFIX

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}  # RFC 5737: an address for examples


@pytest.fixture(autouse=True)
def _what_a_process_sets_for_itself() -> Iterator[None]:
    """The two applications configure the process they are alone in; here they are not."""
    handlers, interval = logging.getLogger().handlers[:], sys.getswitchinterval()
    yield
    logging.getLogger().handlers[:] = handlers
    sys.setswitchinterval(interval)


@pytest.fixture(autouse=True)
def _closed_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process keeps its deployment until it ends; here what each application opened is closed after the test."""
    opened: list[Deployment] = []

    def remembered(settings: Settings) -> Deployment:
        opened.append(Deployment(settings))
        return opened[-1]

    for application in (web, desk):
        monkeypatch.setattr(application, "Deployment", remembered)
    yield
    for site in opened:
        site.close()


@pytest.fixture
def listener(deployment: Deployment) -> Flask:
    return web.create(deployment.settings)


@pytest.fixture
def office(deployment: Deployment) -> Flask:
    return desk.create(deployment.settings.model_copy(update={"demo": False}))


@pytest.fixture
def demo(deployment: Deployment) -> Flask:
    return desk.create(deployment.settings)


def rules(app: Flask) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules()}


def test_the_web_listener_knows_health_the_gateways_door_and_one_page_for_the_public(listener: Flask) -> None:
    public = {"/radio", "/radio/<language>", "/radio.css"}
    assert rules(listener) == {"/livez", "/readyz", "/prompts/<digest>/<language>/<name>.wav"} | public
    client = listener.test_client()
    assert client.post("/in/twilio/sms", data={"Body": "x"}).status_code == 403
    for path in (
        "/",
        "/queue",
        "/sign-in",
        "/simulator",
        "/in",
        "/in/",
        "/in/nobody",
        "/in/nobody/sms",
        "/inx",
    ):
        assert client.get(path).status_code == 404, path
        assert client.post(path).status_code == 404, path


def test_a_prompt_that_is_not_there_tells_nothing(listener: Flask) -> None:
    assert listener.test_client().get("/prompts/0/rw/gate.wav").status_code == 404


@pytest.mark.parametrize("kind", ["sms", "status"])
def test_each_gateway_of_the_shelf_refuses_what_it_cannot_prove(listener: Flask, deployment: Deployment, kind: str) -> None:
    client = listener.test_client()
    for name in deployment.shelf.names:
        assert client.post(f"{PREFIX}{name}/{kind}", data={"id": "1", "from": "+250780000101"}).status_code == 403
        assert client.get(f"{PREFIX}{name}/{kind}").status_code == 405


def test_the_web_listener_needs_no_key_but_the_public_one(deployment: Deployment, settings: Settings) -> None:
    for file in settings.keys.iterdir():
        if file.name != "inbox.public":
            file.unlink()
    real = settings.model_copy(update={"demo": False})
    client = web.create(real).test_client()
    assert client.get("/readyz").status_code == 200
    assert client.post("/in/twilio/sms", data={"Body": "x"}).status_code == 403
    shutil.rmtree(settings.keys)
    with pytest.raises(FileNotFoundError):
        web.create(real)


def test_every_address_of_the_desk_is_the_guard_s_or_health(office: Flask) -> None:
    for rule in office.url_map.iter_rules():
        guarded = guard.act_of(office, rule.endpoint) is not None or rule.endpoint in guard.OPEN | guard.ANY_OFFICER
        keyed = "scope" in office.view_functions[rule.endpoint].__dict__  # by a key's scope: tests/console/test_api.py
        assert guarded != (keyed or rule.rule in {"/livez", "/readyz", "/api/openapi.json", "/api/docs"}), rule.rule


def test_a_real_desk_has_no_phones_and_no_one_click_door(office: Flask, demo: Flask) -> None:
    only_in_a_demo = rules(demo) - rules(office)
    assert only_in_a_demo
    assert all(rule.startswith(("/simulator", "/demo/")) for rule in only_in_a_demo)


def test_the_phones_answer_no_other_machine_and_their_network_no_unsigned_word(demo: Flask) -> None:
    client = demo.test_client()
    assert client.get("/simulator").status_code == 200
    asked = 0
    for rule in demo.url_map.iter_rules():
        if rule.endpoint.startswith("simulator."):
            path = rule.rule.replace("<path:filename>", "phones.css").replace("<", "").replace(">", "")
            for method in rule.methods & {"GET", "POST"}:
                assert client.open(path, method=method, environ_overrides=ELSEWHERE).status_code == 404, f"{method} {path}"
                asked += 1
    assert asked >= 8
    assert client.post(SEND_PATH, json=[]).status_code == 403
