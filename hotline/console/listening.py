"""Recordings of a case: the disguised voice, and the one that was spoken for whoever asks a second time, on record."""

from io import BytesIO

from flask import Blueprint, Response, abort, flash, redirect, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from hotline.casework import listen, read
from hotline.console import guard
from hotline.models import AudioForm, Case
from hotline.roles import May

screen = Blueprint("listening", __name__, url_prefix="/case/<token>/recording/<recording_id>")
# What may be played under its own type; anything else a provider named is not repeated to a browser.
PLAYED = frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/mpeg", "audio/mp3", "audio/ogg"})


@screen.get("")
@guard.may(May.READ_CASE)
def disguised(token: str, recording_id: str) -> Response:
    """Play a recording with the voice disguised."""
    return _played(token, recording_id, AudioForm.DISGUISED)


@screen.post("/original")
@guard.may(May.WORK_CASE)
def ask(token: str, recording_id: str) -> Answer:
    """Ask for the voice as it was spoken: an act of its own, on record."""
    with guard.transaction() as session:
        case = session.scalars(select(Case).where(Case.token == token)).first() or abort(404)
        listen.ask_original(session, case, recording_id, officer=guard.officer(), now=guard.moment())
    flash("original")
    return redirect(url_for("console.case.show", token=token), 303)


@screen.get("/original")
@guard.may(May.WORK_CASE)
def original(token: str, recording_id: str) -> Response:
    """Play a recording as it was spoken, to who has asked for it a moment ago."""
    return _played(token, recording_id, AudioForm.ORIGINAL)


@screen.errorhandler(listen.NotToHear)
@screen.errorhandler(read.Shredded)
def nothing(_: Exception) -> tuple[str, int]:
    """What one may not hear and what is not there look the same."""
    return "", 404


def _played(token: str, recording_id: str, form: AudioForm) -> Response:
    chosen = guard.deployment()
    with guard.transaction() as session:
        case = session.scalars(select(Case).where(Case.token == token)).first() or abort(404)
        sound, kind = listen.hear(session, chosen, case, (recording_id, form), officer=guard.officer(), now=guard.moment())
    answer = send_file(BytesIO(sound), kind if kind in PLAYED else "application/octet-stream", conditional=True)
    answer.headers["Cache-Control"] = "no-store"
    return answer
