"""The console in each of its languages: nothing is missing, nothing is left over, and what is put into a sentence stays in it."""

import re

import pytest

from hotline.config import PROJECT
from hotline.console import tongue

TONGUES = tongue.load(PROJECT / "message_templates")
OTHERS = [one for one in TONGUES.values() if one.code != tongue.ENGLISH]
WANTED = tongue.wanted()
HOLE, TAG = re.compile(r"%\(\w+\)s"), re.compile(r"<[^>]+>")


def forms(said: tongue.Said) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else said


def test_the_console_speaks_four_languages_and_only_english_is_signed() -> None:
    assert {one.code: one.draft for one in TONGUES.values()} == {"en": False, "fr": True, "rw": True, "sw": True}


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: one.code)
def test_no_catalogue_misses_a_sentence_or_keeps_one_that_nobody_says(one: tongue.Tongue) -> None:
    assert WANTED.keys() - one.words.keys() == set()
    assert one.words.keys() - WANTED.keys() == set()


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: one.code)
def test_a_sentence_keeps_its_holes_and_its_marks_and_breaks_no_page(one: tongue.Tongue) -> None:
    for english, said in one.words.items():
        first = forms(WANTED[english])
        assert len(forms(said)) == len(first), english
        for text in forms(said):
            assert set(HOLE.findall(text)) == set(HOLE.findall(first[-1])), english
            assert TAG.findall(text) == TAG.findall(english), english
            assert '"' not in text, english
            assert text.strip() == text != "", english
            assert "%" not in HOLE.sub("", text), english


def test_no_word_of_a_page_is_left_unmarked() -> None:
    assert tongue.unmarked() == {}


def test_what_scripts_say_is_what_scripts_ask_for() -> None:
    script = (PROJECT / "hotline" / "console" / "static" / "own" / "desk.js").read_text(encoding="utf-8")
    assert set(re.findall(r'\bsay\("([^"]+)"', script)) == set(tongue.SCRIPTS)
