"""Sessions of signed-in officers: a 256-bit cookie in the browser, its hash in the database.

They live in the database and not in Redis, so that a flush ends no night shift. A page that refreshes itself is no sign of
life: only what a person does keeps a session from idling out.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from flask import g, redirect, request, url_for
from flask import session as browser
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hotline import audit
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Officer, OfficerSession

BY_ITSELF: Final = "X-By-Itself"  # sent by a page that refreshes with nobody at the keys
SEEN_EVERY: Final = timedelta(seconds=30)
WALL: Final = "console.wall"
WALL_LASTS: Final = timedelta(hours=12)


def secure(settings: Settings) -> bool:
    """Whether officers open the console over HTTPS."""
    return settings.console_url.startswith("https:")


def cookie_name(settings: Settings) -> str:
    """Name of the cookie; `__Host-` makes browsers refuse it without HTTPS, from a subdomain or for a part of the site."""
    return "__Host-desk" if secure(settings) else "desk"


def begin(session: Session, officer: Officer, *, now: datetime) -> str:
    """Open a session and return its cookie. Earlier sessions of the officer end: one person, one screen; not so in a demo."""
    token = secrets.token_urlsafe(32)
    if not officer.demo:
        screens = (OfficerSession.officer_id == officer.id, OfficerSession.ended_at.is_(None), OfficerSession.only.is_(None))
        session.execute(update(OfficerSession).where(*screens).values(ended_at=now))
    session.add(OfficerSession(token_hash=_hash(token), officer_id=officer.id, created_at=now, seen_at=now))
    return token


def begin_wall(session: Session, officer: Officer, *, now: datetime) -> str:
    """Open a session that can show the wall and nothing else, for half a day, whether somebody touches it or not."""
    token = secrets.token_urlsafe(32)
    session.add(OfficerSession(token_hash=_hash(token), officer_id=officer.id, created_at=now, seen_at=now, only=WALL))
    audit.record(session, now, actor=f"officer:{officer.name}", action="officer.hung_wall", subject=officer.name)
    return token


def current(deployment: Deployment, *, now: datetime) -> Officer | None:
    """Return who is signed in with this request's cookie, or None; notes that they were seen."""
    token = request.cookies.get(cookie_name(deployment.settings), "")
    if not token:
        return None
    with deployment.db.reading() as session:
        row = session.scalars(select(OfficerSession).where(OfficerSession.token_hash == _hash(token))).first()
    if row is None or not alive(row, deployment.settings, now=now):
        return None
    if now - row.seen_at > SEEN_EVERY and BY_ITSELF not in request.headers:
        with deployment.db.transaction() as session:
            session.execute(update(OfficerSession).where(OfficerSession.id == row.id).values(seen_at=now))
        row.seen_at = now
    g.ends_at, g.only = None if row.only else ends_at(row, deployment.settings), row.only
    g.session_id, g.locked = row.id, row.locked_at is not None
    return row.officer


def own_id() -> str:
    """Return the id of the session this request belongs to. Only to be called behind the guard."""
    return str(g.session_id)


def ends_at(row: OfficerSession, settings: Settings) -> datetime:
    """Return when the session ends if nothing more is done in it."""
    if row.only:
        return row.created_at + WALL_LASTS
    idle = row.seen_at + timedelta(minutes=settings.session_idle_minutes)
    return min(idle, row.created_at + timedelta(hours=settings.session_hours))


def alive(row: OfficerSession, settings: Settings, *, now: datetime) -> bool:
    """Whether a session still counts: not ended, not idle, not too long, and its officer not struck off."""
    return row.ended_at is None and row.officer.active and now < ends_at(row, settings)


def end(session: Session, settings: Settings, *, now: datetime) -> None:
    """End the session of this request's cookie."""
    token = request.cookies.get(cookie_name(settings), "")
    session.execute(update(OfficerSession).where(OfficerSession.token_hash == _hash(token)).values(ended_at=now))


def own_hash(settings: Settings) -> bytes:
    """Return under what the session of this request's cookie is stored."""
    return _hash(request.cookies.get(cookie_name(settings), ""))


def welcome(token: str, settings: Settings, *, lands: str = "console.sign_in.home") -> Response:
    """Answer a sign-in: the cookie of the new session, and nothing of the one before."""
    browser.clear()
    response = redirect(url_for(lands), 303)
    response.set_cookie(cookie_name(settings), token, httponly=True, samesite="Strict", secure=secure(settings), path="/")
    return response


def farewell(settings: Settings) -> Response:
    """Answer a sign-out: the browser forgets everything of us, pages it kept included."""
    browser.clear()
    response = redirect(url_for("console.sign_in.form"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    response.delete_cookie(cookie_name(settings), httponly=True, samesite="Strict", secure=secure(settings), path="/")
    return response


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
