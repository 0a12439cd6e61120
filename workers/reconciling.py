"""Asks gateways what they received, beside the clock: each in a thread of its own, so that one that hangs delays no ladder.

They are asked when the clock starts to lead, which is after each outage of ours, and every few minutes from then on. Each
asks from where the last complete answer ended, so no gap can be too long to be looked over.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from hotline.deployment import Deployment
from hotline.gateways.contract import NotListed
from hotline.intake import reconcile

log = logging.getLogger("workers.reconciling")

AGAIN_SOON = 30.0


@contextmanager
def asking(deployment: Deployment) -> Iterator[threading.Event]:
    """Ask for as long as the block runs. Yields an event that is set when it has ended; a hanging gateway is not waited for."""
    ended = threading.Event()
    for name in reconcile.able(deployment):
        threading.Thread(target=_ask, args=(deployment, name, ended), name=f"reconcile {name}", daemon=True).start()
    try:
        yield ended
    finally:
        ended.set()


def _ask(deployment: Deployment, name: str, ended: threading.Event) -> None:
    pause = 0.0
    while not ended.wait(pause):
        pause = deployment.settings.reconcile_seconds if _asked(deployment, name) else AGAIN_SOON


def _asked(deployment: Deployment, name: str) -> bool:
    try:
        reconcile.reconcile(deployment, name)
    except NotListed as error:
        log.warning("gateway gave no list", extra={"gateway": name, "code": error.code})
    except SQLAlchemyError as error:
        log.warning("list not compared", extra={"gateway": name, "error": type(error).__name__})
    except Exception:
        log.exception("list not compared", extra={"gateway": name})
    else:
        return True
    return False
