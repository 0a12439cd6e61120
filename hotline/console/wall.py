"""The wall: for the big screen of a room that visitors may enter. How many, how long, how all is; nobody's words, name or number.

Dark, without a menu, and read only. It says loudly when it is no longer live.
"""

from flask import Blueprint, Response, render_template, request, url_for

from hotline.console import glance, guard, listing, standing
from hotline.console.listing import View
from hotline.roles import May, allows

screen = Blueprint("wall", __name__)


@screen.get("/wall")
@guard.may(May.SEE_TODAY)
def show() -> str:
    """Show the wall."""
    return render_template("console/wall.html", **_page())


@screen.get("/wall/parts")
@guard.may(May.SEE_TODAY)
def parts() -> Response:
    """Return its parts alone for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _page()
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_wall.html", **shown, live=True))


def _page() -> dict[str, object]:
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    sees_items = allows(officer.role, May.SEE_QUEUE)
    with guard.reading() as session:
        burning, since = glance.how_many_burn(session)
        counts = listing.counts(session, officer) if sees_items else {}
        crew, lines = glance.crew(session, chosen, now), glance.lines(session, now)
    shown = {"new": counts.get(View.NEW), "waiting": counts.get(View.WAITING), "all": counts.get(View.ALL)}
    return {
        "burning": burning,
        "since": since,
        "shown": {name: count for name, count in shown.items() if count is not None},
        "on_duty": len(crew.on_duty),
        "agencies": crew.agencies,
        "enough": crew.enough,
        "at_desk": len(crew.desk),
        "lines": lines,
        "fine": [one.name for one in lines if one.well(now)],
        "local": chosen.local(now),
        "mark": standing.digest(burning, since, shown, len(crew.on_duty), len(crew.desk), lines, standing.current()),
        "source": url_for(".parts"),
    }
