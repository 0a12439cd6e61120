"""Filters of the queue that are kept under a name: one's own, or one that all of one's role see. Facts alone, never words.

A name is typed by an officer and seen by colleagues, so the page asks for none of a person. Whoever takes a filter away can bring
it back for half a minute; what is needed for that lies in their browser's signed cookie, not in the database.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask import session as browser
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hotline.console import guard, narrow
from hotline.console.listing import View
from hotline.models import Officer, QueueFilter
from hotline.roles import May

screen = Blueprint("filters", __name__, url_prefix="/queue/filters")

LONGEST_NAME: Final = 40
MOST: Final = 12  # of one officer, and shared with one role: more than a row of names is no help
UNDO: Final = timedelta(seconds=30)
GONE: Final = "filter_gone"


@screen.post("")
@guard.may(May.SEE_QUEUE)
def keep() -> Response:
    """Keep what the queue is narrowed to under a name."""
    view, chosen = _view(request.form), narrow.of(request.form)
    name = " ".join(request.form.get("name", "").split())[:LONGEST_NAME]
    shared, officer = request.form.get("shared") == "1", guard.officer()
    if not name:
        flash("filter_unnamed")
        return _back(view, chosen.asked)
    with guard.transaction() as session:
        full = _count(session, officer, shared=shared) >= MOST
        if not full:
            asked = urlencode({"view": str(view), **chosen.asked})
            role = officer.role if shared else None
            session.add(QueueFilter(officer_id=officer.id, role=role, name=name, asked=asked, at=guard.moment()))
    flash("filter_full" if full else "filter_kept")
    return _back(view, chosen.asked)


@screen.post("/<filter_id>/remove")
@guard.may(May.SEE_QUEUE)
def remove(filter_id: str) -> Response:
    """Take a filter away: one's own, or one shared with one's role."""
    officer = guard.officer()
    with guard.transaction() as session:
        row = session.scalars(select(QueueFilter).where(QueueFilter.id == filter_id, _seen_by(officer))).first() or abort(404)
        kept = {"name": row.name, "asked": row.asked, "shared": row.role is not None}
        session.delete(row)
    browser[GONE] = {"at": guard.moment().timestamp(), **kept}
    return _back(*_read(str(kept["asked"])))


@screen.post("/undo")
@guard.may(May.SEE_QUEUE)
def undo() -> Response:
    """Bring back the filter that was taken away last."""
    kept, officer = browser.pop(GONE, None), guard.officer()
    if not kept or not _fresh(kept):
        return _back(View.NEW, {})
    with guard.transaction() as session:
        role = officer.role if kept["shared"] else None
        session.add(QueueFilter(officer_id=officer.id, role=role, name=kept["name"], asked=kept["asked"], at=guard.moment()))
    flash("filter_back")
    return _back(*_read(kept["asked"]))


def shown(session: Session, officer: Officer, view: View, asked: Mapping[str, Any]) -> dict[str, object]:
    """Return what the queue shows of filters: each with its address, where the page stands, and what can be brought back."""
    rows: Sequence[QueueFilter] = session.scalars(
        select(QueueFilter).where(_seen_by(officer)).order_by(QueueFilter.role.is_not(None), QueueFilter.name, QueueFilter.id)
    ).all()
    here = (view, dict(asked))
    return {
        "filters": [(row, _address(row.asked), _read(row.asked) == here) for row in rows],
        "filter_gone": _gone(),
        "longest_name": LONGEST_NAME,
    }


def _gone() -> dict[str, object] | None:
    kept = browser.get(GONE)
    if not kept or not _fresh(kept):
        return None
    ends = datetime.fromtimestamp(kept["at"], guard.moment().tzinfo) + UNDO
    return {"name": kept["name"], "lasts": round((ends - guard.moment()).total_seconds(), 1)}


def _fresh(kept: Mapping[str, float]) -> bool:
    return guard.moment().timestamp() - kept["at"] <= UNDO.total_seconds()


def _seen_by(officer: Officer) -> Any:
    return or_(QueueFilter.role == officer.role, (QueueFilter.officer_id == officer.id) & QueueFilter.role.is_(None))


def _count(session: Session, officer: Officer, *, shared: bool) -> int:
    of = QueueFilter.role == officer.role if shared else (QueueFilter.officer_id == officer.id) & QueueFilter.role.is_(None)
    return session.execute(select(func.count()).select_from(QueueFilter).where(of)).scalar_one()


def _read(asked: str) -> tuple[View, dict[str, Any]]:
    held = dict(parse_qsl(asked))
    return _view(held), narrow.of(held).asked


def _view(given: Mapping[str, str]) -> View:
    view = given.get("view", "")
    return View(view) if view in set(View) else View.NEW


def _address(asked: str) -> str:
    view, facts = _read(asked)
    return url_for("console.queue.show", view=view, **facts)


def _back(view: View, facts: Mapping[str, Any]) -> Response:
    return redirect(url_for("console.queue.show", view=view, **facts), 303)
