"""Setup: what is missing is asked of how things are, an administrator opens the line when nothing is, and it stands on record."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from hotline.deployment import Deployment
from hotline.models import AuditEvent, Counter, Officer
from hotline.roles import Role
from hotline.watch import checkup, opening
from hotline.watch.opening import RESTORED, Gate, Step
from tests.console.desk import Browser, Desk

OPEN = {"public_url": "https://in.example.org", "console_url": "http://127.0.0.1:8001"}


@pytest.fixture
def real(build: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk that is no demo, with checks that would look at this machine left out."""
    monkeypatch.setattr(opening, "MACHINE", ())
    made = build(demo=False, **OPEN)
    made.enrol("admin", Role.ADMIN, demo=False)
    made.enrol("supervisor", Role.SUPERVISOR, demo=False)
    return made


def entered(desk: Desk, name: str) -> Browser:
    browser = desk.browser()
    answer = browser.post("/sign-in", name=name, password="a long invented password", code=desk.code(name))
    assert answer.status_code == 303
    return browser


def missing(desk: Desk) -> set[str]:
    with desk.site.db.reading() as session:
        return {gate.code for gate in opening.gates(session, desk.site, datetime.now(UTC)) if not gate.holds}


def deeds(desk: Desk) -> list[tuple[str, str]]:
    with desk.site.db.reading() as session:
        lines = select(AuditEvent).where(AuditEvent.action.like("line.%")).order_by(AuditEvent.seq)
        return [(event.actor, event.action) for event in session.scalars(lines)]


def test_a_fresh_hotline_lacks_what_it_lacks_and_each_thing_done_is_missed_no_more(real: Desk) -> None:
    lacking = {
        *("console_url", "quiet", "gateway", "tested", "two_agencies", "last_resort", "every_hour"),
        *("officer", "supervisor", "reviewed", "taken", "anchored", "restored"),
    }
    assert missing(real) == lacking
    for name in ("first", "second"):
        real.tell(real.case(), name)
    real.change(real.case(), acknowledged_at=datetime.now(UTC))
    entered(real, "supervisor")
    checkup.anchors(real.site).write_text("")
    assert lacking - missing(real) == {"two_agencies", "officer", "supervisor", "taken", "anchored"}
    with real.site.db.transaction() as session:
        session.execute(update(Officer).where(Officer.name == "admin").values(demo=True))
    assert "nobody_invented" in missing(real)


def test_pages_say_practice_until_an_administrator_opens_the_line(real: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, supervisor = entered(real, "admin"), entered(real, "supervisor")
    assert "This line is not open yet" in supervisor.get("/queue").get_data(as_text=True)
    refused = admin.post("/setup/open")
    assert refused.status_code == 409
    assert "something is still missing" in refused.get_data(as_text=True)
    monkeypatch.setattr(opening, "gates", lambda *_: [Gate("real", Step.MACHINE, holds=True)])
    assert supervisor.post("/setup/open").status_code == 404
    assert "Open the line" not in supervisor.get("/setup").get_data(as_text=True)
    assert deeds(real) == []
    assert admin.post("/setup/open").status_code == 303
    assert "This line is not open yet" not in supervisor.get("/queue").get_data(as_text=True)
    assert "The line is open" in admin.get("/setup").get_data(as_text=True)
    admin.post("/setup/practice")
    assert "This line is not open yet" in admin.get("/setup").get_data(as_text=True)
    assert deeds(real) == [("officer:admin", "line.opened"), ("officer:admin", "line.practice")]


def test_while_the_machine_is_looked_at_webhooks_are_written(real: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bool] = []

    def write(deployment: Deployment) -> Iterator[checkup.Finding]:
        with deployment.db.transaction() as session:
            written.append(bool(session.connection()))
        yield checkup.Finding("webhook", checkup.Health.OK, "")

    monkeypatch.setattr(opening, "MACHINE", (write, checkup.database))
    assert entered(real, "admin").post("/setup/open").status_code == 409
    assert all(written)
    assert len(written) == 2  # asked before it is opened, and for the page that says what is missing
    with real.site.db.transaction():
        assert [one.health for one in checkup.safely(checkup.database, real.site)][:1] == [checkup.Health.OK]


def test_what_somebody_said_of_a_backup_grows_old(real: Desk) -> None:
    entered(real, "admin").post("/setup/restored")
    assert "restored" not in missing(real)
    assert deeds(real) == [("officer:admin", "line.restored")]
    with real.site.db.reading() as session:
        assert session.get_one(Counter, RESTORED).value > 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91)):
        assert "restored" in missing(real)


def test_a_demo_shows_its_steps_and_never_opens(desk: Desk) -> None:
    admin = desk.signed_in("admin")
    page = admin.get("/setup").get_data(as_text=True)
    assert "This is a demo" in page
    assert "PRACTICE" not in page
    assert admin.post("/setup/open").status_code == 409
