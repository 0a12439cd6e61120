"""New item: one page on which an officer takes down what somebody tells by phone or in person.

It is stored as a webhook is and goes the same way; the officer is brought to its item as soon as a worker has made one.
"""

from datetime import timedelta
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from hotline import audit
from hotline.casework.correct import CATEGORIES
from hotline.casework.reply import AN_ID
from hotline.console import faults, guard, listing
from hotline.db import after_commit, insert_unless_there
from hotline.intake.told import Told, Way, enclose
from hotline.models import Case, Inbox, InboxKind, Message, SafeContact, new_id, table
from hotline.outbound.window import HOURS
from hotline.places import sectors
from hotline.queue import QueueName
from hotline.roles import May

screen = Blueprint("new_item", __name__, url_prefix="/new")

LONGEST: Final = 4000
PATIENCE: Final = timedelta(seconds=10)


@screen.get("")
@guard.may(May.WORK_CASE)
def form() -> str:
    """Show the empty page."""
    return _form({}, ())


@screen.post("")
@guard.may(May.WORK_CASE)
def save() -> Response | tuple[str, int]:
    """Store what was taken down and wake whoever reads it; where something is missing, show the page with all that was typed."""
    given = {name: value.strip() for name, value in request.form.items()}
    chosen, now, officer = guard.deployment(), guard.moment(), guard.officer()
    words = given.get(faults.TYPED, "").replace("\r\n", "\n")[:LONGEST]
    number = given.get("number", "")
    wrong = [*(["text"] if not words else []), *(["number"] if number and not chosen.sender(number).reachable else [])]
    if wrong:
        return _form(given, wrong), 422
    known_as = given.get("known_as", "")
    row_id = known_as if AN_ID.fullmatch(known_as) else new_id()
    told = _told(given, words, officer.id)
    with guard.transaction() as session:
        insert_unless_there(session.connection(), table(Inbox), [enclose(chosen.keyring.inbox_seal(), told, row_id, now)])
        audit.record(session, now, actor=f"officer:{officer.name}", action="report.taken_down", subject=row_id)
        after_commit(session, lambda: chosen.bell.ring(QueueName.INTAKE))
    return redirect(url_for(".kept", row_id=row_id), 303)


@screen.get("/<row_id>")
@guard.may(May.WORK_CASE)
def kept(row_id: str) -> Response | str:
    """Bring the officer to the item once there is one that this officer may see; until then say that it is stored."""
    with guard.reading() as session:
        made = select(Case.token).join(Message, Message.case_id == Case.id).where(Message.inbox_id == row_id)
        token = session.scalars(made.limit(1)).first()
        stored = session.scalars(select(Inbox.received_at).where(Inbox.id == row_id, Inbox.kind == InboxKind.DESK)).first()
        rail = listing.rail(session, guard.officer())
    if token:
        flash("taken_down")
        return redirect(url_for("console.case.show", token=token), 303)
    late = stored is None or guard.moment() - stored > PATIENCE
    return render_template("console/new_item_kept.html", here="new_item", late=late, **rail)


def _told(given: dict[str, str], words: str, officer_id: str) -> Told:
    """Return what was taken down. The sector is written under the words, where triage finds it."""
    safe, hours = given.get("safe", ""), given.get("safe") if given.get("safe") in HOURS else None
    language = given.get("language", "")
    return Told(
        officer_id=officer_id,
        way=Way.WALK_IN if given.get("way") == Way.WALK_IN else Way.PHONE,
        words=f"{words}\n{given['sector']}" if given.get("sector") in _sectors() else words,
        number=given.get("number", ""),
        language=language if language in guard.deployment().words.languages else "",
        safe=SafeContact.HOURS if hours else SafeContact(safe) if safe in set(SafeContact) else SafeContact.UNKNOWN,
        hours=hours,
        category=given["category"] if given.get("category") in CATEGORIES else None,
        urgency="immediate" if given.get("danger") == "yes" else None,
        minors="minors" in given,
    )


def _sectors() -> tuple[str, ...]:
    chosen = guard.deployment().settings
    return sectors(chosen.templates, chosen.district)


def _form(given: dict[str, str], wrong: tuple[str, ...] | list[str]) -> str:
    words = guard.deployment().words
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/new_item.html",
        here="new_item",
        given=given,
        wrong=wrong,
        known_as=new_id(),
        longest=LONGEST,
        sectors=_sectors(),
        categories=CATEGORIES,
        languages=[(code, words.name(code)) for code in words.languages],
        default_language=words.default,
        **rail,
    )
