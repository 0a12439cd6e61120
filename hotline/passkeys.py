"""Passkeys: keys that an officer's phone or computer keeps, and lends to its owner in place of password and code.

One is both factors: the device is what somebody has, and its finger, face or PIN is what they are or know, so we take only
answers by which the device says that it asked (WebAuthn Level 3, user verification). A key holds for our address alone: a page
that looks like ours gets nothing. Nothing here knows of cookies or pages. See docs/adr/0041.
"""

import base64
import hashlib
import ipaddress
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hotline import audit, officers
from hotline.config import Settings
from hotline.models import Officer, Passkey, SpentChallenge, table

ANSWERED_WITHIN: Final = timedelta(minutes=2)
MOST: Final = 10
LONGEST_NAME: Final = 40
LONGEST_ANSWER: Final = 16_384  # characters; one with a long certificate has three thousand
SPENT = table(SpentChallenge)


class _NoAnswer(Exception):
    """What came is not an answer of a browser."""


@dataclass(frozen=True)
class Place:
    """Where passkeys of this desk hold: `origin` as a browser writes it, and the name they are bound to (RP ID)."""

    origin: str
    name: str


@dataclass(frozen=True)
class Question:
    """What a device is asked to sign: random bytes that are asked once, and until when an answer counts."""

    challenge: bytes
    until: datetime


def place(settings: Settings) -> Place | None:
    """Return where passkeys hold, or None where they cannot: they need HTTPS and a name, or a demo on its own machine.

    Browsers bind none to an address in digits; a demo at 127.0.0.1 has them under its other name, localhost.
    """
    parts = urlsplit(settings.console_url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host and not _in_digits(host):
        return Place(f"https://{parts.netloc}", host)
    if settings.demo and (host == "localhost" or (_in_digits(host) and ipaddress.ip_address(host).is_loopback)):
        port = f":{parts.port}" if parts.port else ""
        return Place(f"{parts.scheme}://localhost{port}", "localhost")
    return None


def draw(*, now: datetime) -> Question:
    """Return a question that nobody was asked before."""
    return Question(secrets.token_bytes(32), now + ANSWERED_WITHIN)


def listed(session: Session, officer_id: str) -> Sequence[Passkey]:
    """Return the passkeys of an officer, oldest first."""
    return session.scalars(select(Passkey).where(Passkey.officer_id == officer_id).order_by(Passkey.made_at, Passkey.id)).all()


def offer(session: Session, settings: Settings, where: Place, officer: Officer, question: Question) -> str:
    """Return, as JSON for a browser, what to make a passkey with. A device that has one of theirs already makes no second."""
    import webauthn  # noqa: PLC0415  a fifth of a second, more on a busy machine, that starting need not take
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_registration_options(
        rp_id=where.name,
        rp_name=settings.cover,
        user_id=officer.id.encode(),
        user_name=officer.name,
        user_display_name=officer.display_name,
        challenge=question.challenge,
        timeout=_milliseconds(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one.credential_id) for one in listed(session, officer.id)],
    )
    return str(webauthn.options_to_json(options))


def ask(where: Place, question: Question) -> str:
    """Return, as JSON for a browser, what to sign. It names no passkey: who comes is said by the answer, and to nobody before."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=where.name,
        challenge=question.challenge,
        timeout=_milliseconds(),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return str(webauthn.options_to_json(options))


def add(  # noqa: PLR0913  whose, where, and what was asked and answered
    session: Session, where: Place, officer: Officer, *, question: Question, answer: str, name: str, now: datetime
) -> bool:
    """Keep a passkey that a device has made, under a name its officer knows it by; returns whether it is one.

    The caller has seen to it that the officer is signed in and has proved a factor afresh for this very question.
    """
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name or not spend(session, question, now=now) or len(listed(session, officer.id)) >= MOST:
        return False
    import webauthn  # noqa: PLC0415

    try:
        made: Any = webauthn.verify_registration_response(
            credential=_read(answer),
            expected_challenge=question.challenge,
            expected_rp_id=where.name,
            expected_origin=where.origin,
            require_user_verification=True,
        )
    except _faults():
        return False
    if session.scalars(select(Passkey.id).where(Passkey.credential_id == made.credential_id)).first() is not None:
        return False
    kept = Passkey(officer_id=officer.id, name=name, credential_id=made.credential_id, public_key=made.credential_public_key)
    kept.sign_count, kept.made_at = made.sign_count, now
    session.add(kept)
    session.flush()
    audit.record(session, now, actor=f"officer:{officer.name}", action="officer.passkey_added", subject=officer.name, key=kept.id)
    return True


def admit(
    session: Session, settings: Settings, where: Place, *, question: Question, answer: str, now: datetime
) -> Officer | None:
    """Return the officer whose passkey answered, or None. A wrong answer of a known one counts as a wrong code does.

    The question is used up by the first answer that names a passkey of ours, right or wrong.
    """
    try:
        said = _read(answer)
        known = session.scalars(select(Passkey).where(Passkey.credential_id == _bytes(said["rawId"]))).first()
    except (_NoAnswer, KeyError, ValueError, TypeError):
        return None
    officer = session.get(Officer, known.officer_id) if known else None
    if known is None or officer is None or not officer.active or (officer.demo and not settings.demo):
        return None
    if not spend(session, question, now=now) or (officer.try_again_at or now) > now:
        return None
    if not _holds(session, where, known, question=question, said=said, now=now):
        officers.refuse(session, officer, now=now, by="passkey")
        return None
    officers.welcome(session, officer, now=now, by="passkey")
    return officer


def remove(session: Session, officer: Officer, passkey_id: str, *, now: datetime) -> bool:
    """Remove one of an officer's own passkeys; returns whether it was there. Another's is not there."""
    own = (Passkey.id == passkey_id, Passkey.officer_id == officer.id)
    gone = session.execute(delete(Passkey).where(*own).returning(Passkey.id)).scalar()
    if gone is not None:
        audit.record(
            session, now, actor=f"officer:{officer.name}", action="officer.passkey_removed", subject=officer.name, key=gone
        )
    return gone is not None


def remove_all(session: Session, officer: Officer) -> int:
    """Remove every passkey of somebody who is struck off, or who begins anew; returns how many there were."""
    return len(session.scalars(delete(Passkey).where(Passkey.officer_id == officer.id).returning(Passkey.id)).all())


def spend(session: Session, question: Question, *, now: datetime) -> bool:
    """Use a question up. Returns whether it still counted: nobody had answered it before, and its time is not over.

    What is over is forgotten here, since it counts no more for being over.
    """
    if now >= question.until:
        return False
    session.connection().execute(delete(SPENT).where(SPENT.c.until <= now))
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(SPENT)
    row = {"challenge_hash": hashlib.sha256(question.challenge).digest(), "until": question.until}
    once = insert.values(row).on_conflict_do_nothing().returning(SPENT.c.challenge_hash)
    return session.connection().execute(once).scalar() is not None


def _holds(session: Session, where: Place, known: Passkey, *, question: Question, said: Mapping[str, Any], now: datetime) -> bool:
    """Whether an answer is this passkey's own, newer than its last; notes that it was used."""
    import webauthn  # noqa: PLC0415

    try:
        proved: Any = webauthn.verify_authentication_response(
            credential=dict(said),
            expected_challenge=question.challenge,
            expected_rp_id=where.name,
            expected_origin=where.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
        if _bytes(said["response"]["userHandle"]) != known.officer_id.encode():
            return False
    except _faults():
        return False
    # Two answers at one moment read the same count: only one of them may raise it.
    as_read = (Passkey.id == known.id, Passkey.sign_count == known.sign_count)
    used = update(Passkey).where(*as_read).values(sign_count=proved.new_sign_count, used_at=now).returning(Passkey.id)
    return session.execute(used).scalar() is not None


def _faults() -> tuple[type[Exception], ...]:
    """Return what is raised for an answer that is none: by the library, and by CBOR and curves for wrong bytes."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    return (_NoAnswer, WebAuthnException, UnsupportedAlgorithm, ValueError, TypeError, LookupError, AttributeError, OverflowError)


def _read(answer: str) -> dict[str, Any]:
    """Return what a browser sent as JSON. Raises _NoAnswer."""
    try:
        said = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _NoAnswer
    return said


def _bytes(text: object) -> bytes:
    """Return the bytes of base64url. Raises ValueError or TypeError."""
    if not isinstance(text, str):
        raise TypeError
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _milliseconds() -> int:
    return int(ANSWERED_WITHIN.total_seconds() * 1000)


def _in_digits(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
