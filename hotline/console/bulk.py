"""Several items at once: four safe things, to those that are ticked, which can be undone for half a minute."""

from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, abort, redirect, request, url_for
from flask import session as browser
from sqlalchemy import select
from werkzeug.wrappers import Response

from hotline.casework import bulk
from hotline.casework.bulk import Before, Deed
from hotline.console import guard, narrow
from hotline.console.listing import View
from hotline.models import Case, Officer
from hotline.roles import May

screen = Blueprint("bulk", __name__, url_prefix="/queue/several")

UNDO: Final = timedelta(seconds=30)
KEPT: Final = "several"


@screen.post("")
@guard.may(May.WORK_CASE)
def do() -> Response:
    """Do one thing to the items that are ticked."""
    deed = request.form.get("deed", "")
    if deed not in set(Deed):
        abort(400)
    now, ticked = guard.moment(), request.form.getlist("token")[: bulk.MOST]
    with guard.transaction() as session:
        cases = session.scalars(select(Case).where(Case.token.in_(ticked)).order_by(Case.rank, Case.opened_at)).unique().all()
        to = session.get(Officer, request.form.get("to", "")) if deed == Deed.GIVE else None
        done, left = bulk.do(session, Deed(deed), cases, officer=guard.officer(), to=to, now=now)
    before = [[one.token, one.version, one.owner_id, one.state, one.parked] for one in done]
    browser[KEPT] = {"at": now.timestamp(), "deed": deed, "left": left, "before": before}
    return _back()


@screen.post("/undo")
@guard.may(May.WORK_CASE)
def undo() -> Response:
    """Put back what was done last, where nothing else has happened since."""
    kept = browser.pop(KEPT, None)
    if kept and _fresh(kept):
        with guard.transaction() as session:
            before = [Before(*one) for one in kept["before"]]
            bulk.undo(session, before, officer=guard.officer(), now=guard.moment())
    return _back()


def last() -> dict[str, object] | None:
    """Return what was just done to several items and can still be undone: the deed, to how many, and how many were left."""
    kept = browser.get(KEPT)
    if not kept or not _fresh(kept):
        return None
    ends = datetime.fromtimestamp(kept["at"], guard.moment().tzinfo) + UNDO
    lasts = (ends - guard.moment()).total_seconds()
    return {"deed": kept["deed"], "count": len(kept["before"]), "left": kept["left"], "lasts": round(lasts, 1)}


def _fresh(kept: dict[str, float]) -> bool:
    return guard.moment().timestamp() - kept["at"] <= UNDO.total_seconds()


def _back() -> Response:
    view, chosen = request.form.get("view", ""), narrow.of(request.form)
    shown = View(view) if view in set(View) else View.NEW
    return redirect(url_for("console.queue.show", view=shown, **chosen.asked), 303)
