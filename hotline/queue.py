"""The doorbell: tells a lane's worker that rows are waiting. It carries the lane's name and nothing else.

Rows are the truth. A ring that is lost costs the seconds until the clock rings again; a ring that comes twice finds nothing
to do. Enqueuing costs half a millisecond, so rings are coalesced: while a wake flag is up, one is already on its way.
"""

import logging
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError
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


JOBS = {
    QueueName.INTAKE: "workers.jobs.drain_inbox",
    QueueName.LIFE: "workers.jobs.deliver",
    QueueName.REPLY: "workers.jobs.deliver",
    QueueName.BULK: "workers.jobs.deliver",
}


class Bell:
    """Rings a queue's worker. Never raises: a stored row must not be answered with an error because Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in QueueName}

    def ring(self, name: QueueName) -> None:
        """Wake the worker of `name`, unless a ring is already on its way."""
        try:
            if self.redis.set(_flag(name), 1, nx=True, px=WAKE_MILLISECONDS):
                self._queues[name].enqueue(
                    JOBS[name], str(name), result_ttl=0, failure_ttl=3600, job_timeout=60, description=f"drain {name}"
                )
        except RedisError as error:
            log.warning("ring failed", extra={"queue": str(name), "error": type(error).__name__})

    def answered(self, name: QueueName) -> None:
        """Lower the wake flag. A drain does this before it looks, so that a row stored meanwhile rings anew."""
        try:
            self.redis.delete(_flag(name))
        except RedisError as error:
            log.warning("flag not lowered", extra={"queue": str(name), "error": type(error).__name__})


def connect(url: str) -> Redis:
    """Return a connection that gives up quickly: nobody waits for a doorbell."""
    return Redis.from_url(url, socket_timeout=30, socket_connect_timeout=1)


def _flag(name: QueueName) -> str:
    return f"hotline:wake:{name}"
