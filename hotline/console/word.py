"""The check word on the case page: keep the one a person chose, and ask later whether the one given is right."""

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from hotline.casework import checkword, work
from hotline.console import case, guard
from hotline.roles import May

screen = Blueprint("word", __name__, url_prefix="/case/<token>/word")

LONGEST = 60


@screen.post("")
@guard.may(May.REPLY)
def keep(token: str) -> Response:
    """Keep the word the person chose."""
    with case.worked(token) as (session, its):
        checkword.keep(session, guard.deployment(), its, officer=guard.officer(), word=_given(), now=guard.moment())
    return _back(token, "word_kept")


@screen.post("/compare")
@guard.may(May.REPLY)
def compare(token: str) -> Response:
    """Say whether the word the person gave is theirs; wrong twice freezes the item."""
    with case.worked(token) as (session, its):
        verdict = checkword.compare(session, guard.deployment(), its, officer=guard.officer(), word=_given(), now=guard.moment())
    return _back(token, f"word_{verdict}")


@screen.post("/thaw")
@guard.may(May.THAW)
def thaw(token: str) -> Response:
    """Let a frozen item be written to again."""
    with case.worked(token) as (session, its):
        checkword.thaw(session, its, officer=guard.officer(), now=guard.moment())
    return _back(token, "thawed")


@screen.errorhandler(work.Changed)
def changed(error: Exception) -> tuple[str, int]:
    """Ask to look once more."""
    return case.changed(error)


def _given() -> str:
    return request.form.get("word", "").strip()[:LONGEST]


def _back(token: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("console.case.show", token=token), 303)
