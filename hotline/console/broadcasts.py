"""Texts to many, written: the list of them, the library to begin from, what is read and what is heard, and who they are for.

A page here shows words, counts and prices, never a number of anybody. Every step is a form that works without scripts; with
them the meter, the picture of a phone and the count follow what is typed.
"""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, Final

from flask import Blueprint, Request, Response, abort, flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from hotline.broadcasts import audience, campaign, checking, recordings, texts
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.campaign import EDITABLE, Refused
from hotline.broadcasts.check import wording
from hotline.broadcasts.progress import progress
from hotline.broadcasts.texts import FILLED, LANGUAGES, library
from hotline.console import guard, listing
from hotline.models import Broadcast, BroadcastState, table
from hotline.outbound.meter import repair
from hotline.recordings import Unfit
from hotline.roles import May, allows
from hotline.sound import WAV

screen = Blueprint("broadcasts", __name__)

BROADCAST = table(Broadcast)
SHOWN: Final = 100
LONGEST_TEXT: Final = 600
RUNNING: Final = (BroadcastState.SENDING, BroadcastState.PAUSED)
NOT_LISTENED: Final = "Listen to it to its end, and say so: nothing else can tell what it says."
ENVELOPE: Final = 2**16  # bytes a form adds to its file


@screen.url_value_preprocessor
def allow_for_sound(endpoint: str | None, _: dict[str, str] | None) -> None:
    """Let a recording be larger than other forms; who may not bring one in is turned away before it is read."""
    if endpoint == "console.broadcasts.record":
        request.max_content_length = recordings.LARGEST + ENVELOPE


@screen.get("/broadcasts")
@guard.may(May.SEE_BROADCASTS)
def show() -> str:
    """List all broadcasts, newest first."""
    chosen = guard.deployment()
    with guard.reading() as session:
        newest = select(BROADCAST).order_by(BROADCAST.c.id.desc()).limit(SHOWN)
        rows = [{str(name): value for name, value in row.items()} for row in session.execute(newest).mappings()]
        now = chosen.db.now(session)
        going = {row["id"]: progress(session, chosen, row, now) for row in rows if row["state"] in RUNNING}
        rail = listing.rail(session, guard.officer())
    return render_template("console/broadcasts.html", here="broadcasts", rows=rows, going=going, **rail)


@screen.get("/broadcasts/new")
@guard.may(May.BROADCAST)
def begin() -> str:
    """Show the library, each text with the sources of what it says."""
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    shelf = library(guard.deployment().settings.templates)
    words = guard.deployment().words.deployment
    return render_template("console/cast_new.html", here="broadcasts", shelf=shelf, deployment_words=words, **rail)


@screen.post("/broadcasts")
@guard.may(May.BROADCAST)
def create() -> Answer:
    """Begin a draft from the library, from an earlier broadcast, or with nothing."""
    chosen, key, copied = guard.deployment(), request.form.get("key", ""), request.form.get("copy", "")
    taken = next((one for one in library(chosen.settings.templates) if one.key == key), None)
    name, words, native = (taken.title, dict(taken.texts), taken.read_by_native) if taken else ("New broadcast", {}, ())
    people, heard = Audience(), dict[str, Any]()
    with guard.transaction() as session:
        if copied:
            row = campaign.get(session, copied) or abort(404)
            name, words, native = row["name"], row["texts"], tuple(row["read_by_native"])
            heard = row["recorded"]
            people = Audience.read(row["audience"])
        made = campaign.create(
            session,
            name=name,
            texts=words,
            recorded=heard,
            audience=people,
            author=guard.officer().name,
            now=guard.moment(),
            read_by_native=native,
        )
    return redirect(url_for(".words", broadcast_id=made), 303)


@screen.get("/broadcasts/<broadcast_id>/words")
@guard.may(May.BROADCAST)
def words(broadcast_id: str) -> str:
    """Show the composer."""
    return _words_page(draft(broadcast_id))


@screen.post("/broadcasts/<broadcast_id>/words")
@guard.may(May.BROADCAST)
def write(broadcast_id: str) -> Answer | tuple[str, int]:
    """Keep what was written; a button may ask to have a language's characters repaired."""
    row, typed = draft(broadcast_id), _typed(request)
    mended = request.form.get("repair", "")
    if mended in typed["texts"]:
        typed["texts"][mended] = repair(typed["texts"][mended])
    try:
        with guard.transaction() as session:
            campaign.edit(session, broadcast_id, actor=guard.officer().name, now=guard.moment(), **typed)
    except Refused as why:
        return _words_page({**row, **typed}, wrong=str(why)), 422
    if request.form.get("then") == "people":
        return redirect(url_for(".people", broadcast_id=broadcast_id), 303)
    flash("cast_kept")
    return redirect(url_for(".words", broadcast_id=broadcast_id, _anchor=f"lang-{mended}" if mended else None), 303)


@screen.post("/broadcasts/<broadcast_id>/look/<language>")
@guard.may(May.BROADCAST)
def look(broadcast_id: str, language: str) -> str:
    """Return how one language's text stands, as it is typed: the meter, what is wrong, and a phone that shows it."""
    if language not in LANGUAGES:
        abort(404)
    row = {**draft(broadcast_id), **_typed(request)}
    return render_template("console/_cast_look.html", language=language, look=_look(row, language), row=row)


@screen.post("/broadcasts/<broadcast_id>/recording/<language>")
@guard.may(May.BROADCAST)
def record(broadcast_id: str, language: str) -> Answer | tuple[str, int]:
    """Take what people who asked to be called hear in a language, or take it away again."""
    row = draft(broadcast_id) if language in LANGUAGES else abort(404)
    whole, said, file = dict(row["recorded"]), request.form.get("said", ""), request.files.get("file")
    if request.form.get("then") == "remove":
        whole.pop(language, None)
    else:
        refusals = [*recordings.wrong_words(guard.deployment().words, language, said)]
        if refusals or not request.form.get("listened"):
            return _words_page(row, wrong=str(refusals[0]) if refusals else NOT_LISTENED), 422
        raw = file.stream.read(recordings.LARGEST + 1) if file and file.filename else b""
        try:
            taken = recordings.bring_in(guard.deployment().settings.instance, language, said, raw)
        except Unfit as unfit:
            return _words_page(row, wrong=f"This cannot be played: {unfit}."), 422
        whole[language] = taken.kept()
    try:
        with guard.transaction() as session:
            campaign.edit(session, broadcast_id, actor=guard.officer().name, now=guard.moment(), recorded=whole)
    except Refused as why:
        return _words_page(row, wrong=str(why)), 422
    flash("cast_kept")
    return redirect(url_for(".words", broadcast_id=broadcast_id, _anchor=f"heard-{language}"), 303)


@screen.get("/broadcasts/<broadcast_id>/recording/<language>")
@guard.may(May.SEE_BROADCASTS)
def recording(broadcast_id: str, language: str) -> Response:
    """Play what people who are called hear in a language."""
    taken = recordings.of(there(broadcast_id)).get(language) or abort(404)
    file = recordings.file_of(guard.deployment().settings.instance, language, taken)
    if not file.is_file():
        abort(404)
    answer = send_file(BytesIO(file.read_bytes()), WAV, conditional=True)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@screen.get("/broadcasts/<broadcast_id>/people")
@guard.may(May.BROADCAST)
def people(broadcast_id: str) -> str:
    """Show who it is for."""
    return _people_page(draft(broadcast_id))


@screen.post("/broadcasts/<broadcast_id>/people")
@guard.may(May.BROADCAST)
def choose(broadcast_id: str) -> Answer | tuple[str, int]:
    """Keep who it is for, and go on to the check."""
    row, chosen = draft(broadcast_id), _chosen(request)
    try:
        with guard.transaction() as session:
            campaign.edit(session, broadcast_id, actor=guard.officer().name, now=guard.moment(), audience=chosen.kept())
    except Refused as why:
        return _people_page({**row, "audience": chosen.kept()}, wrong=str(why)), 422
    step = "console.sending.check" if request.form.get("then") == "check" else ".people"
    return redirect(url_for(step, broadcast_id=broadcast_id), 303)


@screen.post("/broadcasts/<broadcast_id>/count")
@guard.may(May.BROADCAST)
def count(broadcast_id: str) -> str:
    """Return how many people a choice has now."""
    row = draft(broadcast_id)
    with guard.reading() as session:
        chosen = replace(_chosen(request), ways=audience.ways(row))
        size = audience.size(session, chosen, guard.moment(), row["id"])
    return render_template("console/_cast_count.html", size=size, row=row)


def draft(broadcast_id: str) -> Mapping[str, Any]:
    """Return a broadcast that may still be changed; 404 for what is none, or has been sent."""
    row = there(broadcast_id)
    return row if row["state"] in EDITABLE else abort(404)


def there(broadcast_id: str) -> Mapping[str, Any]:
    """Return a broadcast, or answer 404."""
    with guard.reading() as session:
        return campaign.get(session, broadcast_id) or abort(404)


def few(row: Mapping[str, Any]) -> bool:
    """Whether a broadcast goes to so few that whoever wrote it may approve it."""
    return bool(row["people"] <= guard.deployment().settings.broadcast_second_person)


def _look(row: Mapping[str, Any], language: str) -> dict[str, object]:
    chosen = guard.deployment()
    of = wording(chosen, {**row, "texts": {language: "", **row["texts"]}})
    if not of.texts[language].strip():
        return {"text": ""}
    judged = of.judge(language, native=language in row["read_by_native"])
    readable = not {texts.Wrong.BRACES, texts.Wrong.PLACEHOLDER} & set(judged.wrong)
    blank = {**row, "filled": {**{name: f"[{name}]" for name in FILLED}, **row["filled"]}}
    shown = wording(chosen, blank).text(language, None) if readable else of.texts[language]
    repairable = judged.repaired != of.texts[language]
    return {"text": shown, "judged": judged, "repairable": repairable}


def _words_page(row: Mapping[str, Any], wrong: str = "") -> str:
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    looks = {language: _look(row, language) for language in LANGUAGES}
    sources = {fact: where for one in library(guard.deployment().settings.templates) for fact, where in one.facts}
    return render_template(
        "console/cast_words.html",
        here="broadcasts",
        step="words",
        row=row,
        looks=looks,
        languages=LANGUAGES,
        fields=tuple(FILLED),
        sources=sources,
        longest=LONGEST_TEXT,
        heard=recordings.of(row),
        longest_words=recordings.LONGEST_WORDS,
        longest_sound=int(recordings.LONGEST),
        wrong=wrong,
        **rail,
    )


def _people_page(row: Mapping[str, Any], wrong: str = "") -> str:
    chosen = Audience.of(row)
    with guard.reading() as session:
        size = audience.size(session, chosen, guard.moment(), str(row["id"]))
        lists, offered = audience.lists(session), audience.offered(session)
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/cast_people.html",
        here="broadcasts",
        step="people",
        row=row,
        chosen=chosen,
        size=size,
        lists=lists,
        offered=offered,
        wrong=wrong,
        **rail,
    )


def _typed(asked: Request) -> dict[str, Any]:
    """Return what was typed into the composer, as columns of a broadcast."""
    form = asked.form
    said = {language: _lines(form.get(f"text-{language}", "")) for language in LANGUAGES}
    return {
        "name": form.get("name", ""),
        "texts": {language: text for language, text in said.items() if text},
        "filled": {name: form[f"fill-{name}"].strip() for name in FILLED if form.get(f"fill-{name}", "").strip()},
        "read_by_native": [language for language in LANGUAGES if form.get(f"native-{language}") and said[language]],
        "choices": min(9, _number(form.get("choices", ""))),
    }


def _chosen(asked: Request) -> Audience:
    """Return the choice of people in a form."""
    form = asked.form
    return Audience(
        lists=tuple(form.getlist("lists")),
        languages=tuple(form.getlist("languages")),
        sectors=tuple(form.getlist("sectors")),
        interests=tuple(form.getlist("interests")),
        sources=tuple(form.getlist("sources")),
        rested_days=min(365, _number(form.get("rested_days", ""))),
        sample=max(1, min(100, _number(form.get("sample", "")) or 100)),
        held_out=min(50, _number(form.get("held_out", ""))),
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()[:LONGEST_TEXT]


def _number(typed: str) -> int:
    tidy = typed.strip()
    return int(tidy[:9]) if tidy.isascii() and tidy.isdigit() else 0


def may_approve(row: Mapping[str, Any]) -> bool:
    """Whether whoever looks may approve a broadcast: a second person, or for few its author."""
    role, name = guard.officer().role, guard.officer().name
    if few(row):
        return allows(role, May.APPROVE_BROADCAST) or allows(role, May.BROADCAST)
    return allows(role, May.APPROVE_BROADCAST) and name != row["author"]


def underway(broadcast_id: str) -> checking.Underway | None:
    """Return how far a check is that somebody waits for."""
    with guard.reading() as session:
        return checking.underway(session, broadcast_id)
