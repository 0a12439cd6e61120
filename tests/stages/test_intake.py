"""A text arrives: a report is opened or grows, a word is obeyed, and the phone is told nothing it did not say itself.

Every text goes in by the door and through the workers, on both stores. All people and numbers are invented.
"""

import pytest
from sqlalchemy import insert, select, update

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.intake import arrivals
from hotline.intake.receive import receive
from hotline.models import (
    Caller,
    Case,
    CaseState,
    Inbox,
    InboxState,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Report,
    SafeContact,
    table,
)
from hotline.outbound.compose import Draft
from tests.line import Line, refused
from workers.reading import read

PHONE, OTHER = "+250780000101", "+250780000102"
UNPAID = "My boss has not paid me for three months"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
MESSAGE = table(Message)


def caller(line: Line, number: str = PHONE) -> dict[str, object]:
    index = line.site.number_index(line.site.sender(number).address)
    (row,) = line.rows(Caller, number_index=index)
    return dict(row)


def words(line: Line, key: str, language: str = "en") -> str:
    return line.site.words.text(key, language)


def hold(line: Line, body: str = "Are you safe to talk?") -> str:
    """Store an officer's reply that waits until its caller writes again."""
    case = line.case()
    draft = Draft(
        kind=MessageKind.REPLY, body=body, gateway="twilio", case_id=str(case["id"]), caller_id=str(caller(line)["id"]),
        lane=Lane.REPLY, state=MessageState.HELD,
    )  # fmt: skip
    row = draft.row(line.key(str(case["id"])), line.now)
    with line.site.db.transaction() as session:
        session.execute(insert(MESSAGE), [row])
    line.later(seconds=1)
    return str(row["id"])


def state(line: Line, message_id: str) -> str:
    (row,) = line.rows(Message, id=message_id)
    return str(row["state"])


# ---- reports ----------------------------------------------------------------------------------------------------


def test_a_first_text_opens_a_report_and_a_case_under_its_own_key(line: Line) -> None:
    line.says(PHONE, UNPAID)
    case = line.case()
    (report,) = line.rows(Report)
    assert (report["case_id"], report["caller_id"]) == (case["id"], caller(line)["id"])
    assert (case["state"], case["language"]) == (CaseState.NEW, "en")
    assert line.told(str(case["id"])) == [UNPAID]


def test_two_texts_of_one_new_number_in_one_batch_are_one_report(line: Line) -> None:
    line.says(PHONE, "My boss has not paid me", "for three months")
    assert line.told(str(line.case()["id"])) == ["My boss has not paid me", "for three months"]
    assert len(line.rows(Caller)) == 1


def test_one_number_in_two_spellings_is_one_caller(line: Line) -> None:
    line.says("0780000101", UNPAID)
    line.says("+250 780 000 101", "It is at the tea factory")
    line.says("00250780000101", "Please help")
    assert len(line.rows(Caller)) == len(line.rows(Case)) == 1


@pytest.mark.parametrize(("hours", "reports"), [(1, 1), (71, 1), (73, 2), (24 * 30, 2)])
def test_a_silence_of_three_days_ends_a_report(line: Line, hours: int, reports: int) -> None:
    line.says(PHONE, UNPAID)
    line.later(hours=hours)
    line.says(PHONE, "It is at the tea factory")
    assert len(line.rows(Report)) == reports
    assert len(line.rows(Caller)) == 1


def test_each_text_keeps_a_report_open_for_three_days_more(line: Line) -> None:
    for _ in range(5):
        line.says(PHONE, "It is at the tea factory")
        line.later(hours=60)
    assert len(line.rows(Report)) == 1


def test_a_text_after_closing_opens_a_new_report(line: Line) -> None:
    line.says(PHONE, UNPAID)
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=CaseState.CLOSED))
    line.says(PHONE, "It is at the tea factory")
    assert len(line.rows(Report)) == 2


def test_two_callers_have_two_cases_and_neither_key_opens_the_other(line: Line) -> None:
    line.says(PHONE, UNPAID)
    line.says(OTHER, UNPAID)
    one, two = line.rows(Case)
    assert line.key(str(one["id"])).raw != line.key(str(two["id"])).raw
    assert one["handle"] != two["handle"]


def test_no_number_and_no_word_of_a_person_is_in_the_database(line: Line) -> None:
    line.says(PHONE, LOCKED_IN)
    for model in (Inbox, Caller, Case, Report, Message):
        for row in line.rows(model):
            for value in row.values():
                raw = value if isinstance(value, bytes) else str(value).encode()
                assert b"780000101" not in raw
                assert b"passport" not in raw


def test_a_bare_digit_with_nothing_open_is_for_an_officer(line: Line) -> None:
    line.says(PHONE, "1")
    assert line.told(str(line.case()["id"])) == ["1"]


@pytest.mark.parametrize("text", ["HELP", "Tabara", "yes", "no", "0780000101", "STOP him please", "Radio"])
def test_a_word_that_may_be_a_cry_is_a_report(line: Line, text: str) -> None:
    line.says(PHONE, text)
    assert line.told(str(line.case()["id"])) == [text]


# ---- the automatic answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [UNPAID, LOCKED_IN, "1", "5", "HELP", "\x00\ud800", "Who is this?", "INFO", "STOP", "START", "0"]
)
def test_a_fresh_number_and_a_known_one_hear_the_same_bytes(line: Line, text: str) -> None:
    line.says(OTHER, LOCKED_IN)
    line.says(OTHER, "They beat me again")
    line.later(hours=1)
    known, fresh = line.says(OTHER, text), line.says(PHONE, text)
    assert known == fresh
    assert len(fresh) <= 1


def test_the_first_answer_asks_whether_it_is_safe_in_the_language_of_the_text(line: Line) -> None:
    assert line.says(PHONE, UNPAID) == [words(line, "sms.s1")]
    assert line.says(OTHER, "Mon patron ne m'a pas payé depuis trois mois") == [words(line, "sms.s1", "fr")]
    assert line.says("+250780000103", "\U0001f6a8") == [words(line, "sms.s1", "rw")], "the deployment's where it cannot be told"


def test_an_answer_that_is_late_leaves_nothing_behind(line: Line) -> None:
    line.text(PHONE, UNPAID)
    line.carriers["twilio"].next = [refused]
    line.work()
    line.forget()
    line.later(minutes=6)
    line.work()
    assert line.to(PHONE) == []
    (answer,) = line.rows(Message, kind=MessageKind.AUTO)
    assert (answer["state"], answer["reason"]) == (MessageState.SUPPRESSED, "too late")


def capped(line: Line, answers: int) -> None:
    line.site.settings = line.site.settings.model_copy(update={"auto_reply_daily_cap": answers})


def test_a_day_has_so_many_answers_and_every_text_is_kept_all_the_same(line: Line) -> None:
    capped(line, 4)
    line.later(hours=12)
    for _ in range(7):
        line.says(PHONE, "Who is this?")
        line.later(minutes=16)
    assert len(line.to(PHONE)) == 4
    assert len(line.told(str(line.case()["id"]))) == 7
    line.later(hours=24)
    assert len(line.says(PHONE, "Who is this?")) == 1, "the next day is another"


def test_the_day_of_the_cap_is_a_day_in_kigali(line: Line) -> None:
    capped(line, 1)
    assert len(line.says(PHONE, "Who is this?")) == 1
    assert line.says(PHONE, "Who is this?") == []
    line.later(minutes=91)  # half past ten at night becomes one past midnight in Kigali, still the same day in UTC
    assert len(line.says(PHONE, "Who is this?")) == 1


def test_a_sender_that_is_a_name_is_kept_and_never_answered(line: Line) -> None:
    assert line.says("MTN", UNPAID) == []
    assert line.told(str(line.case()["id"])) == [UNPAID]
    assert line.rows(Message, kind=MessageKind.AUTO) == []
    line.says("MTN", "Buy 1 GB for 500")
    assert len(line.rows(Caller)) == 1


def test_with_answers_switched_off_everybody_hears_nothing(line: Line) -> None:
    silent = Deployment(Settings(**{**line.site.settings.model_dump(), "auto_reply": False, "_env_file": None}))
    quiet = Line(silent)
    quiet.texts = 100
    assert quiet.says(PHONE, UNPAID) == []
    assert quiet.says(PHONE, "STOP") == []
    assert quiet.told(str(quiet.case()["id"])) == [UNPAID, "STOP"]
    silent.close()


# ---- the dialogue -----------------------------------------------------------------------------------------------


def test_whoever_says_yes_is_asked_to_tell_and_then_left_to_tell(line: Line) -> None:
    line.says(PHONE, UNPAID)
    assert line.says(PHONE, "1") == [words(line, "sms.s2", "rw")], "a digit has no language of its own"
    assert caller(line)["safe_contact"] == SafeContact.ANY
    (code,) = line.says(PHONE, "It is at the tea factory")
    assert code.startswith("Thank you. It is kept")
    assert line.says(PHONE, "1") == [], "a digit while telling is a word like any other"
    assert line.told(str(line.case()["id"])) == [UNPAID, "1", "It is at the tea factory", "1"]


def test_whoever_says_no_hears_nothing_more(line: Line) -> None:
    line.says(PHONE, UNPAID)
    assert line.says(PHONE, "2") == []
    assert caller(line)["safe_contact"] == SafeContact.NEVER


@pytest.mark.parametrize(
    ("digit", "safe", "hours"),
    [("1", "hours", "morning"), ("2", "hours", "midday"), ("3", "hours", "evening"), ("4", "never", None)],
)
def test_whoever_says_later_is_asked_when(line: Line, digit: str, safe: str, hours: str | None) -> None:
    line.says(PHONE, UNPAID)
    assert len(line.says(PHONE, "3")) == 1
    assert line.says(PHONE, digit) == []
    assert (caller(line)["safe_contact"], caller(line)["safe_hours"]) == (safe, hours)


@pytest.mark.parametrize("minutes", [16, 60, 24 * 60])
def test_an_answer_that_comes_too_late_is_a_text_like_any_other(line: Line, minutes: int) -> None:
    line.says(PHONE, UNPAID)
    line.later(minutes=minutes)
    late = line.says(PHONE, "1")
    assert late == line.says(OTHER, "1"), "whoever picks the phone up later learns nothing from it"
    assert caller(line)["safe_contact"] == SafeContact.UNKNOWN


def test_answers_are_kept_beside_the_report_and_are_no_words_of_it(line: Line) -> None:
    line.says(PHONE, UNPAID)
    line.says(PHONE, "2")
    kinds = [row["kind"] for row in line.rows(Message) if row["direction"] == "in"]
    assert sorted(kinds) == [MessageKind.ANSWER_IN, MessageKind.REPORT]


# ---- stop, nought, start, info ----------------------------------------------------------------------------------


def test_stop_is_confirmed_once_and_cancels_what_was_to_leave(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line)
    assert line.says(PHONE, "STOP") == line.says(OTHER, "STOP")
    assert state(line, waiting) == MessageState.SUPPRESSED
    assert caller(line)["opted_out_at"] == line.now
    assert caller(line)["panic_at"] is None


def test_one_callers_stop_takes_nothing_from_another(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line)
    line.says(OTHER, UNPAID)
    line.says(OTHER, "STOP")
    line.says(OTHER, "0")
    assert state(line, waiting) == MessageState.HELD


def test_nought_is_obeyed_without_a_word(line: Line) -> None:
    line.says(PHONE, LOCKED_IN)
    waiting = hold(line)
    line.forget()
    assert line.says(PHONE, "0") == line.says(OTHER, "0") == []
    assert state(line, waiting) == MessageState.SUPPRESSED
    assert (caller(line)["panic_at"], caller(line)["safe_contact"]) == (line.now, SafeContact.NEVER)
    assert line.rows(Case, urgency="immediate"), "the case goes on"


@pytest.mark.parametrize(("word", "after"), [("0", []), ("STOP", ["sms.s13"])])
def test_a_text_and_a_stop_in_one_batch_are_answered_as_the_stop_alone(line: Line, word: str, after: list[str]) -> None:
    heard = line.says(PHONE, UNPAID, word)
    assert len(heard) == len(after)
    assert words(line, "sms.s1") not in heard
    assert line.told(str(line.case()["id"])) == [UNPAID, word]


def test_an_answer_waiting_to_leave_when_stop_comes_does_not(line: Line) -> None:
    line.carriers["twilio"].next = [refused]
    assert len(line.says(PHONE, UNPAID)) == 1, "tried, and to be tried again"
    line.later(seconds=5)
    line.says(PHONE, "0")
    line.forget()
    line.later(minutes=2)
    line.work()
    assert line.to(PHONE) == []


def test_after_stop_a_report_opens_the_door_again_and_start_does_too(line: Line) -> None:
    for again in ("START", LOCKED_IN):
        line.says(PHONE, "STOP")
        line.later(minutes=1)
        assert len(line.says(PHONE, again)) == 1
        assert (caller(line)["opted_out_at"], caller(line)["safe_contact"]) == (None, SafeContact.UNKNOWN)


def test_start_and_info_open_no_case(line: Line) -> None:
    assert len(line.says(PHONE, "START")) == 1
    assert len(line.says(PHONE, "INFO")) == 1
    assert line.rows(Case) == []


def test_info_after_stop_is_answered_and_stop_still_holds(line: Line) -> None:
    line.says(PHONE, "STOP")
    line.later(minutes=1)
    assert len(line.says(PHONE, "INFO")) == 1
    assert caller(line)["opted_out_at"] is not None


# ---- held answers -----------------------------------------------------------------------------------------------


def test_an_answer_that_waits_goes_out_when_its_caller_writes_again(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line, "We are here. Can you talk?")
    line.later(hours=5)
    line.work()
    assert state(line, waiting) == MessageState.HELD
    assert "We are here. Can you talk?" in line.says(PHONE, "Are you there?")
    assert state(line, waiting) == MessageState.ACCEPTED


def test_an_answer_for_somebody_who_says_it_is_not_safe_goes_on_waiting(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line)
    line.says(PHONE, "2")
    assert state(line, waiting) == MessageState.HELD
    line.later(hours=1)
    line.says(PHONE, "It is at the tea factory")
    assert state(line, waiting) == MessageState.HELD
    assert "Are you safe to talk?" not in line.to(PHONE)


def test_an_answer_in_a_frozen_case_goes_on_waiting(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line)
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=CaseState.FROZEN))
    line.says(PHONE, "It is at the tea factory")
    assert state(line, waiting) == MessageState.HELD


def test_an_answer_to_one_caller_is_not_released_by_another(line: Line) -> None:
    line.says(PHONE, UNPAID)
    waiting = hold(line)
    line.says(OTHER, "Are you there?")
    assert state(line, waiting) == MessageState.HELD


@pytest.mark.parametrize("resting", [CaseState.WAITING, CaseState.PASSED_ON])
def test_a_case_that_rested_is_open_again(line: Line, resting: CaseState) -> None:
    line.says(PHONE, UNPAID)
    with line.site.db.transaction() as session:
        session.execute(update(table(Case)).values(state=resting))
    line.says(PHONE, "Are you there?")
    assert line.case()["state"] == CaseState.OPEN


# ---- batches ----------------------------------------------------------------------------------------------------


def taken(line: Line) -> tuple[str, arrivals.Claimed]:
    with line.site.db.transaction() as session:
        token, rows = arrivals.take(session, line.site, line.now)
    return token, arrivals.read(line.site, token, rows)


def carry(line: Line, claimed: arrivals.Claimed) -> None:
    readings = {one.inbox_id: read(one.event.body) for one in claimed.arrivals}  # type: ignore[union-attr]
    with line.site.db.transaction() as session:
        receive(session, line.site, claimed.arrivals, readings, line.now)
        arrivals.finish(session, claimed)


def test_the_same_batch_twice_is_harmless(line: Line) -> None:
    line.text(PHONE, UNPAID)
    _, claimed = taken(line)
    carry(line, claimed)
    with line.site.db.transaction() as session:
        session.execute(update(table(Inbox)).values(state=InboxState.RECEIVED))
        session.execute(update(table(Inbox)).values(claim_token=None))
    with pytest.raises(LookupError, match="claim lost"):
        carry(line, claimed)
    assert len(line.rows(Report)) == 1
    assert line.told(str(line.case()["id"])) == [UNPAID], "what a worker without a claim wrote was rolled back"


def test_a_worker_that_was_thought_dead_cannot_finish_what_another_took_over(line: Line) -> None:
    line.text(PHONE, UNPAID)
    _, slow = taken(line)
    with line.site.db.transaction() as session:
        session.execute(update(table(Inbox)).values(state=InboxState.RECEIVED))
    _, quick = taken(line)
    carry(line, quick)
    with pytest.raises(LookupError, match="claim lost"):
        carry(line, slow)
    assert len(line.rows(Case)) == 1
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}


def test_a_claimed_row_is_nobody_elses_and_counts_its_attempts(line: Line) -> None:
    line.text(PHONE, UNPAID)
    token, _ = taken(line)
    assert taken(line)[1].ids == ()
    (row,) = line.rows(Inbox)
    assert (row["claim_token"], row["attempts"], row["state"]) == (token, 1, InboxState.CLAIMED)
    assert (row["lease_until"] - line.now).total_seconds() == line.site.settings.lease_seconds


def test_a_batch_takes_the_oldest_first_and_no_more_than_it_may(line: Line) -> None:
    small = Deployment(line.site.settings.model_copy(update={"drain_batch": 3}))
    small.__dict__["db"] = line.site.db
    for number in range(5):
        line.text(f"+25078000011{number}", f"text {number}")
    with small.db.transaction() as session:
        _, rows = arrivals.take(session, small, line.now)
    assert [row["external_id"] for row in rows] == [row["external_id"] for row in line.rows(Inbox)][:3]


def test_what_cannot_be_opened_or_belongs_to_no_gateway_is_parked_with_its_reason(line: Line) -> None:
    for _ in range(3):
        line.text(PHONE, UNPAID)
    inbox = table(Inbox)
    first, second, third = (row["id"] for row in line.rows(Inbox))
    with line.site.db.transaction() as session:
        session.execute(update(inbox).where(inbox.c.id == first).values(sealed=b"rot"))
        session.execute(update(inbox).where(inbox.c.id == second).values(gateway="nobody"))
    line.work()
    outcome = {row["id"]: (row["state"], row["reason"]) for row in line.rows(Inbox)}
    assert outcome == {
        first: (InboxState.PARKED, "sealed with another key"),
        second: (InboxState.PARKED, "gateway has no settings"),
        third: (InboxState.DONE, None),
    }


def test_many_texts_in_mixed_order_lose_none(line: Line) -> None:
    sent: dict[str, list[str]] = {}
    for number in range(120):
        phone, body = f"+2507800012{number % 40:02}", f"text {number}"
        line.text(phone, body)
        sent.setdefault(phone, []).append(body)
    line.work()
    with line.reading() as session:
        of = {row.caller_id: row.case_id for row in session.execute(select(table(Report)))}
    told = {phone: line.told(of[str(caller(line, phone)["id"])]) for phone in sent}
    assert {phone: sorted(bodies) for phone, bodies in told.items()} == {phone: sorted(bodies) for phone, bodies in sent.items()}
