"""The dialled code under load, by real processes over HTTP: how long a person waits for a page, whoever else dials and texts."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from hotline.intake.ussd.screens import septets
from hotline.models import new_id
from hotline.simulator.replay import percentile
from hotline.simulator.send import Carrier
from tests.journeys.running import Running

pytestmark = [pytest.mark.processes, pytest.mark.faults, pytest.mark.timed]

TYPED = ("8", "5", "1", "1", "2", "NYA", "2", "five girls behind the market")
SESSIONS, PHONES = 160, 32
PAUSE = 0.3  # each of 32 phones answers three times a second: about as many hops as a thousand people who think for ten seconds


def session(carrier: Carrier, number: int) -> list[float]:
    """Dial and answer to the end; return the seconds of each hop."""
    told, name, seconds = "", new_id(), []
    if number < PHONES:
        time.sleep(PAUSE * number / PHONES)  # people do not dial in step
    for typed in ("", *TYPED):
        told = f"{told}*{typed}" if told else typed
        exchange = carrier.hop(name, f"+25078{2_000_000 + number}", told)
        page = exchange.answer_body.decode()
        assert page[:4] in {"CON ", "END "}
        assert (septets(page) or 999) <= 160
        assert "busy" not in page
        seconds.append(exchange.seconds)
        time.sleep(max(0.0, PAUSE - exchange.seconds))
    assert page.startswith("END ")
    return seconds


def test_a_page_comes_within_300_milliseconds_at_a_hundred_hops_a_second_while_others_text(running: Running) -> None:
    stop, before = threading.Event(), sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # 33 threads dial and text here: who has an answer must not wait for the others to see it

    def others() -> None:
        with Carrier(running.site) as texts:
            while not stop.is_set():
                texts.text(f"+25078{3_000_000 + time.monotonic_ns() % 1_000_000}", "they lock us in at night in Bugarama")
                stop.wait(0.02)

    beside = threading.Thread(target=others)
    beside.start()
    try:
        started = time.monotonic()
        with ExitStack() as opened, ThreadPoolExecutor(PHONES) as pool:
            carriers = [opened.enter_context(Carrier(running.site)) for _ in range(PHONES // 4)]
            told = pool.map(lambda number: session(carriers[number % len(carriers)], number), range(SESSIONS))
            hops = [one for whole in told for one in whole]
        rate = len(hops) / (time.monotonic() - started)
    finally:
        stop.set()
        beside.join()
        sys.setswitchinterval(before)
    assert len(hops) == SESSIONS * (len(TYPED) + 1)
    waits = {share: round((percentile(hops, share) or 0) * 1000) for share in (0.5, 0.95, 0.99, 1.0)}
    print(f"{rate:.0f} hops a second", waits)  # noqa: T201  the figures of docs/operations.md
    assert rate > 80
    assert waits[0.99] <= 300
