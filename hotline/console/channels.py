"""Channels: each gateway, what last came and went by it, what went wrong in plain words, a test, and leaving one alone."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import faults, guard, listing
from hotline.db import after_commit
from hotline.models import Contact
from hotline.queue import QueueName
from hotline.roles import May, allows
from hotline.watch import channels

screen = Blueprint("channels", __name__)

Reply = Answer | tuple[str, int]


@screen.get("/channels")
@guard.may(May.SEE_HEALTH)
def show() -> str:
    """Show every gateway."""
    chosen, officer, now = guard.deployment(), guard.officer(), guard.moment()
    manages = allows(officer.role, May.MANAGE_GATEWAYS)
    with guard.reading() as session:
        found = channels.channels(session, chosen, now)
        contacts = session.scalars(select(Contact).where(Contact.active).order_by(Contact.name)).unique().all() if manages else ()
        rail = listing.rail(session, officer)
    return render_template(
        "console/channels.html",
        here="channels",
        found=found,
        contacts=contacts,
        reaches=partial(channels.reaches, chosen),
        manages=manages,
        quiet_before=now - channels.QUIET,
        days=channels.LOOKED_BACK.days,
        **rail,
    )


@screen.post("/channels/<name>/test")
@guard.may(May.MANAGE_GATEWAYS)
def test(name: str) -> Reply:
    """Send one contact a text by it that says it is a test."""
    with guard.reading() as session:
        contact = session.get(Contact, request.form.get("contact", ""))
    if contact is None or not contact.active:
        return faults.kept("changed", 409, address=url_for(".show"))

    def send(session: Session) -> None:
        channels.try_out(session, guard.deployment(), name, contact, officer=guard.officer(), now=guard.moment())
        after_commit(session, lambda: guard.deployment().bell.ring(QueueName.REPLY))

    return _done("channel_tested", send)


@screen.post("/channels/<name>/leave-alone")
@guard.may(May.MANAGE_GATEWAYS)
def leave_alone(name: str) -> Answer:
    """Use it for nothing but alerts to life for an hour."""
    by, now = guard.officer(), guard.moment()
    return _done(
        "channel_left_alone",
        lambda session: channels.leave_alone(session, guard.deployment(), name, officer=by, now=now),
    )


@screen.post("/channels/<name>/use-again")
@guard.may(May.MANAGE_GATEWAYS)
def use_again(name: str) -> Answer:
    """Use it again at once."""
    by, now = guard.officer(), guard.moment()
    return _done("channel_used_again", lambda session: channels.use_again(session, guard.deployment(), name, officer=by, now=now))


def _done(said: str, act: Callable[[Session], None]) -> Answer:
    try:
        with guard.transaction() as session:
            act(session)
    except channels.UnknownGateway:
        abort(404)
    flash(said)
    return redirect(url_for(".show"), 303)
