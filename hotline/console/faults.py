"""Error pages: what happened, what is kept, what to do. Never a trace, never a difference between denied and missing."""

import logging
from typing import Final

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

log = logging.getLogger(__name__)

TYPED: Final = "text"  # the form field in which officers write


class CameFromElsewhere(Exception):
    """A request that changes something was not sent by one of our pages."""


def install(app: Flask) -> None:
    """Answer errors with pages of our own."""
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(CameFromElsewhere, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def kept(why: str, status: int, **about: object) -> tuple[str, int]:
    """Return a stop page that gives back what the officer had typed. `why` is a block of kept.html."""
    typed = request.form.get(TYPED, "")
    return render_template("console/kept.html", why=why, typed=typed, **about), status


def _stale(_: Exception) -> tuple[str, int]:
    return kept("stale", 400)


def _http(error: HTTPException) -> tuple[str, int]:
    status = 404 if error.code in {403, MethodNotAllowed.code} else error.code or 500
    return render_template("console/fault.html", status=status), status


def _broken(error: Exception) -> tuple[str, int]:
    log.error("a page failed", exc_info=error, extra={"error": type(error).__name__})
    g.setdefault("officer", None)
    return kept("broken", 500)
