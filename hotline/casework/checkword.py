"""The check word: a word only the person knows, by which an officer can tell next time who is writing.

The word a person chose comes in and is sealed with the case; later an officer types what was given, and hears right or wrong,
never the word. Accents, case and spaces do not matter. Wrong twice in a row freezes the case: nothing is sent until a
supervisor has looked, for the phone may be in other hands.
"""

import hmac
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import key_of
from hotline.casework.work import Changed, lock
from hotline.deployment import Deployment
from hotline.models import Case, CaseState, CheckWord, Officer

TRIES: Final = 2


class Verdict(StrEnum):
    """What became of a word that was given."""

    RIGHT = "right"
    WRONG = "wrong"
    FROZEN = "frozen"


def keep(session: Session, deployment: Deployment, case: Case, *, officer: Officer, word: str, now: datetime) -> None:
    """Keep the word a person chose, in place of an earlier one. Raises Changed for a word without letters, or a frozen case."""
    locked, plain = lock(session, case), _plain(word)
    if not plain or locked.state == CaseState.FROZEN:
        raise Changed
    sealed = key_of(session, deployment, case).seal_text(plain, _bound_to(case))
    kept = session.get(CheckWord, case.id) or CheckWord(case_id=case.id)
    kept.sealed, kept.wrong, kept.officer_id, kept.at = sealed, 0, officer.id, now
    session.add(kept)
    _changed(session, locked, officer, "case.word_kept", now)


def compare(session: Session, deployment: Deployment, case: Case, *, officer: Officer, word: str, now: datetime) -> Verdict:
    """Compare a word that was given with the one that was chosen. Raises Changed where none was, or the case is frozen."""
    locked, kept = lock(session, case), session.get(CheckWord, case.id)
    if kept is None or locked.state == CaseState.FROZEN:
        raise Changed
    chosen = key_of(session, deployment, case).open_text(kept.sealed, _bound_to(case))
    if hmac.compare_digest(chosen.encode(), _plain(word).encode()):
        kept.wrong = 0
        _changed(session, locked, officer, "case.word_right", now)
        return Verdict.RIGHT
    kept.wrong += 1
    if kept.wrong >= TRIES:
        locked.state = CaseState.FROZEN
    _changed(session, locked, officer, "case.word_wrong", now)
    return Verdict.FROZEN if locked.state == CaseState.FROZEN else Verdict.WRONG


def thaw(session: Session, case: Case, *, officer: Officer, now: datetime) -> None:
    """Let a frozen case be written to again. Raises Changed where it is not frozen."""
    locked, kept = lock(session, case), session.get(CheckWord, case.id)
    if locked.state != CaseState.FROZEN:
        raise Changed
    locked.state = CaseState.OPEN if locked.owner_id else CaseState.NEW
    if kept is not None:
        kept.wrong = 0
    _changed(session, locked, officer, "case.thawed", now)


def _changed(session: Session, case: Case, officer: Officer, action: str, now: datetime) -> None:
    case.updated_at, case.version = now, case.version + 1
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=case.handle)


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in decomposed if char.isalnum())


def _bound_to(case: Case) -> str:
    return f"check_word|sealed|{case.id}"
