"""The queue: which cases wait, most urgent first. Live where scripts run, refreshed by the browser where they do not."""

from collections.abc import Sequence

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.console import bulk, changes, filters, guard, listing, narrow, presence, standing
from hotline.console.listing import View
from hotline.models import Officer
from hotline.roles import May, Role, allows

screen = Blueprint("queue", __name__)


@screen.get("/queue")
@guard.may(May.SEE_QUEUE)
def show() -> str:
    """Show a page of a view; the address holds which."""
    shown = _page()
    return changes.drawn("console/queue.html", str(shown["source"]), shown)


@screen.get("/queue/rows")
@guard.may(May.SEE_QUEUE)
def rows() -> Response:
    """Return the rows alone for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _page()
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(changes.drawn("console/_rows.html", str(shown["source"]), {**shown, "live": True}))


def _page() -> dict[str, object]:
    asked = request.args.get("view", View.NEW)
    view, after = View(asked) if asked in set(View) else View.NEW, request.args.get("after")
    chosen = narrow.of(request.args)
    with guard.reading() as session:
        page = listing.page(session, view, guard.officer(), after=after, narrow=chosen)
        colleagues = _colleagues(session) if allows(guard.officer().role, May.WORK_CASE) else ()
        counts = listing.counts(session, guard.officer())
        kept = filters.shown(session, guard.officer(), view, chosen.asked)
    others = {row.case.token: presence.here().others(row.case.token, guard.officer().id, guard.moment()) for row in page.rows}
    return {
        "others": others,
        "narrow": chosen,
        "several": bulk.last(),
        "colleagues": colleagues,
        "view": view,
        "views": list(View),
        "page": page,
        "counts": counts,
        "after": after,
        "mark": standing.digest(
            page.mark, [(one.name, one.writing) for seen in others.values() for one in seen], *counts.values(), standing.current()
        ),
        "source": url_for(".rows", view=view, after=after, **chosen.asked),
        **kept,
    }


def _colleagues(session: Session) -> Sequence[Officer]:
    """Return to whom an item may be given: everybody who works on items, but for oneself."""
    roles = [role for role in Role if allows(role, May.WORK_CASE)]
    some = select(Officer).where(Officer.active, Officer.role.in_(roles), Officer.id != guard.officer().id)
    return session.scalars(some.order_by(Officer.display_name)).unique().all()
