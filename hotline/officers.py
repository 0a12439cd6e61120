"""Officers: enrols them, and decides whether somebody at the door is one.

A name, a password and a code of the moment come in; an officer goes out, or nobody. Which of the three was wrong is never
said, and a wrong name costs the same time as a wrong password. Nothing here knows of cookies or pages.
"""

import hmac
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.models import Officer, RecoveryCode, new_id
from hotline.privacy import Keyring
from hotline.roles import Role

SHORTEST_PASSWORD: Final = 15
LONGEST_PASSWORD: Final = 128
SHOWN_DIGITS: Final = 6
CODE_SECONDS: Final = 30  # RFC 6238 §5.2
RECOVERY_CODES: Final = 10
RECOVERY_DIGITS: Final = 12  # keypads have digits; against guessing stands the growing delay
FREE_FAILURES: Final = 5
LONGEST_DELAY: Final = timedelta(seconds=42)
HASHES_AT_ONCE: Final = 2
WAIT_FOR_HASH: Final = 5.0

# argon2id, 64 MiB: a quarter of a second a try, so a flood of sign-ins must not run more than two at once.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_room = threading.BoundedSemaphore(HASHES_AT_ONCE)
# The hash of a password nobody knows, tried for unknown names so that they take as long as known ones.
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=1$y0C8VFVWxBO9jrDh4W06oQ$qJj+F+ynE6kmX8rwq+gHD8pfnQNu3dkJZwWJhFoR6oA"


class Unsuitable(Exception):
    """An officer cannot be enrolled so. Says why in one sentence."""


class Busy(Exception):
    """More people are signing in than passwords can be checked; try again in a moment."""


@dataclass(frozen=True)
class Answer:
    """What somebody typed at the door, with the outcome of the slow check already in it."""

    name: str
    password_held: bool
    code: str


def enrol(  # noqa: PLR0913  an officer has that many properties
    session: Session, deployment: Deployment, *, name: str, display_name: str, role: Role, password: str, demo: bool = False
) -> str:
    """Add an officer and return the `otpauth:` address to put into an authenticator app, shown once.

    Raises Unsuitable for a name in use or a password outside 15 to 128 characters.
    """
    if named(session, name) is not None:
        raise Unsuitable("That name is taken.")
    return add(session, deployment, hashed(password), name=name, display_name=display_name, role=role, demo=demo)


def add(session: Session, deployment: Deployment, kept: str, **officer: Any) -> str:
    """Do the same with what is kept of a password, `hashed` before; the name must be free."""
    secret, officer_id = pyotp.random_base32(), new_id()
    sealed = seal_secret(deployment.keyring, officer_id, secret)
    session.add(Officer(id=officer_id, password_hash=kept, totp_sealed=sealed, **officer))
    session.flush()
    return pyotp.TOTP(secret).provisioning_uri(name=officer["name"], issuer_name=deployment.settings.cover)


def hashed(password: str) -> str:
    """Return what is kept of a password. Slow on purpose; call it with no transaction open where you can.

    Raises Unsuitable outside 15 to 128 characters, and Busy.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Unsuitable(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    with _turn():
        return _hasher.hash(password)


def seal_secret(keyring: Keyring, officer_id: str, secret: str) -> bytes:
    """Return the secret of an officer's authenticator, sealed for that officer."""
    return keyring.fields.seal_text(secret, _bound(officer_id))


def named(session: Session, name: str) -> Officer | None:
    """Return the officer of that sign-in name, active or not."""
    return session.scalars(select(Officer).where(Officer.name == name)).first()


def password_holds(officer: Officer | None, password: str) -> bool:
    """Whether the password is this officer's. Slow on purpose; call it with no transaction open. Raises Busy."""
    if len(password) > LONGEST_PASSWORD:
        return False
    with _turn():
        try:
            _hasher.verify(officer.password_hash if officer else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return officer is not None


def admit(session: Session, keyring: Keyring, answer: Answer, *, now: datetime) -> Officer | None:
    """Return the officer who answered rightly, or None; counts failures and uses up the code.

    From the fifth failure an account waits longer after each, up to 42 s, and is never locked: a lock would let anybody who
    knows a name keep an officer out (OWASP ASVS 5.0, 6.1.1).
    """
    officer = named(session, answer.name)
    if officer is None or not officer.active or (officer.try_again_at or now) > now:
        return None
    by = _second_factor(session, keyring, officer, answer.code, now=now) if answer.password_held else None
    if by is None:
        refuse(session, officer, now=now)
        return None
    welcome(session, officer, now=now, by=by)
    return officer


def welcome(session: Session, officer: Officer, *, now: datetime, by: str) -> None:
    """Put on record that an officer came in, `by` code, recovery or passkey; what went wrong before is forgotten."""
    officer.failures, officer.try_again_at = 0, None
    more = {"by": by} if by != "code" else {}
    audit.record(session, now, actor=officer.name, action="sign_in", subject=officer.id, **more)


def refuse(session: Session, officer: Officer, *, now: datetime, by: str = "code") -> None:
    """Put on record that somebody was not let in as this officer, and make the account wait as it grows."""
    _failed(officer, now)
    more = {"by": by} if by != "code" else {}
    audit.record(session, now, actor=officer.name, action="sign_in.refused", subject=officer.id, **more)


def proves(session: Session, deployment: Deployment, officer_id: str, code: str, *, now: datetime) -> bool:
    """Whether an officer who is signed in has their second factor at hand now. A wrong code counts as one at the door does.

    The invented officers of a demo have no app: of them any six digits are taken.
    """
    officer = session.get(Officer, officer_id)
    if officer is None or not officer.active or (officer.try_again_at or now) > now:
        return False
    if officer.demo and deployment.settings.demo:
        return len(code) == SHOWN_DIGITS and code.isdigit()
    if _second_factor(session, deployment.keyring, officer, code, now=now) is None:
        _failed(officer, now)
        return False
    return True


def new_recovery_codes(session: Session, keyring: Keyring, officer_id: str, *, now: datetime) -> list[str]:
    """Return ten new codes for when the phone is lost, shown once; those from before open nothing any more."""
    officer = session.get_one(Officer, officer_id)
    session.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    drawn = [f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}}" for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(officer_id=officer_id, code_index=_recovery_index(keyring, officer_id, code), made_at=now) for code in drawn
    )
    audit.record(session, now, actor=f"officer:{officer.name}", action="officer.recovery_made", subject=officer.name)
    return [f"{code[:4]} {code[4:8]} {code[8:]}" for code in drawn]


def recovery_codes_left(session: Session, officer_id: str) -> int:
    """Return how many recovery codes of an officer still open."""
    still = (RecoveryCode.officer_id == officer_id, RecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*still)) or 0


def invented(session: Session) -> list[Officer]:
    """Return a demo's invented officers, who need no password on the machine itself."""
    return list(session.scalars(select(Officer).where(Officer.demo, Officer.active).order_by(Officer.id)))


def admit_invented(session: Session, officer_id: str, *, now: datetime) -> Officer | None:
    """Return the invented officer of that id. The door must have made sure that this is a demo on its own machine."""
    officer = session.get(Officer, officer_id)
    if officer is None or not officer.demo or not officer.active:
        return None
    audit.record(session, now, actor=officer.name, action="sign_in", subject=officer.id, demo=True)
    return officer


def delay(failures: int) -> timedelta:
    """How long an account waits after so many failures in a row: nothing below five, then 1, 2, 4 … 42 s."""
    if failures < FREE_FAILURES:
        return timedelta()
    return min(LONGEST_DELAY, timedelta(seconds=2 ** min(failures - FREE_FAILURES, 6)))


def _second_factor(session: Session, keyring: Keyring, officer: Officer, code: str, *, now: datetime) -> str | None:
    """Use up a code of the app, or a recovery code. Returns which it was, or None for neither."""
    step = _step_of(_secret(keyring, officer), code, now=now)
    if step is not None and step > officer.totp_last_step:
        officer.totp_last_step = step
        return "code"
    digits = "".join(code.split())
    if len(digits) != RECOVERY_DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    fits = (RecoveryCode.officer_id == officer.id, RecoveryCode.code_index == _recovery_index(keyring, officer.id, digits))
    once = update(RecoveryCode).where(*fits, RecoveryCode.used_at.is_(None)).values(used_at=now).returning(RecoveryCode.id)
    return "recovery" if session.execute(once).scalar() is not None else None


def _recovery_index(keyring: Keyring, officer_id: str, digits: str) -> bytes:
    return keyring.blind_index(f"recovery.{officer_id}", digits)


def _failed(officer: Officer, now: datetime) -> None:
    officer.failures += 1
    wait = delay(officer.failures)
    officer.try_again_at = now + wait if wait else None


def _step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the time step whose code this is, one step of skew either way (RFC 6238 §5.2), or None."""
    totp, current = pyotp.TOTP(secret, interval=CODE_SECONDS), int(now.timestamp()) // CODE_SECONDS
    typed = "".join(code.split()).encode("utf-8", "replace")
    matches = [
        step for step in (current - 1, current, current + 1) if hmac.compare_digest(totp.generate_otp(step).encode(), typed)
    ]
    return matches[-1] if matches else None


def _secret(keyring: Keyring, officer: Officer) -> str:
    return keyring.fields.open_text(officer.totp_sealed, _bound(officer.id))


def _bound(officer_id: str) -> str:
    return f"officer|totp|{officer_id}"


@contextmanager
def _turn() -> Iterator[None]:
    if not _room.acquire(timeout=WAIT_FOR_HASH):
        raise Busy
    try:
        yield
    finally:
        _room.release()
