"""What is printed of a show: the run sheet with the exact words to say, and after it one page of counts with a drawn chart."""

from flask import Blueprint, Response, abort, render_template

from hotline.console import guard
from hotline.radio.eyes import Eyes
from hotline.roles import May
from hotline.studio import stage, windows

screen = Blueprint("sheet", __name__)


@screen.get("/studio/<episode_id>/script")
@guard.may(May.SEE_STUDIO)
def script(episode_id: str) -> str:
    """Show the run sheet and script card."""
    return _page(episode_id, "studio/script.html")


@screen.get("/studio/<episode_id>/after")
@guard.may(May.SEE_STUDIO)
def after(episode_id: str) -> str:
    """Show the sheet after the show."""
    return _page(episode_id, "studio/after.html")


@screen.get("/studio/<episode_id>/chart.svg")
@guard.may(May.SEE_STUDIO)
def chart(episode_id: str) -> Response:
    """Hand out the chart of the poll as a picture by itself: for a page of the station, or a message."""
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, guard.moment()) or abort(404)
    if not seen.poll or not seen.poll.votes:
        abort(404)
    headers = {"Content-Disposition": "attachment; filename=poll.svg"}
    return Response(render_template("studio/chart.svg", seen=seen), mimetype="image/svg+xml", headers=headers)


def _page(episode_id: str, template: str) -> str:
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, guard.moment()) or abort(404)
        cards = stage.ready(session, episode_id, guard.moment())
    return render_template(template, seen=seen, cards=[one for one in cards if one["shown_at"]])
