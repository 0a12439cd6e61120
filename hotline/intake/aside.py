"""Puts noise aside: a case that triage is sure is a scam, an advertisement or a prank waits in a view of its own.

Nothing is dropped and nobody's number goes anywhere. One in ten is left in the queue with a mark, so that a person sees how
well the sorting does; which one hangs on the case's random id alone, so that no sender can learn to be it or not.
"""

import zlib
from typing import Final

from hotline.models import Aside, Reading

LOOKED_AT: Final = 10


def aside(case_id: str, reading: Reading) -> Aside | None:
    """Return where a new case stands: nowhere special, put aside, or noise that a person looks at all the same."""
    if not reading.noise:
        return None
    return Aside.SAMPLED if zlib.crc32(case_id.encode()) % LOOKED_AT == 0 else Aside.PARKED
