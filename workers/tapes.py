"""Fetches recordings: calls the provider with no session open, several at a time, and writes down what is known."""

import logging
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import RowMapping

from hotline import sound
from hotline.deployment import Deployment
from hotline.gateways.voice import NOT_OFFERED, Calls, NotFetched
from hotline.intake import overheard, tapes
from hotline.intake.overheard import Asked
from hotline.intake.tapes import Sound
from hotline.models import RecordingState
from hotline.privacy import CannotOpen, Key

log = logging.getLogger(__name__)

AT_ONCE = 4
HARMLESS = 3  # tries; a sound that has brought its reader down so often is kept as it came


def batch(site: Deployment) -> int:
    """Ask about calls that are over, and take recordings that are due one step further each. Returns how many there were."""
    return _asked(site) + _carried(site)


def _asked(site: Deployment) -> int:
    with site.db.reading() as session:
        if not overheard.due(session, site.db.now(session)):
            return 0
    with site.db.transaction() as session:
        calls = overheard.take(session, site, site.db.now(session), AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE, "call") as pool:
        list(pool.map(lambda one: _ask(site, one), calls))
    return len(calls)


def _ask(site: Deployment, call: Asked) -> None:
    """Ask a provider what it recorded in a call; one that does not answer is asked again until it is too late."""
    gateway = site.shelf.get(call.row["gateway"])
    carrier: object = gateway
    try:
        found = carrier.recorded(call.name) if isinstance(carrier, Calls) and call.name is not None else ()
    except NotFetched as error:
        log.warning("provider did not say what it recorded", extra={"gateway": call.row["gateway"], "code": error.code})
        with site.db.transaction() as session:
            if overheard.given_up(call.row, site.db.now(session)):
                overheard.ask_no_more(session, call.row)
        return
    with site.db.transaction() as session:
        if gateway is not None and found:
            overheard.heard(session, site, gateway, call.row, found, site.db.now(session))
        overheard.ask_no_more(session, call.row)


def _carried(site: Deployment) -> int:
    with site.db.reading() as session:
        if not tapes.due(session, site.db.now(session)):
            return 0
    with site.db.transaction() as session:
        rows = tapes.take(session, site.db.now(session), AT_ONCE)
        keys = {row["id"]: tapes.key_of(session, site, row) for row in rows}
    with ThreadPoolExecutor(AT_ONCE, "tape") as pool:
        list(pool.map(lambda row: _carry(site, row, keys[row["id"]]), rows))
    return len(rows)


def _carry(site: Deployment, row: RowMapping, key: Key | None) -> None:
    """Do what a recording waits for; whatever goes wrong is written down, and tried again."""
    try:
        _advance(site, row, key)
    except NotFetched as error:
        _failed(site, row, error)
    except Exception as error:
        log.exception("recording failed", extra={"row": row["id"]})
        _failed(site, row, NotFetched(type(error).__name__))


def _advance(site: Deployment, row: RowMapping, key: Key | None) -> None:
    gateway: object = site.shelf.get(row["gateway"])
    if not isinstance(gateway, Calls):
        raise NotFetched("gateway has no settings")
    if key is None:
        raise NotFetched("case shredded", gone=True)
    try:
        reference = tapes.reference(row, key)
    except CannotOpen:
        raise NotFetched("sealed with another key") from None
    if row["state"] == RecordingState.WAITING:
        original, kind = gateway.fetch(reference)
        held = Sound((original, kind), _disguised(original) if row["attempts"] <= HARMLESS else None)
        with site.db.transaction() as session:
            tapes.keep(session, row, key, held, site.db.now(session))
    _remove(site, row, gateway, reference)


def _disguised(original: bytes) -> tuple[bytes, str] | None:
    try:
        return sound.disguised(original), sound.WAV
    except sound.Unreadable:
        log.warning("recording cannot be disguised")
        return None


def _remove(site: Deployment, row: RowMapping, gateway: Calls, reference: str) -> None:
    """Remove the provider's own, after ours is on disk or was erased."""
    left_there = False
    try:
        gateway.remove(reference)
    except NotFetched as error:
        if error.code != NOT_OFFERED:
            with site.db.transaction() as session:
                tapes.failed(session, row, _now_at(row), error, site.db.now(session))
            return
        left_there = True
    with site.db.transaction() as session:
        tapes.removed(session, row, site.db.now(session), left_there=left_there)


def _now_at(row: RowMapping) -> RecordingState:
    return RecordingState.KEPT if row["state"] == RecordingState.WAITING else RecordingState(row["state"])


def _failed(site: Deployment, row: RowMapping, error: NotFetched) -> None:
    with site.db.transaction() as session:
        tapes.failed(session, row, row["state"], error, site.db.now(session))
