"""Places calls: claims what is due in one commit, rings side by side, and writes down in another what became of each."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import Sent

Due = TypeVar("Due")  # what one module knows of a call to place


def place(
    deployment: Deployment,
    waiting: Callable[[Session, datetime], bool],
    take: Callable[[Session, Deployment, datetime], Sequence[Due]],
    ring: Callable[[Deployment, Due], Sent],
    settle: Callable[[Session, Sequence[Sent], datetime], None],
) -> int:
    """Place the calls that `take` claims, if any is waiting. Returns how many; nothing is open while a gateway is spoken to."""
    with deployment.db.reading() as session:
        if not waiting(session, deployment.db.now(session)):
            return 0
    with deployment.db.transaction() as session:
        due = take(session, deployment, deployment.db.now(session))
    if not due:
        return 0
    with ThreadPoolExecutor(len(due), "call") as pool:
        outcomes = list(pool.map(partial(ring, deployment), due))
    with deployment.db.transaction() as session:
        settle(session, outcomes, deployment.db.now(session))
    return len(due)


def gateway_for(deployment: Deployment, able: Callable[[object], object]) -> str | None:
    """Return the gateway named for calls, or the first for texts, that is able; None where none is."""
    chosen = deployment.settings
    named = [chosen.voice_gateway] if chosen.voice_gateway else [chosen.gateway, chosen.second_gateway]
    return next((name for name in named if able(deployment.shelf.get(name))), None)
