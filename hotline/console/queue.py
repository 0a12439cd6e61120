"""The queue: which cases wait, most urgent first. Live where scripts run, refreshed by the browser where they do not."""

from flask import Blueprint, Response, render_template, request, url_for

from hotline.console import guard, listing, presence, standing
from hotline.console.listing import View
from hotline.roles import May

screen = Blueprint("queue", __name__)


@screen.get("/queue")
@guard.may(May.SEE_QUEUE)
def show() -> str:
    """Show a page of a view; the address holds which."""
    return render_template("console/queue.html", **_page())


@screen.get("/queue/rows")
@guard.may(May.SEE_QUEUE)
def rows() -> Response:
    """Return the rows alone for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _page()
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_rows.html", **shown, live=True))


def _page() -> dict[str, object]:
    asked = request.args.get("view", View.NEW)
    view, after = View(asked) if asked in set(View) else View.NEW, request.args.get("after")
    with guard.reading() as session:
        page = listing.page(session, view, guard.officer(), after=after)
        counts = listing.counts(session, guard.officer())
    others = {row.case.token: presence.here().others(row.case.token, guard.officer().id, guard.moment()) for row in page.rows}
    return {
        "others": others,
        "view": view,
        "views": list(View),
        "page": page,
        "counts": counts,
        "after": after,
        "mark": standing.digest(
            page.mark, [(one.name, one.writing) for seen in others.values() for one in seen], *counts.values(), standing.current()
        ),
        "source": url_for(".rows", view=view, after=after),
    }
