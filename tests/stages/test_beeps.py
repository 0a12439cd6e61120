"""A missed call becomes one call back, by rules; whatever becomes of it, somebody can see it. All people are invented."""

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from hotline.deployment import Deployment
from hotline.models import Beep, BeepState, Caller, Case, CaseState, Recording, RecordingState, Referral
from hotline.outbound import callback
from tests.line import Line, fill_directory
from tests.voices import said_aloud

RINGER = "+250780000101"
ABROAD = "+14155550100"
OURS = "+250788000000"
TAPE = "RE" + "a" * 32


class Phone:
    """Rings the hotline through Twilio, and picks up or not."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.calls = 0

    def ring(self, number: str = RINGER) -> str:
        self.calls += 1
        fields = {"CallSid": f"CA{self.calls:032x}", "From": number, "To": OURS, "CallStatus": "ringing"}
        answer = self.line.post({**fields, "Direction": "inbound"}, kind="beep")
        assert answer.status_code == 200
        return answer.text

    def picks_up(self, reference: str, **fields: str) -> "Answered":
        return Answered(self.line, reference, **fields)

    def over(self, reference: str, status: str = "completed") -> None:
        said = {"CallSid": f"CA-{reference}", "CallStatus": status, "Direction": "outbound-api", "From": OURS, "To": RINGER}
        assert self.line.post(said, kind="voice_event", query=f"placed={reference}").status_code == 200


class Answered:
    """A call of ours that was picked up: what is heard, in TwiML, and what is pressed."""

    def __init__(self, line: Line, reference: str, **fields: str) -> None:
        self.line = line
        self.said = {"CallSid": f"CA-{reference}", "CallStatus": "in-progress", "Direction": "outbound-api", "From": OURS}
        self.query = f"placed={reference}"
        self.step(AnsweredBy="human", **fields)

    def step(self, **fields: str) -> str:
        answer = self.line.post({**self.said, "To": RINGER, **fields}, kind="voice", query=self.query)
        assert answer.status_code == 200
        self.heard = answer.text
        self.query = (re.findall(r"\?(at=[^\"<]+)", answer.text) or [""])[0]
        return answer.text

    def press(self, *keys: str) -> str:
        for key in keys:
            self.step(Digits=key)
        return self.heard


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    """A line that Africa's Talking carries calls for, too."""
    account = {"africastalking_username": "invented", "hook_secrets": (SecretStr("invented" * 5),)}
    deployment.settings = deployment.settings.model_copy(update=account)
    fill_directory(deployment, tmp_path)
    return Line(deployment)


@pytest.fixture
def phone(line: Line) -> Phone:
    return Phone(line)


def called(line: Line, *, after: float = 61) -> list[tuple[str, str]]:
    """Let the clock come to what is due, and return the calls placed since (number, our id)."""
    before = len(line.carriers["twilio"].called)
    line.work()
    line.later(seconds=after)
    callback.call_back(line.site)
    return line.carriers["twilio"].called[before:]


def beep(line: Line) -> dict[str, object]:
    (only,) = line.rows(Beep)
    return dict(only)


def aged(line: Line, **span: float) -> None:
    """Move the stored beeps into the past: the door stamps them with the wall clock."""
    moved = timedelta(**span)
    with line.site.db.transaction() as session:
        for row in line.rows(Beep):
            values = {name: row[name] - moved for name in ("first_at", "last_at", "due_at")}
            session.execute(callback.BEEP.update().where(callback.BEEP.c.id == row["id"]).values(**values))


@pytest.fixture(autouse=True)
def _now(line: Line) -> None:
    """Missed calls are stamped by the door; the line's clock starts where that is, in a zone where it is about noon."""
    line.now = datetime.now(UTC)
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"timezone": f"Etc/GMT{line.now.hour - 12:+}"})


def test_a_missed_call_is_turned_away_unanswered_and_called_back_once(line: Line, phone: Phone) -> None:
    assert phone.ring() == '<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="busy" /></Response>'
    line.work()
    assert callback.call_back(line.site) == 0, "not at once: the phone still shows the call that failed"
    ((number, reference),) = called(line)
    assert number == RINGER
    assert called(line) == []
    assert beep(line)["state"] == BeepState.DIALLING
    call = phone.picks_up(reference)
    assert "Vous venez d'appeler" in call.heard, "until there are recordings, in a language the gateway speaks"
    assert 'numDigits="1"' in call.heard
    line.work()
    assert (line.rows(Case), beep(line)["state"]) == ([], BeepState.DIALLING), "somebody else may have picked up"
    call.press("1")
    phone.over(reference)
    line.work()
    assert beep(line)["state"] == BeepState.REACHED


def test_whoever_pressed_the_key_goes_the_way_of_any_call(line: Line, phone: Phone) -> None:
    line.carriers["twilio"].tapes[TAPE] = said_aloud()
    phone.ring()
    ((_, reference),) = called(line)
    call = phone.picks_up(reference)
    call.press("1", "5", "1", "1", "1")
    line.work()
    case = line.case()
    assert (case["channel"], case["urgency"], case["state"]) == ("voice", "immediate", CaseState.UNFINISHED)
    assert len(line.rows(Referral)) == 2, "danger now pages while the caller is still speaking"
    call.step(RecordingSid=TAPE, RecordingDuration="9", RecordingUrl=f"https://api.twilio.com/{TAPE}")
    call.press("1")
    phone.over(reference)
    line.work()
    assert line.told(case["id"])[0] == "Rang once, was called back, and pressed 1."
    assert line.told(case["id"])[-2:] == ["Left a voice message.", "Sent the voice message."]
    assert line.case()["state"] == CaseState.NEW
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE]
    (caller,) = line.rows(Caller)
    assert caller["number_index"] == beep(line)["number_index"] == line.site.number_index(RINGER)
    line.text(RINGER, "It is behind the market")
    line.work()
    assert len(line.rows(Case)) == 1, "what the phone texts later joins the report of its call"


@pytest.mark.parametrize("kind", ["beep", "voice"])
def test_a_call_back_by_africas_talking_goes_the_same_way(line: Line, kind: str) -> None:
    africas = line.carriers["africastalking"]
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"voice_gateway": "africastalking"})
    Phone(line).ring()
    line.work()
    line.later(seconds=61)
    callback.call_back(line.site)
    ((number, reference),) = africas.called
    told = {"sessionId": "ATVId_7", "isActive": "1", "direction": "Outbound", "callerNumber": OURS, "destinationNumber": number}
    told["clientRequestId"] = reference
    heard, target = "", urlsplit(africas.address(kind)).path
    for key in ("", "1", "5", "1", "1", "2"):
        heard = line.client.post(target, data=told | ({"dtmfDigits": key} if key else {})).text
        onward = urlsplit(re.findall(r'callbackUrl="([^"]+)"', heard)[0])
        target = f"{onward.path}?{onward.query}"
    assert "<Record" in heard
    line.client.post(urlsplit(africas.address(kind)).path, data=told | {"isActive": "0"})
    line.work()
    assert line.told(line.case()["id"])[-1] == "Anyone in danger right now? No"
    (caller,) = line.rows(Caller)
    assert caller["number_index"] == line.site.number_index(RINGER), "whom we called is known from the missed call"
    assert (beep(line)["state"], line.case()["state"]) == (BeepState.REACHED, CaseState.NEW)


def test_a_machine_hears_nothing_and_leaves_nothing(line: Line, phone: Phone) -> None:
    phone.ring()
    ((_, reference),) = called(line)
    heard = line.post(
        {"CallSid": "CA1", "CallStatus": "in-progress", "Direction": "outbound-api", "AnsweredBy": "machine_start"},
        kind="voice",
        query=f"placed={reference}",
    ).text
    assert "<Hangup" in heard
    assert not {"Say", "Play", "Gather"} & set(re.findall(r"<(\w+)", heard))
    line.work()
    assert (line.rows(Case), line.rows(Caller)) == ([], [])
    assert beep(line)["state"] == BeepState.UNREACHED


def test_silence_at_the_gate_of_a_call_back_ends_it_without_another_word(line: Line, phone: Phone) -> None:
    phone.ring()
    ((_, reference),) = called(line)
    heard = phone.picks_up(reference).press("")
    assert not {"Say", "Play", "Gather"} & set(re.findall(r"<(\w+)", heard))
    line.work()
    assert (line.rows(Case), beep(line)["reason"]) == ([], "nobody pressed the key")


def test_a_call_nobody_answers_is_listed_and_not_tried_again(line: Line, phone: Phone) -> None:
    phone.ring()
    ((_, reference),) = called(line)
    phone.over(reference, "no-answer")
    assert called(line, after=600) == []
    assert (beep(line)["state"], beep(line)["reason"]) == (BeepState.UNREACHED, "nobody pressed the key")


def test_events_in_any_order_say_the_same(line: Line, phone: Phone) -> None:
    phone.ring()
    ((_, reference),) = called(line)
    phone.over(reference)
    line.work()
    phone.picks_up(reference).press("1")
    line.work()
    assert beep(line)["state"] == BeepState.REACHED


def test_missed_calls_of_one_phone_fold_into_one(line: Line, phone: Phone) -> None:
    for _ in range(7):
        phone.ring()
    assert len(called(line)) == 1
    phone.ring()
    assert called(line) == [], "one is in flight"
    assert beep(line)["times"] == 8


@pytest.mark.parametrize("number", [ABROAD, "+250252500000", "anonymous", "+243970000000", "7788"])
def test_only_mobile_numbers_of_the_country_are_called(number: str, line: Line, phone: Phone) -> None:
    phone.ring(number)
    assert called(line) == []
    assert beep(line)["state"] == BeepState.REFUSED


@pytest.mark.parametrize("word", ["0", "STOP"])
def test_nought_and_stop_call_off_what_waits(word: str, line: Line, phone: Phone) -> None:
    phone.ring()
    line.work()
    line.text(RINGER, word)
    assert called(line) == []
    assert (beep(line)["state"], beep(line)["reason"]) == (BeepState.CANCELLED, "asked us to stop")


def test_late_is_not_called(line: Line, phone: Phone) -> None:
    phone.ring()
    assert called(line, after=31 * 60) == []
    assert beep(line)["reason"] == "too long ago"


def test_at_night_only_whoever_rang_this_moment_is_called(line: Line, phone: Phone) -> None:
    line.site.__dict__["settings"] = line.site.settings.model_copy(
        update={"beep_from": line.site.local(line.now).time(), "beep_until": line.site.local(line.now).time()}
    )
    phone.ring()
    assert len(called(line)) == 1
    phone.ring("+250780000102")
    assert called(line, after=180) == []
    assert {row["reason"] for row in line.rows(Beep)} == {None, "night"}


def test_a_phone_is_called_three_times_a_day_at_most(line: Line, phone: Phone) -> None:
    for round_ in range(4):
        phone.ring()
        line.work()
        placed = called(line, after=61)
        assert len(placed) == (1 if round_ < 3 else 0)
        for _, reference in placed:
            phone.over(reference)
        line.work()
        aged(line, minutes=11)
    assert [row["reason"] for row in line.rows(Beep)][-1] == "called often enough today"


def test_a_lost_call_frees_its_place(line: Line, phone: Phone) -> None:
    phone.ring()
    assert len(called(line)) == 1
    line.later(minutes=12)
    callback.call_back(line.site)
    assert beep(line)["reason"] == "no word of the call"


def storm(line: Line, beeps: int, numbers: int, *, budget: int, at_once: int = 25) -> list[tuple[str, str]]:
    """Let many phones ring at once, some from abroad; each call ends before the next round. Returns the calls."""
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"beep_daily_budget": budget, "beep_at_once": at_once})
    chance, phone = random.Random(7), Phone(line)
    home = [f"+25078{1_000_000 + number}" for number in range(numbers)]
    abroad = [f"+1415555{number:04}" for number in range(numbers // 10)]
    for ringer in [*home, *chance.choices(home + abroad, k=beeps - numbers)]:
        phone.ring(ringer)
    line.work()
    while line.rows(Beep, state=BeepState.WAITING):
        line.later(seconds=20)
        before = len(line.carriers["twilio"].called)
        callback.call_back(line.site)
        flying = Counter(row["number_index"] for row in line.rows(Beep, state=BeepState.DIALLING))
        assert len(flying) <= at_once
        assert set(flying.values()) <= {1}
        for number, reference in line.carriers["twilio"].called[before:]:
            phone.ring(number)
            phone.over(reference)
        line.work()
    return line.carriers["twilio"].called


def test_a_storm_of_missed_calls_is_called_back_within_the_rules(line: Line) -> None:
    placed = storm(line, 300, 60, budget=50)
    assert len(placed) == 50, "the day's budget"
    assert max(Counter(number for number, _ in placed).values()) == 1
    assert all(number.startswith("+2507") for number, _ in placed)
    assert sum(row["times"] for row in line.rows(Beep)) == 350, "every missed call is on record"
    assert Counter(row["reason"] for row in line.rows(Beep))[callback.BUDGET_USED] == 10


@pytest.mark.faults
def test_five_thousand_missed_calls_of_eight_hundred_phones(line: Line) -> None:
    placed = storm(line, 5000, 800, budget=800)
    assert len(placed) == 800
    assert len({number for number, _ in placed}) == 800
    assert all(number.startswith("+2507") for number, _ in placed)
    assert sum(row["times"] for row in line.rows(Beep)) == 5800
