"""Presence: who looks at which item now, and who is writing there, so that two officers do not answer one person past each other.

It lives in the memory of the console's one process and nowhere else: it is true for twenty seconds, and gone with the process
nobody misses it. Owner and lock decide who may answer; this only says so before it comes to that.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Flask, current_app

from hotline.models import Officer

LASTS: Final = timedelta(seconds=20)


@dataclass(frozen=True)
class Seen:
    """One officer on one item, last heard of at a point in time."""

    officer_id: str
    name: str
    at: datetime
    writing: bool


class Presence:
    """Everybody who looks at an item now."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._seen: dict[str, dict[str, Seen]] = {}

    def note(self, token: str, officer: Officer, now: datetime, *, writing: bool) -> None:
        """Note that an officer has an item open; forgets whoever was not heard of for a while."""
        with self._turn:
            here = {one.officer_id: one for one in self._seen.get(token, {}).values() if now - one.at <= LASTS}
            here[officer.id] = Seen(officer.id, officer.display_name, now, writing)
            self._seen[token] = here
            if len(self._seen) > 1000:
                self._seen = {
                    key: kept for key, kept in self._seen.items() if any(now - one.at <= LASTS for one in kept.values())
                }

    def others(self, token: str, officer_id: str, now: datetime) -> tuple[Seen, ...]:
        """Return who else has an item open, by name."""
        with self._turn:
            here = [one for one in self._seen.get(token, {}).values() if one.officer_id != officer_id and now - one.at <= LASTS]
        return tuple(sorted(here, key=lambda one: one.name))


def install(app: Flask) -> None:
    """Give the console its presence."""
    app.extensions["presence"] = Presence()


def here() -> Presence:
    """Return the presence of this console."""
    presence: Presence = current_app.extensions["presence"]
    return presence
