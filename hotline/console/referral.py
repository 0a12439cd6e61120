"""A referral at the desk: what an agency answered by phone or in person, what it was told and on which ground, and why."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hotline.casework import own, tracks
from hotline.casework import referral as steps
from hotline.console import faults, guard, listing
from hotline.models import Case, Fact, Ground, Outcome, Reason, Referral, SharedFact
from hotline.roles import May
from hotline.routing import reasons

screen = Blueprint("referral", __name__, url_prefix="/case/<token>/referral")
Choice = TypeVar("Choice", bound=StrEnum)


@screen.get("")
@guard.may(May.READ_CASE)
def why(token: str) -> str:
    """Say, to be printed, who was told of a case and why, what each was told, and why others were not."""
    chosen = guard.deployment()
    with guard.reading() as session:
        case = _case(session, token)
        told = session.scalars(select(Referral).where(Referral.case_id == case.id).order_by(Referral.created_at)).all()
        shared = session.scalars(select(SharedFact).where(SharedFact.case_id == case.id).order_by(SharedFact.at)).all()
        track = tracks.standing(session, chosen.settings, case)
        untold, counts = reasons.untold(session, chosen, case), listing.counts(session, guard.officer())
    views = list(listing.View)
    lists = {"told": told, "shared": shared, "untold": untold, "views": views, "counts": counts}
    late = track is not None and track.overdue(guard.moment())
    return render_template("console/why.html", case=case, track=track, late=late, **lists)


@screen.post("/<referral_id>/accept")
@guard.may(May.WORK_CASE)
def accept(token: str, referral_id: str) -> Response:
    """Note that the agency works on it."""
    return _step(token, referral_id, "referral_accepted", lambda session, case, one, actor: steps.accept(
        session, case, one, guard.moment(), actor=actor))  # fmt: skip


@screen.post("/<referral_id>/decline")
@guard.may(May.WORK_CASE)
def decline(token: str, referral_id: str) -> Response:
    """Note that it is not theirs, and why."""
    reason = _chosen(Reason, "reason")
    return _step(token, referral_id, "referral_declined", lambda session, case, one, actor: steps.decline(
        session, case, one, reason, guard.moment(), actor=actor))  # fmt: skip


@screen.post("/<referral_id>/outcome")
@guard.may(May.WORK_CASE)
def outcome(token: str, referral_id: str) -> Response:
    """Note how it ended with them."""
    ended = _chosen(Outcome, "outcome")
    return _step(token, referral_id, "referral_ended", lambda session, case, one, actor: steps.end(
        session, case, one, ended, guard.moment(), actor=actor))  # fmt: skip


@screen.post("/<referral_id>/share")
@guard.may(May.WORK_CASE)
def share(token: str, referral_id: str) -> Response:
    """Note which facts they were told, on one ground."""
    ground, asked = _chosen(Ground, "ground"), request.form.getlist("fact")
    if not asked:
        flash("nothing_ticked")
        return redirect(url_for("console.case.show", token=token), 303)
    if not set(asked) <= set(Fact):
        abort(400)
    facts, now, officer = [Fact(one) for one in asked], guard.moment(), guard.officer()
    words = request.form.get("text", "").strip()

    def share_(session: Session, case: Case, one: Referral, _: str) -> None:
        steps.share(session, case, one, facts, ground, officer=officer, now=now)
        if words:
            own.brief(session, guard.deployment(), case, one, words, officer=officer, now=now)

    return _step(token, referral_id, "referral_shared", share_)


@screen.errorhandler(steps.NotNow)
def not_now(_: steps.NotNow) -> tuple[str, int]:
    """Ask to look once more."""
    return faults.kept("changed", 409, address=request.path.partition("/referral")[0])


def _step(token: str, referral_id: str, said: str, do: Callable[[Session, Case, Referral, str], object]) -> Response:
    with guard.transaction() as session:
        case = _case(session, token)
        theirs = (Referral.id == referral_id, Referral.case_id == case.id)
        one = session.scalars(select(Referral).where(*theirs).with_for_update(of=Referral)).first() or abort(404)
        do(session, case, one, f"officer:{guard.officer().name}")
    flash(said)
    return redirect(url_for("console.case.show", token=token), 303)


def _case(session: Session, token: str) -> Case:
    return session.scalars(select(Case).where(Case.token == token)).first() or abort(404)


def _chosen(kind: type[Choice], name: str) -> Choice:
    asked = request.form.get(name, "")
    return kind(asked) if asked in set(kind) else abort(400)
