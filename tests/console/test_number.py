"""A number is seen by who asked with a reason and a fresh code, after a second person agreed, once, for a minute, on record."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from hotline import audit
from hotline.casework import reveal
from hotline.models import AuditEvent, Caller, Case, CaseKey, Report, Reveal
from hotline.roles import Role
from tests.console.desk import PASSWORD, Browser, Desk
from tests.console.test_hidden import keep_from

NUMBER = "+250780000177"
WHY = "She asked to be called at noon, and our line cannot."
DEMO_CODE = "123456"


def numbered(desk: Desk, **facts: object) -> Case:
    """A case whose caller has an invented number."""
    case = desk.case(**({"urgency": "soon", "rank": 1} | facts))
    with desk.site.db.transaction() as session:
        caller = session.scalars(
            select(Caller).join(Report, Report.caller_id == Caller.id).where(Report.case_id == case.id)
        ).one()
        caller.number_sealed = desk.site.keyring.fields.seal_text(NUMBER, f"caller|number|{caller.id}")
    return case


def ask(browser: Browser, case: Case, reason: str = "call_back", why: str = WHY, code: str = DEMO_CODE) -> int:
    return browser.post(f"/case/{case.token}/number", reason=reason, why=why, code=code).status_code


def newest(desk: Desk) -> Reveal:
    with desk.site.db.reading() as session:
        return session.scalars(select(Reveal).order_by(Reveal.asked_at.desc())).first()


def deeds(desk: Desk, case: Case) -> list[str]:
    with desk.site.db.reading() as session:
        rows = session.scalars(select(AuditEvent.action).where(AuditEvent.object == case.handle).order_by(AuditEvent.seq))
        return [action for action in rows if action.startswith("number")]


def test_a_second_person_lets_the_first_see_it_once(desk: Desk) -> None:
    case, intake, supervisor = numbered(desk), desk.signed_in("intake"), desk.signed_in("supervisor")
    assert ask(intake, case) == 303
    assert intake.post(f"/case/{case.token}/number/show").status_code == 409, "nobody has agreed yet"
    page = supervisor.get("/numbers").get_data(as_text=True)
    assert case.handle in page
    assert "She asked to be called at noon" in page
    assert NUMBER not in page
    assert supervisor.post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE).status_code == 303
    shown = intake.post(f"/case/{case.token}/number/show")
    assert NUMBER in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    assert f'content="60;url=/case/{case.token}"' in shown.get_data(as_text=True)
    assert intake.post(f"/case/{case.token}/number/show").status_code == 409, "once"
    assert deeds(desk, case) == ["number.asked", "number.granted", "number.seen"]
    with desk.site.db.reading() as session:
        assert NUMBER not in repr(session.execute(select(AuditEvent.meta, AuditEvent.object)).all())


def test_what_is_refused_is_not_seen(desk: Desk) -> None:
    case, intake = numbered(desk), desk.signed_in("intake")
    ask(intake, case)
    desk.signed_in("supervisor").post(f"/numbers/{newest(desk).id}", decision="refuse", code=DEMO_CODE)
    assert intake.post(f"/case/{case.token}/number/show").status_code == 409
    assert "said no" in intake.get(f"/case/{case.token}/number").get_data(as_text=True)


def test_nobody_decides_what_they_asked_themselves(desk: Desk) -> None:
    case, supervisor = numbered(desk), desk.signed_in("supervisor")
    ask(supervisor, case)
    assert case.handle not in supervisor.get("/numbers").get_data(as_text=True)
    assert supervisor.post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE).status_code == 409
    assert deeds(desk, case) == ["number.asked"]


def test_danger_does_not_wait_and_is_looked_at_afterwards(desk: Desk) -> None:
    case, intake = numbered(desk, urgency="immediate", rank=0), desk.signed_in("intake")
    ask(intake, case, "danger", "She stopped writing in the middle of a word.")
    assert NUMBER in intake.post(f"/case/{case.token}/number/show").get_data(as_text=True)
    supervisor = desk.signed_in("supervisor")
    assert "say whether it was right" in supervisor.get("/numbers").get_data(as_text=True)
    supervisor.post(f"/numbers/{newest(desk).id}", decision="refuse", code=DEMO_CODE)
    assert case.handle not in supervisor.get("/numbers").get_data(as_text=True)
    assert newest(desk).state == "seen"
    assert deeds(desk, case) == ["number.asked", "number.seen", "number.refused"]


def test_danger_is_no_reason_where_there_is_none(desk: Desk) -> None:
    case, intake = numbered(desk), desk.signed_in("intake")
    ask(intake, case, "danger", "I would rather not wait for anybody.")
    assert intake.post(f"/case/{case.token}/number/show").status_code == 409


def test_without_a_reason_or_a_code_nothing_is_asked(desk: Desk) -> None:
    case, intake = numbered(desk), desk.signed_in("intake")
    assert ask(intake, case, why="because") == 422
    assert ask(intake, case, reason="curious") == 422
    assert ask(intake, case, code="12345") == 403
    assert newest(desk) is None
    assert "numbers today" not in intake.get(f"/case/{case.token}/number").get_data(as_text=True)


def test_an_officer_who_is_not_invented_proves_it_with_their_app_and_once(desk: Desk) -> None:
    case, browser = numbered(desk), desk.browser()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        browser.post("/sign-in", name="real", password=PASSWORD, code=desk.code("real"))
        assert ask(browser, case, code=desk.code("real")) == 403, "that code opened the door"
        assert ask(browser, case, code=DEMO_CODE) == 403
        clock.shift(timedelta(seconds=31))
        assert ask(browser, case, code=desk.code("real")) == 303


def test_what_was_granted_lasts_a_quarter_of_an_hour(desk: Desk) -> None:
    case, intake = numbered(desk), desk.signed_in("intake")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        ask(intake, case)
        desk.signed_in("supervisor").post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE)
        clock.shift(timedelta(minutes=14, seconds=50))
        intake.get("/today")
        clock.shift(timedelta(seconds=11))
        assert intake.post(f"/case/{case.token}/number/show").status_code == 409


def test_five_a_day_are_enough_for_anybody(desk: Desk) -> None:
    intake = desk.signed_in("intake")
    asked = [ask(intake, numbered(desk)) for _ in range(reveal.MOST_A_DAY + 1)]
    assert asked == [303] * reveal.MOST_A_DAY + [422]


def test_no_record_no_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case, intake = numbered(desk), desk.signed_in("intake")
    ask(intake, case)
    desk.signed_in("supervisor").post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE)
    desk.app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken(*_: object, **__: object) -> None:
        raise OSError

    with monkeypatch.context() as broken_record:
        broken_record.setattr(audit, "record", broken)
        failed = intake.post(f"/case/{case.token}/number/show")
    assert failed.status_code == 500
    assert NUMBER not in failed.get_data(as_text=True)
    assert newest(desk).state == "granted", "it was not used up either"


def test_a_number_of_a_case_that_is_kept_or_shredded_is_not_there(desk: Desk) -> None:
    desk.enrol("inside", Role.SUPERVISOR)
    case, inside, intake = numbered(desk), desk.signed_in("inside"), desk.signed_in("intake")
    ask(intake, case)
    keep_from(desk, case, f"officer:{desk.officer('inside').id}")
    assert case.handle not in inside.get("/numbers").get_data(as_text=True)
    assert inside.post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE).status_code == 409
    assert inside.get(f"/case/{case.token}/number").status_code == 404
    desk.signed_in("supervisor").post(f"/numbers/{newest(desk).id}", decision="grant", code=DEMO_CODE)
    with desk.site.db.transaction() as session:
        session.delete(session.get_one(CaseKey, case.id))
    assert intake.post(f"/case/{case.token}/number/show").status_code == 410
