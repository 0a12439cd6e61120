"""Search: items by facts, by handle, and by words inside those one may read.

What stands in the address are facts alone: they may be kept as a bookmark. Words are a person's and travel in the form only; a
line without any is sent on to its address.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from hotline.casework import asking, search
from hotline.casework.asking import Asked
from hotline.casework.search import Found
from hotline.console import guard, listing
from hotline.roles import May, allows

screen = Blueprint("search", __name__)


@screen.get("/search")
@guard.may(May.SEE_QUEUE)
def show() -> str:
    """Show the box, and what fits the facts that stand in the address."""
    line = asking.without_words(request.args.get("q", ""))
    asked = _read(line)
    if not asked.anything or asked.faults:
        return _page(line, asked)
    after = request.args.get("after")
    with guard.reading() as session:
        found = search.by_facts(session, guard.deployment(), asked, guard.officer(), after=after)
    return _page(line, asked, found, after=after)


@screen.post("/search")
@guard.may(May.SEE_QUEUE)
def ask() -> Answer | str | tuple[str, int]:
    """Look for what was typed; words are looked for here and nowhere else, by those who may read items."""
    line = request.form.get("q", "").strip()[: asking.LONGEST]
    asked = _read(line)
    if not asked.words:
        return redirect(url_for(".show", q=line or None), 303)
    if asked.faults or not allows(guard.officer().role, May.READ_CASE):
        return _page(line, asked), 422
    try:
        with guard.transaction() as session:
            found = search.by_words(session, guard.deployment(), asked, guard.officer(), now=guard.moment())
    except search.TooOften:
        return _page(line, asked, too_often=True), 429
    return _page(line, asked, found)


def _read(line: str) -> Asked:
    return asking.read(line, guard.deployment().local(guard.moment()))


def _page(line: str, asked: Asked, found: Found | None = None, *, after: str | None = None, too_often: bool = False) -> str:
    with guard.reading() as session:
        rows = listing.rows(session, found.cases) if found else ()
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/search.html",
        here="search",
        line=line,
        asked=asked,
        found=found,
        rows=rows,
        after=after,
        too_often=too_often,
        most=search.MOST_OPENED,
        codes=asking.CODES,
        **rail,
    )
