"""The door for partners' programs: reports in; figures and an agency's own referrals out. openapi.json says all of it.

A key says who asks (`Authorization: Bearer`), for which agency, and what it may be used for. Each request reads with that
agency's eyes, is put on record, and is counted. No word and no number of anybody goes out; cookies count for nothing here.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

from flask import Blueprint, Flask, Response, current_app, g, render_template, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from hotline import audit, partners, sight
from hotline.api.turnstile import Turnstile
from hotline.casework import own, tracks
from hotline.db import after_commit, insert_unless_there
from hotline.deployment import Deployment
from hotline.figures import counts, small
from hotline.intake.told import Told, Way, enclose
from hotline.models import ApiKey, Case, Inbox, InboxKind, Referral, Scope, new_id, subjects_of, table
from hotline.places import sectors
from hotline.queue import QueueName

door = Blueprint("api", __name__, url_prefix="/api", template_folder="templates")

DOCUMENT: Final = Path(__file__).with_name("openapi.json")
INBOX: Final = table(Inbox)
SHORTEST_KEY, LONGEST_KEY = 8, 128
View = TypeVar("View", bound=Callable[..., Any])


class Refused(Exception):
    """A request is answered with a problem (RFC 9457). `title` is one of a few fixed sentences."""

    def __init__(self, status: int, title: str, **headers: str) -> None:
        super().__init__(title)
        self.status, self.title, self.headers = status, title, headers


class Report(BaseModel):
    """A report as a program writes it."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field(min_length=1, max_length=4000, repr=False)
    number: str = Field("", max_length=32, repr=False)
    language: str = Field("", max_length=8)
    sector: str = Field("", max_length=64)
    danger: bool = False
    minors: bool = False


def install(app: Flask, deployment: Deployment) -> None:
    """Put the door into the desk's application."""
    app.extensions["turnstile"] = Turnstile(deployment.settings.redis)
    app.register_blueprint(door)


def needs(scope: Scope) -> Callable[[View], View]:
    """Let a view be asked only with a key of this scope, and put the request on record."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**named: str) -> Response:
            g.now = datetime.now(UTC)
            with _site().db.transaction() as session:
                key = _shown(session)
                if not current_app.extensions["turnstile"].lets(key.id):
                    raise Refused(429, "Too many requests with this key.", **{"Retry-After": "60"})
                if scope not in key.scopes:
                    raise Refused(403, "This key is not for that.")
                audit.record(session, g.now, actor=f"key:{key.name}", action=f"api.{scope}", subject=key.agency.name)
                g.key = key
            answer: Response = view(**named)
            return answer

        guarded.__dict__["scope"] = scope
        return guarded  # type: ignore[return-value]

    return guard


@door.get("/openapi.json")
def document() -> Response:
    """Give the document away."""
    return Response(DOCUMENT.read_bytes(), content_type="application/json")


@door.get("/docs")
def docs() -> str:
    """Show the document to people."""
    return render_template("api/docs.html", document=json.loads(DOCUMENT.read_text(encoding="utf-8")))


@door.post("/v1/reports")
@needs(Scope.REPORT)
def report() -> Response:
    """Store a report, once for each idempotency key, and answer with its receipt."""
    site, key, given = _site(), _key(), _read()
    once = request.headers.get("Idempotency-Key", "")
    if not SHORTEST_KEY <= len(once) <= LONGEST_KEY or not once.isascii():
        raise Refused(400, f"Idempotency-Key is missing: {SHORTEST_KEY} to {LONGEST_KEY} ASCII characters.")
    if given.number and not site.sender(given.number).reachable:
        raise Refused(422, "number is no phone number.")
    place = given.sector if given.sector in sectors(site.settings.templates, site.settings.district) else ""
    told = Told(
        officer_id=None,
        way=Way.PROGRAM,
        words=f"{given.words}\n{place}" if place else given.words,
        number=given.number,
        language=given.language if given.language in site.words.languages else "",
        urgency="immediate" if given.danger else None,
        minors=given.minors,
    )
    row = enclose(site.keyring.inbox_seal(), told, new_id(), g.now) | {"external_id": _once(site, key, once)}
    with site.db.transaction() as session:
        insert_unless_there(session.connection(), INBOX, [row])
        same = (INBOX.c.kind == InboxKind.DESK, INBOX.c.external_id == row["external_id"])
        receipt = session.scalars(select(INBOX.c.id).where(*same)).one()
        after_commit(session, lambda: site.bell.ring(QueueName.INTAKE))
    return _said({"receipt": receipt}, 202)


@door.get("/v1/referrals")
@needs(Scope.REFERRALS)
def referrals() -> Response:
    """Say what the key's agency was told of, as its own people see it, without what the desk wrote for them."""
    site, key = _site(), _key()
    with site.db.reading() as session:
        sight.narrow_to(session, _eyes(key))
        found = own.mine(session, key.agency_id)
        due = tracks.deadlines(session, [case.id for case, _ in found])
        told = [_told(case, one, due.get(case.id)) for case, one in found]
    return _said({"referrals": told})


@door.get("/v1/figures/<month>")
@needs(Scope.FIGURES)
def figures(month: str) -> Response:
    """Say how many were reported in a month, rounded, and small numbers not at all."""
    site, key = _site(), _key()
    asked = counts.month_named(month)
    if asked is None or asked.span(site)[0] > g.now:
        raise Refused(404, "No such month.")
    with site.db.reading() as session:
        sight.narrow_to(session, _eyes(key))
        shown = small.publish(counts.parts(session, site, asked))
    tables = {name: {code: cell.shown for code, cell in of.items()} if of else None for name, of in shown.tables.items()}
    return _said({"month": str(asked), "total": shown.total.shown if shown.total else None, "tables": tables})


@door.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """Answer with a problem."""
    body = {"type": "about:blank", "title": error.title, "status": error.status}
    answer = Response(json.dumps(body), status=error.status, content_type="application/problem+json")
    answer.headers.update(error.headers)
    return answer


@door.errorhandler(HTTPException)
def other(error: HTTPException) -> Response:
    """Answer with a problem of any other kind, such as a body that is too large."""
    return refused(Refused(error.code or 500, error.name))


def _shown(session: Any) -> ApiKey:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    one = partners.found(session, key.strip(), g.now) if kind.lower() == "bearer" else None
    if one is None:
        raise Refused(401, "No such key.", **{"WWW-Authenticate": "Bearer"})
    return one


def _read() -> Report:
    """Read the body. What is wrong is named by its field, and no value is repeated."""
    try:
        return Report.model_validate_json(request.get_data(cache=False))
    except ValidationError as error:
        fields = sorted({str(one["loc"][0]) if one["loc"] else "body" for one in error.errors()} & {*Report.model_fields, "body"})
        raise Refused(422, f"Not fit: {', '.join(fields) or 'an unknown field'}.") from None


def _told(case: Case, one: Referral, due: datetime | None) -> dict[str, str | None]:
    times = {name: _at(getattr(one, name)) for name in ("told_at", "answered_at", "accepted_at", "outcome_at")}
    plain = {"id": one.id, "code": case.handle, "urgency": case.urgency, "minors": case.minors, "contact": one.contact.name}
    ended = {"state": one.state, "reason": one.reason, "outcome": one.outcome}
    return plain | ended | times | {"take_by": _at(due)}


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _once(site: Deployment, key: ApiKey, once: str) -> str:
    return site.keyring.blind_index("idempotency", f"{key.id}|{once}").hex()


def _eyes(key: ApiKey) -> frozenset[str]:
    return subjects_of(agency=key.agency_id, kind=key.agency.kind)


def _said(body: dict[str, object], status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _site() -> Deployment:
    site: Deployment = current_app.extensions["deployment"]
    return site


def _key() -> ApiKey:
    key: ApiKey = g.key
    return key
