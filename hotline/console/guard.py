"""The guard: every route of the console names what it lets somebody do, and the role matrix says who may.

Denied by default: a route that names nothing does not start. What one may not see and what is not there look the same.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from flask import Blueprint, Flask, abort, current_app, g, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from hotline import sight
from hotline.console import faults, sessions
from hotline.deployment import Deployment
from hotline.models import Officer
from hotline.roles import May, allows

# Open before anybody has signed in. Each entry is a door that must stay open; add none that shows or changes a case.
OPEN: Final = frozenset(
    {
        "console.static.serve",
        "console.sign_in.form",
        "console.sign_in.enter",
        "console.sign_in.home",
        "console.demo.enter",
        "console.welcome.form",
        "console.welcome.enter",
        "console.passkey.ask",
        "console.passkey.enter",
        *(f"console.studio.paired.{name}" for name in ("show", "ask", "live", "press")),
    }
)
# Open to whoever is signed in, whatever the role.
ANY_OFFICER: Final = frozenset(
    {
        *("console.me.show", "console.me.end", "console.me.codes", "console.me.speak", "console.sign_in.leave"),
        *("console.passkey.offer", "console.passkey.add", "console.passkey.remove"),
        *("console.lock.door", "console.lock.shut", "console.lock.open_"),
    }
)
# Of these, what a locked screen still opens.
WHILE_LOCKED: Final = frozenset({"console.sign_in.leave", "console.lock.door", "console.lock.shut", "console.lock.open_"})

View = TypeVar("View", bound=Callable[..., Any])


class Unguarded(Exception):
    """A route of the console says of nobody that they may use it. Names the endpoints."""


def may(act: May) -> Callable[[View], View]:
    """Mark a view with what it lets somebody do."""

    def mark(view: View) -> View:
        view.__dict__["may"] = act
        return view

    return mark


def act_of(app: Flask, endpoint: str) -> May | None:
    """Return what a route lets somebody do, or None where it says nothing."""
    return cast("May | None", getattr(app.view_functions[endpoint], "may", None))


def check(app: Flask) -> None:
    """Raise Unguarded unless each route of the console is marked or stands in one of the two lists."""
    ours = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")}
    bare = sorted(name for name in ours - OPEN - ANY_OFFICER if act_of(app, name) is None)
    if bare:
        raise Unguarded(", ".join(bare))


def install(root: Blueprint) -> None:
    """Ask who is there before each request of the console."""
    root.before_request(_admit)


def officer() -> Officer:
    """Return who is signed in. Only to be called behind the guard."""
    return cast("Officer", g.officer)


def stranger_or_officer() -> Officer | None:
    """Return who is signed in, if anybody is."""
    return cast("Officer | None", g.officer)


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that reads what the officer who is signed in may see. The only way for a screen to read."""
    with sight.reading(deployment().db, officer()) as session:
        g.nothing_hidden = session.info[sight.NOTHING_HIDDEN]
        yield session


def nothing_hidden() -> bool:
    """Whether this request has looked already, and no case is kept from whoever is signed in."""
    return bool(g.get("nothing_hidden"))


def transaction() -> AbstractContextManager[Session]:
    """Open a session that sees and changes what the officer who is signed in may see, committed on leaving."""
    g.nothing_hidden = False  # what is changed in it may hide something
    return sight.transaction(deployment().db, officer())


def counters() -> AbstractContextManager[Session]:
    """Open a session on what is counted of the whole hotline. No case may be read in it."""
    return deployment().db.reading()


def whole_record() -> AbstractContextManager[Session]:
    """Open a session on the whole audit record, for walking its chain: with a row left out no link would hold.

    What is read in it must not be shown, but for the number of a row.
    """
    return deployment().db.transaction()


def locked() -> bool:
    """Whether whoever is signed in has to say the password before anything else."""
    return bool(g.get("officer") and g.get("locked"))


def moment() -> datetime:
    """Return the point in time at which this request began."""
    return cast("datetime", g.now)


def deployment() -> Deployment:
    """Return the deployment this console belongs to."""
    return cast("Deployment", current_app.extensions["deployment"])


def _admit() -> Response | tuple[str, int] | None:
    g.now, g.officer = datetime.now(UTC), None
    endpoint = request.endpoint or ""
    if endpoint == "console.static.serve":
        return None
    g.officer = sessions.current(deployment(), now=g.now)
    if locked() and endpoint not in WHILE_LOCKED:
        return _send_to("console.lock.door", "locked", 423)
    if endpoint in OPEN or (g.officer and endpoint in ANY_OFFICER and (not g.get("only") or endpoint == "console.sign_in.leave")):
        return None
    if g.officer is None:
        return _send_to("console.sign_in.form", "ended", 401)
    if only := g.get("only"):
        return None if endpoint.startswith(f"{only}.") else redirect(url_for(f"{only}.show"), 303)
    act = act_of(current_app, endpoint)
    if act is None or not allows(g.officer.role, act):
        abort(404)
    return None


def _send_to(door: str, why: str, status: int) -> Response | tuple[str, int]:
    """Send whoever may not go on to a door; what they had typed is shown to them rather than lost."""
    if "HX-Request" in request.headers:
        return Response(status=status, headers={"HX-Redirect": url_for(door)})
    if request.method == "POST":
        return faults.kept(why, status)
    return redirect(url_for(door), 303)
