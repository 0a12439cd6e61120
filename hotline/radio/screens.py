"""Screens of a studio, each bound to one device: it asks with a code, a producer who reads the code pairs it, and ends it.

The device's browser holds a key of 256 bits, and we its hash. The address alone opens nothing on any other device.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hotline.models import Screen, new_id, table

SCREEN = table(Screen)
CODE_LASTS: Final = timedelta(minutes=10)
LASTS: Final = timedelta(hours=4)
MOST_ASKING: Final = 30  # at one time: whoever asks is nobody yet
LETTERS: Final = "ABCDEFGHJKMNPQRTUVWXY346789"  # none that is mistaken for another
LENGTH: Final = 8


class TooMany(Exception):
    """So many devices ask to be paired that no more are let in."""


def ask(session: Session, now: datetime) -> str:
    """Let a device ask to be paired. Returns the key that its browser is to keep. Raises TooMany."""
    asking = (SCREEN.c.paired_at.is_(None), SCREEN.c.ended_at.is_(None), SCREEN.c.asked_at > now - CODE_LASTS)
    if (session.scalar(select(func.count()).select_from(SCREEN).where(*asking)) or 0) >= MOST_ASKING:
        raise TooMany
    key = secrets.token_urlsafe(32)
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    row = {"id": new_id(), "key_hash": _hash(key), "code": code, "asked_at": now, "paired_by": ""}
    session.execute(SCREEN.insert().values(**row))
    return key


def of_key(session: Session, key: str, now: datetime) -> Mapping[str, Any] | None:
    """Return the screen of a device, None where it has none, or had one that is over."""
    row = session.execute(select(SCREEN).where(SCREEN.c.key_hash == _hash(key), SCREEN.c.ended_at.is_(None))).mappings().first()
    if row is None or now >= (row["asked_at"] + CODE_LASTS if row["paired_at"] is None else row["paired_at"] + LASTS):
        return None
    return dict(row)


def pair(session: Session, code: str, episode_id: str, by: str, now: datetime) -> bool:
    """Let the device that shows this code show an episode. Returns whether one shows it."""
    plain = "".join(char for char in code.upper() if char in LETTERS)
    asking = (SCREEN.c.code == plain, SCREEN.c.paired_at.is_(None), SCREEN.c.ended_at.is_(None))
    fresh = update(SCREEN).where(*asking, SCREEN.c.asked_at > now - CODE_LASTS)
    return bool(session.connection().execute(fresh.values(episode_id=episode_id, paired_at=now, paired_by=by)).rowcount)


def end(session: Session, episode_id: str, screen_id: str, now: datetime) -> None:
    """End a screen: from its next look on the device shows nothing."""
    mine = (SCREEN.c.id == screen_id, SCREEN.c.episode_id == episode_id, SCREEN.c.ended_at.is_(None))
    session.execute(update(SCREEN).where(*mine).values(ended_at=now))


def of_episode(session: Session, episode_id: str, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the screens that show an episode, the oldest first."""
    showing = (SCREEN.c.episode_id == episode_id, SCREEN.c.ended_at.is_(None), SCREEN.c.paired_at > now - LASTS)
    return [dict(row) for row in session.execute(select(SCREEN).where(*showing).order_by(SCREEN.c.paired_at)).mappings()]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
