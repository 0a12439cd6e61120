"""Redis gone, hung or full while texts come in: nothing is lost, and everybody is told a little later."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from hotline.config import Settings
from hotline.embedded import command
from tests.journeys.ledger import Post, answered_twice, invented, kept, owed
from tests.journeys.running import Running, until

pytestmark = [pytest.mark.processes, pytest.mark.faults]

TEXTS, EVERY = 20, 0.05
DELAY = {"gone": 20.0, "hung": 30.0, "full": 20.0}


class Bell:
    """A Redis of the test's own, which can be taken away in three ways."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.settings = Settings(instance=folder, _env_file=None)
        self.process = self._start()

    @property
    def url(self) -> str:
        return self.settings.redis

    def take_away(self, how: str) -> None:
        if how == "gone":
            self.process.kill()
            self.process.wait(10)
        elif how == "hung":
            self.process.send_signal(signal.SIGSTOP)
        else:
            self._client().config_set("maxmemory-policy", "noeviction")
            self._client().config_set("maxmemory", "1")

    def give_back(self, how: str) -> None:
        if how == "gone":
            self.process = self._start()
        elif how == "hung":
            self.process.send_signal(signal.SIGCONT)
        else:
            self._client().config_set("maxmemory", "0")

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(10)

    def _client(self) -> Redis:
        return Redis.from_url(self.url)

    def _start(self) -> "subprocess.Popen[bytes]":
        words = command(self.settings)
        assert words
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.settings.redis_socket.exists, 10, "Redis listens")
        return process


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    made = Bell(tmp_path / "bell")
    yield made
    made.close()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", list(DELAY))
def test_a_redis_that_is_away_loses_nothing_and_delays_little(own: Running, bell: Bell, how: str) -> None:
    own.redis_url = bell.url
    own.start().until_ready()
    bell.take_away(how)
    post = Post(own.site)
    post.send(invented(TEXTS), every=EVERY)
    assert post.refused == 0
    took = until(lambda: not owed(own.site, post.sent), 90, "everything is read and told", every=0.1)
    print(f"\nredis {how}: {TEXTS} texts, none refused, all told {took:.1f} s after the last one")  # noqa: T201  seen with -s
    assert took < DELAY[how]
    assert len(kept(own.site, post.sent)) == TEXTS
    assert answered_twice(own.site) == 0
    bell.give_back(how)
    own.until_ready()
    again = Post(own.site)
    again.send(invented(3))
    until(lambda: not owed(own.site, again.sent), 20, "the doorbell works again", every=0.1)
