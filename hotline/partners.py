"""Keys for partners' programs: given once, hashed at rest, taken back, all on record.

A key is 256 bits drawn by chance, so a plain hash keeps it. It belongs to an agency and has scopes; it is shown to whoever gives
it, this once. What an agency must not know of, its program does not know of either.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.models import Agency, ApiKey, Scope, new_id

BEGINS: Final = "hlk_"  # so that whoever finds one knows what it is
LONGEST_NAME: Final = 64
SEEN_EVERY: Final = timedelta(minutes=1)


class NotGiven(ValueError):
    """A key was not given: it needs a name, an agency and a scope."""


def give(session: Session, name: str, agency_id: str, scopes: Collection[Scope], now: datetime, *, by: str) -> str:
    """Return a new key. Raises NotGiven."""
    name, agency = name.strip()[:LONGEST_NAME], session.get(Agency, agency_id)
    if not name or not name.isprintable() or agency is None or not scopes:
        raise NotGiven
    key = BEGINS + secrets.token_urlsafe(32)
    plain = {"name": name, "agency_id": agency.id, "scopes": sorted(scopes), "created_at": now, "created_by": by}
    session.add(ApiKey(id=new_id(), secret_hash=_hash(key), **plain))
    audit.record(session, now, actor=by, action="key.given", subject=name, agency=agency.name, scopes=", ".join(sorted(scopes)))
    return key


def revoke(session: Session, key_id: str, now: datetime, *, by: str) -> bool:
    """Take a key back: the next request with it is refused. Returns whether it was in use."""
    still = (ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    name = session.execute(update(ApiKey).where(*still).values(revoked_at=now).returning(ApiKey.name)).scalar()
    if name is not None:
        audit.record(session, now, actor=by, action="key.revoked", subject=name)
    return name is not None


def found(session: Session, key: str, now: datetime) -> ApiKey | None:
    """Return the key that was shown to us, None for one that is unknown or was taken back."""
    one = session.scalars(select(ApiKey).where(ApiKey.secret_hash == _hash(key), ApiKey.revoked_at.is_(None))).first()
    if one is not None and (one.seen_at is None or now - one.seen_at >= SEEN_EVERY):
        one.seen_at = now
    return one


def listed(session: Session) -> Sequence[ApiKey]:
    """Return all keys, those in use first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.name, ApiKey.id)).all()


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
