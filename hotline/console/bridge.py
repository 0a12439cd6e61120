"""A call to who reported an item: asked for on one page, which then shows how far it has come. No number stands on it."""

import hashlib

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline import own_phone
from hotline.casework import bridge
from hotline.casework.bridge import Bar, CannotCall
from hotline.casework.work import Taken
from hotline.console import faults, guard, listing
from hotline.gateways.bridging import LONGEST_TALK
from hotline.models import BEFORE_THE_END, BridgedCall, Case
from hotline.roles import May

screen = Blueprint("bridge", __name__, url_prefix="/case/<token>/call")

Reply = Answer | str | tuple[str, int]


@screen.get("")
@guard.may(May.CALL)
def show(token: str) -> str:
    """Show whether the person may be called now, or how far a call has come."""
    return render_template("console/bridge.html", **_page(token))


@screen.get("/live")
@guard.may(May.CALL)
def live(token: str) -> Response:
    """Return what changed for a page that refreshes itself, or 204 where nothing did."""
    page = _page(token)
    if page["mark"] == request.args.get("mark"):
        return Response(status=204)
    return Response(render_template("console/_bridge.html", **page, live=True))


@screen.post("")
@guard.may(May.CALL)
def ask(token: str) -> Reply:
    """Ask for the call."""
    officer, now = guard.officer(), guard.moment()
    confirmed = request.form.get("confirmed") == "1"
    try:
        with guard.transaction() as session:
            bridge.ask(session, guard.deployment(), _found(session, token), officer=officer, confirmed=confirmed, now=now)
    except CannotCall as refused:
        return render_template("console/bridge.html", **_page(token, refused=refused.bar)), 422
    return redirect(url_for(".show", token=token), 303)


@screen.errorhandler(Taken)
def taken(error: Taken) -> tuple[str, int]:
    """Stop whoever does not have the item: one person speaks to its caller."""
    return faults.kept("taken", 409, by=error.by, address=request.path.rsplit("/", 1)[0])


def _page(token: str, *, refused: Bar | None = None) -> dict[str, object]:
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    with guard.reading() as session:
        case = _found(session, token)
        outlook = bridge.outlook(session, chosen, case, officer, now)
        call = bridge.newest(session, case, officer)
        rail = listing.rail(session, officer)
    going = call is not None and call.stage in BEFORE_THE_END
    theirs = case.owner if case.owner is not None and case.owner_id != officer.id else None
    return {
        "case": case,
        "call": call,
        "going": going,
        "outlook": outlook,
        "bar": refused if refused is Bar.UNCONFIRMED else outlook.bar,
        "theirs": theirs,
        "phone": own_phone.shown(chosen, officer),
        "minutes": LONGEST_TALK // 60,
        "mark": _mark(call, outlook),
        **rail,
    }


def _mark(call: BridgedCall | None, outlook: bridge.Outlook) -> str:
    """Return a short text that changes when anything of the call does."""
    shown = (call.id, call.stage) if call else ()
    return hashlib.sha256(repr((shown, outlook.bar, outlook.why)).encode()).hexdigest()[:16]


def _found(session: Session, token: str) -> Case:
    return session.scalars(select(Case).where(Case.token == token)).first() or abort(404)
