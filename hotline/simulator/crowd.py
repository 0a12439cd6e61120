"""The crowd: what invented people do whose phone the hotline rings for a broadcast, and whom nobody plays in a browser.

Most pick up after a moment, press the key and listen; some let it ring, some hang up before they have heard anything. Who does
what is a matter of the number, so that a demo looks the same each time. A phone that a page has shown is left to its player.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import Final

from hotline.gateways.voice import many_of
from hotline.simulator.calling import Calling
from hotline.simulator.receipts import Receipts

SOON: Final = 3.0  # seconds until something is done next
KEY: Final = "1"


class Act(StrEnum):
    """What somebody does with a phone that rings."""

    PICK_UP = "pick up"
    PRESS = "press"
    HANG_UP = "hang up"


class Crowd:
    """Everybody nobody plays. Each act is put off by some seconds; the next follows from it."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling
        self._line = Receipts(self.act)

    def hears(self, number: str, name: str) -> None:
        """Take note that a phone nobody plays is rung under a name; only of calls to many."""
        if many_of(name) is not None:
            drawn = _drawn(number)
            self._line.promise([number], Act.HANG_UP if drawn < 2 else Act.PICK_UP, after=SOON * (1 + drawn / 10))

    def act(self, number: str, what: str) -> None:
        """Do it, and promise what follows."""
        if what == Act.PICK_UP:
            self._calling.pick_up(number)
            self._line.promise([number], Act.HANG_UP if _drawn(number) == 2 else Act.PRESS, after=SOON)
        elif what == Act.PRESS:
            self._calling.press(number, KEY)
            self._line.promise([number], Act.HANG_UP, after=2 * SOON)
        else:
            self._calling.hang_up(number)


def _drawn(number: str) -> int:
    """Return what a number falls to, of ten."""
    return blake2b(number.encode(), digest_size=2).digest()[0] % 10
