"""Team: who is here and as what, for the administrator. What somebody read or wrote is not seen here."""

from collections.abc import Callable
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline import officers, team
from hotline.console import faults, guard, listing
from hotline.models import Agency, Officer
from hotline.roles import May, Role

screen = Blueprint("team", __name__)

GIVEN: Final = tuple(Role)
# Whose colleague an agency's contact is stands in the invitation, so nobody becomes one by a change of role.
CHANGED_TO: Final = tuple(role for role in Role if role is not Role.AGENCY)


@screen.get("/team")
@guard.may(May.MANAGE_TEAM)
def show() -> str:
    """Show everybody and who was invited."""
    return _page()


@screen.post("/team/invite")
@guard.may(May.MANAGE_TEAM)
def invite() -> str | tuple[str, int]:
    """Invite somebody and show the link, this once."""
    chosen, form = guard.deployment(), request.form
    try:
        role = Role(form.get("role", ""))
        with chosen.db.transaction() as session:
            token = team.invite(
                session,
                chosen,
                name=form.get("name", ""),
                display_name=form.get("display_name", ""),
                role=role,
                agency_id=form.get("agency") or None,
                by=guard.officer(),
                now=guard.moment(),
            )
    except officers.Unsuitable as why:
        return _page(wrong=str(why)), 422
    except ValueError:
        return _page(wrong="role"), 422
    return _page(link=_link(token), whose=form.get("display_name", "").strip() or form.get("name", "").strip())


@screen.post("/team/<officer_id>/renew")
@guard.may(May.MANAGE_TEAM)
def renew(officer_id: str) -> str:
    """Give somebody a link to a new password and authenticator, and show it, this once."""
    chosen = guard.deployment()
    with chosen.db.transaction() as session:
        one = _member(session, officer_id)
        if not one.active:
            abort(404)
        token, whose = team.renew(session, chosen, one, by=guard.officer(), now=guard.moment()), one.display_name
    return _page(link=_link(token), whose=whose)


@screen.post("/team/withdraw/<invitation_id>")
@guard.may(May.MANAGE_TEAM)
def withdraw(invitation_id: str) -> Answer:
    """Close a link nobody has used yet."""
    with guard.deployment().db.transaction() as session:
        team.withdraw(session, invitation_id, by=guard.officer(), now=guard.moment())
    flash("team_withdrawn")
    return redirect(url_for(".show"), 303)


@screen.post("/team/<officer_id>/role")
@guard.may(May.MANAGE_TEAM)
def role(officer_id: str) -> Answer | tuple[str, int]:
    """Make somebody something else here."""
    try:
        given = CHANGED_TO[CHANGED_TO.index(Role(request.form.get("role", "")))]
    except ValueError:
        return faults.kept("changed", 409, address=url_for(".show"))
    by, now = guard.officer(), guard.moment()
    return _done("team_role", officer_id, lambda session, one: team.give_role(session, one, given, by=by, now=now))


@screen.post("/team/<officer_id>/strike-off")
@guard.may(May.MANAGE_TEAM)
def strike_off(officer_id: str) -> Answer | tuple[str, int]:
    """Let somebody in no more."""

    def struck(session: Session, one: Officer) -> None:
        team.strike_off(session, one, by=guard.officer(), now=guard.moment())

    return _done("team_struck_off", officer_id, struck)


@screen.post("/team/<officer_id>/let-in")
@guard.may(May.MANAGE_TEAM)
def let_in(officer_id: str) -> Answer | tuple[str, int]:
    """Undo a striking off."""
    by, now = guard.officer(), guard.moment()
    return _done("team_let_in", officer_id, lambda session, one: team.let_in_again(session, one, by=by, now=now))


@screen.post("/team/<officer_id>/sign-out")
@guard.may(May.MANAGE_TEAM)
def sign_out(officer_id: str) -> Answer | tuple[str, int]:
    """End every browser's session of somebody; they can sign in again."""
    return _done("team_signed_out", officer_id, lambda session, one: team.sign_out(session, one, now=guard.moment()))


def _done(said: str, officer_id: str, act: Callable[[Session, Officer], None]) -> Answer | tuple[str, int]:
    try:
        with guard.deployment().db.transaction() as session:
            act(session, _member(session, officer_id))
    except team.LastAdministrator:
        return _page(wrong="last"), 409
    flash(said)
    return redirect(url_for("console.sign_in.home" if officer_id == guard.officer().id else ".show"), 303)


def _member(session: Session, officer_id: str) -> Officer:
    return session.get(Officer, officer_id) or abort(404)


def _link(token: str) -> str:
    return f"{guard.deployment().settings.console_url.rstrip('/')}{url_for('console.welcome.form', token=token)}"


def _page(*, wrong: str = "", link: str = "", whose: str = "") -> str:
    chosen, now = guard.deployment(), guard.moment()
    with chosen.db.reading() as session:
        found = team.listed(session, chosen.settings, now)
        agencies = session.scalars(select(Agency).order_by(Agency.name)).all()
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/team.html",
        here="team",
        team=found,
        roles=GIVEN,
        changed_to=CHANGED_TO,
        agencies=agencies,
        wrong=wrong,
        link=link,
        whose=whose,
        typed=request.form,
        **rail,
    )
