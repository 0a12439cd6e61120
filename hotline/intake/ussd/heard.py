"""What a hop said, as the door understood it when it answered: travels inside the hop's sealed row, to be read by a worker.

The raw hop says "1*4"; what that means depends on the screens the person had before them, which the door knew and nobody could
tell later. It rides in the webhook's headers under a name that the door lets in from nobody else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hotline.gateways.contract import Hop, Webhook
from hotline.intake.ussd.tree import SCREENS
from hotline.intake.ussd.walk import Step, Turn, Walk

HEADER = "hotline-heard"


@dataclass(frozen=True, slots=True)
class Heard:
    """One hop, understood. `session` is the keyed hash of the network's id, `over` that the session came to a last page.

    `draw` tells which return code that page gave.
    """

    session: str
    sender: str
    language: str
    steps: tuple[Step, ...]
    over: bool
    stopped: bool
    draw: int | None = None


def with_turn(webhook: Webhook, turn: Turn) -> Webhook:
    """Return the webhook with what the door understood of it."""
    at = turn.standing
    steps = [[step.screen, step.answer, step.words] for step in turn.steps]
    said = json.dumps([at.language, steps, SCREENS[at.screen].last, at.stopped, at.draw])
    return replace(webhook, headers={**webhook.headers, HEADER: said})


def understood(webhook: Webhook, hop: Hop, walk: Walk, session: str) -> Heard:
    """Return what a hop said; where the door could not tell, its whole text is walked through from the first screen.

    A hop that names no number is told by its session, which cannot be written to.
    """
    sender = hop.sender or f"session {hop.session}"
    if (said := webhook.headers.get(HEADER)) is not None:
        language, steps, over, stopped, *more = json.loads(said)
        return Heard(session, sender, language, _steps(steps), over, stopped, *more)
    turn = walk.hear(None, hop.text)
    at = turn.standing
    return Heard(session, sender, at.language, turn.steps, SCREENS[at.screen].last, at.stopped)


def _steps(plain: Sequence[Sequence[str]]) -> tuple[Step, ...]:
    return tuple(Step(screen, answer, words) for screen, answer, words in plain)
