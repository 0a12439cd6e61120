"""Dead letters: what could not be read, sent or told, why, and the one act at a time that a person may do about it.

No word and no number is shown here, and none is opened for it. The form carries a token that is good once; whoever sends it
twice, or after a colleague was quicker, is told so and nothing happens.
"""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline.console import faults, guard, listing, standing
from hotline.roles import May
from hotline.watch import alarm, dead
from hotline.watch.dead import Source
from hotline.watch.mend import Mender, Moved, NotForThis, mend
from hotline.watch.rules import Act

screen = Blueprint("dead", __name__)


@screen.get("/dead")
@guard.may(May.SEE_DEAD)
def show() -> str:
    """Show the list."""
    return render_template("console/dead.html", **_page())


@screen.get("/dead/rows")
@guard.may(May.SEE_DEAD)
def rows() -> Response:
    """Return the rows alone for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _page()
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_dead.html", **shown, live=True))


@screen.post("/dead/mend")
@guard.may(May.MEND)
def act() -> Answer | tuple[str, int]:
    """Do one act to one letter, once, on record."""
    chosen, now, form = guard.deployment(), guard.moment(), request.form
    try:
        named, what = (Source(form.get("source", "")), form.get("name", "")), Act(form.get("act", ""))
        with guard.transaction() as session:
            mend(session, chosen, named, what, form.get("once", ""), Mender(f"officer:{guard.officer().name}", now))
            alarm.recount(session, chosen, now)
    except Moved:
        flash("moved")
    except (NotForThis, ValueError):
        return faults.kept("changed", 409, address=url_for(".show"))
    else:
        flash(f"mended_{what}")
    return redirect(url_for(".show"), 303)


def _page() -> dict[str, object]:
    chosen = guard.deployment()
    with guard.reading() as session:
        found = dead.listed(session, chosen)
        rail = listing.rail(session, guard.officer())
    seen = "-".join(letter.once for letter in found.letters)
    return {
        "here": "dead",
        "found": found,
        **rail,
        "mark": standing.digest(seen, found.blind, rail, standing.current()),
        "source": url_for(".rows"),
        "most_forged": dead.MOST_FORGED,
    }
