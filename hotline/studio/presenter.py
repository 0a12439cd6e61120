"""The presenter's screen: huge, dark, by keys. It shows what is on air now, the question, its bars and one card at a time."""

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline.console import guard
from hotline.radio.eyes import Eyes
from hotline.roles import May
from hotline.studio import stage, windows

screen = Blueprint("presenter", __name__)


@screen.get("/studio")
@guard.may(May.SEE_STUDIO)
def home() -> str:
    """Show the episodes of these days."""
    with windows.reading(Eyes.PRESENTER) as session:
        near = stage.near(session, guard.moment())
    return render_template("studio/home.html", episodes=near)


@screen.get("/studio/<episode_id>")
@guard.may(May.SEE_STUDIO)
def show(episode_id: str) -> str:
    """Show the studio's screen."""
    return render_template("studio/stage.html", **_seen(episode_id))


@screen.get("/studio/<episode_id>/live")
@guard.may(May.SEE_STUDIO)
def live(episode_id: str) -> Response:
    """Return what the screen shows now, for one that refreshes itself."""
    return Response(render_template("studio/_stage.html", **_seen(episode_id)))


@screen.post("/studio/<episode_id>/<act>")
@guard.may(May.SEE_STUDIO)
def press(episode_id: str, act: str) -> Answer:
    """Do what a key says."""
    with windows.transaction(Eyes.PRESENTER) as session:
        if act not in stage.ACTS or not stage.press(session, episode_id, act, guard.moment()):
            abort(404)
    if request.headers.get("X-Fetch"):
        return Response(status=204)
    return redirect(url_for(".show", episode_id=episode_id), 303)


def _seen(episode_id: str) -> dict[str, object]:
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, guard.moment())
    ways = {act: url_for(".press", episode_id=episode_id, act=act) for act in stage.ACTS}
    return {
        "seen": seen or abort(404),
        "view": "questions" if request.args.get("view") == "questions" else "poll",
        "ways": ways | {"live": url_for(".live", episode_id=episode_id)},
    }
