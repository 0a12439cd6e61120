"""What hops become: a report from the first answer on, an alert as soon as a life is in danger, silence for whoever dialled.

All people and numbers are invented.
"""

import json

import pytest

from hotline.intake import spool
from hotline.models import (
    Assessed,
    Caller,
    Case,
    CaseKey,
    CaseState,
    DialledSession,
    Inbox,
    InboxState,
    Message,
    Referral,
    Report,
    SafeContact,
)
from hotline.routing.settle import settle
from tests.dialling import Dialled
from tests.line import Line
from workers import clock

DIALLER = "+250780000101"
POLICE = "+250780000201"


def dialled(line: Line, *typed: str, number: str = DIALLER) -> Dialled:
    phone = Dialled(line, number)
    phone.dial()
    phone.answer(*typed)
    line.work()
    return phone


def silence(line: Line, seconds: float) -> None:
    line.later(seconds=seconds)
    with line.site.db.transaction() as session:
        settle(session, line.site, line.now)
    line.work()


def test_a_report_stands_on_the_queue_from_its_first_answer(line: Line) -> None:
    dialled(line, "1")
    case = line.case()
    assert (case["state"], case["channel"], case["urgency"]) == (CaseState.UNFINISHED, "ussd", "routine")
    assert line.told(case["id"]) == ["Someone needs help"]


def test_danger_now_pages_two_agencies_without_waiting_for_the_rest(line: Line) -> None:
    dialled(line, "1", "1")
    assert line.sent == [], "nothing is urgent yet, and the caller goes on telling"
    dialled(line, "1", "1", "1", number="+250780000102")
    assert len({text.to for text in line.sent}) == 2
    assert all("URGENT" in text.body for text in line.sent)


def test_what_is_not_urgent_is_passed_on_after_forty_seconds_of_silence(line: Line) -> None:
    dialled(line, "1", "1", "2", "BUG")
    silence(line, 39)
    assert line.sent == []
    silence(line, 2)
    assert len(line.sent) == 1
    assert line.case()["state"] == CaseState.UNFINISHED
    (referral,) = line.rows(Referral)
    assert "Bugarama" in referral["why"] or "every area" in referral["why"] or "Rusizi" in referral["why"]
    silence(line, 3600)
    assert len(line.rows(Referral)) == 1, "the ladder does the rest"


WALKED = [
    ("1", "5", "2", "1", "1"),
    ("1", "5", "2", "BUG", "1"),
    ("1", "5", "2", "1", "murakoze"),
    ("2", "1", "5", "2", "1", "1"),
]


@pytest.mark.parametrize("typed", WALKED, ids=["nothing", "a sector", "thanks", "to talk"])
@pytest.mark.parametrize("ahead", [False, True], ids=["screen by screen", "in one go"])
def test_whoever_walks_to_the_end_and_tells_nothing_is_seen_by_a_person(
    line: Line, typed: tuple[str, ...], *, ahead: bool
) -> None:
    if ahead:
        Dialled(line, DIALLER).dial("*".join(typed))
        line.work()
    else:
        phone = Dialled(line, DIALLER)
        phone.dial()
        for one in typed:
            phone.answer(one)
            line.work()
    silence(line, 1)
    case = line.case()
    assert (case["category"], case["urgency"], case["state"]) == ("trafficking", "soon", CaseState.NEW)
    assert len(line.rows(Referral)) == 1
    (_, *_, newest) = [None, *line.rows(Assessed)]
    found = json.loads(line.key(case["id"]).open_text(newest["sealed"], f"assessment|sealed|{newest['id']}"))
    assert "somebody has to look" in found["findings"][-1]["sentence"]


@pytest.mark.parametrize(
    ("typed", "category", "urgency"),
    [
        (("1", "4", "2", "1", "1"), "child_protection", "soon"),
        (("1", "1", "2", "1", "1"), "trafficking", "soon"),
        (("1", "5", "2", "1", "umukoresha yanze kumpemba amezi atatu"), "labour_abuse", "routine"),
    ],
)
def test_whoever_tells_what_it_is_is_taken_at_their_word(line: Line, typed: tuple[str, ...], category: str, urgency: str) -> None:
    dialled(line, *typed)
    assert (line.case()["category"], line.case()["urgency"]) == (category, urgency)


@pytest.mark.parametrize("typed", [("1",), ("1", "5"), ("1", "5", "2", "1")])
def test_whoever_is_cut_off_before_that_stands_in_the_queue_and_pages_nobody(line: Line, typed: tuple[str, ...]) -> None:
    dialled(line, *typed)
    silence(line, 41)
    assert (line.case()["state"], line.case()["urgency"]) == (CaseState.UNFINISHED, "routine")
    assert line.rows(Referral) == []


@pytest.mark.parametrize("status", ["Incomplete", "Failed", "Success"])
def test_the_networks_word_that_a_session_is_over_is_enough(line: Line, status: str) -> None:
    phone = dialled(line, "1", "1", "2")
    assert line.sent == []
    phone.end(status)
    line.work()
    assert len(line.sent) == 1
    assert [row["kind"] for row in line.rows(Inbox)] == ["ussd"] * 3, "an end repeats every answer, so it is not kept"


def test_the_end_of_a_session_makes_the_report_a_new_one_and_passes_it_on(line: Line) -> None:
    dialled(line, "1", "2", "2", "NYA", "1", "they are paid nothing")
    assert line.case()["state"] == CaseState.NEW
    assert len(line.sent) == 1
    assert line.told(line.case()["id"])[-2:] == ["Nyakabuye", "they are paid nothing"]


def test_a_chosen_answer_is_not_talked_away_by_later_words(line: Line) -> None:
    phone = dialled(line, "1", "2", "2", "NYA", "2")
    assert line.case()["category"] == "trafficking"
    phone.answer("four men carry bricks from dawn and are never paid")
    line.work()
    line.text(DIALLER, "the foreman pays nobody")
    line.work()
    assert line.case()["category"] == "trafficking"


def test_a_sector_typed_on_the_phone_is_a_place_triage_knows(line: Line) -> None:
    dialled(line, "1", "1", "2", "BUG")
    key = line.key(line.case()["id"])
    newest = max(line.rows(Assessed), key=lambda row: (row["at"], row["id"]))
    assert '"Bugarama"' in key.open_text(newest["sealed"], f"assessment|sealed|{newest['id']}")


def test_redialling_goes_on_with_the_same_report(line: Line) -> None:
    dialled(line, "1", "1")
    line.later(minutes=3)
    dialled(line, "1", "4", "1")
    case = line.case()
    assert (case["urgency"], case["minors"]) == ("immediate", "true")
    assert len(line.told(case["id"])) == 5


def test_a_hop_after_an_officer_was_told_brings_no_second_alert(line: Line) -> None:
    phone = dialled(line, "1", "1", "1")
    before = len(line.sent)
    phone.answer("BUG", "two men at the mill")
    line.work()
    assert len(line.sent) == before


def test_whoever_dialled_is_not_texted_unless_they_said_yes(line: Line) -> None:
    dialled(line, "2", "1", "1")
    (caller,) = line.rows(Caller)
    assert caller["safe_contact"] == SafeContact.UNKNOWN
    assert (line.now - caller["last_inbound_at"]).days > 365, "dialling opens no window in which a text may leave"
    assert line.to(DIALLER) == []
    dialled(line, "2", "1", "1", "1")
    (caller,) = line.rows(Caller)
    assert (caller["safe_contact"], caller["last_inbound_at"]) == (SafeContact.ANY, line.now)
    dialled(line, "2", "1", "1", "2")
    assert line.rows(Caller)[0]["safe_contact"] == SafeContact.NEVER
    assert line.to(DIALLER) == []


def test_a_text_from_a_phone_that_dialled_is_answered_like_any_first_text(line: Line) -> None:
    dialled(line, "1", "1")
    assert line.says(DIALLER, "they lock us in") == line.says("+250780000177", "they lock us in")


def test_advice_and_a_language_open_no_report(line: Line) -> None:
    dialled(line, "8", "5", "3", "1", "0", "4", "0", "0", "0")
    assert line.rows(Case) == []
    assert line.rows(Caller) == []
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}


def test_a_hop_without_a_number_is_a_report_nobody_can_text(line: Line) -> None:
    dialled(line, "1", "1", "1", number="")
    assert line.case()["urgency"] == "immediate"
    assert not line.rows(Caller)[0]["reachable"]
    assert line.sent


# ---- stopping


ALL_ABOUT_A_REPORT = (Case, CaseKey, Report, Message, Assessed, Caller, Inbox, Referral)


def test_no_stop_leaves_nothing_of_what_was_told(line: Line) -> None:
    phone = dialled(line, "1", "1", "2", "0", "0", "0", "2")
    assert line.case()
    assert phone.answer("2").startswith("END ")
    line.work()
    assert [line.rows(model) for model in ALL_ABOUT_A_REPORT] == [[]] * len(ALL_ABOUT_A_REPORT)
    phone.end("Success")
    line.work()
    silence(line, 60)
    assert [line.rows(model) for model in ALL_ABOUT_A_REPORT] == [[]] * len(ALL_ABOUT_A_REPORT)
    assert line.sent == []


def test_no_stop_takes_back_hops_that_no_worker_has_read_yet(line: Line) -> None:
    phone = Dialled(line)
    phone.dial()
    phone.answer("2", "2")
    line.work()
    assert [line.rows(model) for model in ALL_ABOUT_A_REPORT] == [[]] * len(ALL_ABOUT_A_REPORT)


def test_a_hop_that_was_spooled_before_a_stop_is_not_read_after_it(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Dialled(line)
    phone.dial()
    with monkeypatch.context() as away:
        away.setattr(line.site.hurried_db, "writing", None)
        phone.answer("2")
    line.later(seconds=3)
    stopping = Dialled(line, session=phone.session)
    with monkeypatch.context() as again:
        again.setattr("hotline.in_time.Outage.known", False)
        again.setattr("hotline.in_time.Outage.lasts", lambda _: False)
        assert stopping.dial("2*2").startswith("END ")
    line.work()
    assert spool.flush(line.site) == 1
    line.work()
    assert [line.rows(model) for model in ALL_ABOUT_A_REPORT] == [[]] * len(ALL_ABOUT_A_REPORT)


def test_a_stopped_session_says_and_keeps_nothing_else(line: Line) -> None:
    phone = dialled(line, "2", "2")
    page = phone.page
    assert [phone.answer(typed) for typed in ("1", "1", "1")] == [page] * 3
    assert Dialled(line, session=phone.session).dial("1*1*1") == page
    line.work()
    assert line.rows(Case) == line.rows(Inbox) == []


def test_stopping_takes_back_one_session_and_nothing_told_before(line: Line) -> None:
    line.text(DIALLER, "my cousin is locked in a house in Bugarama and not paid")
    line.work()
    told = line.told(line.case()["id"])
    dialled(line, "2", "1", "1", "0", "0", "2")
    assert line.told(line.case()["id"]) == told
    assert line.rows(Assessed), "what is left was read again"
    assert line.rows(Caller)


def test_stopping_after_an_officer_was_told_closes_the_case_without_words(line: Line) -> None:
    phone = dialled(line, "1", "1", "2")
    silence(line, 60)
    assert line.sent
    phone.answer("0", "0", "0", "2", "2")
    line.work()
    case = line.case()
    assert (case["state"], case["next_step_at"]) == (CaseState.CLOSED, None)
    assert line.told(case["id"]) == []
    assert line.rows(Assessed) == []


def test_stopping_does_not_call_off_help_for_a_life_in_danger(line: Line) -> None:
    phone = dialled(line, "1", "1", "1", "0", "0", "0", "2")
    told = line.told(line.case()["id"])
    phone.answer("2")
    line.work()
    assert line.case()["state"] == CaseState.UNFINISHED
    assert line.case()["next_step_at"] is not None
    assert line.told(line.case()["id"]) == told
    assert line.rows(Inbox) == []


# ---- the clock


def test_the_clock_passes_on_what_fell_silent_and_forgets_sessions(line: Line) -> None:
    dialled(line, "1", "1", "2")
    assert line.rows(DialledSession)
    line.later(minutes=60 * 24 * 365)  # sessions were written at the true time, and so are behind
    clock.round_(line.site)
    line.work()
    assert line.rows(DialledSession) == []
    assert line.sent
