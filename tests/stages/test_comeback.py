"""Return codes: ten digits open one harmless line about a report from any phone, and nothing else. All people are invented."""

import re
from collections.abc import Callable

import pytest

from hotline.models import CaseState, Inbox, Message, ReturnCode
from tests.dialling import Dialled
from tests.line import Line

REPORTER = "+250780000101"
SOMEBODY = "+250780000102"
DIGITS = re.compile(r"\b0\d{2} \d{3} \d{4}\b")


def code_in(text: str) -> str:
    (found,) = DIGITS.findall(text)
    return found.replace(" ", "")


def by_text(line: Line) -> str:
    """Tell by text, and return the code that comes back."""
    line.says(REPORTER, "they lock us in at night in Bugarama")
    line.says(REPORTER, "1")
    (given,) = line.says(REPORTER, "there are five of us behind the market")
    return code_in(given)


def by_dialling(line: Line) -> str:
    phone = Dialled(line, REPORTER)
    phone.dial()
    phone.answer("8", "5", "1", "1", "2", "2")
    code = code_in(phone.answer("1"))
    line.work()
    return code


def asked(line: Line, code: str, number: str = SOMEBODY) -> str:
    phone = Dialled(line, number)
    phone.dial()
    return phone.answer("8", "5", "4", code)


def test_whoever_has_told_by_text_gets_a_code_once(line: Line) -> None:
    code = by_text(line)
    assert code.startswith("075")
    assert line.says(REPORTER, "and they have our papers") == []
    assert len(line.rows(ReturnCode)) == 1


def test_a_code_stands_in_no_row(line: Line) -> None:
    code = by_text(line)
    key = line.key(line.case()["id"])
    (given,) = (row for row in line.rows(Message) if row["template"] == "sms.s7")
    assert "000 000 0000" in key.open_text(given["sealed"], f"message|sealed|{given['id']}")
    assert code not in str([dict(row) for row in line.rows(ReturnCode)])


@pytest.mark.parametrize("tell", [by_text, by_dialling])
def test_any_phone_hears_what_became_of_it_and_leaves_no_number_in_the_case(tell: Callable[[Line], str], line: Line) -> None:
    code = tell(line)
    told = len(line.told(line.case()["id"]))
    line.forget()
    (news,) = line.says(SOMEBODY, f"{code[:3]} {code[3:6]} {code[6:]}")
    assert "butegereje" in news
    assert asked(line, code).startswith("END Thank you. Your message is kept")
    case = line.case()
    assert (case["state"], len(line.told(case["id"]))) in {(CaseState.NEW, told), (CaseState.UNFINISHED, told)}
    assert [row for row in line.rows(Message, case_id=case["id"]) if row["template"] == "news.kept"] == []


def test_a_repeated_last_page_gives_the_same_code(line: Line) -> None:
    phone = Dialled(line, REPORTER)
    phone.dial()
    first = phone.answer("1", "1", "2", "2", "1")
    line.work()
    assert phone.hop() == first
    assert asked(line, code_in(first)).startswith("END Thank you. Your message is kept")


def test_a_number_of_somebody_is_words_like_any(line: Line) -> None:
    (answer,) = line.says(REPORTER, "0788 123 456")
    assert "0788 123 456" not in answer
    assert line.told(line.case()["id"]) == ["0788 123 456"]


def test_five_tries_a_day_then_nothing_is_told_until_tomorrow(line: Line) -> None:
    code = by_dialling(line)
    for wrong in range(5):
        assert "not known" in asked(line, f"07500000{wrong:02}")
    assert "tomorrow" in asked(line, code)
    assert "kept" in asked(line, code, number="+250780000103"), "another phone has tries of its own"


def test_a_typed_code_is_kept_in_no_raw_row(line: Line) -> None:
    code = by_dialling(line)
    before = len(line.rows(Inbox))
    asked(line, code)
    assert len(line.rows(Inbox)) == before + 3, "the hops that chose a language and the news; not the one with the code"


def test_a_session_that_was_stopped_leaves_no_code(line: Line) -> None:
    phone = Dialled(line, REPORTER)
    phone.dial()
    phone.answer("2", "2")
    line.work()
    assert line.rows(ReturnCode) == []
