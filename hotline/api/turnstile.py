"""How many requests a minute one key may make, all processes together; without Redis each process counts by itself."""

import logging
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from hotline.outbound.pace import shared

log = logging.getLogger(__name__)

A_MINUTE: Final = 120


class Turnstile:
    """The limiter of one process."""

    def __init__(self, redis_url: str, a_minute: int = A_MINUTE) -> None:
        self._url, self._limit = redis_url, RateLimitItemPerMinute(a_minute)
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())

    def lets(self, key_id: str) -> bool:
        """Whether one more request of a key may come in."""
        try:
            return shared(self._url).hit(self._limit, "api", key_id)
        except (RedisError, OSError) as error:
            log.warning("redis away", extra={"error": type(error).__name__})
            return self._alone.hit(self._limit, "api", key_id)
