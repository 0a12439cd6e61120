"""A console that hangs delays no webhook: another listener, other processes, other connections."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import urllib3

from hotline.simulator.send import Carrier, fresh_id
from tests.journeys.running import Running

pytestmark = [pytest.mark.processes, pytest.mark.faults]

HANGING, TEXTS = 40, 60


@contextmanager
def hanging(address: str) -> Iterator[None]:
    """Hold requests open at the console that never finish: each says it will send more than it does."""
    host, _, port = address.removeprefix("http://").partition(":")
    lines = ("POST /sign-in HTTP/1.1", f"Host: {host}", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 900")
    with ExitStack() as stack:
        for _ in range(HANGING):
            held = stack.enter_context(socket.create_connection((host, int(port)), 5))
            held.sendall("\r\n".join((*lines, "", "name=")).encode())
        yield


def slowest(running: Running) -> float:
    """Send texts one after the other and return the longest time one waited for its 200."""
    waits = []
    with Carrier(running.site) as carrier:
        for number in range(TEXTS):
            started = time.monotonic()
            assert carrier.text(f"+25078590{number:04}", "thank you", external_id=fresh_id("simulator")).taken
            waits.append(time.monotonic() - started)
    return sorted(waits)[int(TEXTS * 0.95)]


@pytest.mark.timed
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_forty_hanging_requests_at_the_console_delay_no_webhook(running: Running) -> None:
    alone = slowest(running)
    with hanging(running.desk):
        time.sleep(0.5)
        answered = False
        with suppress(urllib3.exceptions.HTTPError), urllib3.PoolManager(retries=False, timeout=2) as http:
            answered = http.request("GET", f"{running.desk}/readyz").status == 200
        beside = slowest(running)
    print(f"\nwebhook p95: {alone * 1000:.0f} ms alone, {beside * 1000:.0f} ms beside it; console answered: {answered}")  # noqa: T201
    assert not answered, "the console was to hang, or this shows nothing"
    assert beside < max(4 * alone, 0.25)
