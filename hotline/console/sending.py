"""Texts to many, sent: the check, the second person's approval, the hour, how far it is, holding it, and what became of it.

Counts and reasons in plain words; never who got a text and who did not.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline.broadcasts import campaign, checking, recordings, trial
from hotline.broadcasts.campaign import Refused
from hotline.broadcasts.check import Found, judge, wording
from hotline.broadcasts.effect import effect
from hotline.broadcasts.progress import Fate, Line, lines, progress
from hotline.broadcasts.replies import replies
from hotline.broadcasts.sheet import as_csv, as_xlsx
from hotline.console import guard, listing, standing
from hotline.console.broadcasts import draft, few, may_approve, there
from hotline.models import BroadcastState
from hotline.outbound.window import quiet
from hotline.queue import QueueName
from hotline.roles import May, allows

screen = Blueprint("sending", __name__)

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OVER: Final = (BroadcastState.DONE, BroadcastState.STOPPED)
READY: Final = (BroadcastState.DRAFT, BroadcastState.CHECKED, BroadcastState.APPROVED)


@screen.get("/broadcasts/<broadcast_id>")
@guard.may(May.SEE_BROADCASTS)
def show(broadcast_id: str) -> Answer | str:
    """Lead to where a broadcast stands: its words, its approval, or how far it is."""
    row = there(broadcast_id)
    if row["state"] == BroadcastState.DRAFT and allows(guard.officer().role, May.BROADCAST):
        return redirect(url_for("console.broadcasts.words", broadcast_id=broadcast_id), 303)
    if row["state"] in READY:
        return redirect(url_for(".approval", broadcast_id=broadcast_id), 303)
    return render_template("console/cast_going.html", **_going(row))


@screen.get("/broadcasts/<broadcast_id>/rows")
@guard.may(May.SEE_BROADCASTS)
def rows(broadcast_id: str) -> Response:
    """Return how far it is for a page that refreshes itself, or 204 where nothing has changed since it last asked."""
    shown = _going(there(broadcast_id))
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_cast_going.html", **shown, live=True))


# ---- check ------------------------------------------------------------------------------------------------------


@screen.get("/broadcasts/<broadcast_id>/check")
@guard.may(May.BROADCAST)
def check(broadcast_id: str) -> str:
    """Show what the check found, or how far it is."""
    return render_template("console/cast_check.html", **_checked(draft(broadcast_id)))


@screen.get("/broadcasts/<broadcast_id>/check/rows")
@guard.may(May.BROADCAST)
def check_rows(broadcast_id: str) -> Response:
    """Return the same for a page that refreshes itself."""
    shown = _checked(draft(broadcast_id))
    if request.args.get("mark") == shown["mark"]:
        return Response(status=204)
    return Response(render_template("console/_cast_check.html", **shown, live=True))


@screen.post("/broadcasts/<broadcast_id>/check")
@guard.may(May.BROADCAST)
def ask(broadcast_id: str) -> Answer:
    """Have a worker check it."""
    with suppress(Refused), guard.transaction() as session:
        row = campaign.get(session, broadcast_id) or abort(404)
        checking.ask(session, row, actor=guard.officer().name, now=guard.moment())
    guard.deployment().bell.ring(QueueName.BULK)
    return redirect(url_for(".check", broadcast_id=broadcast_id), 303)


@screen.post("/broadcasts/<broadcast_id>/try")
@guard.may(May.BROADCAST)
def try_it(broadcast_id: str) -> Answer | tuple[str, int]:
    """Send a test text; whether the number got one is not told."""
    row, form = there(broadcast_id), request.form
    number, language = form.get("number", ""), form.get("language", "")
    try:
        with guard.transaction() as session:
            trial.send(session, guard.deployment(), row, (number, language), actor=guard.officer().name, now=guard.moment())
    except Refused as why:
        return render_template("console/cast_check.html", **_checked(draft(broadcast_id), wrong=str(why))), 422
    guard.deployment().bell.ring(QueueName.REPLY)
    flash("cast_tried")
    return redirect(url_for(".check", broadcast_id=broadcast_id), 303)


# ---- approval and hour ------------------------------------------------------------------------------------------


@screen.get("/broadcasts/<broadcast_id>/approve")
@guard.may(May.SEE_BROADCASTS)
def approval(broadcast_id: str) -> Answer | str:
    """Show all that an approval is of, and the form of whoever may give it; once approved, the hour."""
    row = there(broadcast_id)
    if row["state"] not in READY:
        return redirect(url_for(".show", broadcast_id=broadcast_id), 303)
    return _approval_page(row)


@screen.post("/broadcasts/<broadcast_id>/approve")
@guard.may(May.APPROVE_BROADCAST)
def approve(broadcast_id: str) -> Answer | tuple[str, int]:
    """Approve it, as a second person, with the number of people typed."""
    return _approved(there(broadcast_id))


@screen.post("/broadcasts/<broadcast_id>/approve-few")
@guard.may(May.BROADCAST)
def approve_few(broadcast_id: str) -> Answer | tuple[str, int]:
    """Approve one that goes to few people, where nobody else is asked for."""
    row = there(broadcast_id)
    return _approved(row) if few(row) else abort(404)


@screen.post("/broadcasts/<broadcast_id>/send")
@guard.may(May.BROADCAST)
def send(broadcast_id: str) -> Answer | tuple[str, int]:
    """Send what was approved, now or at an hour."""
    chosen, row, now = guard.deployment(), there(broadcast_id), guard.moment()
    try:
        at = _hour(request.form.get("at", "")) if request.form.get("when") == "later" else now
        with guard.transaction() as session:
            campaign.schedule(session, chosen, broadcast_id, at, actor=guard.officer().name, now=now)
    except Refused as why:
        return _approval_page(row, wrong=str(why)), 422
    return redirect(url_for(".show", broadcast_id=broadcast_id), 303)


# ---- holding ----------------------------------------------------------------------------------------------------


@screen.post("/broadcasts/<broadcast_id>/pause")
@guard.may(May.HOLD_BROADCAST)
def pause(broadcast_id: str) -> Answer:
    """Hold it."""
    return _moved(broadcast_id, campaign.pause, "cast_paused")


@screen.post("/broadcasts/<broadcast_id>/resume")
@guard.may(May.HOLD_BROADCAST)
def resume(broadcast_id: str) -> Answer:
    """Let it go on."""
    return _moved(broadcast_id, campaign.resume, "cast_resumed")


@screen.post("/broadcasts/<broadcast_id>/stop")
@guard.may(May.HOLD_BROADCAST)
def stop(broadcast_id: str) -> Answer:
    """End it for good, for whoever types its name."""
    if " ".join(request.form.get("name", "").split()) != there(broadcast_id)["name"]:
        flash("cast_not_its_name")
        return redirect(url_for(".show", broadcast_id=broadcast_id), 303)
    return _moved(broadcast_id, campaign.stop, "cast_stopped")


# ---- report -----------------------------------------------------------------------------------------------------


@screen.get("/broadcasts/<broadcast_id>/report.<form>")
@guard.may(May.SEE_BROADCASTS)
def export(broadcast_id: str, form: str) -> Response:
    """Hand out what became of it, by network, language, fate and reason, as CSV or XLSX."""
    row = there(broadcast_id)
    with guard.reading() as session:
        found = lines(session, row)
    name = {"Content-Disposition": f"attachment; filename=broadcast.{form}"}
    if form == "csv":
        return Response(as_csv(found), mimetype="text/csv", headers=name)
    return Response(as_xlsx(found), mimetype=XLSX, headers=name) if form == "xlsx" else abort(404)


def _checked(row: Mapping[str, Any], wrong: str = "") -> dict[str, Any]:
    with guard.reading() as session:
        underway = checking.underway(session, row["id"])
        rail = listing.rail(session, guard.officer())
    found = _found(row)
    languages = [one.language for one in judge(guard.deployment(), row) if not one.wrong]
    return {
        "here": "broadcasts",
        "step": "check",
        "row": row,
        "underway": underway,
        "found": found,
        "checked_at": _checked_at(row),
        "languages": languages,
        "wrong": wrong,
        "source": url_for(".check_rows", broadcast_id=row["id"]),
        "mark": standing.digest(row["version"], row["state"], underway, found, standing.current(), rail),
        **rail,
    }


def _approval_page(row: Mapping[str, Any], wrong: str = "") -> str:
    chosen = guard.deployment()
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    of, found = wording(chosen, row), _found(row)
    judged = {one.language: one for one in judge(chosen, row)}
    shown = {language: of.text(language, None) for language, one in judged.items() if not one.wrong}
    return render_template(
        "console/cast_approve.html",
        here="broadcasts",
        step="send" if row["state"] == BroadcastState.APPROVED else "approve",
        row=row,
        found=found,
        checked_at=_checked_at(row),
        shown=shown,
        heard=recordings.of(row),
        judged=judged,
        may=may_approve(row),
        few=few(row),
        threshold=chosen.settings.broadcast_second_person,
        quiet_now=quiet(chosen, guard.moment()),
        wrong=wrong,
        **rail,
    )


def _approved(row: Mapping[str, Any]) -> Answer | tuple[str, int]:
    typed = "".join(char for char in request.form.get("people", "") if char.isdecimal())
    try:
        with guard.transaction() as session:
            number, who = int(typed[:9] or -1), guard.officer().name
            campaign.approve(session, guard.deployment(), row["id"], actor=who, typed=number, now=guard.moment())
    except Refused as why:
        return _approval_page(row, wrong=str(why)), 422
    flash("cast_approved")
    return redirect(url_for(".approval", broadcast_id=row["id"]), 303)


def _going(row: Mapping[str, Any]) -> dict[str, Any]:
    chosen = guard.deployment()
    with guard.reading() as session:
        now = chosen.db.now(session)
        stands, by = progress(session, chosen, row, now), lines(session, row)
        said, compared = replies(session, row), effect(session, row)
        rail = listing.rail(session, guard.officer())
    return {
        "here": "broadcasts",
        "row": row,
        "stands": stands,
        "by_network": _grouped(by, "network"),
        "by_language": _grouped(by, "language"),
        "replies": said,
        "effect": compared,
        "fates": list(Fate),
        "over": row["state"] in OVER,
        "source": url_for(".rows", broadcast_id=row["id"]),
        "mark": standing.digest(row["state"], stands, by, said, compared, standing.current(), rail),
        **rail,
    }


def _grouped(by: list[Line], what: str) -> dict[str, dict[Fate, int]]:
    groups: dict[str, dict[Fate, int]] = {}
    for line in by:
        fates = groups.setdefault(getattr(line, what), {})
        for fate, many in line.fates.items():
            fates[fate] = fates.get(fate, 0) + many
    return {name: {fate: fates[fate] for fate in Fate if fate in fates} for name, fates in groups.items()}


def _moved(broadcast_id: str, act: Callable[..., None], done: str) -> Answer:
    try:
        with guard.transaction() as session:
            act(session, broadcast_id, actor=guard.officer().name, now=guard.moment())
    except Refused:
        flash("moved")
    else:
        flash(done)
    return redirect(url_for(".show", broadcast_id=broadcast_id), 303)


def _found(row: Mapping[str, Any]) -> Found | None:
    return Found.read({name: value for name, value in row["found"].items() if name != "at"}) if row["found"] else None


def _checked_at(row: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(row["found"]["at"]) if row["found"] else None


def _hour(typed: str) -> datetime:
    """Read a local day and hour, as browsers send it. Raises Refused for what is none."""
    try:
        return datetime.strptime(typed[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=guard.deployment().settings.zone).astimezone(UTC)
    except ValueError:
        raise Refused("Say on which day and at what hour it is to begin.") from None
