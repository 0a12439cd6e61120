"""A text whose reading kills the process that reads it: it is set aside after its tries, and every other text goes through."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.gateways.simulator import SIGNATURE, Simulator
from hotline.inbound import Door
from hotline.models import Inbox, InboxState, Report
from tests.faults.poisoned import DEADLY
from tests.journeys.running import until
from workers import clock

pytestmark = [pytest.mark.processes, pytest.mark.faults, pytest.mark.act]

HOUSE = Path(__file__).parents[2]
TRIES, LEASE, TEXTS = 3, 5, 30


@pytest.fixture
def site(district: Deployment) -> Deployment:
    chosen = {"max_attempts": TRIES, "lease_seconds": LEASE, "twilio_auth_tokens": ()}
    district.settings = district.settings.model_copy(update=chosen)
    return district


@pytest.fixture
def _at_work(site: Deployment) -> Iterator[None]:
    """The deadly worker in a process of its own, and a clock that goes round in a thread."""
    chosen = {
        "HOTLINE_INSTANCE": str(site.settings.instance),
        "DATABASE_URL": site.settings.database_url,
        "REDIS_URL": site.settings.redis_url,
        "HOTLINE_DEMO": "true",
        "HOTLINE_MAX_ATTEMPTS": str(TRIES),
        "HOTLINE_LEASE_SECONDS": str(LEASE),
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.poisoned"],
        cwd=HOUSE,
        env={**os.environ, **chosen},  # noqa: TID251  a subprocess needs PATH and HOME
        stderr=subprocess.DEVNULL,
    )
    ended = threading.Event()

    def rounds() -> None:
        while not ended.wait(0.2):
            clock.round_(site)

    ticking = threading.Thread(target=rounds)
    ticking.start()
    yield
    ended.set()
    ticking.join()
    worker.terminate()
    worker.wait(20)


@pytest.mark.usefixtures("_at_work")
def test_a_text_that_kills_its_reader_is_isolated_and_takes_no_other_with_it(site: Deployment) -> None:
    network = site.shelf.get("simulator")
    assert isinstance(network, Simulator)
    door = Door(site)
    for number in range(TEXTS):
        words = DEADLY if number == 7 else "They have not paid us for three months"
        fields = {"id": f"t{number}", "from": f"+2507850001{number:02}", "to": "7788", "text": words}
        body = urlencode(fields).encode()
        door.accept(network, Webhook("sms", "/in/simulator/sms", {SIGNATURE: network.sign("/in/simulator/sms", body)}, body))
    started = time.monotonic()
    until(lambda: len(states(site, InboxState.DONE)) == TEXTS - 1, 60, "every other text is read", every=0.1)
    others = time.monotonic() - started
    until(lambda: states(site, InboxState.POISON), 90, "the deadly one is set aside", every=0.1)
    print(f"\npoison: {TEXTS - 1} others read after {others:.1f} s, set aside after {time.monotonic() - started:.1f} s")  # noqa: T201
    (poison,) = states(site, InboxState.POISON)
    assert (poison.external_id, poison.attempts) == ("t7", TRIES)
    assert max(row.attempts for row in states(site, InboxState.DONE)) <= 2, "the others were at most in its first batch"
    with site.db.reading() as session:
        assert len(session.scalars(select(Report.id)).all()) == TEXTS - 1


def states(site: Deployment, state: InboxState) -> list[Inbox]:
    with site.db.reading() as session:
        return list(session.scalars(select(Inbox).where(Inbox.state == state)))
