"""A word is a command only as a whole message; whatever could be a report stays one. All codes here are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline import handle
from hotline.catalog import CALLER_COMMANDS, shipped
from hotline.intake.commands import (
    Command,
    Kind,
    OfficerAnswer,
    Verb,
    officer_answer,
    recognise,
)

SHIPPED = [(kind, word) for kind in CALLER_COMMANDS for word in sorted(shipped().commands[kind])]
TWILIO_STOP = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"]


def kind_of(text: str) -> Kind | None:
    command = recognise(text)
    return command.kind if command else None


@pytest.mark.parametrize(("kind", "word"), SHIPPED)
def test_each_shipped_word_is_understood_in_any_dress(kind: str, word: str) -> None:
    for text in (
        word,
        word.lower(),
        word.title(),
        f" {word}... ",
        f"\u00ab{word}\u00bb!!",
        f"{word} \U0001f6d1",
        f"\n{word}\r\n",
    ):
        assert kind_of(text) == kind


@pytest.mark.parametrize("word", TWILIO_STOP)
def test_what_stops_a_twilio_number_stops_us(word: str) -> None:
    assert kind_of(word) is Kind.STOP


@pytest.mark.parametrize(
    "text", ["arrêt", "ARR\u00caT", "Stop.", "S T O P", "s.t.o.p", "STOP STOP STOP", "stop all", "\uff33\uff34\uff2f\uff30"]
)
def test_stop_is_stop_with_accents_spaces_and_repetition(text: str) -> None:
    assert kind_of(text) is Kind.STOP


@pytest.mark.parametrize(
    "text",
    ["STOP please", "stop sending me sms", "No more texts.", "stop svp", "Plus de SMS !", "acha kutuma sms", "HAGARIKA ubutumwa"],
)
def test_stop_is_stop_as_people_say_it_of_our_texts(text: str) -> None:
    assert kind_of(text) is Kind.STOP


@pytest.mark.parametrize(
    "text", ["please stop", "stop it", "please stop him", "stop them tonight", "stop the bus", "stop hurting me"]
)
def test_a_plea_to_stop_somebody_is_no_command(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize("text", ["hagarka", "hagarikka", "hagarikq", "hagarkia", "unsubscrbe", "simamsha", "cancle"])
def test_one_slip_in_a_long_word_is_forgiven(text: str) -> None:
    assert kind_of(text) is Kind.STOP


@pytest.mark.parametrize("text", ["stp", "stpo", "top", "shop", "step", "eend", "and", "ednd", "rika", "achaa", "quiet", "quite"])
def test_no_slip_is_forgiven_in_a_short_word(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "they said stop or we beat you",
        "END of the road, house with a red door",
        "the end",
        "week end",
        "please help",
        "stop them",
        "Reka kudukubita",
        "acha kunipiga",
        "no food",
        "yes they took my id",
        "1 girl is locked in",
        "3 children",
        "cancel my ticket they have it",
        "info: 5 boys on the truck",
    ],
)
def test_a_command_word_inside_a_report_leaves_it_a_report(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("text", ["hatari", "HATARI!", "umiza", "saudia", "cancer"])
def test_a_word_that_only_looks_like_a_command_is_a_report(text: str) -> None:
    """Swahili for danger is one letter from the Swahili word for news."""
    assert recognise(text) is None


@pytest.mark.parametrize("text", ["tabari", "adiyo"])
def test_a_slip_from_two_commands_at_once_is_neither(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("text", ["0", " 0 ", "0.", "\uff10", "(0)", "\u0660", "0\ufe0f\u20e3"])
def test_zero_alone_is_the_panic_stop(text: str) -> None:
    assert recognise(text) == Command(Kind.PANIC)


@pytest.mark.parametrize("text", ["00", "0 0", "10", "0 yes", "O.K", "zero"])
def test_zero_with_anything_else_is_not(text: str) -> None:
    assert kind_of(text) is not Kind.PANIC


@pytest.mark.parametrize("text", ["1", "1.", " 1 ", "1)", "#1", "\uff11", "\u0661", "1 Yes", "1 yego", "1: Oui", "1 OK"])
def test_a_digit_is_read_in_any_dress_and_with_the_word_of_our_question(text: str) -> None:
    assert recognise(text) == Command(Kind.DIGIT, "1")


@pytest.mark.parametrize("text", ["0788000111", "078 800 0111", "078-800-0111", "0788.000.111"])
def test_ten_digits_may_be_a_return_code(text: str) -> None:
    assert recognise(text) == Command(Kind.RETURN_CODE, "0788000111")


@pytest.mark.parametrize("text", ["1234567890", "078800011", "+250788000111", "call 0788000111", "12", "112"])
def test_other_digits_are_for_officers(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("text", ["", " ", "...", "\U0001f6d1", "\x00", "\ud83d", "?"])
def test_a_text_without_words_is_no_command(text: str) -> None:
    assert recognise(text) is None


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert recognise(text) is None or recognise(text) == recognise(f" {text} ")
    assert officer_answer(text) is None or officer_answer(text) == officer_answer(f" {text} ")


def test_an_officer_answers_in_many_ways() -> None:
    for code in (handle.make() for _ in range(50)):
        two, four = code.split("-")
        taken = (f"1 {code}", f"1{two}{four}", f"1.{code}", f"1{two} {four}", f"1 [{code}]", f"1 {code} thanks, going now")
        said = (f"ok {two.lower()} {four.lower()}", f"Yego {code}", f"OUI {two} {four}", f"ndiyo {two}{four}")
        assert {officer_answer(text) for text in taken + said} == {OfficerAnswer(Verb.TAKE, code)}
        assert officer_answer(f"2 {code.lower()}") == OfficerAnswer(Verb.PASS_ON, code)
        assert officer_answer(f"3{two}{four}") == OfficerAnswer(Verb.NOT_OURS, code)
        assert officer_answer(f"si iyanjye {code}") == OfficerAnswer(Verb.NOT_OURS, code)


def test_an_officer_may_write_o_for_zero_and_i_for_one() -> None:
    code = next(code for code in iter(handle.make, "") if "0" in code and "1" in code)
    assert officer_answer("1 " + code.replace("0", "o").replace("1", "l")) == OfficerAnswer(Verb.TAKE, code)


def test_a_mistyped_code_is_known_to_be_meant_and_opens_nothing() -> None:
    code = next(code for code in iter(handle.make, "") if code[-1].isdecimal())
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert officer_answer(f"2 {wrong}") == OfficerAnswer(Verb.PASS_ON, None)
    assert officer_answer(f"1 {wrong[1:]}") == OfficerAnswer(Verb.TAKE, None)


@pytest.mark.parametrize(
    "text", ["1", "ok", "", "1 girl at the border", "2 girls", "ok thanks", "K7-4QM9", "3 boys 12 years old", "call 0788000111"]
)
def test_other_words_of_an_officer_are_no_answer(text: str) -> None:
    assert officer_answer(text) is None


def test_a_code_with_words_is_a_note_whatever_it_begins_with() -> None:
    for first in "0123456789K":
        code = next(code for code in iter(handle.make, "") if code[0] == first)
        assert officer_answer(f"{code} the house is behind the market") == OfficerAnswer(Verb.NOTE, code, says_more=True)
        assert officer_answer(f"1 {code}") == OfficerAnswer(Verb.TAKE, code)
