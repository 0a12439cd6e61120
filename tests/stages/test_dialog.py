"""What a text does, given the question that is open: the whole table, since there are few questions and few commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.intake.commands import Command, Kind, recognise
from hotline.intake.dialog import (
    FREE_TEXT,
    INFO,
    INFO_ANSWERS,
    LANG,
    LANG_ANSWERS,
    PANIC,
    SAFE_ANSWERS,
    START,
    STOP,
    TELLING,
    TOLD,
    WHEN_ANSWERS,
    Open,
    Reaction,
    react,
)
from hotline.models import SafeContact

QUESTIONS = [None, *Open]
DIGITS = [Command(Kind.DIGIT, digit) for digit in "123456789"]
OTHERS = [Command(kind) for kind in Kind if kind not in (Kind.DIGIT, Kind.RETURN_CODE)] + [
    Command(Kind.RETURN_CODE, "0780000101")
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_stop_start_and_nought_hold_whatever_is_open(question: Open | None) -> None:
    assert react(question, Command(Kind.STOP)) == STOP
    assert react(question, Command(Kind.PANIC)) == PANIC
    assert react(question, Command(Kind.START)) == START
    assert react(question, Command(Kind.INFO)) == INFO
    assert react(question, Command(Kind.LANG)) == LANG


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (Open.SAFE, "1", SAFE_ANSWERS["1"]),
        (Open.SAFE, "yes", SAFE_ANSWERS["1"]),
        (Open.SAFE, "1 Yego", SAFE_ANSWERS["1"]),
        (Open.SAFE, "2", SAFE_ANSWERS["2"]),
        (Open.SAFE, "oya", SAFE_ANSWERS["2"]),
        (Open.SAFE, "3", SAFE_ANSWERS["3"]),
        (Open.SAFE, "4", FREE_TEXT),
        (Open.SAFE, "9", FREE_TEXT),
        (Open.WHEN, "1", WHEN_ANSWERS["1"]),
        (Open.WHEN, "2", WHEN_ANSWERS["2"]),
        (Open.WHEN, "3", WHEN_ANSWERS["3"]),
        (Open.WHEN, "4", WHEN_ANSWERS["4"]),
        (Open.WHEN, "5", FREE_TEXT),
        (Open.TALK, "1", TOLD),
        (Open.TALK, "He is back", TOLD),
        (Open.TOLD, "1", TELLING),
        (Open.TOLD, "yes", TELLING),
        (Open.TOLD, "He is back", TELLING),
        (Open.INFO, "1", INFO_ANSWERS["1"]),
        (Open.INFO, "2", INFO_ANSWERS["2"]),
        (Open.INFO, "3", FREE_TEXT),
        (Open.INFO, "yes", FREE_TEXT),
        (Open.INFO_OR_CALL, "1", INFO_ANSWERS["1"]),
        (Open.INFO_OR_CALL, "3", Reaction(report=False, call=True)),
        (Open.INFO_OR_CALL, "He is back", FREE_TEXT),
        (Open.LANGUAGE, "4", LANG_ANSWERS["4"]),
        (Open.LANGUAGE, "6", FREE_TEXT),
        (Open.LANGUAGE, "no", FREE_TEXT),
        (None, "ururimi", LANG),
        (None, "lugha", LANG),
        (None, "langue", LANG),
        (None, "AMAKURU", INFO),
        (None, "HABARI", INFO),
        (None, "INFOS", INFO),
        (None, "1", FREE_TEXT),
        (None, "yes", FREE_TEXT),
        (None, "He is back", FREE_TEXT),
        (Open.SAFE, "He is back", FREE_TEXT),
    ],
)
def test_an_answer_counts_for_the_question_that_is_open_and_for_no_other(
    question: Open | None, text: str, expected: Reaction
) -> None:
    assert react(question, recognise(text)) == expected


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("command", [*DIGITS, *OTHERS])
def test_nothing_a_person_sends_is_both_kept_from_officers_and_without_effect(question: Open | None, command: Command) -> None:
    done = react(question, command)
    assert done.report or done.stop or done.start or done.safe is not None or done.reply is not None or done.call


@pytest.mark.parametrize("command", [None, *DIGITS, *OTHERS])
def test_with_nothing_open_the_answer_is_the_same_for_every_report(command: Command | None) -> None:
    done = react(None, command)
    if done.report:
        assert done == FREE_TEXT


def test_what_we_ask_is_answered_by_what_we_then_expect() -> None:
    assert (FREE_TEXT.reply, FREE_TEXT.asks) == ("sms.s1", Open.SAFE)
    assert (SAFE_ANSWERS["3"].reply, SAFE_ANSWERS["3"].asks) == ("sms.s4", Open.WHEN)
    assert (SAFE_ANSWERS["1"].reply, SAFE_ANSWERS["1"].asks) == ("sms.s2", Open.TALK)
    assert (START.reply, START.asks) == ("sms.s1", Open.SAFE)


def test_whoever_says_no_or_never_or_nought_is_not_answered() -> None:
    for silent in (PANIC, SAFE_ANSWERS["2"], *WHEN_ANSWERS.values()):
        assert silent.reply is None
        assert silent.asks is None


def test_only_an_explicit_yes_is_a_yes() -> None:
    reactions = [react(question, command) for question in QUESTIONS for command in (None, *DIGITS, *OTHERS)]
    assert {SAFE_ANSWERS["1"]} == {one for one in reactions if one.safe is SafeContact.ANY}
    assert {one.hours for one in reactions if one.safe is SafeContact.HOURS} == {"morning", "midday", "evening"}


@given(st.text(), st.sampled_from(QUESTIONS))
def test_any_text_has_a_reaction(text: str, question: Open | None) -> None:
    done = react(question, recognise(text))
    assert isinstance(done, Reaction)
    if done.stop:
        assert not done.report
