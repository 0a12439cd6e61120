"""Who must not know of a case: an officer proposes, a supervisor decides, and then the case goes to whoever may know."""

from functools import partial
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hotline.console import faults, guard
from hotline.db import after_commit
from hotline.models import Case
from hotline.queue import QueueName
from hotline.roles import May
from hotline.routing import conflict
from hotline.routing.settle import resume

screen = Blueprint("conflict", __name__, url_prefix="/case/<token>/exclusion")

LONGEST_WHY: Final = 300


@screen.post("")
@guard.may(May.PROPOSE_EXCLUSION)
def propose(token: str) -> Response:
    """Keep a case from somebody at once; a supervisor decides whether for good."""
    whom, why = request.form.get("whom", ""), request.form.get("why", "").strip()[:LONGEST_WHY]
    with guard.transaction() as session:
        case, now = _found(session, token), guard.moment()
        conflict.exclude(session, guard.deployment(), case, officer=guard.officer(), whom=whom, words=why, now=now)
    return _back(token, "exclusion_proposed")


@screen.post("/<exclusion_id>")
@guard.may(May.DECIDE_EXCLUSION)
def decide(token: str, exclusion_id: str) -> Response:
    """Decide on one proposal. With the last one the case goes on its way."""
    answer = request.form.get("decision", "")
    if answer not in ("exclude", "dismiss"):
        abort(400)
    chosen, now = guard.deployment(), guard.moment()
    with guard.transaction() as session:
        case = _found(session, token)
        settled = conflict.decide(session, case, exclusion_id, officer=guard.officer(), excluded=answer == "exclude", now=now)
        for lane in resume(session, chosen, case.id, now) if settled else ():
            after_commit(session, partial(chosen.bell.ring, QueueName(lane)))
    return _back(token, "exclusion_settled" if settled else "exclusion_decided")


@screen.errorhandler(conflict.Unknown)
def unknown(_: conflict.Unknown) -> tuple[str, int]:
    """Ask to look once more."""
    return faults.kept("changed", 409, address=request.path.partition("/exclusion")[0])


def _found(session: Session, token: str) -> Case:
    return session.scalars(select(Case).where(Case.token == token)).first() or abort(404)


def _back(token: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("console.case.show", token=token), 303)
