"""The ladder: how long we wait for a person's answer, and who is told when it does not come.

Read from settings as "seconds:action", seconds counted from the first alert; the last entry repeats at its own interval until
somebody answers. A delivery receipt is no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Rung(StrEnum):
    """What happens on a step."""

    NEXT = "next"  # tell those told once more, and the next contact on duty
    CALL = "call"  # text those told once more, and call them where a gateway has a voice
    SUPERVISOR = "supervisor"  # supervisors and the national desk
    EVERYONE = "everyone"  # all of them, the director and the last resort


@dataclass(frozen=True)
class Step:
    """One step: when, counted from the start, and what."""

    after: timedelta
    rung: Rung


def parse(entries: Sequence[str]) -> tuple[Step, ...]:
    """Read a ladder from settings. Raises ValueError naming the entry that is none."""
    steps = []
    for entry in entries:
        seconds, _, action = entry.partition(":")
        try:
            steps.append(Step(timedelta(seconds=int(seconds)), Rung(action)))
        except ValueError:
            raise ValueError(f"a ladder step is seconds:action, as 300:next, not {entry!r}") from None
    if not steps:
        raise ValueError("a ladder needs at least one step")
    return tuple(steps)


def step_at(ladder: Sequence[Step], number: int) -> Step:
    """Return the step of a number; past the end the last one repeats."""
    return ladder[min(number, len(ladder) - 1)]


def reached(ladder: Sequence[Step], number: int, *, started: datetime, now: datetime) -> int:
    """Return the last step that is due by now, from `number` on: steps an outage has swallowed are taken together."""
    while number + 1 < len(ladder) - 1 and started + ladder[number + 1].after <= now:
        number += 1
    return number


def due(ladder: Sequence[Step], number: int, *, started: datetime, previous: datetime, now: datetime) -> datetime:
    """Return when step `number` is due on a ladder begun at `started`, the step before having been due at `previous`.

    Steps count from the start, so that a slow clock does not stretch them; the repeated last step counts from the one
    before, and after an outage it starts anew instead of catching up in a volley.
    """
    last = len(ladder) - 1
    if number < last or number == 0:
        return started + ladder[number].after
    pause = ladder[last].after
    return previous + pause if now - previous < pause else now + pause
