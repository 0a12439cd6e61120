"""What is one's own at the door: browsers one is signed in with, codes for when the phone is lost, and hanging up the wall."""

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select, update
from werkzeug.wrappers import Response as Answer

from hotline import audit, officers, own_phone, passkeys
from hotline.console import guard, listing, sessions, tongue
from hotline.models import Officer, OfficerSession
from hotline.roles import May

screen = Blueprint("me", __name__)

LONGEST_CODE: Final = 16
LONGEST_NUMBER: Final = 32


@screen.get("/me")
def show() -> str:
    """Show the browsers in which one is signed in, one's passkeys, and how many recovery codes are left."""
    return page()


@screen.post("/me/language")
def speak() -> Answer:
    """Keep in which language one reads the console."""
    code = request.form.get("language", "")
    if not tongue.known(code):
        abort(400)
    with guard.transaction() as session:
        session.execute(update(Officer).where(Officer.id == guard.officer().id).values(language=code))
    return redirect(url_for("console.sign_in.home"), 303)


@screen.post("/me/end/<session_id>")
def end(session_id: str) -> Answer:
    """End one of one's own sessions; another's is not there."""
    chosen, who, now = guard.deployment(), guard.officer(), guard.moment()
    own = (OfficerSession.id == session_id, OfficerSession.officer_id == who.id, OfficerSession.ended_at.is_(None))
    with guard.transaction() as session:
        ended = session.execute(update(OfficerSession).where(*own).values(ended_at=now).returning(OfficerSession.token_hash))
        gone = ended.scalar()
        if gone is not None:
            audit.record(session, now, actor=f"officer:{who.name}", action="officer.signed_out", subject=who.name)
    if gone is not None and gone == sessions.own_hash(chosen.settings):
        return sessions.farewell(chosen.settings)
    flash("session_ended")
    return redirect(url_for(".show"), 303)


@screen.post("/me/codes")
def codes() -> str | tuple[str, int]:
    """Make ten new recovery codes and show them, this once; those from before are good for nothing any more."""
    chosen, who, now = guard.deployment(), guard.officer(), guard.moment()
    if not proved():
        return page(wrong="code"), 403
    with guard.transaction() as session:
        made = officers.new_recovery_codes(session, chosen.keyring, who.id, now=now)
    return page(made=made)


@screen.post("/me/phone")
@guard.may(May.CALL)
def keep_phone() -> Answer | tuple[str, int]:
    """Keep the number of one's own phone, with a factor proved afresh."""
    if not proved():
        return page(wrong="code"), 403
    typed = (request.form.get("number", "")[:LONGEST_NUMBER], request.form.get("again", "")[:LONGEST_NUMBER])
    try:
        with guard.transaction() as session:
            own_phone.keep(session, guard.deployment(), guard.officer(), typed, now=guard.moment())
    except own_phone.NotAPhone:
        return page(wrong="phone"), 422
    flash("phone_kept")
    return redirect(url_for(".show"), 303)


@screen.post("/me/phone/remove")
@guard.may(May.CALL)
def remove_phone() -> Answer | tuple[str, int]:
    """Forget that number, with a factor proved afresh."""
    if not proved():
        return page(wrong="code"), 403
    with guard.transaction() as session:
        gone = own_phone.remove(session, guard.officer(), now=guard.moment())
    flash("phone_removed" if gone else "moved")
    return redirect(url_for(".show"), 303)


@screen.post("/wall/hang")
@guard.may(May.SEE_TODAY)
def hang() -> Answer:
    """Turn this browser into a wall: it shows the wall for half a day, and nothing else."""
    chosen, now = guard.deployment(), guard.moment()
    with guard.transaction() as session:
        sessions.end(session, chosen.settings, now=now)
        token = sessions.begin_wall(session, guard.officer(), now=now)
    return sessions.welcome(token, chosen.settings, lands="console.wall.show")


def proved() -> bool:
    """Whether a code of this moment was typed. A wrong one counts as one at the door does."""
    chosen, code = guard.deployment(), request.form.get("code", "")[:LONGEST_CODE]
    with guard.transaction() as session:
        return officers.proves(session, chosen, guard.officer().id, code, now=guard.moment())


def page(*, made: list[str] | None = None, wrong: str = "") -> str:
    """Return the page of one's sign-in: with new recovery codes, or with what was `wrong`: "code", "passkey" or "phone"."""
    chosen, who, now = guard.deployment(), guard.officer(), guard.moment()
    with guard.reading() as session:
        open_ones = select(OfficerSession).where(OfficerSession.officer_id == who.id, OfficerSession.ended_at.is_(None))
        found = [
            one
            for one in session.scalars(open_ones.order_by(OfficerSession.created_at.desc()))
            if sessions.alive(one, chosen.settings, now=now)
        ]
        keys = passkeys.listed(session, who.id)
        left = officers.recovery_codes_left(session, who.id)
        rail = listing.rail(session, who)
    return render_template(
        "console/me.html",
        here="me",
        found=found,
        this=sessions.own_hash(chosen.settings),
        left=left,
        made=made or [],
        wrong=wrong,
        passkeys=keys,
        passkeys_at=passkeys.place(chosen.settings),
        passkeys_full=len(keys) >= passkeys.MOST,
        longest=passkeys.LONGEST_NAME,
        phone=own_phone.shown(chosen, who),
        **rail,
    )
