"""Every screen that only shows, with rows on it, for every role, on each database: none breaks, none lets a word out.

What is asked of SQLite elsewhere is asked of PostgreSQL here once: sorting, counting, JSON, and what its row policies leave over.
"""

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from hotline.console import guard
from hotline.models import Case, NamedClue
from hotline.roles import MATRIX, Role, allows
from tests.console.desk import Desk
from tests.watch.letters import Letters

WORDS = "they took our papers near the market"


def furnished(desk: Desk) -> dict[str, str]:
    """Put a row of everything on a desk; returns what addresses need."""
    case = desk.case(WORDS, next_step_at=datetime.now(UTC) + timedelta(minutes=4))
    other = desk.case(WORDS, ago=timedelta(hours=2), urgency="soon", rank=1, state="waiting")
    desk.assess(case, findings=[], missing=["age"], next_question="age", places=["Kamembe"])
    desk.tell(case)
    Letters(desk.site).one_of_each()
    with desk.site.db.transaction() as session:
        for one in (case, other):
            session.add(NamedClue(case_id=one.id, value_index=b"the same", kind="wording", at=datetime.now(UTC)))
    browser = desk.signed_in("intake")
    browser.post(f"/case/{case.token}/reply", text="Is it far?")
    browser.post(f"/case/{case.token}/note", text="seen on Monday too")
    browser.post(f"/case/{case.token}/word", word="inyange")
    browser.post("/handover", text="a quiet night")
    browser.post("/new", text=WORDS)
    desk.change(desk.case("spam", category="spam_or_prank", urgency="routine", rank=2), aside="parked")
    return {"token": case.token, "officer_id": desk.officer("second").id}


def screens(app: Flask, known: dict[str, str]) -> list[tuple[str, str]]:
    """Return endpoint and address of every page that can be asked for with what is known."""
    rules = (rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.") and "GET" in (rule.methods or ()))
    with app.test_request_context():
        return [
            (rule.endpoint, rule.rule.replace("<token>", known["token"]).replace("<officer_id>", known["officer_id"]))
            for rule in rules
            if rule.arguments <= {"token", "officer_id"}
        ]


def test_no_screen_breaks_for_anybody(either: Desk) -> None:
    known = furnished(either)
    pages = screens(either.app, known)
    assert len(pages) > 25
    for role in Role:
        browser = either.signed_in(str(role))
        for endpoint, address in pages:
            act = guard.act_of(either.app, endpoint)
            answer = browser.get(address)
            assert answer.status_code < 500, f"{role} {address}"
            if act is not None and not allows(role, act):
                assert answer.status_code == 404, f"{role} {address}: {answer.status_code}"
            if act not in MATRIX[Role.INTAKE]:
                assert WORDS not in answer.get_data(as_text=True), address


def test_every_view_of_the_queue_has_its_rows(either: Desk) -> None:
    known = furnished(either)
    browser = either.signed_in("intake")
    with either.site.db.reading() as session:
        cases = {case.token: case for case in session.scalars(select(Case)).unique()}
    waiting, parked = cases[known["token"]], next(case for case in cases.values() if case.aside == "parked")
    for view, row in (("mine", waiting), ("waiting", waiting), ("noise", parked), ("all", parked), ("all", waiting)):
        assert f'id="row-{row.handle}"' in browser.get(f"/queue?view={view}").get_data(as_text=True), view
    assert parked.handle not in browser.get("/queue?view=new").get_data(as_text=True)
