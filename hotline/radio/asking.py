"""The question that a show asks at this moment, for those who dial or call: looked up at most every few seconds.

Whoever dials has a gateway waiting, so an outage costs them the question and nothing else.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gsm7 import COST
from hotline.models import Poll, table

log = logging.getLogger(__name__)

POLL = table(Poll)
LOOK_AGAIN: Final = 5.0  # seconds


@dataclass
class Asking:
    """The open poll of a deployment."""

    deployment: Deployment
    _found: Mapping[str, Any] | None = field(default=None, init=False)
    _looked: float = field(default=0.0, init=False)

    def now(self) -> Mapping[str, Any] | None:
        """Return the poll that is open, None where there is none or nobody can say."""
        if not self._looked or time.monotonic() - self._looked > LOOK_AGAIN:
            self._looked = time.monotonic()
            try:
                with self.deployment.hurried_db.reading() as session:
                    self._found = open_at(session, self.deployment.clock())
            except Exception:  # somebody is on the line
                log.exception("no poll")
                self._found = None
        return self._found


def open_at(session: Session, moment: datetime) -> Mapping[str, Any] | None:
    """Return the newest poll that was open at a moment."""
    still = (POLL.c.opened_at <= moment, or_(POLL.c.closed_at.is_(None), POLL.c.closed_at >= moment))
    row = session.execute(select(POLL).where(POLL.c.opened_at.is_not(None), *still).order_by(POLL.c.opened_at.desc()).limit(1))
    found = row.mappings().one_or_none()
    return dict(found) if found else None


def in_language(words: Mapping[str, str], language: str) -> str:
    """Return words in a language, in English where they are not, else in the first there is."""
    return words.get(language) or words.get("en") or next(iter(words.values()), "")


def spoken(poll: Mapping[str, Any], language: str) -> str:
    """Return a poll as it is said on the phone: what is recorded for it, word for word."""
    answers = " ".join(f"{in_language(one['words'], language)}: {one['digit']}." for one in poll["options"])
    return f"{in_language(poll['question'], language)} {answers}"


def plain(text: str) -> str:
    """Return a text in signs every phone has (GSM-7); one that it lacks is left out."""
    return "".join(char for char in text if char in COST)
