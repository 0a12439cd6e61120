"""Words a phone may send besides a report: INFO and what it offers, LANG and what is chosen. People and numbers are invented."""

import pytest

from hotline.models import Beep, BeepState, Caller, Case
from tests.line import Line

PHONE = "+250780000101"


@pytest.fixture
def no_calls(line: Line) -> Line:
    """A line to a deployment that can call nobody."""
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"voice_gateway": "kannel"})
    return line


@pytest.mark.parametrize(("digit", "begins"), [("1", "Hello. A job far away?"), ("2", "Hello. Free numbers")])
def test_what_info_offers_is_said_and_opens_no_report(line: Line, digit: str, begins: str) -> None:
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"default_language": "en"})
    assert "1 job offers far away, 2 free numbers" in line.says(PHONE, "INFO")[0]
    assert line.says(PHONE, digit)[0].startswith(begins)
    assert line.says(PHONE, "1")[0].startswith("Hello. A job far away?"), "the question stays open"
    assert line.rows(Case) == []


def test_a_call_that_info_offers_is_a_missed_call_like_any(line: Line) -> None:
    line.site.__dict__["settings"] = line.site.settings.model_copy(update={"default_language": "en"})
    assert "3 call me now" in line.says(PHONE, "INFO")[0]
    assert line.says(PHONE, "3") == []
    (beep,) = line.rows(Beep)
    assert (beep["state"], beep["number_index"]) == (BeepState.WAITING, line.site.number_index(PHONE))
    assert line.rows(Case) == []
    line.says(PHONE, "0")
    assert line.rows(Beep)[0]["state"] == BeepState.CANCELLED, "nought calls it off"


def test_a_call_is_offered_only_where_somebody_can_be_called(no_calls: Line) -> None:
    (answer,) = no_calls.says(PHONE, "INFO")
    assert "3 mumpamagare" not in answer
    no_calls.says(PHONE, "3")
    assert len(no_calls.rows(Case)) == 1, "a digit that answers nothing is for officers, never a mistake"
    assert no_calls.rows(Beep) == []


def test_nobody_is_called_who_has_not_been_offered_it(line: Line) -> None:
    line.says(PHONE, "INFO")
    line.later(minutes=16)
    line.says(PHONE, "3")
    assert line.rows(Beep) == []


@pytest.mark.parametrize("word", ["LANG", "ururimi", "Lugha", "langue", "LANGUAGE"])
def test_a_language_is_offered_chosen_and_kept_for_the_talk_that_follows(line: Line, word: str) -> None:
    assert line.says(PHONE, word)[0].endswith("1 Ikinyarwanda, 2 Ikirundi, 3 Kiswahili, 4 Francais, 5 English.")
    (first,) = line.says(PHONE, "4")
    assert first.startswith("Bonjour, ici")
    assert line.rows(Caller)[0]["language"] == "fr"
    assert line.says(PHONE, "1")[0].startswith("Merci."), "they answered our question, so the talk goes on in their language"
    assert line.rows(Case) == []


def test_the_first_answer_does_not_tell_that_somebody_chose_a_language_here(line: Line) -> None:
    fresh = line.says("+250780000102", "12")
    line.says(PHONE, "LANG", "4")
    line.later(minutes=16)
    assert line.says(PHONE, "12") == fresh
