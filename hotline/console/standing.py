"""How the hotline stands, for the strip and the badge of every page: one look-up by key, and never why a page fails."""

import hashlib

from flask import g
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline import sight
from hotline.console import guard, lately
from hotline.watch import alarm, dead, opening
from hotline.watch.alarm import Standing
from hotline.watch.invariants import CHECKS, Invariant

OF_CASES = frozenset({Invariant.I1, Invariant.I2, Invariant.I3})


def current() -> Standing:
    """Return how things stand; asked once a request, and only for whoever is signed in."""
    if "standing" not in g:
        g.standing = _asked() if g.get("officer") else Standing()
    found: Standing = g.standing
    return found


def practising() -> bool:
    """Whether the line has not been opened yet. A demo says of itself what it is."""
    current()
    return bool(g.get("practising"))


def digest(*shown: object) -> str:
    """Return a short text that changes when anything of what is shown does."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _asked() -> Standing:
    try:
        kept, g.practising = lately.here().known("standing", guard.moment(), _for_all)
        if guard.nothing_hidden():
            return kept
        with guard.reading() as session:
            return _as_seen(session, kept) if sight.hides_something(session) else kept
    except SQLAlchemyError:
        return Standing()


def _for_all() -> tuple[Standing, bool]:
    """Return how things stand for whoever may know of every case, and whether the line is still in practice."""
    with guard.counters() as session:
        practising = not guard.deployment().settings.demo and opening.opened_at(session) is None
        return alarm.standing(session, guard.moment()), practising


def _as_seen(session: Session, kept: Standing) -> Standing:
    """Return how things stand for whom something is hidden from: counted anew, as if what is hidden had never been."""
    chosen, now = guard.deployment(), guard.moment()
    life = dead.life_waiting(session, chosen, now)
    broken = (one for one in kept.broken if one not in OF_CASES or CHECKS[one](session, chosen, now))
    return Standing(life, tuple(broken), kept.stopped)
