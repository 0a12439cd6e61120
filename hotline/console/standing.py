"""How the hotline stands, for the strip and the badge of every page: one look-up by key, and never why a page fails."""

import hashlib

from flask import g
from sqlalchemy.exc import SQLAlchemyError

from hotline.console import guard
from hotline.watch import alarm
from hotline.watch.alarm import Standing


def current() -> Standing:
    """Return how things stand; asked once a request, and only for whoever is signed in."""
    if "standing" not in g:
        g.standing = _asked() if g.get("officer") else Standing()
    found: Standing = g.standing
    return found


def digest(*shown: object) -> str:
    """Return a short text that changes when anything of what is shown does."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _asked() -> Standing:
    try:
        with guard.deployment().db.reading() as session:
            return alarm.standing(session, guard.moment())
    except SQLAlchemyError:
        return Standing()
