"""Told to us: an agency's own referrals, what the desk wrote for it alone, and its answers. What the alert's link leads to."""

from functools import partial
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline import audit
from hotline.casework import own, tracks
from hotline.casework.answers import Decision, answer
from hotline.console import guard, listing
from hotline.db import after_commit
from hotline.models import Case, Outcome, Reason, Referral, Verb
from hotline.queue import QueueName
from hotline.roles import May

screen = Blueprint("own", __name__, url_prefix="/referrals")

LONGEST_NOTE: Final = 500
# The digits by which the same is said by text.
REASONS: Final = tuple(reason for reason in Reason if reason is not Reason.NO_NEWS)
OUTCOMES: Final = tuple(Outcome)


@screen.get("")
@guard.may(May.OWN_REFERRALS)
def show() -> str:
    """Show what one's agency was told of."""
    with guard.reading() as session:
        found = own.mine(session, guard.officer().agency_id)
        rail = listing.rail(session, guard.officer())
    return render_template("console/own.html", here="own", found=found, **rail)


@screen.get("/<referral_id>")
@guard.may(May.OWN_REFERRALS)
def read(referral_id: str) -> str:
    """Show one, with what the desk wrote for this agency; that is put on record."""
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    with guard.transaction() as session:
        case, referral = _found(session, referral_id)
        words = own.read(session, chosen, case, referral, officer=officer, now=now)
        track = tracks.standing(session, chosen.settings, case)
        facts, rail = own.facts(session, referral), listing.rail(session, officer)
    return render_template(
        "console/own_one.html",
        here="own",
        case=case,
        one=referral,
        words=words,
        facts=facts,
        track=track,
        reasons=REASONS,
        outcomes=OUTCOMES,
        **rail,
    )


@screen.post("/<referral_id>")
@guard.may(May.OWN_REFERRALS)
def say(referral_id: str) -> Answer:
    """Answer, as by text: take it, pass it on, decline it, work on it, say how it ended, or write to the desk."""
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    verb = Verb(asked) if (asked := request.form.get("verb", "")) in set(Verb) else abort(400)
    words = request.form.get("text", "").strip()[:LONGEST_NOTE]
    with guard.transaction() as session:
        case, referral = _found(session, referral_id)
        if verb is not Verb.NOTE or words:
            decision = Decision(referral.contact_id, verb, case.handle, _choice(verb), words, by="console")
            answer(session, chosen, decision, now)
            audit.record(
                session, now, actor=f"officer:{officer.name}", action="referral.answered", subject=case.handle, what=verb
            )
            after_commit(session, partial(chosen.bell.ring, QueueName.LIFE))
    flash("own_said")
    return redirect(url_for(".read", referral_id=referral_id), 303)


def _choice(verb: Verb) -> int | None:
    """Return the digit of a reason or an outcome. An outcome without one says nothing."""
    listed = {Verb.NOT_OURS: REASONS, Verb.OUTCOME: OUTCOMES}.get(verb, ())
    asked = request.form.get("choice", "")
    if asked in listed:
        return list(map(str, listed)).index(asked) + 1
    return abort(400) if verb is Verb.OUTCOME else None


def _found(session: Session, referral_id: str) -> tuple[Case, Referral]:
    return own.one(session, guard.officer(), referral_id) or abort(404)
