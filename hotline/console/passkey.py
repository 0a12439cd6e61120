"""Passkeys at the door and under one's own sign-in: what a browser is asked to sign, and what becomes of its answer.

What is asked rides in the signed cookie of the form, bound to the session it was asked in, and counts for two minutes. That it
was answered is kept in the database: neither cookie nor answer counts twice, and whoever only knocks writes nothing.
"""

import base64
from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask import session as browser
from werkzeug.wrappers import Response as Answer

from hotline import passkeys
from hotline.console import guard, me, sessions, sign_in

screen = Blueprint("passkey", __name__)

ASKED: Final = "passkey"
AT_THE_DOOR: Final = "door"
JSON: Final = "application/json"


@screen.post("/sign-in/passkey/ask")
def ask() -> Response:
    """Ask a browser for any passkey of this desk."""
    return Response(passkeys.ask(_here(), _question(AT_THE_DOOR)), content_type=JSON)


@screen.post("/sign-in/passkey")
def enter() -> Answer | tuple[str, int]:
    """Let an officer in whose passkey has answered."""
    chosen, here, now, asked = guard.deployment(), _here(), guard.moment(), _asked(AT_THE_DOOR)
    token = ""
    if asked:
        with chosen.db.transaction() as session:
            who = passkeys.admit(session, chosen.settings, here, question=asked, answer=request.form.get("answer", ""), now=now)
            token = sessions.begin(session, who, now=now) if who else ""
    return sessions.welcome(token, chosen.settings) if token else (sign_in.page(failed="passkey"), 403)


@screen.post("/me/passkeys/offer")
def offer() -> Response:
    """Say to a browser what to make a passkey with, once its officer has proved a factor afresh; 403 for a wrong code."""
    here, who = _here(), guard.officer()
    if not me.proved():
        return Response(status=403)
    with guard.reading() as session:
        options = passkeys.offer(session, guard.deployment().settings, here, who, _question(sessions.own_id()))
    return Response(options, content_type=JSON)


@screen.post("/me/passkeys")
def add() -> Answer | tuple[str, int]:
    """Keep the passkey that was made."""
    here, asked, typed = _here(), _asked(sessions.own_id()), request.form
    with guard.transaction() as session:
        kept = asked is not None and passkeys.add(
            session,
            here,
            guard.officer(),
            question=asked,
            answer=typed.get("answer", ""),
            name=typed.get("name", ""),
            now=guard.moment(),
        )
    if not kept:
        return me.page(wrong="passkey"), 422
    flash("passkey_added")
    return redirect(url_for("console.me.show"), 303)


@screen.post("/me/passkeys/<passkey_id>/remove")
def remove(passkey_id: str) -> Answer | tuple[str, int]:
    """Remove one of one's own, with a factor proved afresh; works without scripts."""
    if not me.proved():
        return me.page(wrong="code"), 403
    with guard.transaction() as session:
        gone = passkeys.remove(session, guard.officer(), passkey_id, now=guard.moment())
    flash("passkey_removed" if gone else "moved")
    return redirect(url_for("console.me.show"), 303)


def _here() -> passkeys.Place:
    return passkeys.place(guard.deployment().settings) or abort(404)


def _question(bound: str) -> passkeys.Question:
    """Draw a question and let the browser carry it, for what it was asked for and nothing else."""
    asked = passkeys.draw(now=guard.moment())
    browser[ASKED] = [bound, base64.b64encode(asked.challenge).decode(), asked.until.timestamp()]
    return asked


def _asked(bound: str) -> passkeys.Question | None:
    """Take back what this browser was asked, if it was asked for this."""
    carried = browser.pop(ASKED, None)
    if not carried or carried[0] != bound:
        return None
    return passkeys.Question(base64.b64decode(carried[1]), datetime.fromtimestamp(carried[2], UTC))
