"""What listeners ask about: the themes of a show, its cards grouped by their words, and the sample that two people code."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import guard
from hotline.models import Show, table
from hotline.radio import themes
from hotline.radio.eyes import Eyes
from hotline.roles import May
from hotline.studio import windows

screen = Blueprint("coding", __name__)

SHOW = table(Show)


@screen.get("/themes/<show_id>")
@guard.may(May.MAKE_SHOWS)
def show(show_id: str) -> str:
    """Show the themes of a show, the cards that their words propose, and how far coders agree."""
    with windows.reading(Eyes.PRODUCER) as session:
        of = _show(session, show_id)
        named, every = themes.of_show(session, show_id), themes.cards(session, show_id)
        drawn = themes.sample(every)
        coded = themes.codes(session, [card["id"] for card in drawn])
    return render_template(
        "studio/themes.html",
        of=of,
        themes=named,
        groups=themes.grouped(named, every, coded),
        cards=len(every),
        sample=len(drawn),
        coded={coder: len(said) for coder, said in coded.items()},
        agreements=themes.agreements(coded),
        most=themes.MOST_THEMES,
    )


@screen.post("/themes/<show_id>")
@guard.may(May.MAKE_SHOWS)
def keep(show_id: str) -> Answer:
    """Write a theme down, write it anew, or strike it."""
    theme_id, typed = request.form.get("theme_id", ""), request.form
    with windows.transaction(Eyes.PRODUCER) as session:
        _show(session, show_id)
        if "strike" in typed:
            themes.strike(session, show_id, theme_id)
            done = "theme_struck"
        else:
            kept = themes.keep(session, show_id, theme_id, typed.get("name", ""), typed.get("words", ""))
            done = "theme_kept" if kept else "theme_wrong"
    flash(done)
    return redirect(url_for(".show", show_id=show_id), 303)


@screen.get("/themes/<show_id>/code")
@guard.may(May.MAKE_SHOWS)
def next_(show_id: str) -> str:
    """Show the next card of the sample that this coder has not coded, and nothing that others said of it."""
    with windows.reading(Eyes.PRODUCER) as session:
        of, named = _show(session, show_id), themes.of_show(session, show_id)
        drawn = themes.sample(themes.cards(session, show_id))
        mine = themes.codes(session, [card["id"] for card in drawn]).get(guard.officer().name, {})
    card = next((one for one in drawn if one["id"] not in mine), None)
    return render_template("studio/code.html", of=of, themes=named, card=card, done=len(mine), sample=len(drawn))


@screen.post("/themes/<show_id>/code")
@guard.may(May.MAKE_SHOWS)
def code(show_id: str) -> Answer:
    """Write down what a card is about."""
    card_id, theme_id = request.form.get("card_id", ""), request.form.get("theme_id", "")
    with windows.transaction(Eyes.PRODUCER) as session:
        _show(session, show_id)
        known = {one["id"] for one in themes.of_show(session, show_id)} | {themes.NONE}
        drawn = {card["id"] for card in themes.sample(themes.cards(session, show_id))}
        if card_id not in drawn or theme_id not in known:
            abort(404)
        themes.code(session, card_id, guard.officer().name, theme_id, guard.moment())
    return redirect(url_for(".next_", show_id=show_id), 303)


def _show(session: Session, show_id: str) -> Mapping[str, Any]:
    row = session.execute(select(SHOW.c.id, SHOW.c.name).where(SHOW.c.id == show_id)).mappings().one_or_none()
    return dict(row) if row else abort(404)
