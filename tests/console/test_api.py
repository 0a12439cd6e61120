"""The door for partners' programs: the document and the routes agree, keys and their scopes, and nothing of a person goes out."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline import api, partners
from hotline.api.turnstile import Turnstile
from hotline.cli import main
from hotline.models import Agency, ApiKey, AuditEvent, Case, Inbox, Scope
from tests.console.desk import Desk
from tests.console.test_hidden import keep_from
from workers import jobs

DOCUMENT: dict[str, Any] = json.loads(api.DOCUMENT.read_text(encoding="utf-8"))
MONTH = datetime.now(ZoneInfo("Africa/Kigali")).strftime("%Y-%m")
REPORT = {"words": "They took our papers in a house in Kamembe", "number": "+250780000133", "danger": True}


def agency(desk: Desk, name: str = "Invented agency") -> str:
    with desk.site.db.transaction() as session:
        found = session.scalars(select(Agency).where(Agency.name == name)).first()
        if found is None:
            found = Agency(name=name, kind="ngo")
            session.add(found)
            session.flush()
        return found.id


def key(desk: Desk, *scopes: Scope, of: str = "Invented agency") -> str:
    theirs = agency(desk, of)
    with desk.site.db.transaction() as session:
        return partners.give(session, "case system", theirs, scopes or list(Scope), datetime.now(UTC), by="officer:admin")


def ask(desk: Desk, method: str, path: str, secret: str, body: object = None, once: str = "report-0001") -> TestResponse:
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": once}
    return desk.app.test_client().open(path, method=method, headers=headers, json=body)


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is of a shape, as far as this document uses JSON Schema."""
    if "$ref" in schema:
        return fits(value, DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = {str: "string", dict: "object", list: "array", bool: "boolean", int: "integer", type(None): "null"}[type(value)]
    if kind not in kinds or value not in schema.get("enum", [value]):
        return False
    if kind == "array":
        return all(fits(one, schema["items"]) for one in value)
    if kind != "object":
        return True
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    if not set(schema.get("required", ())) <= set(value) or (others is False and not set(value) <= set(known)):
        return False
    return all(fits(one, known.get(name, others)) for name, one in value.items())


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(method.upper(), path, one) for path, ways in DOCUMENT["paths"].items() for method, one in ways.items()]


def test_the_document_and_the_routes_are_the_same(desk: Desk) -> None:
    served = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule)): desk.app.view_functions[rule.endpoint].__dict__["scope"]
        for rule in desk.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(method, path): one["x-scope"] for method, path, one in operations()}
    fields = DOCUMENT["components"]["schemas"]["Report"]
    asked = api.Report.model_json_schema()
    assert (set(fields["properties"]), fields["required"]) == (set(asked["properties"]), asked["required"])
    assert desk.app.test_client().get("/api/openapi.json").get_json() == DOCUMENT
    page = desk.app.test_client().get("/api/docs")
    assert all(f'id="{one["operationId"]}"' in page.get_data(as_text=True) for _, _, one in operations())
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|style=|https?://", page.get_data(as_text=True).replace("standardwebhooks.com", ""))


def test_what_is_answered_has_the_shape_the_document_gives_it(desk: Desk) -> None:
    desk.tell(desk.case(), "Invented post")
    secret = key(desk, of="Invented post agency")
    for method, path, one in operations():
        answer = ask(desk, method, path.replace("{month}", MONTH), secret, REPORT if method == "POST" else None)
        shape = one["responses"][str(answer.status_code)]["content"]["application/json"]["schema"]
        assert fits(answer.get_json(), shape), path
    problem = ask(desk, "GET", "/api/v1/referrals", "hlk_nonsense")
    assert fits(problem.get_json(), {"$ref": "#/components/schemas/Problem"})


@pytest.mark.parametrize(("method", "path", "one"), operations())
def test_without_a_key_without_its_scope_or_with_one_taken_back_nothing_is_told(
    desk: Desk, method: str, path: str, one: dict[str, Any]
) -> None:
    others = [scope for scope in Scope if scope != one["x-scope"]]
    secret = key(desk, *others)
    assert ask(desk, method, path, "").status_code == 401
    assert ask(desk, method, path, secret).status_code == 403
    with desk.site.db.transaction() as session:
        (given,) = session.scalars(select(ApiKey)).all()
        assert secret.encode() not in given.secret_hash
        partners.revoke(session, given.id, datetime.now(UTC), by="officer:admin")
    assert ask(desk, method, path, secret).status_code == 401
    assert desk.signed_in("supervisor").client.open(path, method=method).status_code == 401, "a cookie counts for nothing"


def test_a_report_is_stored_once_for_its_key_and_becomes_an_item_like_any_other(desk: Desk) -> None:
    secret = key(desk, Scope.REPORT)
    first, again = (ask(desk, "POST", "/api/v1/reports", secret, REPORT) for _ in range(2))
    assert (first.status_code, again.get_json()) == (202, first.get_json())
    assert ask(desk, "POST", "/api/v1/reports", secret, REPORT, once="report-0002").get_json() != first.get_json()
    with desk.site.db.reading() as session:
        assert len(session.scalars(select(Inbox)).all()) == 2
    while jobs.drain_batch(desk.site):
        pass
    with desk.site.db.reading() as session:
        (case,) = session.scalars(select(Case)).all()
        assert (case.channel, case.urgency) == ("program", "immediate")
        record = session.scalars(select(AuditEvent.actor).where(AuditEvent.action == "api.report")).all()
    assert record == ["key:case system"] * 3
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert "in a house in" in page


@pytest.mark.parametrize(
    ("body", "once", "status", "title"),
    [
        ({"words": ""}, "report-0001", 422, "Not fit: words."),
        ({"words": "x", "number": "hello"}, "report-0001", 422, "number is no phone number."),
        ({"words": "x", "moon": "+250780000133"}, "report-0001", 422, "Not fit: an unknown field."),
        ([], "report-0001", 422, "Not fit: body."),
        ({"words": "x"}, "short", 400, "Idempotency-Key is missing: 8 to 128 ASCII characters."),
    ],
)
def test_what_is_not_fit_is_named_and_never_repeated(desk: Desk, body: object, once: str, status: int, title: str) -> None:
    answer = ask(desk, "POST", "/api/v1/reports", key(desk, Scope.REPORT), body, once=once)
    assert (answer.status_code, answer.get_json()["title"]) == (status, title)
    with desk.site.db.reading() as session:
        assert session.scalars(select(Inbox)).all() == []


def test_a_program_sees_what_its_agency_was_told_of_and_nothing_that_is_kept_from_it(desk: Desk) -> None:
    mine, others, kept = desk.case("qwertz one"), desk.case("qwertz two"), desk.case("qwertz three")
    for case, name in ((mine, "Invented post"), (others, "Another post")):
        desk.tell(case, name)
    secret = key(desk, of="Invented post agency")
    told = ask(desk, "GET", "/api/v1/referrals", secret)
    assert [one["code"] for one in told.get_json()["referrals"]] == [mine.handle]
    figures = ask(desk, "GET", f"/api/v1/figures/{MONTH}", secret)
    assert figures.get_json()["total"] in (None, "<5")
    for _ in range(3):
        desk.case()
    assert ask(desk, "GET", f"/api/v1/figures/{MONTH}", secret).get_json()["tables"]["category"] == {"trafficking": "5"}
    theirs = agency(desk, "Invented post agency")
    for case in (mine, kept):
        keep_from(desk, case, f"agency:{theirs}")
    assert ask(desk, "GET", "/api/v1/referrals", secret).get_json() == {"referrals": []}
    assert ask(desk, "GET", f"/api/v1/figures/{MONTH}", secret).get_json()["tables"]["category"] == {"trafficking": "<5"}
    assert not re.search(r"qwertz|\+250|780\d{6}", told.get_data(as_text=True) + figures.get_data(as_text=True))


def test_who_asks_too_often_waits(desk: Desk) -> None:
    secret = key(desk)
    desk.app.extensions["turnstile"] = Turnstile("redis://127.0.0.1:1/0", a_minute=2)
    answers = [ask(desk, "GET", "/api/v1/referrals", secret) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "60"


def test_an_administrator_gives_a_key_that_is_shown_once_and_takes_it_back(desk: Desk) -> None:
    admin, theirs = desk.signed_in("admin"), agency(desk)
    assert admin.post("/keys", name="case system", agency=theirs).status_code == 422
    given = admin.post("/keys", name="case system", agency=theirs, scope="referrals").get_data(as_text=True)
    found = re.search(r"hlk_[\w-]{43}", given)
    assert found
    assert ask(desk, "GET", "/api/v1/referrals", found[0]).status_code == 200
    page = admin.get("/keys").get_data(as_text=True)
    assert "case system" in page
    assert found[0] not in page
    with desk.site.db.reading() as session:
        (one,) = session.scalars(select(ApiKey)).all()
    assert admin.post(f"/keys/{one.id}/revoke").status_code == 303
    assert ask(desk, "GET", "/api/v1/referrals", found[0]).status_code == 401
    with desk.site.db.reading() as session:
        done = session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("key.%")).order_by(AuditEvent.seq)).all()
    assert done == ["key.given", "key.revoked"]


def test_the_command_line_gives_lists_and_takes_back(desk: Desk) -> None:
    agency(desk)
    where = {"HOTLINE_INSTANCE": str(desk.site.settings.instance), "COLUMNS": "200"}
    run = CliRunner()
    given = run.invoke(main, ["keys", "give", "case system", "--agency", "Invented agency", "--scope", "figures"], env=where)
    assert ask(desk, "GET", f"/api/v1/figures/{MONTH}", given.output.strip()).status_code == 200
    listed = run.invoke(main, ["keys", "ls"], env=where).output
    assert "case system" in listed
    key_id = listed.splitlines()[1].split()[0]
    assert run.invoke(main, ["keys", "revoke", key_id], env=where).exit_code == 0
    assert run.invoke(main, ["keys", "revoke", key_id], env=where).exit_code == 1
    assert run.invoke(main, ["keys", "give", "x", "--agency", "nobody", "--scope", "figures"], env=where).exit_code == 1
