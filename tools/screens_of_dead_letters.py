"""The picture of dead letters: strands one thing of each kind in the demo of `make screens`, and looks as a supervisor.

Part of `make screens`. Nothing in it is a person's.
"""  # noqa: INP001  a script of the house, not a package

import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import urllib3
from playwright.sync_api import Browser, expect
from sqlalchemy import select, update

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.simulator import SIGNATURE, Simulator
from hotline.models import DEAD_STATES, Message, MessageKind, MessageState, new_id, table
from hotline.watch.alarm import recount
from hotline.watch.dead import listed
from hotline.watch.rules import What

HEIGHT: Final = 740
PATIENCE: Final = 30_000  # milliseconds the page may take to show its rows
READ_SECONDS: Final = 60


def strand(settings: Settings) -> None:
    """Strand one thing of each kind, some minutes ago: mark rows as failures would have, and post what nobody can read."""
    deployment = Deployment(settings)
    message = table(Message)
    fates = (
        (MessageKind.ALERT, {"state": MessageState.FAILED, "reason": "30005", "attempts": 2}),
        (MessageKind.AUTO, {"state": MessageState.UNKNOWN, "reason": "no answer", "kind": MessageKind.REPLY}),
        (MessageKind.AUTO, {"state": MessageState.DEAD, "reason": "unreachable", "kind": MessageKind.REPLY, "attempts": 5}),
        (MessageKind.AUTO, {"state": MessageState.FAILED, "reason": "30003"}),
    )
    with deployment.db.transaction() as session:
        ago = deployment.db.now(session) - timedelta(minutes=7)
        for kind, fate in fates:
            newest = select(message.c.id).where(message.c.kind == kind, message.c.state.not_in(DEAD_STATES))
            chosen = session.scalars(newest.order_by(message.c.lane, message.c.id.desc()).limit(1)).one()
            session.execute(update(message).where(message.c.id == chosen).values(**fate, settled_at=ago))
    network = deployment.shelf.get(Simulator.name)
    body, path = b"id=invented-1&to=7788&text=invented", "/in/simulator/sms"
    http = urllib3.PoolManager(retries=False)
    for signature in (network.sign(path, body) if isinstance(network, Simulator) else "", "forged", "forged-too"):
        http.request("POST", settings.public_url + path, body=body, headers={SIGNATURE: signature})
    bad = settings.instance / "spool" / "bad"
    bad.mkdir(parents=True)
    (bad / f"{new_id()}.row").write_bytes(b"torn")
    until = time.monotonic() + READ_SECONDS
    while time.monotonic() < until:
        with deployment.db.reading() as session:
            if any(letter.judged.what is What.TEXT for letter in listed(session, deployment).letters):
                break
        time.sleep(0.2)
    with deployment.db.transaction() as session:
        recount(session, deployment, deployment.db.now(session))
    deployment.close()


def picture(browser: Browser, settings: Settings, place: Path) -> None:
    """Sign in as the supervisor and photograph what is stranded."""
    page = browser.new_context(viewport={"width": 1180, "height": HEIGHT}, device_scale_factor=1.5).new_page()
    page.goto(f"{settings.console_url}/sign-in")
    page.get_by_role("button", name="Claudine").click()
    page.goto(f"{settings.console_url}/dead")
    expect(page.locator("[data-row]").first).to_be_visible(timeout=PATIENCE)
    page.screenshot(path=place, full_page=True)
