"""Consent: people come onto a list by their own word or an attendance list, and leave by one word, at once."""

import io
from datetime import UTC, datetime

import openpyxl
import pytest

from hotline.broadcasts.importing import Fault, Imported, Unreadable, bring_in
from hotline.intake.erase import erase
from hotline.models import Caller, Case, MessageState, Subscriber, Subscription
from hotline.outbound.recipients import people
from hotline.subscribers import BY_TEXT
from tests.broadcasts.casting import Casts, fill
from tests.calling import Called
from tests.dialling import Dialled

PHONE = "+250780000101"
HEAD = "phone,consent source,consent date,language,sector,interests\n"
SIX_SPELLINGS = ("0780000101", "+250780000101", "250 780 000 101", "00250780000101", "(078) 000-0101", "０７８００００１０１")  # noqa: RUF001


def import_(casts: Casts, text: str, list_id: str | None = None) -> Imported:
    return bring_in(casts.site, list_id or fill(casts.site, "market", [], casts.now), "people.csv", text.encode())


@pytest.mark.parametrize("said", ["JOIN RUSIZI", "join rusizi!", "Jiunge Rusizi", "INJIRA rusizi", "S'inscrire"])
def test_join_and_a_keyword_puts_somebody_on_the_list(casts: Casts, said: str) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    answers = casts.line.says(PHONE, said)
    joined = casts.line.rows(Subscription)
    if said == "S'inscrire":  # no keyword: words for an officer
        assert joined == []
        assert len(casts.line.rows(Case)) == 1
        return
    assert len(answers) == 1
    assert "STOP" in answers[0]
    assert [row["source"] for row in joined] == [BY_TEXT]
    assert casts.line.rows(Case) == [], "nobody is a reporter by joining"


@pytest.mark.parametrize("said", ["JOIN", "join nowhere", "join rusizi and please come and get me out", "JOIN 1"])
def test_join_with_anything_else_is_a_text_like_any(casts: Casts, said: str) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    casts.line.says(PHONE, said)
    assert casts.line.rows(Subscription) == []
    assert len(casts.line.rows(Case)) == 1


def test_a_number_after_join_is_no_answer_to_an_open_question(casts: Casts) -> None:
    casts.line.says(PHONE, "They took my passport")
    casts.line.says(PHONE, "JOIN 1")
    (caller,) = casts.line.rows(Caller)
    assert caller["safe_contact"] == "unknown"


@pytest.mark.parametrize("word", ["STOP", "hagarika", "ARRET", "acha", "0"])
def test_one_word_in_any_language_leaves_every_list_and_join_comes_back(casts: Casts, word: str) -> None:
    fill(casts.site, "rusizi", [PHONE], casts.now)
    fill(casts.site, "market", [PHONE], casts.now)
    casts.line.says(PHONE, word)
    assert casts.subscriber(PHONE)["left_at"] == casts.now
    casts.line.says(PHONE, "JOIN rusizi")
    assert casts.subscriber(PHONE)["left_at"] is None


def test_a_stop_at_the_gateway_leaves_too(casts: Casts) -> None:
    fill(casts.site, "rusizi", [PHONE], casts.now)
    fields = {"MessageSid": "SM" + "9" * 32, "From": PHONE, "To": "7788", "Body": "STOP", "OptOutType": "STOP"}
    assert casts.line.post(fields).status_code == 200
    casts.line.work()
    assert casts.subscriber(PHONE)["left_at"] is not None


def test_a_phone_that_is_not_safe_leaves_every_list(casts: Casts) -> None:
    """What a dialled session told is taken back, and its caller forgotten: no broadcast may come to that phone afterwards."""
    fill(casts.site, "rusizi", [PHONE], casts.now)
    with casts.site.db.transaction() as session:
        erase(session, "simulator", "0" * 32, casts.site.number_index(PHONE), casts.now)
    assert casts.subscriber(PHONE)["left_at"] == casts.now


def test_whoever_left_is_not_brought_back_by_an_attendance_list(casts: Casts) -> None:
    list_id = fill(casts.site, "rusizi", [PHONE], casts.now)
    casts.line.says(PHONE, "STOP")
    result = import_(casts, f"{HEAD}{PHONE},Meeting (invented),2026-11-20,rw,,\n", list_id)
    assert (result.fresh, result.known) == (0, 1)
    assert casts.subscriber(PHONE)["left_at"] is not None


def test_six_spellings_are_one_person(casts: Casts) -> None:
    lines = "".join(f'"{one}",Meeting (invented),2026-11-20,rw,Kamembe,"market, school"\n' for one in SIX_SPELLINGS)
    result = import_(casts, HEAD + lines)
    assert (result.fresh, result.folded, result.refused) == (1, 5, 0)
    (row,) = casts.line.rows(Subscriber)
    assert (row["language"], row["sector"], row["interests"], row["prefix"]) == ("rw", "Kamembe", ",market,school,", "25078")
    assert PHONE.encode()[-6:] not in bytes(row["number_sealed"])


@pytest.mark.parametrize(
    ("line", "column", "fault"),
    [
        ("MTN,Meeting,2026-11-20,,,", "phone", Fault.NO_NUMBER),
        ("0780000101,,2026-11-20,,,", "consent source", Fault.NO_SOURCE),
        ("0780000101," + "x" * 81 + ",2026-11-20,,,", "consent source", Fault.LONG),
        ("0780000101,Meeting,yesterday,,,", "consent date", Fault.NO_DATE),
        ("0780000101,Meeting,2099-01-01,,,", "consent date", Fault.TOO_EARLY),
        ("0780000101,Meeting,2026-11-20,klingon,,", "language", Fault.NO_LANGUAGE),
        ('0780000101,Meeting,2026-11-20,rw,,"a market stall"', "interests", Fault.NO_INTEREST),
    ],
)
def test_a_faulty_line_is_told_by_row_and_column_and_the_others_are_taken(
    casts: Casts, line: str, column: str, fault: Fault
) -> None:
    result = import_(casts, f"{HEAD}0780000109,Meeting,20/11/2026,,,\n\n{line}\n")
    assert (result.fresh, result.refused) == (1, 1)
    assert [(one.row, one.column, one.fault) for one in result.faults] == [(4, column, fault)]


@pytest.mark.parametrize(
    "head",
    [
        "Telephone,Meeting,Date",
        "Téléphone.,Réunion,Date du consentement",
        "PHONE_NUMBER,Consent-Source,Consent date",
        "Nambari ya simu,Mkutano,Tarehe",
    ],
)
def test_columns_go_by_the_names_that_lists_have(casts: Casts, head: str) -> None:
    result = import_(casts, f"{head}\n0780000109,Meeting (invented),2026-11-20\n")
    assert (result.fresh, result.refused) == (1, 0)


def test_two_columns_that_mean_the_same_are_refused_in_a_sentence(casts: Casts) -> None:
    with pytest.raises(Unreadable, match="Two columns are the phone"):
        import_(casts, "Phone,Tel,Meeting,Date\n0780000109,0780000110,Meeting (invented),2026-11-20\n")


def test_a_sheet_is_read_as_a_spreadsheet_writes_it(casts: Casts) -> None:
    book = openpyxl.Workbook()
    for row in (["Phone", "Consent source", "Consent date"], [780000101, "Form", datetime(2026, 11, 20)], ["x", "", None]):  # noqa: DTZ001
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    list_id = fill(casts.site, "market", [], casts.now)
    result = bring_in(casts.site, list_id, "people.XLSX", packed.getvalue())
    assert (result.fresh, result.refused) == (1, 1)
    assert casts.line.rows(Subscription)[0]["agreed_at"] == datetime(2026, 11, 19, 22, tzinfo=UTC), "midnight in Kigali"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.csv", b""),
        ("a.csv", b"phone,language\n0780000101,rw\n"),
        ("a.csv", "phone;consent source;consent date\n".encode("utf-16")),
        ("a.xlsx", b"PK\x03\x04 not a sheet"),
        ("a.xlsx", b""),
        ("a.csv", b"x" * (10 * 2**20 + 1)),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(casts: Casts, name: str, raw: bytes) -> None:
    list_id = fill(casts.site, "market", [], casts.now)
    with pytest.raises(Unreadable, match=r"^The "):
        bring_in(casts.site, list_id, name, raw)
    assert casts.line.rows(Subscriber) == []


def test_whoever_dials_can_leave_every_list_and_nothing_is_asked_or_kept(casts: Casts) -> None:
    numbers = casts.people("a", 30)
    made = casts.begin("a")
    phone = Dialled(casts.line, numbers[7])
    phone.dial()
    assert "Kuva ubu" in phone.answer("3", "6", "1")
    casts.line.work()
    assert casts.subscriber(numbers[7])["left_at"] is not None
    assert numbers[7] not in casts.reached()
    assert casts.fates(made)[MessageState.ACCEPTED] == 29
    assert casts.line.rows(Case) == []


def test_whoever_calls_can_leave_in_the_middle_of_a_broadcast_and_has_reported_nothing(casts: Casts) -> None:
    numbers = casts.people("a", 30)
    made = casts.begin("a")
    phone = Called(casts.line, numbers[7])
    phone.ring()
    assert "Kuva ubu" in phone.press("1", "1", "2", "5", "2")
    phone.hang_up()
    casts.line.work()
    assert casts.subscriber(numbers[7])["left_at"] is not None
    assert numbers[7] not in casts.reached()
    assert casts.fates(made)[MessageState.ACCEPTED] == 29
    assert casts.line.rows(Case) == []


@pytest.mark.parametrize("way", ["ussd", "call"])
def test_joining_without_a_text_is_consent_and_no_report_and_brings_back_who_had_left(casts: Casts, way: str) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    casts.line.says(PHONE, "STOP")
    join(casts, way, "Rusizi!", "787494")
    (row,) = casts.line.rows(Subscription)
    assert (row["source"], row["agreed_at"] >= casts.now) == (way, True)
    assert (casts.subscriber(PHONE)["left_at"], casts.subscriber(PHONE)["language"]) == (None, "en")
    assert casts.line.rows(Case) == []
    with casts.site.db.transaction() as session:
        assert [one["quiet_one"] for one in people(session, [casts.subscriber(PHONE)["id"]])] == [False]


@pytest.mark.parametrize("way", ["ussd", "call"])
def test_whoever_reported_joins_like_anybody_and_is_left_out_silently(casts: Casts, way: str) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    casts.line.says(PHONE, "They took my passport")
    join(casts, way, "rusizi", "787494")
    with casts.site.db.transaction() as session:
        assert [one["quiet_one"] for one in people(session, [casts.subscriber(PHONE)["id"]])] == [True]
    assert len(casts.line.rows(Case)) == 1


@pytest.mark.parametrize(("typed", "cases"), [("nowhere", 0), ("STOP", 0), ("12", 0), ("they keep me locked in", 1)])
def test_what_is_typed_in_place_of_a_list_joins_none_and_whoever_tells_is_heard(casts: Casts, typed: str, cases: int) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    phone = Dialled(casts.line, PHONE)
    phone.dial()
    phone.answer("8", "5", "3", "6", typed)
    casts.line.work()
    assert casts.line.rows(Subscription) == []
    assert len(casts.line.rows(Case)) == cases


def test_a_call_that_told_something_stays_a_report_though_a_list_was_joined(casts: Casts) -> None:
    fill(casts.site, "rusizi", [], casts.now)
    phone = Called(casts.line, PHONE)
    phone.ring()
    phone.press("1", "5", "1", "1", "1", "*", "*", "*", "2", "5", "1", "787494")
    phone.hang_up()
    casts.line.work()
    assert [row["source"] for row in casts.line.rows(Subscription)] == ["call"]
    assert casts.line.case()["urgency"] == "immediate"


def test_two_lists_with_the_same_keys_are_joined_by_neither_and_an_outage_joins_nobody(
    casts: Casts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for keyword in ("ant", "bot"):
        fill(casts.site, keyword, [], casts.now)
    for number, hidden in ((PHONE, False), ("", True)):
        phone = Called(casts.line, number)
        phone.ring()
        assert "no list" in phone.press("1", "5", "2", "5", "1", "268")
        assert hidden or "Key it in again" in phone.heard
    with monkeypatch.context() as patch:
        patch.setattr("hotline.answering.subscribers.list_of", lambda *_: 1 / 0)
        assert "busy" in phone.press("268")
    casts.line.work()
    assert casts.line.rows(Subscription) == []


def join(casts: Casts, way: str, typed: str, keyed: str) -> None:
    if way == "ussd":
        phone = Dialled(casts.line, PHONE)
        phone.dial()
        assert "STOP" in phone.answer("8", "5", "3", "6", typed)
    else:
        call = Called(casts.line, PHONE)
        call.ring()
        assert "STOP" in call.press("1", "5", "2", "5", "1", keyed)
        call.hang_up()
    casts.line.work()


def test_a_file_brought_in_twice_changes_nothing(casts: Casts) -> None:
    list_id = fill(casts.site, "market", [], casts.now)
    text = HEAD + "".join(f"07800{place:05},Meeting,2026-11-20,,,\n" for place in range(1200))
    assert import_(casts, text, list_id).fresh == 1200
    again = import_(casts, text, list_id)
    assert (again.fresh, again.known, len(casts.line.rows(Subscriber))) == (0, 1200, 1200)
