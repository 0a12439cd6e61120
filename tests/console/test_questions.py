"""The next question is there in each language, short enough for a text, and shown to whoever writes it."""

import re

import pytest

from hotline.console.questions import asked_in
from hotline.outbound.meter import measure
from tests.console.desk import Desk

KEYS = ("place", "still_there", "age", "papers", "safe_to_text")


@pytest.mark.parametrize("language", ["en", "fr", "sw", "rw", "rn"])
def test_every_question_fits_one_text_and_gives_nothing_away(language: str) -> None:
    for key in KEYS:
        words = asked_in(language, key)
        assert "?" in words
        assert measure(words).segments == 1
        assert not re.search(r"traffick|traite|police|polis|hotline|icuruzwa", words, re.IGNORECASE)


def test_a_language_or_a_question_we_do_not_know_has_no_words() -> None:
    assert asked_in("xx", "place") == asked_in("en", "") == ""


def test_an_officer_sees_the_question_in_the_language_of_whoever_wrote(desk: Desk) -> None:
    case = desk.case("mbakeneye")
    desk.assess(case, variety="rn", next_question="age", missing=["age"])
    page = desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)
    assert "About how old are they?" in page
    assert asked_in("rn", "age") in page
