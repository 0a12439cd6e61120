"""Nobody answers an alert to life: those told are called, and a key they press is their answer. People are invented."""

import re
from pathlib import Path

import pytest

from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.voice import duty_of
from hotline.models import AuditEvent, Case, DutyCall, DutyCallState, Inbox, Referral
from hotline.outbound import duty
from tests.line import Line, fill_directory
from tests.stages.test_beeps import Answered

CALLER = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    deployment.settings = deployment.settings.model_copy(update={"voice_gateway": "twilio"})
    fill_directory(deployment, tmp_path)
    made = Line(deployment)
    made.later(hours=12)
    made.says(CALLER, LOCKED_IN)
    return made


def called(line: Line) -> list[tuple[str, str]]:
    """Place the calls that are due, and return number and name of each."""
    before = len(line.carriers["twilio"].called)
    duty.call_duty(line.site)
    return line.carriers["twilio"].called[before:]


def ten_minutes(line: Line) -> list[tuple[str, str]]:
    line.tick(minutes=5)
    assert called(line) == [], "not before the step for it"
    line.tick(minutes=5)
    return called(line)


def over(line: Line, name: str) -> None:
    said = {"CallSid": f"CA-{name}", "CallStatus": "no-answer", "Direction": "outbound-api"}
    assert line.post(said, kind="voice_event", query=f"placed={name}").status_code == 200
    line.work()


def test_those_who_have_not_answered_are_called_beside_being_texted(line: Line) -> None:
    line.tick(minutes=5)
    line.forget()
    line.tick(minutes=5)
    texted = {text.to for text in line.sent}
    placed = called(line)
    assert {number for number, _ in placed} <= texted
    assert len(placed) == len({number for number, _ in placed}) == 3
    assert called(line) == [], "once"


def test_a_call_says_nothing_of_the_case(line: Line) -> None:
    (_, name), *_ = ten_minutes(line)
    heard = Answered(line, name).heard
    words = " ".join(re.findall(r"<Say[^>]*>([^<]*)", heard))
    assert "urgent" in words.lower()
    told = [line.case()["handle"], "Rusizi", "Kamembe", "passport", "passeport", CALLER[4:], "minor", "mineur"]
    assert not [one for one in told if one.lower() in words.lower()]


@pytest.mark.parametrize(("key", "state"), [("1", "acknowledged"), ("2", "passed_on"), ("3", "declined")])
def test_a_key_is_an_answer_like_a_text(line: Line, key: str, state: str) -> None:
    (number, name), *_ = ten_minutes(line)
    line.forget()
    call = Answered(line, name)
    call.press(key)
    line.work()
    (row,) = line.rows(DutyCall, id=(duty_of(name) or ("", ""))[1])
    assert row["state"] == DutyCallState.ANSWERED
    assert line.rows(Referral, contact_id=row["contact_id"])[0]["state"] == state
    assert any(line.case()["handle"] in one for one in line.to(number)), "what came of it is told by text"
    assert (line.case()["acknowledged_at"] is not None) == (key == "1")
    (event,) = line.rows(AuditEvent, actor=f"contact:{row['contact_id']}")
    assert "voice" in repr(dict(event))
    assert len(line.rows(Case)) == 1, "a contact on the phone opens no report"


def test_a_key_that_comes_twice_is_one_answer(line: Line) -> None:
    (number, name), *_ = ten_minutes(line)
    line.forget()
    Answered(line, name).press("1")
    line.work()
    Answered(line, name).press("1")
    line.work()
    assert len(line.to(number)) == 1


def test_nobody_is_called_once_somebody_has_answered(line: Line) -> None:
    line.tick(minutes=5)
    line.tick(minutes=5)
    handle = line.case()["handle"]
    taker = next(text.to for text in line.carriers["simulator"].sent)
    line.text(taker, f"1 {handle}")
    line.work()
    assert called(line) == []
    assert {row["state"] for row in line.rows(DutyCall)} == {DutyCallState.CANCELLED}


@pytest.mark.parametrize("certainty", [Certainty.REFUSED, Certainty.UNKNOWN])
def test_a_call_that_may_not_have_been_placed_is_placed_again_three_times_at_most(line: Line, certainty: Certainty) -> None:
    line.carriers["twilio"].call = lambda number, name: (  # type: ignore[method-assign]
        line.carriers["twilio"].called.append((number, name)) or Sent(name, certainty, code="500")
    )
    tried = [len(ten_minutes(line))]
    for _ in range(4):
        line.later(seconds=91)
        tried.append(len(called(line)))
    assert tried == [3, 3, 3, 0, 0]
    assert {row["state"] for row in line.rows(DutyCall)} == {DutyCallState.UNREACHED}


def test_a_worker_that_dies_between_claim_and_call_loses_none(line: Line) -> None:
    line.tick(minutes=5)
    line.tick(minutes=5)
    with line.site.db.transaction() as session:
        lost = duty.take(session, line.site, line.now)
    assert len(lost) == 3
    assert called(line) == []
    line.later(seconds=91)
    assert len(called(line)) == 3


def test_a_call_nobody_picks_up_is_not_repeated_and_the_ladder_goes_on(line: Line) -> None:
    for _, name in ten_minutes(line):
        over(line, name)
    line.later(minutes=5)
    assert called(line) == []
    assert {row["state"] for row in line.rows(DutyCall)} == {DutyCallState.UNREACHED}
    line.forget()
    line.tick(minutes=5)
    assert len({text.to for text in line.sent}) > 3, "supervisors are texted"


def test_a_mailbox_hears_nothing_and_answers_nothing(line: Line) -> None:
    (_, name), *_ = ten_minutes(line)
    said = {"CallSid": "CA9", "CallStatus": "in-progress", "Direction": "outbound-api", "AnsweredBy": "machine_start"}
    heard = line.post(said, kind="voice", query=f"placed={name}").text
    assert not {"Say", "Play", "Gather"} & set(re.findall(r"<(\w+)", heard))
    line.work()
    assert line.case()["acknowledged_at"] is None


def test_without_a_gateway_that_carries_calls_the_text_goes_alone(line: Line) -> None:
    line.site.settings = line.site.settings.model_copy(update={"voice_gateway": "kannel"})
    assert ten_minutes(line) == []
    assert line.rows(DutyCall) == []


def test_rows_and_names_of_calls_hold_no_number(line: Line) -> None:
    for number, name in ten_minutes(line):
        assert number[4:] not in name
        Answered(line, name).press("1")
    for row in (*line.rows(DutyCall), *line.rows(Inbox)):
        assert "78000020" not in repr(dict(row))
