"""The directory: who can be told, kept one contact at a time or as a sheet; who is away and who stands in; the holidays.

A contact's number is never on a page, only its last digits; the sheet holds all of them, and taking it away is put on record.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import guard, listing
from hotline.db import after_commit
from hotline.gateways import webhook
from hotline.gateways.contract import BESIDE
from hotline.models import Agency, Contact, Holiday, Spell, Tier
from hotline.queue import QueueName
from hotline.roles import May
from hotline.routing import directory, keeping, sheet
from hotline.routing.gaps import CATEGORIES
from hotline.routing.sheet import Fault, Refused
from hotline.watch import channels

screen = Blueprint("directory", __name__, url_prefix="/directory")

Reply = str | Answer | tuple[str, int]
NEW: Final = "new"
PLAIN: Final = ("agency", "kind", "name", "number", "language", "tier", "station", "badge", "email", "webhook")
LISTS: Final = ("areas", "aliases")
SWITCHES: Final = ("minors", "last_resort", "active", "rests_on_holidays", "crossings", "abroad")


@screen.get("")
@guard.may(May.KEEP_DIRECTORY)
def show() -> str:
    """Show agencies with their contacts, and the holidays."""
    chosen, local = guard.deployment(), guard.deployment().local(guard.moment())
    with guard.reading() as session:
        found = session.scalars(select(Contact).join(Agency).order_by(Agency.name, Contact.name)).unique().all()
        entries = directory.load(session)
        on_duty = {one.id for one in entries if one.on_duty(local)}
        spells = _coming(session)
        holidays = session.scalars(select(Holiday).where(Holiday.day >= local.date().isoformat()).order_by(Holiday.day)).all()
        rail = listing.rail(session, guard.officer())
    agencies: dict[str, list[Contact]] = {}
    for one in found:
        agencies.setdefault(one.agency.name, []).append(one)
    return render_template(
        "console/directory.html",
        here="directory",
        agencies=agencies,
        on_duty=on_duty,
        away={spell.contact_id: spell for spell in reversed(spells) if not spell.on_duty and spell.begins <= guard.moment()},
        holidays=[(one, date.fromisoformat(one.day)) for one in holidays],
        unverified=sum(one.active and one.verified_at is None for one in found),
        unreached=sum(not directory.way_to(one, chosen) for one in entries),
        languages=chosen.words.languages,
        **rail,
    )


@screen.get("/contact/<contact_id>")
@guard.may(May.KEEP_DIRECTORY)
def edit(contact_id: str) -> str:
    """Show one contact, or an empty one."""
    with guard.reading() as session:
        return _form(session, _contact(session, contact_id))


@screen.post("/contact/<contact_id>")
@guard.may(May.KEEP_DIRECTORY)
def write(contact_id: str) -> Reply:
    """Take over what was written. What is not fit is said beside its blank, and what was typed stays."""
    given = _given()
    try:
        with guard.transaction() as session:
            one = keeping.change(session, guard.deployment(), _contact(session, contact_id), given, guard.moment(), actor=_me())
            kept = one.id
    except Refused as refused:
        with guard.reading() as session:
            return _form(session, _contact(session, contact_id), given, refused.faults), 422
    flash("contact_kept")
    return redirect(url_for(".edit", contact_id=kept), 303)


@screen.post("/contact/<contact_id>/verify")
@guard.may(May.KEEP_DIRECTORY)
def verify(contact_id: str) -> Answer:
    """Note that the number was verified now."""
    with guard.transaction() as session:
        keeping.verify(session, _known(session, contact_id), guard.moment(), actor=_me())
    flash("contact_verified")
    return redirect(url_for(".edit", contact_id=contact_id), 303)


@screen.post("/contact/<contact_id>/test")
@guard.may(May.KEEP_DIRECTORY)
def test(contact_id: str) -> Answer:
    """Send them a page that says it is a test; a phone answers it, and the page says when."""
    with guard.transaction() as session:
        one = _known(session, contact_id)
        sent = one.active and channels.page(session, guard.deployment(), one, officer=guard.officer(), now=guard.moment())
        for queue in (QueueName.LIFE, QueueName.REPLY) if sent else ():
            after_commit(session, partial(guard.deployment().bell.ring, queue))
    flash("test_page_sent" if sent else "test_page_no_way")
    return redirect(url_for(".edit", contact_id=contact_id), 303)


@screen.post("/contact/<contact_id>/span")
@guard.may(May.KEEP_DIRECTORY)
def span(contact_id: str) -> Reply:
    """Note that somebody is away, and who stands in; that two swap; or that they are on duty out of turn."""
    form, now = request.form, guard.moment()
    try:
        with guard.transaction() as session:
            one = _known(session, contact_id)
            begins, ends = _moment(form.get("begins", "")), _moment(form.get("ends", ""))
            instead = session.get(Contact, form.get("instead", ""))
            if form.get("what") == "on":
                keeping.on_duty(session, one, begins, ends, now, actor=_me())
            elif form.get("what") == "swap":
                back = _moment(form.get("back_begins", "")), _moment(form.get("back_ends", ""))
                keeping.swap(session, one, instead, begins, ends, now, back=back, actor=_me())
            else:
                keeping.away(session, one, begins, ends, now, instead=instead, actor=_me())
    except Refused as refused:
        with guard.reading() as session:
            return _form(session, _known(session, contact_id), faults=refused.faults), 422
    flash("span_kept")
    return redirect(url_for(".edit", contact_id=contact_id), 303)


@screen.post("/contact/<contact_id>/span/<spell_id>/remove")
@guard.may(May.KEEP_DIRECTORY)
def remove_span(contact_id: str, spell_id: str) -> Answer:
    """Take a span back."""
    with guard.transaction() as session:
        keeping.take_back(session, _known(session, contact_id), spell_id, guard.moment(), actor=_me())
    return redirect(url_for(".edit", contact_id=contact_id), 303)


@screen.post("/holiday")
@guard.may(May.KEEP_DIRECTORY)
def holiday() -> Answer:
    """Note a holiday, or that it is none."""
    try:
        day = date.fromisoformat(request.form.get("day", "")).isoformat()
    except ValueError:
        abort(400)
    with guard.transaction() as session:
        keeping.holiday(session, day, request.form.get("name", "").strip()[:60], guard.moment(), actor=_me())
    return redirect(url_for(".show") + "#holidays", 303)


@screen.get("/sheet")
@guard.may(May.KEEP_DIRECTORY)
def sheet_form() -> str:
    """Offer to take the directory away as a sheet, and to take one in."""
    return _sheet_page()


@screen.post("/sheet")
@guard.may(May.KEEP_DIRECTORY)
def take_sheet() -> Reply:
    """Check a sheet, or take it in: all of it or nothing, with each fault by row and column."""
    chosen, sent = guard.deployment(), request.files.get("sheet")
    try:
        rows = sheet.read(sent.read().decode("utf-8") if sent else "", chosen)
        if "check" in request.form:
            return _sheet_page(sound=len(rows))
        with guard.transaction() as session:
            done = sheet.take(session, chosen, rows, guard.moment(), actor=_me())
    except UnicodeDecodeError:
        return _sheet_page(faults=[Fault(1, "", "The file is not UTF-8; save it as CSV UTF-8.")]), 422
    except Refused as refused:
        return _sheet_page(faults=refused.faults), 422
    return _sheet_page(done=done)


@screen.post("/sheet/download")
@guard.may(May.KEEP_DIRECTORY)
def download() -> Answer:
    """Give the directory away as a sheet, and put that on record."""
    with guard.transaction() as session:
        text = sheet.write(session, guard.deployment(), guard.moment(), actor=_me())
    answer = make_response(text)
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="directory.csv"'
    return answer


def _form(session: Session, one: Contact | None, given: Mapping[str, str] = {}, faults: Sequence[Fault] = ()) -> str:
    chosen = guard.deployment()
    fresh = {"active": "yes", "minors": "yes", "crossings": "yes", "language": chosen.settings.default_language}
    known = sheet.cells(chosen, one) if one else fresh
    number = known.pop("number", "")
    others = session.scalars(select(Contact).where(Contact.active).order_by(Contact.name)).unique().all()
    agencies = session.scalars(select(Agency).order_by(Agency.name)).all()
    return render_template(
        "console/contact.html",
        here="directory",
        one=one,
        cells={**known, **given},
        ending=number[-3:],
        secret=webhook.secret(chosen.keyring, known["webhook"]) if known.get("webhook") else "",
        leaves={way: chosen.shelf.get(way) is not None for way in BESIDE},
        wrong={fault.column: fault.says for fault in faults},
        spells=_coming(session, one) if one else (),
        others=[other for other in others if one is None or other.id != one.id],
        agencies=agencies,
        kinds=sorted({agency.kind for agency in agencies}),
        tiers=list(Tier),
        categories=CATEGORIES,
        languages=chosen.words.languages,
        now_local=chosen.local(guard.moment()),
        **listing.rail(session, guard.officer()),
    )  # fmt: skip


def _given() -> dict[str, str]:
    """Read the blanks as cells of the sheet."""
    form = request.form
    cells = {name: form.get(name, "") for name in PLAIN}
    cells |= {name: ";".join(form.get(name, "").replace(",", ";").split(";")) for name in LISTS}
    cells |= {name: "yes" if name in form else "no" for name in SWITCHES}
    cells["hours"] = ";".join(form.get("hours", "").splitlines())
    cells["categories"] = "*" if "every" in form else ";".join(form.getlist("category"))
    if new := form.get("new_agency", "").strip():
        cells["agency"] = new
    else:
        with guard.reading() as session:
            found = session.scalars(select(Agency).where(Agency.name == cells["agency"])).first()
        cells["kind"] = found.kind if found else cells["kind"]
    return cells


def _sheet_page(**told: Any) -> str:
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    return render_template("console/sheet.html", here="directory", columns=sheet.COLUMNS, needed=sheet.NEEDED, **told, **rail)


def _coming(session: Session, one: Contact | None = None) -> Sequence[Spell]:
    theirs = (Spell.contact_id == one.id,) if one else ()
    return session.scalars(select(Spell).where(Spell.ends > guard.moment(), *theirs).order_by(Spell.begins)).all()


def _moment(written: str) -> datetime:
    """Read a time of the deployment's wall clock. Raises Refused."""
    try:
        return datetime.fromisoformat(written).replace(tzinfo=guard.deployment().settings.zone)
    except ValueError:
        raise Refused([Fault(1, "begins", "A day and a time of day.")]) from None


def _contact(session: Session, contact_id: str) -> Contact | None:
    return None if contact_id == NEW else _known(session, contact_id)


def _known(session: Session, contact_id: str) -> Contact:
    return session.get(Contact, contact_id) or abort(404)


def _me() -> str:
    return f"officer:{guard.officer().name}"
