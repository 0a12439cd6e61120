"""One-click sign-in of a demo: a button for each invented officer, only on the machine the demo runs on."""

import ipaddress
from collections.abc import Sequence

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response as Answer

from hotline import officers
from hotline.console import guard, sessions
from hotline.deployment import Deployment
from hotline.models import Officer

screen = Blueprint("demo", __name__)


@screen.post("/demo/<officer_id>")
def enter(officer_id: str) -> Answer:
    """Sign in as an invented officer."""
    chosen = guard.deployment()
    if not chosen.settings.demo or not on_this_machine():
        abort(404)
    with chosen.db.transaction() as session:
        who = officers.admit_invented(session, officer_id, now=guard.moment())
        token = sessions.begin(session, who, now=guard.moment()) if who else ""
    return sessions.welcome(token, chosen.settings) if token else abort(404)


def offered(deployment: Deployment) -> Sequence[Officer]:
    """Return the invented officers to offer to whoever sends this request."""
    if not deployment.settings.demo or not on_this_machine():
        return ()
    with deployment.db.reading() as session:
        return officers.invented(session)


def on_this_machine() -> bool:
    """Whether the request comes from this machine, by no proxy, under a name no other site can point here."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    named_here = host == "localhost" or _loopback(host)
    return named_here and _loopback(request.remote_addr or "") and "X-Forwarded-For" not in request.headers


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
