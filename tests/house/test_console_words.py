"""The console in each of its languages: nothing is missing, nothing is left over, and what is put into a sentence stays in it."""

import re
from pathlib import Path

import pytest

from hotline.config import PROJECT
from hotline.console import tongue

TONGUES = tongue.load(PROJECT / "message_templates")
OTHERS = [one for one in TONGUES.values() if one.code != tongue.ENGLISH]
WANTED = tongue.wanted()
HOLE, TAG = re.compile(r"%\(\w+\)s"), re.compile(r"<[^>]+>")
# These are said in every language as a whole.
WHOLE = frozenset(
    {
        *("base", "bare", "frame", "_views", "_watch", "sign_in", "lock", "kept", "fault", "no_screen"),
        *("queue", "_filters", "_narrow", "_several", "_rows", "_told"),
        *("case", "_head", "_signs", "_thread", "_compose", "_writing", "_meter", "_leave", "_side", "_conflict", "_referral"),
        *("_word", "_tape"),
        *("today", "_today", "agenda", "dead", "_dead", "new_item", "new_item_kept", "missed", "search", "phrasebook"),
        *("why", "timeline", "close", "handover", "break", "number", "number_shown", "numbers", "me"),
        *("welcome", "both", "wall", "_wall", "directory", "contact", "sheet", "rota", "owed"),
        *("own", "own_one", "map", "reports", "heard", "charts", "team", "channels", "setup", "record", "record_check", "keys"),
    }
)


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


def test_screens_that_are_said_as_a_whole_leave_nothing_unmarked() -> None:
    left = {Path(name).stem: count for name, count in tongue.unmarked().items()}
    assert {name: left[name] for name in WHOLE & left.keys()} == {}


def test_what_scripts_say_is_what_scripts_ask_for() -> None:
    script = (PROJECT / "hotline" / "console" / "static" / "own" / "desk.js").read_text(encoding="utf-8")
    assert set(re.findall(r'\bsay\("([^"]+)"', script)) == set(tongue.SCRIPTS)
