"""The lock: a signed-in page that nobody may use until its officer has said the password again. Nothing that was typed is lost.

A page covers itself with two Escapes and locks a minute later; the button in the menu locks at once. While it is locked the
session opens nothing but this door. Five wrong passwords end it.
"""

from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import update
from werkzeug.wrappers import Response as Answer

from hotline import officers
from hotline.console import guard, sessions
from hotline.models import OfficerSession

screen = Blueprint("lock", __name__, url_prefix="/lock")

TRIES: Final = 5
IN_PLACE: Final = "X-In-Place"  # sent by a page that stays where it is


@screen.get("")
def door() -> Answer | str:
    """Ask for the password; whoever is not locked out goes on."""
    if not guard.locked():
        return redirect(url_for("console.sign_in.home"), 303)
    return render_template("console/lock.html", failed=False)


@screen.post("")
def shut() -> Answer:
    """Lock this session."""
    _set(locked_at=guard.moment(), lock_failures=0)
    return Response(status=204) if IN_PLACE in request.headers else redirect(url_for(".door"), 303)


@screen.post("/open")
def open_() -> Answer | tuple[str, int]:
    """Let the officer go on with the password; an invented one of a demo needs none."""
    officer, chosen = guard.officer(), guard.deployment().settings
    if (chosen.demo and officer.demo) or _holds(request.form.get("password", "")):
        _set(locked_at=None, lock_failures=0)
        return Response(status=204) if IN_PLACE in request.headers else redirect(url_for("console.sign_in.home"), 303)
    with guard.transaction() as session:
        failed = update(OfficerSession).where(OfficerSession.id == sessions.own_id())
        tried = failed.values(lock_failures=OfficerSession.lock_failures + 1).returning(OfficerSession.lock_failures)
        if session.execute(tried).scalar_one() >= TRIES:
            sessions.end(session, chosen, now=guard.moment())
            return sessions.farewell(chosen)
    return render_template("console/lock.html", failed=True), 403


def _holds(password: str) -> bool:
    try:
        return officers.password_holds(guard.officer(), password)
    except officers.Busy:
        return False


def _set(**values: object) -> None:
    with guard.transaction() as session:
        session.execute(update(OfficerSession).where(OfficerSession.id == sessions.own_id()).values(values))
