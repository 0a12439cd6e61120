"""Setup: six steps and what each still lacks before a real line may open, asked anew each time; opening it, on record."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from hotline.console import guard, listing
from hotline.roles import May, allows
from hotline.watch import opening

screen = Blueprint("setup", __name__, url_prefix="/setup")


@screen.get("")
@guard.may(May.SEE_HEALTH)
def show() -> str:
    """Show the six steps."""
    return _page()


@screen.post("/open")
@guard.may(May.OPEN_LINE)
def open_() -> Response | tuple[str, int]:
    """Open the line, if every gate holds at this moment."""
    try:
        with guard.reading() as session:
            opening.must_hold(session, guard.deployment(), guard.moment())
    except opening.NotYet:
        return _page(refused=True), 409
    with guard.transaction() as session:
        opening.open_line(session, guard.deployment(), officer=guard.officer(), now=guard.moment())
    flash("line_opened")
    return redirect(url_for(".show"), 303)


@screen.post("/practice")
@guard.may(May.OPEN_LINE)
def practise() -> Response:
    """Go back to practice."""
    with guard.transaction() as session:
        opening.back_to_practice(session, guard.deployment(), officer=guard.officer(), now=guard.moment())
    flash("line_practice")
    return redirect(url_for(".show"), 303)


@screen.post("/restored")
@guard.may(May.OPEN_LINE)
def restored() -> Response:
    """Note that a backup was brought back to life elsewhere."""
    with guard.transaction() as session:
        opening.note_restored(session, guard.deployment(), officer=guard.officer(), now=guard.moment())
    flash("line_restored")
    return redirect(url_for(".show"), 303)


def _page(*, refused: bool = False) -> str:
    officer = guard.officer()
    with guard.reading() as session:
        found = opening.gates(session, guard.deployment(), guard.moment())
        at = opening.opened_at(session)
        rail = listing.rail(session, officer)
    by_step = {step: [gate for gate in found if gate.step is step] for step in opening.Step}
    return render_template(
        "console/setup.html",
        here="setup",
        steps=by_step,
        left=sum(not gate.holds for gate in found),
        opened=datetime.fromtimestamp(at, UTC) if at else None,
        may_open=allows(officer.role, May.OPEN_LINE),
        refused=refused,
        **rail,
    )
