"""What agencies owe, by agency, to be talked through with each and printed."""

from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, render_template, request

from hotline.casework import tracks
from hotline.casework.owed import owed
from hotline.console import guard, listing
from hotline.roles import May

screen = Blueprint("owed", __name__)

DAYS: Final = (7, 14, 31)


@screen.get("/owed")
@guard.may(May.SEE_QUEUE)
def show() -> str:
    """Show who owes what of the last week, or of longer."""
    days = request.args.get("days", default=DAYS[0], type=int)
    if days not in DAYS:
        abort(404)
    with guard.reading() as session:
        found = owed(session, guard.moment(), told_within=timedelta(days=days))
        late = tracks.overdue(session, guard.moment())
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/owed.html",
        here="owed",
        found=found,
        late=late,
        tracks=tracks.known(guard.deployment().settings),
        days=days,
        choices=DAYS,
        **rail,
    )
