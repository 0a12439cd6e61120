"""Lists of people who agreed to texts to many: how large each is, bringing in an attendance list, and letting somebody go.

Nobody on a list is ever shown, and whoever is let go, or reached otherwise, is answered the same whether on one or not.
"""

import re
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import insert
from werkzeug.wrappers import Response as Answer

from hotline import audit, subscribers
from hotline.broadcasts import audience
from hotline.broadcasts.importing import COLUMNS, LARGEST, Imported, Unreadable, bring_in
from hotline.console import guard, listing
from hotline.models import BroadcastList, Reach, new_id, table
from hotline.roles import May

screen = Blueprint("lists", __name__)

KEYWORD: Final = re.compile(r"[a-z][a-z0-9]{1,19}")
LONGEST_NAME: Final = 60
ENVELOPE: Final = 2**16  # bytes a form adds to its file


@screen.url_value_preprocessor
def allow_for_a_file(endpoint: str | None, _: dict[str, str] | None) -> None:
    """Let a sheet be larger than other forms; who may not bring one in is turned away before it is read."""
    if endpoint == "console.lists.import_":
        request.max_content_length = LARGEST + ENVELOPE


@screen.get("/lists")
@guard.may(May.SEE_BROADCASTS)
def show() -> str:
    """Show the lists."""
    return _page()


@screen.post("/lists")
@guard.may(May.BROADCAST)
def create() -> Answer | tuple[str, int]:
    """Make a list."""
    name = " ".join(request.form.get("name", "").split())
    keyword = "".join(request.form.get("keyword", "").split()).casefold()
    if not KEYWORD.fullmatch(keyword) or not 0 < len(name) <= LONGEST_NAME:
        return _page(wrong="name"), 422
    now = guard.moment()
    with guard.transaction() as session:
        if subscribers.list_of(session, keyword) is not None:
            return _page(wrong="taken"), 422
        session.execute(insert(table(BroadcastList)).values(id=new_id(), keyword=keyword, name=name, created_at=now))
        audit.record(session, now, actor=guard.officer().name, action="list.made", subject=keyword)
    flash("list_made")
    return redirect(url_for(".show"), 303)


@screen.post("/lists/<keyword>/import")
@guard.may(May.BROADCAST)
def import_(keyword: str) -> str | tuple[str, int]:
    """Bring in an attendance list; what is wrong with a line is told by row and column."""
    with guard.reading() as session:
        list_id = subscribers.list_of(session, keyword) or abort(404)
    file = request.files.get("file")
    try:
        raw = file.stream.read(LARGEST + 1) if file and file.filename else b""
        result = bring_in(guard.deployment(), list_id, file.filename or "" if file else "", raw)
    except Unreadable as why:
        return _page(unreadable=str(why), of=keyword), 422
    with guard.transaction() as session:
        audit.record(
            session,
            guard.moment(),
            actor=guard.officer().name,
            action="list.brought_in",
            subject=keyword,
            fresh=result.fresh,
        )
    return _page(result=result, of=keyword)


@screen.post("/lists/leave")
@guard.may(May.BROADCAST)
def leave() -> Answer | tuple[str, int]:
    """Let a number go from every list, at once."""
    who = guard.deployment().sender(request.form.get("number", ""))
    if not who.reachable:
        return _page(wrong="number"), 422
    with guard.transaction() as session:
        subscribers.leave(session, guard.moment(), numbers=[guard.deployment().number_index(who.address)])
        audit.record(session, guard.moment(), actor=guard.officer().name, action="list.left", subject="somebody")
    flash("list_left")
    return redirect(url_for(".show"), 303)


@screen.post("/lists/reach")
@guard.may(May.BROADCAST)
def reach() -> Answer | tuple[str, int]:
    """Have a number reached by a text or by a call from now on."""
    who, way = guard.deployment().sender(request.form.get("number", "")), request.form.get("way", "")
    if not who.reachable or way not in set(Reach):
        return _page(wrong="number"), 422
    with guard.transaction() as session:
        subscribers.reached_by(session, guard.deployment().number_index(who.address), Reach(way))
        audit.record(session, guard.moment(), actor=guard.officer().name, action="list.reach", subject="somebody")
    flash("list_reach")
    return redirect(url_for(".show"), 303)


def _page(*, wrong: str = "", unreadable: str = "", result: Imported | None = None, of: str = "") -> str:
    with guard.reading() as session:
        found = audience.lists(session)
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/lists.html",
        here="broadcasts",
        lists=found,
        columns=COLUMNS,
        wrong=wrong,
        unreadable=unreadable,
        result=result,
        of=of,
        **rail,
    )
