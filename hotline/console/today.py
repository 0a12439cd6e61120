"""Today: the first screen of a shift. What burns, what is due, what is one's own, who is there, and in one line how all is.

Each part is shown to whoever may see it: an administrator sees how the hotline is and who is on duty, and no item.
"""

from flask import Blueprint, Response, render_template, request, url_for

from hotline.console import glance, guard, listing, standing
from hotline.roles import May, allows

screen = Blueprint("today", __name__)


@screen.get("/today")
@guard.may(May.SEE_TODAY)
def show() -> str:
    """Show the screen."""
    return render_template("console/today.html", **_page())


@screen.get("/today/parts")
@guard.may(May.SEE_TODAY)
def parts() -> Response:
    """Return its parts alone for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _page()
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_today.html", **shown, live=True))


def _page() -> dict[str, object]:
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    sees_items, sees_rota = allows(officer.role, May.SEE_QUEUE), allows(officer.role, May.SEE_ROTA)
    with guard.reading() as session:
        burning = glance.burning(session) if sees_items else ()
        due = glance.due(session, now) if sees_items else ()
        mine = glance.mine(session, officer) if allows(officer.role, May.WORK_CASE) else ()
        crew, lines = glance.crew(session, chosen, now), glance.lines(session, now)
        rail = listing.rail(session, officer)
    shown = [(row.case.token, row.case.version, row.case.updated_at, row.told) for row in (*burning, *due, *mine)]
    people = [*(one.id for one in crew.on_duty), *(one.id for one in crew.desk)]
    return {
        "here": "today",
        "sees_items": sees_items,
        "sees_rota": sees_rota,
        "burning": burning,
        "due": due,
        "mine": mine,
        "crew": crew,
        "lines": lines,
        "fine": [one.name for one in lines if one.well(now)],
        "local": chosen.local(now),
        **rail,
        "mark": standing.digest(
            [(one[0], one[1], one[2], len(one[3])) for one in shown],
            people,
            [(one.name, one.well(now), one.last_in) for one in lines],
            rail["counts"],
            standing.current(),
        ),
        "source": url_for(".parts"),
    }
