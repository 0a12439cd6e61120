"""The door of an invitation: choose a password, set up the authenticator, prove it with a code, and be somebody here."""

from typing import Final

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer

from hotline import officers, team
from hotline.console import guard
from hotline.models import Invitation

screen = Blueprint("welcome", __name__)

LONGEST_CODE: Final = 16


@screen.get("/welcome/<token>")
def form(token: str) -> str | tuple[str, int]:
    """Show the form of a link that opens; any other link looks the same as any address that is not there."""
    return _page(_invited(token))


@screen.post("/welcome/<token>")
def enter(token: str) -> Answer | str | tuple[str, int]:
    """Make an officer of whoever chose a password and proved their authenticator; then they sign in as always."""
    chosen, now, typed = guard.deployment(), guard.moment(), request.form
    invitation, password = _invited(token), typed.get("password", "")
    if password != typed.get("again", ""):
        return _page(invitation, wrong="differ"), 422
    try:
        kept = officers.hashed(password)
    except officers.Unsuitable as why:
        return _page(invitation, wrong=str(why)), 422
    except officers.Busy:
        return _page(invitation, wrong="busy"), 503
    code = "".join(typed.get("code", "")[:LONGEST_CODE].split())
    with chosen.db.transaction() as session:
        joined = team.accept(session, chosen, token, password_hash=kept, code=code, now=now)
    if joined is None:
        return _page(_invited(token), wrong="code"), 422
    flash("welcome")
    return redirect(url_for("console.sign_in.form"), 303)


def _invited(token: str) -> Invitation:
    with guard.deployment().db.reading() as session:
        return team.opened(session, token, now=guard.moment()) or abort(404)


def _page(invitation: Invitation, *, wrong: str = "") -> str:
    address = team.authenticator(guard.deployment(), invitation)
    drawn = segno.make(address, micro=False).svg_inline(
        scale=5, border=2, light="#fff", dark="#000", svgclass=None, lineclass=None
    )
    secret = address.partition("secret=")[2].partition("&")[0]
    return render_template(
        "console/welcome.html",
        invitation=invitation,
        wrong=wrong,
        # Our own drawing of our own address: nothing in it was typed by anybody.
        drawn=Markup(drawn),  # noqa: S704
        secret=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
        shortest=officers.SHORTEST_PASSWORD,
        longest=officers.LONGEST_PASSWORD,
    )
