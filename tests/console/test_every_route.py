"""Every route of the console, drawn from its own map: who may, what is not theirs, forged forms, markup, headers, the record.

A route that is added is tried by all of these the day it is there. What may be done is told by the matrix; what a page shows is
told by the page: forms are found on it, filled in and sent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline.console import guard
from hotline.models import AuditEvent, Base, Contact
from hotline.roles import MATRIX, May, Role
from tests.console.desk import ORIGIN, Browser, Desk
from tests.console.test_hidden import keep_from

MARK = "x7q9"
NAUGHTY = (
    f'"><{MARK} onload=alert(1)>',
    f"'><{MARK}>{{{{7*7}}}}",
    f"</textarea><{MARK}>",
    f"javascript:{MARK}",
    "\u202e\ufeff%s%n\\x00<!--",
)
ELSEWHERE = "https://evil.example.org/"
HANGS_UP = "/wall/hang"  # ends what the browser could do (test_me.py)
MARKED = {"/urgent"}  # ids alone, asked for again and again: a browser keeps the mark that says whether they changed
SEEN = {"officer_session", "counter"}  # when somebody was last seen, and how many were turned away, is no change


@dataclass
class Form(HTMLParser):
    """The forms of one page: where each goes, and its fields."""

    found: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((told.get("method", "get").lower(), told.get("action", ""), {}))
        elif tag in {"input", "textarea", "select", "button"} and self.found and "name" in told:
            self.found[-1][2][told["name"]] = told.get("value", "")


def routes(desk: Desk) -> Iterator[tuple[str, str, May]]:
    """Method, path with its holes, and act of every guarded route."""
    for rule in sorted(desk.app.url_map.iter_rules(), key=lambda one: one.rule):
        if rule.endpoint.startswith("console.") and rule.rule != HANGS_UP and (act := guard.act_of(desk.app, rule.endpoint)):
            for method in sorted(rule.methods & {"GET", "POST"}):
                yield method, re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule), act


def filled(path: str, **named: str) -> str:
    known = {"name": "simulator", "at": "1", "act": "up"} | named
    return re.sub(r"\{(\w+)\}", lambda hole: known.get(hole[1], "none"), path)


def ask(browser: Browser, method: str, path: str, **fields: str) -> TestResponse:
    return browser.get(path) if method == "GET" else browser.post(path, **({"text": "x", "version": "0"} | fields))


def body(answer: TestResponse) -> bytes:
    return re.sub(rb'name="csrf_token" value="[^"]+"', b"", answer.data)


def everything(desk: Desk) -> dict[str, object]:
    """All rows of all tables, to see that nothing has changed."""
    with desk.site.db.reading() as session:
        return {
            name: session.execute(select(of).order_by(*of.primary_key.columns)).all()
            for name, of in Base.metadata.tables.items()
            if name not in SEEN
        }


@pytest.fixture
def _still() -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.mark.usefixtures("_still")
@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_own_doors_and_what_is_not_theirs_is_not_there(desk: Desk, role: Role) -> None:
    """Every route x this role x a case of theirs, one kept from them, one that is not there: 0 wrong."""
    who, browser = desk.officer(str(role)), desk.signed_in(str(role))
    kept, nowhere = desk.case(), browser.get("/nowhere").data
    keep_from(desk, kept, f"officer:{who.id}")
    for method, path, act in routes(desk):
        missing = ask(browser, method, filled(path, token="no-such-token"))
        hidden = ask(browser, method, filled(path, token=kept.token)) if "{token}" in path else missing
        if act not in MATRIX[role]:
            assert (missing.status_code, missing.data) == (404, nowhere), f"{role} {method} {path}"
        if "{token}" in path:
            same = body(missing).replace(b"no-such-token", kept.token.encode())
            assert (hidden.status_code, body(hidden)) == (missing.status_code, same), f"{role} {method} {path} tells of it"
        assert kept.handle.encode() not in hidden.data


@pytest.mark.usefixtures("_still")
def test_no_form_without_its_own_token_changes_anything(desk: Desk) -> None:
    case, theirs = desk.case(), desk.signed_in("second").token()
    for role in (Role.SUPERVISOR, Role.ADMIN, Role.BROADCASTER):
        browser = desk.signed_in(str(role))
        before, own = everything(desk), browser.token()
        for method, path, act in routes(desk):
            if method == "POST" and act in MATRIX[role]:
                where = filled(path, token=case.token, officer_id=desk.officer("second").id)
                for token, origin in (("", ORIGIN), (theirs, ORIGIN), (own, ELSEWHERE)):
                    answer = browser.post(where, token=token, origin=origin, text="x", version="0")
                    assert answer.status_code == 400, f"{path} takes a forged form: {answer.status_code}"
        assert everything(desk) == before


def test_every_page_is_framed_by_nobody_kept_by_nobody_and_leads_nowhere_else(desk: Desk) -> None:
    case, tries = desk.case(), f"next={ELSEWHERE}&url={ELSEWHERE}&back={ELSEWHERE}&to=//evil.example.org"
    for role in (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR, Role.BROADCASTER):
        browser = desk.signed_in(str(role))
        for method, path, act in routes(desk):
            if act not in MATRIX[role]:
                continue
            where = filled(path, token=case.token, officer_id="none")
            answer = (
                browser.get(f"{where}?{tries}")
                if method == "GET"
                else browser.post(f"{where}?{tries}", next=ELSEWHERE, url=ELSEWHERE)
            )
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
            kept = "no-cache, private" if path in MARKED else "no-store"
            assert answer.headers["Cache-Control"] == kept, path
            assert answer.headers["Referrer-Policy"] == "no-referrer", path
            assert (answer.location or "/").startswith("/"), f"{path} leads to {answer.location}"
            assert not (answer.location or "").startswith("//"), path


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR, Role.BROADCASTER])
def test_markup_through_every_field_of_every_page_stays_text(desk: Desk, role: Role) -> None:
    case = desk.case(" ".join(NAUGHTY))
    desk.assess(
        case,
        findings=[{"rule": MARK, "axis": "act", "sentence": NAUGHTY[0], "words": MARK}],
        missing=[NAUGHTY[1]],
        places=[NAUGHTY[2]],
    )
    contact = desk.tell(case, NAUGHTY[0])
    with desk.site.db.transaction() as session:
        sealed = desk.site.keyring.fields.seal_text("+250780000199", f"contact|number|{contact.id}")
        session.get_one(Contact, contact.id).number_sealed = sealed
    browser, sent = desk.signed_in(str(role)), set()
    pages = [filled(path, token=case.token) for method, path, act in routes(desk) if method == "GET" and act in MATRIX[role]]
    for number, path in enumerate(pages):
        form = Form()
        page = browser.get(path)
        unharmed(page, path)
        if page.mimetype == "text/html":
            form.feed(page.get_data(as_text=True))
        for how, action, fields in form.found:
            if action in sent or action in {"/sign-out", HANGS_UP} or not action.startswith("/"):
                continue
            sent.add(action)
            typed = {
                name: value if name in {"csrf_token", "version"} else NAUGHTY[number % len(NAUGHTY)]
                for name, value in fields.items()
            }
            typed.pop("csrf_token", None)
            answer = browser.post(action, **typed) if how == "post" else browser.client.get(action, query_string=typed)
            unharmed(answer, action)
            if answer.location:
                unharmed(browser.get(answer.location), action)
    for path in pages:
        unharmed(browser.get(path), path)


def unharmed(answer: TestResponse, path: str) -> None:
    assert answer.status_code < 500, f"{path} breaks"
    if answer.mimetype == "text/html":
        page = answer.get_data(as_text=True)
        assert f"<{MARK}" not in page, f"{path} shows what was typed as markup"
        assert f'href="javascript:{MARK}' not in page


def test_words_are_shown_by_no_route_that_leaves_no_record(desk: Desk) -> None:
    """Each GET of whoever reads cases: where the words of one come out, a row of the record says so."""
    for _, path, act in routes(desk):
        if act not in MATRIX[Role.SUPERVISOR] or "{token}" not in path:
            continue
        case = desk.case("an invented word: qwertz")
        answer = desk.signed_in("supervisor").get(filled(path, token=case.token))
        if answer.status_code == 200 and b"qwertz" in answer.data:
            with desk.site.db.reading() as session:
                assert session.scalars(select(AuditEvent).where(AuditEvent.object == case.handle)).first() is not None, path
