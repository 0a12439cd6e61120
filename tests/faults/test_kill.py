"""`kill -9` of any one process at a random moment of a replay: no text is lost, and everybody who has to be told is told."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping

import pytest

from tests.journeys.ledger import Post, alerted, answered_twice, invented, kept, owed
from tests.journeys.running import Running, until

pytestmark = [pytest.mark.processes, pytest.mark.faults]

TEXTS = 30
EVERY = 0.03
PROMISED = 60.0

# A worker and its job die in mid-job: while there is none, killing waits.
VICTIMS: Mapping[str, Callable[[Running], list[int]]] = {
    "web": lambda running: [running.leader("web")],
    "one web worker": lambda running: running.children("web")[:1],
    "desk": lambda running: [running.leader("desk")],
    "intake and its job": lambda running: running.with_job("intake"),
    "life and its job": lambda running: running.with_job("life"),
    "reply": lambda running: [running.leader("reply")],
    "clock": lambda running: [running.leader("clock")],
    "redis": lambda running: [running.leader("redis")],
}


def kill(running: Running, find: Callable[[Running], list[int]], after: float) -> None:
    """Kill once so much time has passed and there is something to kill."""
    time.sleep(after)
    found: list[int] = []
    until(lambda: found.extend(find(running)) or found, 10, "there is something to kill")
    for pid in found:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_and_everybody_is_told_when_a_process_is_killed(running: Running, victim: str) -> None:
    moment = random.uniform(0.05, TEXTS * EVERY)
    until(lambda: not running.orphans(), 25, "jobs that outlived an earlier kill are done", every=0.2)
    post, before = Post(running.site), alerted(running.site)
    killer = threading.Thread(target=kill, args=(running, VICTIMS[victim], moment))
    killer.start()
    post.send(invented(TEXTS), every=EVERY)
    killer.join()
    killed = time.monotonic()
    try:
        until(lambda: not owed(running.site, post.sent), PROMISED, "everything is read and told", every=0.1)
    except TimeoutError:
        pytest.fail(
            f"killed after {moment:.2f} s; still owed: {owed(running.site, post.sent)}\n{running.log.read_text()[-2000:]}"
        )
    took = time.monotonic() - killed
    figures = f"killed after {moment:.2f} s, {post.refused} refused and sent again, all told {took:.1f} s later"
    print(f"\n{victim}: {figures}")  # noqa: T201  seen with -s
    assert sorted(kept(running.site, post.sent)) == sorted((one.external_id, one.words) for one in post.sent), "once, and whole"
    assert alerted(running.site) > before
    assert answered_twice(running.site) == 0
    running.until_ready()
