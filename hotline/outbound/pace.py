"""Pace: how many texts a second a gateway is given, by all workers together.

The count stands in Redis, as a sliding window (`limits`). Without Redis each worker keeps to a quarter of the rate by itself: too
slow rather than turned away. Lanes other than life leave a quarter of the rate free, so that a broadcast cannot use up what an
alert needs; and the life lane always gets one text through.
"""

import logging
import time
from collections.abc import Mapping
from functools import cache

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hotline.models import Lane

log = logging.getLogger(__name__)

PATIENCE = 1.0
PAUSE = 0.05
AGAIN = 5.0  # seconds without Redis before it is asked again
SHARE_ALONE = 4


class Pace:
    """The limiter of one process. Counts survive neither Redis nor, without it, the process."""

    def __init__(self, redis_url: str, rates: Mapping[str, int]) -> None:
        self._url = redis_url
        self._rates = rates
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def room(self, lane: Lane, wanted: Mapping[str, int]) -> dict[str, int]:
        """Return how many of the wanted texts each gateway may be given now; waits a moment while there is room for none."""
        until = time.monotonic() + PATIENCE
        while True:
            granted = {name: self._granted(lane, name, number) for name, number in wanted.items()}
            if any(granted.values()) or not wanted or time.monotonic() > until:
                break
            time.sleep(PAUSE)
        return {name: max(number, int(lane is Lane.LIFE)) for name, number in granted.items()}

    def _granted(self, lane: Lane, name: str, wanted: int) -> int:
        if time.monotonic() >= self._away_until:
            try:
                return _most(shared(self._url), self._rates[name], lane, name, wanted)
            except (RedisError, OSError) as error:
                log.warning("redis away", extra={"queue": str(lane), "error": type(error).__name__})
                self._away_until = time.monotonic() + AGAIN
        return _most(self._alone, max(1, self._rates[name] // SHARE_ALONE), lane, name, wanted)


@cache
def shared(redis_url: str) -> SlidingWindowCounterRateLimiter:
    """Return this process's limiter that counts in Redis. Raises RedisError or OSError while it is away."""
    url = redis_url.replace("unix://", "redis+unix://", 1)
    quick = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)}
    return SlidingWindowCounterRateLimiter(RedisStorage(url, **quick))  # type: ignore[arg-type]  # redis-py's


@cache
def pace(redis_url: str, rates: tuple[tuple[str, int], ...]) -> Pace:
    """Return this process's limiter for these settings."""
    return Pace(redis_url, dict(rates))


def _most(limiter: SlidingWindowCounterRateLimiter, rate: int, lane: Lane, name: str, wanted: int) -> int:
    """Take as many of the wanted texts as there is room for, at once."""
    limit, key = RateLimitItemPerSecond(rate), f"gateway:{name}"
    spared = 0 if lane is Lane.LIFE else rate // 4
    number = min(wanted, limiter.get_window_stats(limit, key).remaining - spared)
    while number > 0 and not limiter.hit(limit, key, cost=number):
        number //= 2  # another worker was quicker
    return max(0, number)
