"""The studio's screen on a device of its own: it asks with a code, and from then on shows one episode on that device alone.

Nobody is signed in there. What the device may do is what a presenter's keys do, for one episode and four hours; whoever paired it
must still be somebody who may.
"""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline import officers
from hotline.console import guard, sessions
from hotline.radio import screens
from hotline.radio.eyes import Eyes
from hotline.roles import May, allows
from hotline.studio import stage, windows

screen = Blueprint("paired", __name__)

COOKIE: Final = "screen"


@screen.get("/screen")
def show() -> Answer | str:
    """Show the episode this device is paired with; else its code, or the button that asks for one."""
    mine = _mine()
    if mine is None or mine["paired_at"] is None:
        return render_template("studio/pair.html", code=mine["code"] if mine else "", full=False)
    return render_template("studio/stage.html", **_seen(mine))


@screen.post("/screen")
def ask() -> Answer | tuple[str, int]:
    """Give this device a code to show."""
    try:
        with windows.transaction(Eyes.PRODUCER) as session:
            key = screens.ask(session, guard.moment())
    except screens.TooMany:
        return render_template("studio/pair.html", code="", full=True), 503
    answer = redirect(url_for(".show"), 303)
    safe = sessions.secure(guard.deployment().settings)
    lasts = int((screens.CODE_LASTS + screens.LASTS).total_seconds())
    answer.set_cookie(_cookie(), key, max_age=lasts, httponly=True, samesite="Strict", secure=safe, path="/")
    return answer


@screen.get("/screen/live")
def live() -> Response:
    """Return what this device's screen shows now; 410 once it is paired no more, so that it does not keep its last picture."""
    mine = _mine()
    if mine is None or mine["paired_at"] is None:
        return Response(status=410)
    return Response(render_template("studio/_stage.html", **_seen(mine)))


@screen.post("/screen/<act>")
def press(act: str) -> Answer:
    """Do what a key says."""
    mine = _paired()
    with windows.transaction(Eyes.PRESENTER) as session:
        if act not in stage.ACTS or not stage.press(session, mine["episode_id"], act, guard.moment()):
            abort(404)
    return Response(status=204) if request.headers.get("X-Fetch") else redirect(url_for(".show"), 303)


def _mine() -> Mapping[str, Any] | None:
    """Return the screen of this device, None where it has none, or whoever paired it may not any more."""
    key = request.cookies.get(_cookie(), "")
    if not key:
        return None
    with windows.reading(Eyes.PRODUCER) as session:
        mine = screens.of_key(session, key, guard.moment())
    if mine is None or mine["paired_at"] is None:
        return mine
    with guard.deployment().db.reading() as session:
        who = officers.named(session, mine["paired_by"])
        return mine if who is not None and who.active and allows(who.role, May.MAKE_SHOWS) else None


def _paired() -> Mapping[str, Any]:
    mine = _mine()
    if mine is None or mine["paired_at"] is None:
        abort(404)
    return mine


def _seen(mine: Mapping[str, Any]) -> dict[str, object]:
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, mine["episode_id"], guard.moment()) or abort(404)
    ways = {act: url_for(".press", act=act) for act in stage.ACTS} | {"live": url_for(".live")}
    return {"seen": seen, "view": "questions" if request.args.get("view") == "questions" else "poll", "ways": ways}


def _cookie() -> str:
    """Name of the cookie; see `sessions.cookie_name`."""
    return f"__Host-{COOKIE}" if sessions.secure(guard.deployment().settings) else COOKIE
