"""The presenter's screen: huge, dark, by keys. It shows what is on air now, the question, its bars and one card at a time."""

from datetime import datetime

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import guard
from hotline.radio import shows
from hotline.radio.eyes import Eyes
from hotline.roles import May
from hotline.studio import stage, windows
from hotline.studio.stage import Picture

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
    """Do what a key says: next, hide, show, on, off, forward, back."""
    now = guard.moment()
    with windows.transaction(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, now)
        if seen is None or act not in {"next", "hide", "show", "on", "off", "forward", "back"}:
            abort(404)
        if act == "next":
            stage.turn(session, episode_id, now)
        elif act in {"hide", "show"}:
            stage.blank(session, episode_id, on=act == "hide")
        elif act == "on":
            shows.go_on_air(session, episode_id, now)
            _begin(session, seen, 0, now)
        elif act == "off":
            shows.go_off_air(session, episode_id, now)
        elif seen.on_air:
            _begin(session, seen, seen.place + (1 if act == "forward" else -1), now)
    if request.headers.get("X-Fetch"):
        return Response(status=204)
    return redirect(url_for(".show", episode_id=episode_id), 303)


def _begin(session: Session, seen: Picture, place: int, now: datetime) -> None:
    if 0 <= place < len(seen.segments):
        segment_id = seen.segments[place]["id"]
        shows.begin(session, seen.episode["id"], segment_id, now)
        shows.aired(session, shows.prompts(session, segment_id), now)


def _seen(episode_id: str) -> dict[str, object]:
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, guard.moment())
    return {"seen": seen or abort(404), "view": "questions" if request.args.get("view") == "questions" else "poll"}
