"""Calls at the door: each step is on disk before the next page, and whoever hangs up, at any second, has left a report (T-VO-1).

Everything goes through the real WSGI application, on both stores. Numbers and words are invented.
"""

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import update

from hotline.calls import Lines
from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.gateways.voice import NotFetched
from hotline.intake import spool, tapes
from hotline.intake.voice.tree import STOPS
from hotline.models import (
    Caller,
    Case,
    CaseState,
    Inbox,
    InboxState,
    Message,
    Quarantine,
    RecordedAudio,
    Recording,
    RecordingState,
    Referral,
    VoiceCall,
    table,
)
from hotline.routing.settle import settle
from tests.calling import Called, knock
from tests.dialling import Dialled
from tests.line import Line, fill_directory
from tests.voices import said_aloud

WHOLE = ("1", "5", "1", "1", "3", "record", "1")


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    made = Line(deployment)
    made.carriers["simulator"].tapes["tape-1"] = said_aloud()
    return made


def walk(phone: Called, steps: tuple[str, ...], tape: str = "tape-1") -> None:
    phone.ring()
    for step in steps:
        phone.speak(tape) if step == "record" else phone.press(step)


@pytest.mark.parametrize("told", [True, False], ids=["the network says so", "nobody says so"])
@pytest.mark.parametrize("steps", range(len(WHOLE) + 1))
def test_whoever_hangs_up_after_any_step_has_left_a_report(line: Line, steps: int, *, told: bool) -> None:
    phone = Called(line)
    walk(phone, WHOLE[:steps])
    if told:
        phone.hang_up()
    line.work()
    case = line.case()
    assert case["channel"] == "voice"
    lines = line.told(case["id"])
    assert lines[0] == "Called the voice line."
    kept = "record" in WHOLE[:steps]
    assert ("Left a voice message." in lines) == kept
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE] * kept
    assert len(line.rows(RecordedAudio)) == 2 * kept
    assert line.carriers["simulator"].tapes == ({} if kept else {"tape-1": said_aloud()}), "removed there only when kept here"
    line.later(seconds=61)
    with line.site.db.transaction() as session:
        settle(session, line.site, line.now)
    assert (line.rows(Referral) != []) == (steps >= 5), "what told of danger is passed on, and a mere ring pages nobody"


def test_a_hang_up_in_the_middle_of_the_message_keeps_it(line: Line) -> None:
    phone = Called(line)
    walk(phone, WHOLE[:5])
    phone.hang_up(recording="tape-1", seconds="4")
    line.work()
    assert line.told(line.case()["id"])[-1] == "Left a voice message."
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE]
    assert line.case()["urgency"] == "soon", "nobody has heard it, so it is not called routine"


def test_each_step_is_on_disk_before_the_next_page_and_holds_nothing_in_clear(line: Line) -> None:
    phone = Called(line)
    phone.ring()
    for number, step in enumerate(WHOLE, start=2):
        phone.speak("tape-1") if step == "record" else phone.press(step)
        assert len(line.rows(Inbox)) == number
    line.work()
    for row in (*line.rows(Inbox), *line.rows(VoiceCall), *line.rows(Recording), *line.rows(RecordedAudio)):
        assert not [word for word in ("780000101", "tape-1", phone.call, "RIFF") if word in repr(dict(row))]


def test_danger_now_pages_while_the_caller_is_still_speaking(line: Line) -> None:
    phone = Called(line)
    walk(phone, ("1", "5", "1", "1", "1"))
    line.work()
    assert (line.case()["urgency"], line.case()["state"]) == ("immediate", CaseState.UNFINISHED)
    assert len(line.rows(Referral)) == 2, "two agencies for a danger to life"


def test_the_gate_comes_before_everything_and_says_nothing_of_what_this_is(line: Line) -> None:
    fresh = Called(line).ring()
    assert "press 1" in fresh or "kanda 1" in fresh
    for before in ((), WHOLE, ("1", "5", "1", "2")):
        walk(Called(line), before)
        line.work()
    line.text("+250780000101", "STOP")
    line.work()
    numbers = ("+250780000101", "+250780000201", "", "anonymous")
    assert {Called(line, number).ring() for number in numbers} == {fresh}, "it depends on no number and no history"


def test_not_safe_ends_at_once_and_nobody_writes_or_calls(line: Line) -> None:
    phone = Called(line)
    walk(phone, ("1", "5", "1"))
    assert phone.press("2") == "That is fine. We will not call you. You can call again any time. Goodbye."
    assert phone.page["then"] == "hang up"
    line.work()
    assert line.told(line.case()["id"])[-1] == "Safe to talk now? No. Do not call."
    assert line.to("+250780000101") == []


def test_what_the_caller_erases_is_gone_here_and_at_the_provider(line: Line) -> None:
    phone = Called(line)
    walk(phone, WHOLE[:6])
    line.work()
    assert len(line.rows(RecordedAudio)) == 2, "it was fetched before they had decided"
    assert phone.press("3").startswith("It is erased.")
    line.work()
    assert line.rows(RecordedAudio) == []
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.ERASED]
    assert line.carriers["simulator"].tapes == {}
    assert "Left a voice message." not in line.told(line.case()["id"])
    phone.hang_up(recording="tape-1")
    line.work()
    assert line.rows(RecordedAudio) == [], "the provider's late word of it brings nothing back"


def test_erased_before_any_worker_looked_it_is_never_fetched(line: Line) -> None:
    walk(Called(line), (*WHOLE[:6], "3"))
    carrier = line.carriers["simulator"]
    carrier.fetch = lambda _: pytest.fail("fetched")  # type: ignore[method-assign]
    line.work()
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.ERASED]
    assert carrier.tapes == {}
    assert line.told(line.case()["id"])[-1] == "Erased the voice message."


def test_again_keeps_the_first_message_too_until_it_is_erased(line: Line) -> None:
    line.carriers["simulator"].tapes["tape-2"] = said_aloud()
    phone = Called(line)
    walk(phone, (*WHOLE[:6], "2"))
    phone.speak("tape-2")
    phone.press("1")
    line.work()
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE] * 2


def test_a_provider_that_fails_is_asked_again_until_it_is_done(line: Line) -> None:
    faults = line.carriers["simulator"].tape_faults
    faults += [NotFetched("404", gone=True), NotFetched("503"), None, NotFetched("503")]
    walk(Called(line), WHOLE)
    line.work()
    (row,) = line.rows(Recording)
    assert (row["state"], row["code"]) == (RecordingState.WAITING, "404"), "a file may be late"
    for state in (RecordingState.WAITING, RecordingState.KEPT, RecordingState.DONE):
        line.later(minutes=31)
        line.work()
        assert [row["state"] for row in line.rows(Recording)] == [state]
    assert line.carriers["simulator"].tapes == {}


def test_two_workers_at_once_keep_one_recording(line: Line) -> None:
    from workers import jobs  # noqa: PLC0415  beside what it breaks
    from workers import tapes as carriers  # noqa: PLC0415

    walk(Called(line), WHOLE)
    while jobs.drain_batch(line.site):
        pass
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: carriers.batch(line.site), range(4)))
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE]
    assert len(line.rows(RecordedAudio)) == 2


def test_what_is_no_sound_is_kept_as_it_came_and_only_undisguised(line: Line) -> None:
    line.carriers["simulator"].tapes["tape-1"] = b"no sound at all" * 10
    walk(Called(line), WHOLE)
    line.work()
    assert [row["form"] for row in line.rows(RecordedAudio)] == ["original"]


def test_a_step_that_comes_twice_is_answered_alike_and_adds_nothing(line: Line) -> None:
    phone = Called(line)
    phone.ring()
    for step in WHOLE:
        page = dict(phone.page)
        heard = phone.speak("tape-1") if step == "record" else phone.press(step)
        after, rows = phone.page, line.rows(Inbox)
        phone.page = page
        assert (phone.speak("tape-1") if step == "record" else phone.press(step)) == heard
        phone.page = after
        assert line.rows(Inbox) == rows
    line.work()
    assert line.told(line.case()["id"]).count("Left a voice message.") == 1


def test_silence_is_asked_once_more_and_then_let_go(line: Line) -> None:
    phone = Called(line)
    first = phone.ring()
    assert phone.press("") == first
    phone.press("")
    assert phone.page["then"] == "hang up"
    line.work()
    assert line.told(line.case()["id"]) == ["Called the voice line."]
    assert line.case()["state"] == CaseState.UNFINISHED


def test_nine_says_it_again_and_a_star_goes_back(line: Line) -> None:
    phone = Called(line)
    phone.ring()
    menu = phone.press("1", "5")
    assert phone.press("9") == menu
    advice = phone.press("2")
    assert "To hear it again, press 9" in phone.press("1")
    assert phone.press("*") == advice
    assert phone.press("*") == menu


def given(line: Line, number: str = "+250780000102") -> str:
    """Dial, tell, and return the digits that the last page gives."""
    dialled = Dialled(line, number)
    dialled.dial()
    page = dialled.answer("1", "1", "2", "1", "1")
    return "".join(re.findall(r"[0-9]", re.findall(r"0\d\d \d{3} \d{4}", page)[0]))


def test_a_return_code_keyed_in_says_what_became_of_it(line: Line) -> None:
    code = given(line)
    line.work()
    phone = Called(line)
    phone.ring()
    assert phone.press("1", "5", "4").startswith("Enter your ten-digit number")
    assert phone.page["then"] == "number"
    heard = phone.press(code)
    assert heard.startswith("Thank you. Your message is kept")
    assert "To hear it again, press 9" in heard
    assert phone.press("9") == heard
    assert "press 4" in phone.press("*"), "back to the menu"
    line.work()
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}
    stored = [line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}") for row in line.rows(Inbox)]
    assert not [one for one in stored if code.encode() in one], "its digits stand nowhere, not even sealed"
    assert not [address for address in [str(phone.page["onward"])] if code in address]


@pytest.mark.parametrize("keys", ["0750000000", "123", "0750000000#", "9" * 10])
def test_a_number_that_stands_for_nothing_is_said_so_and_may_be_keyed_again(line: Line, keys: str) -> None:
    phone = Called(line)
    phone.ring()
    assert phone.press("1", "5", "4", keys).startswith("That number is not known")
    assert phone.press("0750000001").startswith("That number is not known")
    assert "press 4" in phone.press("*"), "back to the menu"
    phone.hang_up()
    line.work()
    stored = [line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}") for row in line.rows(Inbox)]
    assert not [one for one in stored if b"keys=" + keys[:9].encode() in one]


def test_five_numbers_a_day_from_a_phone_whatever_the_call(line: Line) -> None:
    code = given(line)
    line.work()
    for _ in range(5):
        phone = Called(line)
        phone.ring()
        assert phone.press("1", "5", "4", "0750000000").startswith("That number is not known")
    assert phone.press(code).startswith("Enough numbers were tried today")
    assert phone.press("*").startswith("If you or someone")
    other = Called(line, "+250780000177")
    other.ring()
    assert other.press("1", "5", "4", code).startswith("Thank you.")


def test_without_a_database_a_code_hears_that_the_line_is_busy_and_is_not_kept(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Called(line)
    phone.ring()
    phone.press("1", "5", "4")
    before = line.rows(Inbox)
    monkeypatch.setattr("hotline.answering.ask", lambda *_: 1 / 0)
    assert phone.press("0754821903").startswith("Sorry, this line is busy")
    assert line.rows(Inbox) == before
    spool.flush(line.site)
    assert line.rows(Inbox) == before


def test_a_number_that_is_withheld_is_nobody_else(line: Line) -> None:
    for number in ("anonymous", "+266696687", ""):
        walk(Called(line, number), WHOLE[:4])
    line.work()
    assert len(line.rows(Case)) == 3


def test_a_call_and_a_text_of_one_number_are_one_report(line: Line) -> None:
    line.text("+250780000101", "They lock five girls in behind the market")
    walk(Called(line), WHOLE)
    line.work()
    assert len(line.rows(Case)) == 1
    assert line.told(line.case()["id"])[0].startswith("They lock")


@pytest.mark.parametrize(
    "body",
    [b"", b"call=", b"call=%ff%fe&from=%ff%00", b"call=a&call=b&keys=1&keys=2", b"call=a%00b&from=%00", b"{}", b"\xff\x00",
     b"call=s&keys=" + b"1" * 70_000, b"call=" + b"s" * 9_000, b"call=s&recording=" + b"r" * 9_000 + b"&seconds=x"],
    ids=range(10),
)  # fmt: skip
def test_what_cannot_be_read_hears_a_page_and_is_kept(line: Line, body: bytes) -> None:
    answer = knock(line, "/in/simulator/voice", body)
    assert answer.status_code == 200
    assert answer.json["says"]
    line.work()
    assert [row["state"] for row in line.rows(Inbox)] in ([InboxState.PARKED], [InboxState.DONE])


def test_a_forged_step_says_nothing_and_is_set_aside(line: Line) -> None:
    answer = knock(line, "/in/simulator/voice", {"call": "c", "from": "+250780000101"}, signed=False)
    assert (answer.status_code, answer.data) == (403, b"")
    assert (len(line.rows(Quarantine)), line.rows(Inbox)) == (1, [])


def test_a_place_that_is_not_ours_begins_anew_at_the_gate(line: Line) -> None:
    phone, other = Called(line), Called(line)
    gate = phone.ring()
    other.ring()
    other.press("1", "5", "1")
    for at in ("", "x", "AAAA", "!!!", str(other.page["onward"]).partition("at=")[2]):
        answer = knock(line, f"/in/simulator/voice?at={at}", {"call": phone.call, "from": phone.number, "keys": "1"})
        assert " ".join(one["words"] for one in answer.json["says"]) == gate


def test_an_outage_of_the_database_changes_nothing_that_is_heard(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(well := Called(line, "+250780000155"), WHOLE)
    heard = well.heard
    with monkeypatch.context() as patch:
        patch.setattr("hotline.in_time.GroupCommit._write", lambda *_: 1 / 0)
        walk(phone := Called(line), WHOLE, "tape-2")
        assert phone.heard == heard
    spool.flush(line.site)
    line.work()
    told = [line.told(case["id"]) for case in line.rows(Case)]
    assert told[0] == told[1]


def test_when_no_disk_takes_a_step_the_caller_hears_that_it_did_not_work(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Lines, "keep", broken)
    phone = Called(line)
    assert "7788" in phone.ring()
    assert phone.page["then"] == "hang up"


def test_a_step_whose_page_failed_is_made_out_by_a_worker(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Called(line)
    walk(phone, WHOLE[:4])
    with monkeypatch.context() as patch:
        patch.setattr(Lines, "_known_as", lambda *_: 1 / 0)
        phone.press("1")
        assert phone.page["then"] == "hang up"
    line.work()
    assert line.case()["urgency"] == "immediate"


def test_a_recording_of_a_call_nobody_knows_waits_for_it(line: Line) -> None:
    phone = Called(line, number="")
    body = {"CallSid": "CA1", "RecordingSid": "RE" + "a" * 32, "RecordingStatus": "completed", "RecordingDuration": "3"}
    assert line.post(body, kind="recording").status_code == 200
    line.work()
    assert [row["state"] for row in line.rows(Inbox)] == [InboxState.CLAIMED]
    assert phone.call not in repr(line.rows(Inbox))


def test_random_walks_always_hear_a_page_and_lose_nothing(line: Line) -> None:
    chance = random.Random(31)
    for number in range(60):
        line.carriers["simulator"].tapes[f"tape-{number}"] = said_aloud(0.5)
        phone = Called(line, f"+2507800{number:05d}")
        phone.ring()
        for _ in range(chance.randrange(14)):
            if phone.page["then"] == "hang up":
                break
            if phone.page["then"] == "record" and chance.random() < 0.7:
                phone.speak(f"tape-{number}")
            else:
                phone.press(chance.choice(["1", "2", "3", "4", "5", "9", "*", "#", "", "12", "x"]))
    started = time.monotonic()
    line.work()
    assert len(line.rows(Case)) == 60
    assert time.monotonic() - started < 60
    assert {row["state"] for row in line.rows(Recording)} <= {RecordingState.DONE, RecordingState.ERASED}
    kept = {row["recording_id"] for row in line.rows(RecordedAudio)}
    assert kept == {row["id"] for row in line.rows(Recording) if row["state"] == RecordingState.DONE}
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}
    assert all(row["sealed"] for row in line.rows(Message))


def test_every_stop_leads_somewhere_and_every_key_to_a_stop() -> None:
    for stop in STOPS.values():
        assert stop.silence in STOPS
        assert all(answer.to in STOPS for answer in stop.keys)
        assert stop.last or stop.silence != stop.name


def test_a_stored_step_is_the_webhook_as_it_came(line: Line) -> None:
    phone = Called(line)
    phone.ring()
    phone.press("1")
    opened = [Webhook.unpacked(line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}")) for row in line.rows(Inbox)]
    assert [one.fields.get("keys", "") for one in opened] == ["", "1"]


def test_a_sound_that_brings_its_reader_down_is_kept_all_the_same(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(_: bytes) -> bytes:
        raise MemoryError

    monkeypatch.setattr("hotline.sound.disguised", dies)
    walk(Called(line), WHOLE)
    for _ in range(4):
        line.work()
        line.later(minutes=31)
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE]
    assert [row["form"] for row in line.rows(RecordedAudio)] == ["original"]


def test_a_call_does_not_change_the_language_of_who_texts_until_one_is_chosen(line: Line) -> None:
    line.text("+250780000101", "They lock five girls in behind the market and do not pay them")
    line.work()
    phone = Called(line)
    walk(phone, ("1",))
    line.work()
    assert [row["language"] for row in line.rows(Caller)] == ["en"]
    phone.press("4")
    line.work()
    assert [row["language"] for row in line.rows(Caller)] == ["fr"]


def missed(line: Line, call: str, tape: str = "RE" + "a" * 32) -> None:
    """Let Twilio hold a recording of a call of which no webhook tells."""
    body = f"CallSid={call}&RecordingSid={tape}&RecordingStatus=completed&RecordingDuration=7".encode()
    line.carriers["twilio"].recorded_in[call] = [Webhook("recording", "/in/twilio/recording", {}, body)]
    line.carriers["twilio"].tapes[tape] = said_aloud()


def twilio_step(line: Line, call: str, query: str = "", **fields: str) -> str:
    """Let Twilio bring one step of a call; returns the query of the address it is to go on at."""
    told = {"CallSid": call, "From": "+250780000101", "CallStatus": "in-progress", **fields}
    answer = line.post(told, kind="voice", query=query)
    assert answer.status_code == 200
    return answer.text.partition("/in/twilio/voice?")[2].partition('"')[0]


@pytest.mark.parametrize("ended", [True, False], ids=["the network says so", "nobody says so"])
def test_a_message_whose_every_webhook_was_lost_is_found_at_the_provider(line: Line, *, ended: bool) -> None:
    query = twilio_step(line, "CA1")
    for key in ("1", "5", "1", "1", "2"):
        query = twilio_step(line, "CA1", query, Digits=key)
    missed(line, "CA1")
    if ended:
        over = {"CallSid": "CA1", "From": "+250780000101", "CallStatus": "completed"}
        assert line.post(over, kind="voice_event").status_code == 200
    line.work()
    assert line.rows(Recording) == []
    line.later(minutes=2, seconds=1) if ended else line.later(minutes=16)
    line.work()
    line.work()
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE]
    assert "Left a voice message." in line.told(line.case()["id"])
    assert line.case()["urgency"] == "soon"
    assert [row["ask_at"] for row in line.rows(VoiceCall)] == [None]


def test_a_provider_that_does_not_answer_is_asked_again_and_then_let_be(line: Line) -> None:
    twilio_step(line, "CA2")
    line.work()

    def away(_: str) -> list[Webhook]:
        raise NotFetched("503")

    line.carriers["twilio"].recorded = away
    for _ in range(3):
        line.later(minutes=16)
        line.work()
    assert all(row["ask_at"] for row in line.rows(VoiceCall))
    line.later(days=4)
    line.work()
    assert [row["ask_at"] for row in line.rows(VoiceCall)] == [None]


@pytest.mark.parametrize(
    ("days", "state", "kept"), [(30, CaseState.CLOSED, 0), (30, CaseState.OPEN, 2), (0, CaseState.CLOSED, 2)]
)
def test_a_recording_of_a_closed_case_goes_with_age_and_its_line_stays(
    line: Line, days: int, state: CaseState, kept: int
) -> None:
    line.site.settings = line.site.settings.model_copy(update={"recording_days": days})
    walk(Called(line), WHOLE)
    line.work()
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=state))
    for later, left in ((29, 2), (2, kept)):
        line.later(days=later)
        with line.site.db.transaction() as session:
            tapes.expire(session, line.site, line.now)
        assert len(line.rows(RecordedAudio)) == left
    assert "Left a voice message." in line.told(line.case()["id"])
    assert [row["state"] for row in line.rows(Recording)] == [RecordingState.DONE if kept else RecordingState.ERASED]
