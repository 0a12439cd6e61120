"""Every shipped text is safe on a phone in the wrong hands, complete in every language, and paid for once.

The catalog refuses bad texts when it loads; this asks the finished texts the same questions from outside, with a meter and a
list of words of its own.
"""

import re
import string
import tomllib
from itertools import product
from pathlib import Path

import pytest

from hotline.catalog import PLACEHOLDERS, Catalog, shipped
from hotline.intake.commands import Command, Kind, recognise
from hotline.outbound.meter import Encoding, measure

FOLDER = Path(__file__).parents[2] / "message_templates"
LANGUAGES = ("en", "fr", "rn", "rw", "sw")
OFFICERS_LANGUAGES = ("en", "fr", "rw")
LOCK_SCREEN = 30

# The longest an everyday deployment and a busy night can make them; invented.
LONGEST = {
    "cover": "IJWI RUSIZI",
    "tips": "+250788000000",
    "radio": "+250788000000",
    "ussd": "*778*1234#",
    "emergency": "3512",
}
BUSY = {
    "number": "075 482 1903",
    "code": "WM-WMWM",
    "time": "23:59",
    "minutes": "1440",
    "choice": "4",
    "area": "Nyamasheke District",
}

# What must not be readable over a shoulder: trafficking, police, victim, report, case, hotline, rescue.
TELLING = {
    "en": r"traffic|police|polic|victim|report|\bcases?\b|hotline|rescue",
    "fr": r"trafic|traite|police|gendarme|victime|rapport|signale|\bcas\b|dossier|plainte|urgence|secours",
    "rw": r"curuz|polisi|hohote|raporo|ikirego|dosiye|umurongo|tabar|urubanza",
    "sw": r"usafirish|biashara|magendo|polisi|askari|athirika|ripoti|taarifa|\bkesi\b|dharura|okoa",
    "rn": r"dandaz|polisi|hohote|raporo|umurongo|tabar|urubanza",
}
EVERY_TELLING_WORD = re.compile("|".join(TELLING.values()), re.IGNORECASE)
GREETINGS = re.compile(
    r"(Hello|Thank you|OK|Sorry|Bonjour|Merci|D'accord|Pardon|Muraho|Murakoze|Mutwihanganire"
    r"|Habari|Asante|Sawa|Samahani|Amahoro|Mutugirire imbabazi|IJWI RUSIZI)(?![a-z])"
)


def book(language: str, name: str) -> dict[str, str]:
    file = FOLDER / language / f"{name}.toml"
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.fixture(scope="module")
def words() -> Catalog:
    return shipped().with_deployment(**LONGEST)


def filled(words: Catalog, key: str, language: str) -> str:
    wanted = placeholders(book("en", key.partition(".")[0])[key.partition(".")[2]])
    return words.text(key, language, **{name: BUSY[name] for name in wanted & BUSY.keys()})


CALLER_TEXTS = [
    (f"{name}.{key}", language) for name in ("sms", "phrases") for key, language in product(book("en", name), LANGUAGES)
]
OFFICER_TEXTS = [(f"staff.{name}", language) for name, language in product(book("en", "staff"), LANGUAGES)]


def test_five_languages_are_shipped_and_all_but_english_wait_for_a_native_reader() -> None:
    assert shipped().languages == LANGUAGES
    assert [language for language in LANGUAGES if not shipped().is_draft(language)] == ["en"]


def test_callers_are_told_these_things() -> None:
    told = {"received", "s1", "s2", "s3", "s4", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15"} | {
        "s14_call",
        "offer",
        "numbers",
        "lang",
    }
    assert told <= book("en", "sms").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_every_caller_text_itself_with_the_same_placeholders(language: str) -> None:
    reference, own = book("en", "sms"), book(language, "sms")
    assert own.keys() == reference.keys()
    assert {name: placeholders(text) for name, text in own.items()} == {
        name: placeholders(text) for name, text in reference.items()
    }


@pytest.mark.parametrize("language", OFFICERS_LANGUAGES)
def test_officers_are_written_to_in_three_languages_with_the_same_placeholders(language: str) -> None:
    reference, own = book("en", "staff"), book(language, "staff")
    assert own.keys() == reference.keys()
    assert all(placeholders(own[name]) == placeholders(reference[name]) for name in reference)


@pytest.mark.parametrize(("key", "language"), CALLER_TEXTS + OFFICER_TEXTS)
def test_every_text_is_one_plain_segment_with_its_longest_values(words: Catalog, key: str, language: str) -> None:
    read = measure(filled(words, key, language))
    assert (read.encoding, read.segments) == (Encoding.GSM_7, 1), read


@pytest.mark.parametrize(("key", "language"), CALLER_TEXTS)
def test_no_text_to_a_caller_tells_in_any_language_what_this_line_is(words: Catalog, key: str, language: str) -> None:
    assert not EVERY_TELLING_WORD.findall(filled(words, key, language))


@pytest.mark.parametrize(("key", "language"), CALLER_TEXTS)
def test_the_first_30_characters_are_a_greeting_as_anybody_might_send(words: Catalog, key: str, language: str) -> None:
    shown = filled(words, key, language)[:LOCK_SCREEN]
    assert GREETINGS.match(shown)
    assert not EVERY_TELLING_WORD.search(shown)
    assert not re.search(r"help|safe|danger|aide|kaga|hatari|msaada|fasha", shown, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_word_a_text_offers_for_stopping_stops(words: Catalog, language: str) -> None:
    offered = re.findall(r"\b[A-Z]{4,}\b", filled(words, "sms.s2", language))
    assert offered
    assert {recognise(word) for word in offered} == {Command(Kind.STOP)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_yes_and_no_our_questions_offer_are_understood(words: Catalog, language: str) -> None:
    yes, no = re.findall(r"[12] (\w+)", filled(words, "sms.s9", language))
    assert (recognise(yes), recognise(no)) == (recognise("yes"), recognise("no"))


@pytest.mark.parametrize(("key", "language"), OFFICER_TEXTS)
def test_a_text_to_an_officer_has_room_for_a_code_a_district_and_a_time_only(key: str, language: str) -> None:
    text = book(language, "staff").get(key.partition(".")[2], "")
    assert placeholders(text) <= {"code", "area", "minutes", "time", "cover"}


def test_every_placeholder_has_a_longest_value_that_it_would_accept() -> None:
    for placeholder in PLACEHOLDERS.values():
        assert re.fullmatch(placeholder.form, placeholder.longest)


def test_our_own_longest_values_are_no_longer_than_the_catalog_plans_for() -> None:
    for name, value in {**LONGEST, **BUSY}.items():
        assert len(value) <= len(PLACEHOLDERS[name].longest)
