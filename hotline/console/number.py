"""A caller's number: asked for on one page, decided by somebody else on another, shown once and for a minute on a third."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline import officers
from hotline.casework import reveal
from hotline.casework.read import Shredded
from hotline.console import faults, guard, listing
from hotline.models import Case, RevealReason, RevealState
from hotline.roles import May

screen = Blueprint("number", __name__)

LONGEST_CODE = 16
Reply = Answer | str | tuple[str, int]


@screen.get("/case/<token>/number")
@guard.may(May.ASK_NUMBER)
def form(token: str) -> str:
    """Show the form, or how one's asking stands."""
    return _form(token)


@screen.post("/case/<token>/number")
@guard.may(May.ASK_NUMBER)
def ask(token: str) -> Reply:
    """Ask for the number: a reason, why in words, and a fresh code."""
    said = (request.form.get("reason", ""), request.form.get("why", ""))
    if said[0] not in set(RevealReason):
        return _form(token, wrong="reason"), 422
    if not _proved():
        return _form(token, wrong="code"), 403
    try:
        with guard.transaction() as session:
            case = _found(session, token)
            made = reveal.ask(session, guard.deployment(), case, officer=guard.officer(), said=said, now=guard.moment())
            state = made.state
    except reveal.NotNow as why:
        return _form(token, wrong=why.why), 422
    flash("number_granted" if state == RevealState.GRANTED else "number_asked")
    return redirect(url_for(".form", token=token), 303)


@screen.post("/case/<token>/number/show")
@guard.may(May.ASK_NUMBER)
def show(token: str) -> Reply:
    """Show the number, once."""
    with guard.transaction() as session:
        case = _found(session, token)
        number = reveal.show(session, guard.deployment(), case, officer=guard.officer(), now=guard.moment())
        handle = case.handle
    seconds = int(reveal.SHOWN_FOR.total_seconds())
    until = guard.moment() + reveal.SHOWN_FOR
    return render_template("console/number_shown.html", token=token, handle=handle, number=number, seconds=seconds, until=until)


@screen.get("/numbers")
@guard.may(May.DECIDE_NUMBER)
def waiting() -> str:
    """Show what others asked and somebody has to decide."""
    with guard.reading() as session:
        found = reveal.waiting(session, guard.deployment(), guard.officer())
        rail = listing.rail(session, guard.officer())
    return render_template("console/numbers.html", here="numbers", found=found, minutes=_minutes(), **rail)


@screen.post("/numbers/<reveal_id>")
@guard.may(May.DECIDE_NUMBER)
def decide(reveal_id: str) -> Reply:
    """Grant or refuse it; one's own is never decided by oneself."""
    if not _proved():
        flash("wrong_code")
        return redirect(url_for(".waiting"), 303)
    grant = request.form.get("decision") == "grant"
    with guard.transaction() as session:
        reveal.decide(session, reveal_id, grant=grant, officer=guard.officer(), now=guard.moment())
    flash("number_decided")
    return redirect(url_for(".waiting"), 303)


@screen.errorhandler(reveal.Stale)
def stale(_: reveal.Stale) -> tuple[str, int]:
    """Ask to look once more."""
    return faults.kept("changed", 409, address=request.path.removesuffix("/show").rsplit("/number", 1)[0] or "/")


@screen.errorhandler(Shredded)
def shredded(_: Shredded) -> tuple[str, int]:
    """Say that it is gone for good."""
    return render_template("console/fault.html", status=410), 410


def _proved() -> bool:
    """Whether a code of this moment was typed. A wrong one counts as one at the door does."""
    chosen, code = guard.deployment(), request.form.get("code", "")[:LONGEST_CODE]
    with guard.transaction() as session:
        return officers.proves(session, chosen, guard.officer().id, code, now=guard.moment())


def _form(token: str, *, wrong: str = "") -> str:
    with guard.reading() as session:
        case = _found(session, token)
        standing = reveal.standing(session, case, guard.officer(), guard.moment())
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/number.html",
        case=case,
        standing=standing,
        reasons=tuple(RevealReason),
        wrong=wrong,
        typed=request.form,
        shortest=reveal.SHORTEST_WHY,
        longest=reveal.LONGEST_WHY,
        most=reveal.MOST_A_DAY,
        minutes=_minutes(),
        **rail,
    )


def _minutes() -> int:
    return int(reveal.GRANTED_FOR.total_seconds()) // 60


def _found(session: Session, token: str) -> Case:
    return session.scalars(select(Case).where(Case.token == token)).first() or abort(404)
