"""One report's whole way, between real processes: from a phone through the webhook to two officers' phones and back."""

import re
import time

import pytest
from sqlalchemy import func, select

from hotline.models import Case, Message, MessageKind, MessageState
from hotline.simulator.handsets import Text
from hotline.simulator.profiles import Role, shipped
from hotline.simulator.send import send_sms
from tests.journeys.running import Officer, Running, until

pytestmark = pytest.mark.processes

WORDS = "They locked six girls in a house in Bugarama and took their passports, one is 14"
PROMISED = 2.0
# Two cores that also run other tests may hold one report up for a moment; none may take longer than this, and at the
# third try one must keep the promise.
BUSY = 5.0
CONTACTS = [person for person in shipped() if person.role is Role.CONTACT]


def alerts_with(running: Running, handle: str) -> dict[str, Text]:
    """The alerts for a case that stand on invented contacts' phones, by contact's name."""
    found = {}
    for person in CONTACTS:
        for text in running.phone(person.number):
            if text.arrived and handle in text.body and f"1 {handle}" in text.body:
                found[person.name] = text
    return found


def newest_case(running: Running) -> Case | None:
    with running.site.db.reading() as session:
        return session.scalars(select(Case).order_by(Case.opened_at.desc(), Case.id.desc()).limit(1)).first()


def reported(running: Running, number: str) -> tuple[str, float]:
    """Send one report; return its handle and after how many seconds two contacts' phones had it."""
    before = newest_case(running)
    started = time.monotonic()
    assert send_sms(running.site, sender=number, text=WORDS).taken
    handle = ""

    def on_two_phones() -> bool:
        nonlocal handle
        case = newest_case(running)
        if case is None or (before is not None and case.id == before.id):
            return False
        handle = case.handle
        return len(alerts_with(running, handle)) >= 2

    until(on_two_phones, BUSY, "an alert is on two phones")
    return handle, time.monotonic() - started


def case_of(running: Running, handle: str) -> Case:
    with running.site.db.reading() as session:
        return session.scalars(select(Case).where(Case.handle == handle)).one()


def told_last(running: Running, number: str, key: str, case: Case) -> bool:
    """Whether the newest text on a phone is one of ours about this case, in whatever language its owner reads."""
    arrived = [text.body for text in running.phone(number) if text.arrived]
    at = f"{running.site.local(case.acknowledged_at):%H:%M}" if case.acknowledged_at else ""
    sayings = {running.site.words.text(key, language, code=case.handle, time=at) for language in ("en", "fr", "rw")}
    return arrived[-1] in sayings


def test_a_text_is_on_the_queue_and_on_two_phones_within_two_seconds_and_one_answer_stops_the_rest(running: Running) -> None:
    took: list[float] = []
    while not took or (took[-1] > PROMISED and len(took) < 3):
        handle, seconds = reported(running, f"+25078500{time.time_ns() % 10_000:04}")
        took.append(seconds)
    shown = ", ".join(f"{seconds:.2f} s" for seconds in took)
    print(f"\nfrom the phone to two officers' phones: {shown}")  # noqa: T201  a figure, seen with -s
    assert took[-1] <= PROMISED

    officer = Officer(running.desk, "Aline U.")
    queue = officer.get("/queue")
    row = re.search(rf'<tr id="row-{handle}" class="(\w+)".*?</tr>', queue, re.DOTALL)
    assert row
    assert row.group(1) == "immediate"
    assert "possible trafficking" in row.group(0).lower()
    officer.close()

    told = alerts_with(running, handle)
    assert len(told) == 2, "life danger: two agencies, and nobody besides them yet"
    first, second = (person for person in CONTACTS if person.name in told)
    for text in told.values():
        assert handle in text.body
        assert not re.search(r"girl|passport|Bugarama|\+?250\s?7", text.body), "an alert never tells whom, what or where"

    assert case_of(running, handle).next_step_at is not None, "the ladder stands"
    assert send_sms(running.site, sender=first.number, text=f"1 {handle}").taken
    until(lambda: case_of(running, handle).acknowledged_at is not None, BUSY, "the answer counts")
    case = case_of(running, handle)
    assert case.next_step_at is None, "the ladder is cleared"
    assert case.acknowledged_by is not None
    assert case.acknowledged_by.name == first.name
    until(lambda: told_last(running, first.number, "staff.taken", case), BUSY, "the first is thanked")
    waiting = (Message.case_id == case.id, Message.kind == MessageKind.ALERT)
    unsent = Message.state.in_((MessageState.QUEUED, MessageState.HELD, MessageState.CLAIMED))
    with running.site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message).where(*waiting, unsent)) == 0

    assert send_sms(running.site, sender=second.number, text=f"1 {handle}").taken
    until(lambda: told_last(running, second.number, "staff.already_taken", case), BUSY, "the second learns that it is taken")
    assert case_of(running, handle).acknowledged_by_id == case.acknowledged_by_id
