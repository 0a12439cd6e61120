"""A missed call becomes one call back, by rules; whatever becomes of it, somebody can see it. All people are invented."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from hotline.models import Beep, BeepState
from hotline.outbound import callback
from tests.line import Line

RINGER = "+250780000101"
ABROAD = "+14155550100"


class Phone:
    """Rings the hotline through Twilio, and picks up or not."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.calls = 0

    def ring(self, number: str = RINGER) -> str:
        self.calls += 1
        fields = {"CallSid": f"CA{self.calls:032x}", "From": number, "To": "+250788000000", "CallStatus": "ringing"}
        answer = self.line.post({**fields, "Direction": "inbound"}, kind="beep")
        assert answer.status_code == 200
        return answer.text

    def step(self, reference: str, **fields: str) -> str:
        said = {"CallSid": f"CA-{reference}", "Direction": "outbound-api", **fields}
        answer = self.line.post(said, kind="beep", query=f"back={reference}")
        assert answer.status_code == 200
        return answer.text

    def over(self, reference: str, status: str = "completed") -> None:
        said = {"CallSid": f"CA-{reference}", "CallStatus": status}
        assert self.line.post(said, kind="beep", query=f"back={reference}&over=1").status_code == 200


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
    assert "press" not in phone.step(reference, AnsweredBy="machine_start").lower(), "no voicemail hears anything"
    assert 'numDigits="1"' in phone.step(reference, AnsweredBy="human")
    assert "<Say>" in phone.step(reference, Digits="1")
    phone.over(reference)
    line.work()
    assert beep(line)["state"] == BeepState.REACHED


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
    phone.step(reference, Digits="1")
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
