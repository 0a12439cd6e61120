"""Closing an item: a page that asks how it ended and whether closing harms anybody; opening it again; keeping it longer."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from hotline.casework import closing, shred, work
from hotline.console import case, guard, listing
from hotline.models import KeptFor, Message, MessageState, Outcome
from hotline.roles import May

screen = Blueprint("closing", __name__, url_prefix="/case/<token>")


@screen.get("/close")
@guard.may(May.WORK_CASE)
def ask(token: str) -> str:
    """Ask how it ended."""
    return _page(token, ())


@screen.post("/close")
@guard.may(May.WORK_CASE)
def close(token: str) -> Response | tuple[str, int]:
    """Close it, once both questions have an answer."""
    outcome = request.form.get("outcome", "")
    missing = [*(["outcome"] if outcome not in set(Outcome) else []), *(["harm"] if "harm" not in request.form else [])]
    if missing:
        return _page(token, missing), 422
    try:
        with case.worked(token) as (session, its):
            closing.close(session, its, officer=guard.officer(), outcome=Outcome(outcome), now=guard.moment())
    except closing.Unanswered:
        return _page(token, ("unanswered",)), 422
    flash("closed")
    return redirect(url_for("console.queue.show", view=listing.View.MINE), 303)


@screen.post("/reopen")
@guard.may(May.WORK_CASE)
def reopen(token: str) -> Response:
    """Open it again as one's own."""
    with case.worked(token) as (session, its):
        closing.reopen(session, its, officer=guard.officer(), now=guard.moment())
    flash("reopened")
    return redirect(url_for("console.case.show", token=token), 303)


@screen.post("/keep")
@guard.may(May.KEEP_CASE)
def keep(token: str) -> Response:
    """Keep it beyond its days for a reason, or no longer where none is given."""
    why = request.form.get("why", "")
    if why and why not in set(KeptFor):
        abort(400)
    with case.worked(token) as (session, its):
        shred.keep(session, its, KeptFor(why) if why else None, officer=guard.officer(), now=guard.moment())
    flash("kept" if why else "kept_no_more")
    return redirect(url_for("console.case.show", token=token), 303)


def _page(token: str, missing: tuple[str, ...] | list[str]) -> str:
    with guard.reading() as session:
        its = case.found(session, token)
        kept = select(func.count()).select_from(Message).where(Message.case_id == its.id, Message.state == MessageState.HELD)
        held = session.execute(kept).scalar_one()
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/close.html",
        case=its,
        outcomes=list(Outcome),
        missing=missing,
        chosen=request.form.get("outcome"),
        held=held,
        **rail,
    )


@screen.errorhandler(work.Taken)
def taken(error: work.Taken) -> tuple[str, int]:
    """Stop whoever comes second."""
    return case.taken(error)


@screen.errorhandler(work.Changed)
def changed(error: Exception) -> tuple[str, int]:
    """Ask to look once more."""
    return case.changed(error)
