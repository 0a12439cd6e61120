"""Delivery receipts: the network tells the hotline what became of each text, later and one by one, as networks do.

Best effort by design. A receipt that finds no room or no answer is not repeated: the hotline must live without it, because
real networks lose them too. One thread a process, started with the first receipt, so that a fork does not lose it.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Iterable
from itertools import count

log = logging.getLogger(__name__)

ROOM = 20_000


class Receipts:
    """A bounded line of receipts, each posted once when it is due."""

    def __init__(self, post: Callable[[str, str], object], *, room: int = ROOM) -> None:
        self._post = post
        self._room = room
        self._changed = threading.Condition()
        self._line: list[tuple[float, int, str, str]] = []
        self._order = count()
        self._thread: threading.Thread | None = None

    def promise(self, message_ids: Iterable[str], status: str, *, after: float = 0.0) -> None:
        """Post `status` of each message `after` seconds from now. Returns at once; what finds no room is dropped."""
        due = time.monotonic() + after
        with self._changed:
            dropped = 0
            for message_id in message_ids:
                if len(self._line) < self._room:
                    heapq.heappush(self._line, (due, next(self._order), message_id, status))
                else:
                    dropped += 1
            self._begin()
            self._changed.notify()
        if dropped:
            log.warning("receipts dropped", extra={"count": dropped})

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="receipts", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            self._post(*self._next())

    def _next(self) -> tuple[str, str]:
        with self._changed:
            while not self._line or self._line[0][0] > time.monotonic():
                self._changed.wait(self._line[0][0] - time.monotonic() if self._line else None)
            _, _, message_id, status = heapq.heappop(self._line)
            return message_id, status
