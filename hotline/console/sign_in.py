"""The door: sign in, sign out, and the way to one's first screen."""

from typing import Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline import officers, passkeys
from hotline.console import demo, guard, sessions
from hotline.roles import May, allows

screen = Blueprint("sign_in", __name__)

LONGEST_NAME: Final = 64
LONGEST_CODE: Final = 16
FIRST_SCREENS: Final = {
    May.SEE_TODAY: "console.today.show",
    May.SEE_BROADCASTS: "console.broadcasts.show",
    May.MAKE_SHOWS: "console.studio.producer.home",
    May.SEE_STUDIO: "console.studio.presenter.home",
    May.OWN_REFERRALS: "console.own.show",
}


@screen.get("/")
def home() -> Answer | str:
    """Lead to the first screen of a role, or to the sign-in page."""
    who = guard.stranger_or_officer()
    if who is None:
        return redirect(url_for("console.sign_in.form"), 303)
    if g.get("only"):
        return redirect(url_for("console.wall.show"), 303)
    for act, endpoint in FIRST_SCREENS.items():
        if allows(who.role, act):
            return redirect(url_for(endpoint), 303)
    return render_template("console/no_screen.html")


@screen.get("/sign-in")
def form() -> Answer | str:
    """Show the sign-in form; a demo on its own machine offers its invented officers as well."""
    if guard.stranger_or_officer() is not None:
        return redirect(url_for("console.sign_in.home"), 303)
    return page()


@screen.post("/sign-in")
def enter() -> Answer | str | tuple[str, int]:
    """Let an officer in who gives name, password and code; say nothing about which was wrong."""
    try:
        token = _try()
    except officers.Busy:
        return page(failed="code"), 503
    return sessions.welcome(token, guard.deployment().settings) if token else (page(failed="code"), 403)


@screen.post("/sign-out")
def leave() -> Answer:
    """End the session and tell the browser to forget everything of us."""
    chosen = guard.deployment()
    with chosen.db.transaction() as session:
        sessions.end(session, chosen.settings, now=guard.moment())
    return sessions.farewell(chosen.settings)


def page(*, failed: str = "") -> str:
    """Return the sign-in page; `failed` says by what somebody tried before, "code" or "passkey"."""
    chosen = guard.deployment()
    where = passkeys.place(chosen.settings)
    return render_template("console/sign_in.html", failed=failed, invented=demo.offered(chosen), passkeys_at=where)


def _try() -> str | None:
    """Check the form and return the cookie of a new session. The slow part runs between two transactions, holding neither."""
    chosen, now = guard.deployment(), guard.moment()
    name, code = request.form.get("name", "").strip()[:LONGEST_NAME], request.form.get("code", "")[:LONGEST_CODE]
    with chosen.db.reading() as session:
        known = officers.named(session, name)
    held = officers.password_holds(known, request.form.get("password", ""))
    with chosen.db.transaction() as session:
        who = officers.admit(session, chosen.keyring, officers.Answer(name, held, code), now=now)
        return sessions.begin(session, who, now=now) if who else None
