"""The doorbell: tells a lane's worker that rows are waiting. It carries the lane's name and nothing else.

Rows are the truth. A ring that is lost costs the seconds until the clock rings again; a ring that comes twice finds nothing
to do. Enqueuing costs half a millisecond, so rings are coalesced: while a wake flag is up, one is already on its way.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

WAKE_MILLISECONDS = 2000


class QueueName(StrEnum):
    """The queues, each with its own worker."""

    INTAKE = "intake"
    LIFE = "life"
    REPLY = "reply"
    BULK = "bulk"
    TAPES = "tapes"


JOBS = {
    QueueName.INTAKE: "workers.jobs.drain_inbox",
    QueueName.LIFE: "workers.jobs.deliver",
    QueueName.REPLY: "workers.jobs.deliver",
    QueueName.BULK: "workers.jobs.deliver",
    QueueName.TAPES: "workers.jobs.fetch_tapes",
}


class Bell:
    """Rings a queue's worker. Never raises: a stored row must not be answered with an error because Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in QueueName}

    def ring(self, name: QueueName) -> None:
        """Wake the worker of `name`, unless a ring is already on its way."""
        with _unharmed("ring", name):
            if self.redis.set(_flag(name), 1, nx=True, px=WAKE_MILLISECONDS):
                self._queues[name].enqueue(
                    JOBS[name], str(name), result_ttl=0, failure_ttl=3600, job_timeout=60, description=f"drain {name}"
                )

    def hold(self, name: QueueName) -> None:
        """Keep the wake flag up while a drain is at work and will find new rows by itself."""
        with _unharmed("hold", name):
            self.redis.set(_flag(name), 1, px=WAKE_MILLISECONDS)

    def lower(self, name: QueueName) -> None:
        """Lower the wake flag. A drain does this before its last look, so that a row stored after it rings anew."""
        with _unharmed("lower", name):
            self.redis.delete(_flag(name))


class Ringer:
    """Rings from a thread of its own, so that a Redis that hangs cannot hold up the webhooks that ring."""

    PAUSE = 0.05  # whoever rings again so soon rings in vain nearly always: the drain that was woken is still at work

    def __init__(self, bell: Bell, name: QueueName) -> None:
        self._bell, self._name = bell, name
        self._wanted = threading.Event()
        threading.Thread(target=self._run, name="ringer", daemon=True).start()

    def ring(self) -> None:
        """Ask for a ring; returns at once."""
        self._wanted.set()

    def _run(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            self._bell.ring(self._name)
            time.sleep(self.PAUSE)


def connect(url: str) -> Redis:
    """Return a connection for ringing, which gives up quickly: nobody waits for a doorbell."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def connect_worker(url: str) -> Redis:
    """Return a connection for an RQ worker, which waits on a queue for as long as RQ asks it to, and tries nothing twice."""
    return Redis.from_url(url, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


@contextmanager
def _unharmed(action: str, name: QueueName) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  a client whose connection is closed under it raises whatever it trips over
        log.warning("doorbell failed", extra={"action": action, "queue": str(name), "error": type(error).__name__})


def _flag(name: QueueName) -> str:
    return f"hotline:wake:{name}"
