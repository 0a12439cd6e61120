"""Care: the hand-over at the end of a shift, a break without questions, and words that stay covered until somebody asks."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as browser
from sqlalchemy import select
from werkzeug.wrappers import Response

from hotline.casework import care
from hotline.console import faults, glance, guard, listing
from hotline.models import Case, CaseState
from hotline.roles import May

screen = Blueprint("care", __name__)

LONGEST = 1000
REMEMBERED = 40
TENDER = frozenset({"child_protection", "gbv"})
CHILD = frozenset({"true", "yes", "likely"})


def covered(case: Case) -> bool:
    """Whether the words of a case are kept covered from this browser: of children and of violence, until asked for once."""
    tender = case.category in TENDER or case.minors in CHILD
    return tender and case.token not in browser.get("uncovered", ())


@screen.post("/case/<token>/uncover")
@guard.may(May.READ_CASE)
def uncover(token: str) -> Response:
    """Show the words; this browser remembers that it was asked, until signing out."""
    browser["uncovered"] = [*browser.get("uncovered", ()), token][-REMEMBERED:]
    return redirect(url_for("console.case.show", token=token), 303)


@screen.get("/handover")
@guard.may(May.WORK_CASE)
def handover() -> str:
    """Show on one page what the next shift has to know."""
    now, officer = guard.moment(), guard.officer()
    with guard.reading() as session:
        burning, mine = glance.burning(session), glance.mine(session, officer)
        frozen = session.scalars(select(Case).where(Case.state == CaseState.FROZEN).order_by(Case.opened_at).limit(9)).all()
        waiting = listing.page(session, listing.View.WAITING, officer).rows[:9]
        left = care.words_left(session, guard.deployment(), now)
        rail = listing.rail(session, officer)
    return render_template(
        "console/handover.html",
        here="handover",
        burning=burning,
        mine=mine,
        frozen=frozen,
        waiting=waiting,
        left=left,
        longest=LONGEST,
        **rail,
    )


@screen.post("/handover")
@guard.may(May.WORK_CASE)
def leave_word() -> Response:
    """Keep a note for the next shift."""
    if text := request.form.get(faults.TYPED, "").strip()[:LONGEST]:
        with guard.transaction() as session:
            care.leave_word(session, guard.deployment(), officer=guard.officer(), text=text, now=guard.moment())
        flash("left_word")
    return redirect(url_for(".handover"), 303)


@screen.post("/break")
@guard.may(May.WORK_CASE)
def rest() -> str:
    """Hand back everything of this officer, and ask nothing."""
    with guard.transaction() as session:
        count = care.hand_back(session, officer=guard.officer(), now=guard.moment())
    return render_template("console/break.html", count=count)
