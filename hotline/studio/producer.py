"""The producer's desk: shows and their episodes, and the moderation of what listeners ask, with one key a decision."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from hotline.console import guard
from hotline.models import QuestionState, Show, Station, table
from hotline.queue import QueueName
from hotline.radio import formats, moderation, screens, shows, surge
from hotline.radio.eyes import Eyes
from hotline.radio.moderation import LONGEST_CARD
from hotline.radio.wall import folded, is_personal, points, words_of
from hotline.roles import May
from hotline.studio import light, stage, windows
from hotline.triage import assess

screen = Blueprint("producer", __name__)

SHOW, STATION = table(Show), table(Station)
LONGEST_CODE = 20
FEW = 5  # below it a count of what went to the hotline could be one person
LANGUAGES = ("rw", "sw", "fr", "en")


@screen.get("/shows")
@guard.may(May.MAKE_SHOWS)
def home(wrong: str = "", given: Mapping[str, str] | None = None) -> str:
    """Show all shows, the episodes of these days, and a form for a new show."""
    joined = select(SHOW, STATION.c.name.label("station")).join(STATION, STATION.c.id == SHOW.c.station_id)
    with windows.reading(Eyes.PRODUCER) as session:
        every = [dict(row) for row in session.execute(joined.order_by(SHOW.c.name)).mappings()]
        near = stage.near(session, guard.moment())
    chosen = guard.deployment().settings
    return render_template(
        "studio/shows.html",
        shows=every,
        episodes=near,
        formats=formats.formats(chosen.templates),
        days=formats.DAYS,
        languages=LANGUAGES,
        wrong=wrong,
        given=given or {},
    )


@screen.post("/shows")
@guard.may(May.MAKE_SHOWS)
def make() -> Answer | str | tuple[str, int]:
    """Write a show down and plan its next episode."""
    chosen, now = guard.deployment().settings, guard.moment()
    try:
        written, parts = formats.laid_out(_written(request.form), chosen.templates)
    except formats.Unfit as why:
        return home(str(why), request.form), 422
    with windows.transaction(Eyes.PRODUCER) as session:
        show_id = shows.keep(session, written, parts, now)
        episode_id = _next(session, show_id)
    flash("show_made")
    return redirect(url_for(".desk", episode_id=episode_id), 303)


@screen.post("/shows/<show_id>/plan")
@guard.may(May.MAKE_SHOWS)
def plan(show_id: str) -> Answer:
    """Plan the next episode of a show, or of today where there is none yet."""
    with windows.transaction(Eyes.PRODUCER) as session:
        episode_id = _next(session, show_id)
    return redirect(url_for(".desk", episode_id=episode_id), 303)


@screen.get("/shows/<episode_id>")
@guard.may(May.MAKE_SHOWS)
def desk(episode_id: str) -> str:
    """Show the moderation of an episode."""
    return render_template("studio/desk.html", **_seen(episode_id))


@screen.get("/shows/<episode_id>/live")
@guard.may(May.MAKE_SHOWS)
def live(episode_id: str) -> Response:
    """Return the lists alone, or 204 where nothing has changed since the page last asked."""
    seen = _seen(episode_id)
    if request.args.get("mark") == seen["mark"]:
        return Response(status=204)
    return Response(render_template("studio/_desk.html", **seen))


@screen.post("/shows/<episode_id>/question/<question_id>/<act>")
@guard.may(May.MAKE_SHOWS)
def decide(episode_id: str, question_id: str, act: str) -> Answer:
    """Approve a question in words written anew, hide it, or move it to the hotline."""
    site, now, done = guard.deployment(), guard.moment(), ""
    with windows.transaction(Eyes.PRODUCER) as session:
        if act == "move":
            done = "question_moved" if moderation.move(session, question_id) else "question_gone"
        elif act == "hide":
            done = "question_hidden" if moderation.hide(session, question_id) else "question_gone"
        elif act == "approve":
            text, personal = request.form.get("text", "").strip()[:LONGEST_CARD], "personal" in request.form
            if not text or _tells(session, question_id, text):
                done = "card_names"
            else:
                by = guard.officer().name
                made = moderation.approve(session, question_id, text, personal=personal, by=by, now=now)
                done = "card_made" if made else "question_gone"
        else:
            abort(404)
    if act == "move":
        site.bell.ring(QueueName.INTAKE)
    if done:
        flash(done)
    return redirect(url_for(".desk", episode_id=episode_id), 303)


@screen.post("/shows/<episode_id>/flood")
@guard.may(May.MAKE_SHOWS)
def flood(episode_id: str) -> Answer:
    """Turn the answers to votes off or on."""
    with windows.transaction(Eyes.PRODUCER) as session:
        surge.decide(session, episode_id, on="on" in request.form)
    return redirect(url_for(".desk", episode_id=episode_id), 303)


@screen.post("/shows/<episode_id>/recording")
@guard.may(May.MAKE_SHOWS)
def recording(episode_id: str) -> Answer:
    """Note where the recording of an episode is to be heard."""
    with windows.transaction(Eyes.PRODUCER) as session:
        kept = shows.keep_recording(session, episode_id, request.form.get("address", "").strip())
    flash("recording_kept" if kept else "recording_wrong")
    return redirect(url_for(".desk", episode_id=episode_id), 303)


@screen.post("/shows/<episode_id>/screens")
@guard.may(May.MAKE_SHOWS)
def screens_(episode_id: str) -> Answer:
    """Pair the device whose code was read out, or end one that shows the episode."""
    now, typed = guard.moment(), request.form
    with windows.transaction(Eyes.PRODUCER) as session:
        if shows.episode(session, episode_id) is None:
            abort(404)
        if screen_id := typed.get("end", ""):
            screens.end(session, episode_id, screen_id, now)
            done = "screen_ended"
        else:
            paired = screens.pair(session, typed.get("code", "")[:LONGEST_CODE], episode_id, guard.officer().name, now)
            done = "screen_paired" if paired else "screen_unknown"
    flash(done)
    return redirect(url_for(".desk", episode_id=episode_id, _anchor="screens"), 303)


def _tells(session: Session, question_id: str, text: str) -> bool:
    """Whether a card points at somebody, or is the listener's own words over again."""
    site = guard.deployment()
    own = moderation.words(session, site, question_id)
    return (
        folded(text) == folded(own).strip() or points(text, assess(text).as_dict(), words_of(site.settings.templates)) is not None
    )


def _next(session: Session, show_id: str) -> str:
    chosen, now = guard.deployment().settings, guard.moment()
    show = session.execute(select(SHOW).where(SHOW.c.id == show_id)).mappings().one_or_none() or abort(404)
    days = shows.days_of(dict(show), chosen, now) or [guard.deployment().local(now).date()]
    return shows.plan(session, chosen, show_id, days[0])


def _seen(episode_id: str) -> dict[str, Any]:
    site, now = guard.deployment(), guard.moment()
    with windows.reading(Eyes.PRODUCER) as session:
        seen = stage.picture(session, episode_id, now) or abort(404)
        lists = {
            state: moderation.to_read(session, site, episode_id, state)
            for state in (QuestionState.WAITING, QuestionState.APPROVED, QuestionState.HIDDEN)
        }
        counts = moderation.counts(session, episode_id)
        paired = screens.of_episode(session, episode_id, now)
    listened = words_of(site.settings.templates)
    diverted, health, votes = seen.episode["diverted"], light.now_(site), seen.poll.votes if seen.poll else 0
    moved = f"{votes}/{seen.episode['answers']}"
    return {
        "seen": seen,
        "waiting": lists[QuestionState.WAITING],
        "approved": lists[QuestionState.APPROVED],
        "hidden": lists[QuestionState.HIDDEN],
        "personal": {one.id for one in lists[QuestionState.WAITING] if is_personal(one.words, listened)},
        "diverted": diverted if diverted >= FEW else 0,
        "longest": LONGEST_CARD,
        "screens": paired,
        "light": health,
        "mark": f"{sorted(counts.items())}{health}{diverted >= FEW}{seen.on_air}{seen.episode['flood']}{moved}",
    }


def _written(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the form as a show's file would say it."""
    polls = {code: form[f"poll_{code}"].strip() for code in LANGUAGES if form.get(f"poll_{code}", "").strip()}
    say = {code: form[f"say_{code}"].strip() for code in LANGUAGES if form.get(f"say_{code}", "").strip()}
    options = []
    for digit in range(1, 5):
        words = {
            code: form[f"option_{digit}_{code}"].strip() for code in LANGUAGES if form.get(f"option_{digit}_{code}", "").strip()
        }
        if words:
            options.append({"words": words, "beep": form.get(f"beep_{digit}", "").strip()})
    given = {
        name: form.get(name, "").strip() for name in ("station", "name", "format", "language", "at", "code", "keyword", "stream")
    }
    days = [day for day in formats.DAYS if form.get(f"day_{day}")]
    shape = "What should they do?" if given["format"] == "drama" else "The question of today"
    segment = [{"title": shape, "poll": polls, "options": options, "say": say}] if polls or options else []
    return {**given, "days": days, "minutes": form.get("minutes", "30"), "budget": form.get("budget", "3000"), "segment": segment}
