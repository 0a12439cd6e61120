"""What is printed of a show: the run sheet with the exact words to say, and after it one page of counts with a drawn chart."""

from flask import Blueprint, abort, render_template

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


def _page(episode_id: str, template: str) -> str:
    with windows.reading(Eyes.PRESENTER) as session:
        seen = stage.picture(session, episode_id, guard.moment()) or abort(404)
        cards = stage.ready(session, episode_id, guard.moment())
    return render_template(template, seen=seen, cards=[one for one in cards if one["shown_at"]])
