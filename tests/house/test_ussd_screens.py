"""Every screen of the dialled code fits a plain phone in every language, is reached in three steps, and leaves nothing telling.

Measured from outside: each page as it goes over the air, with the longest names a deployment may give, by a meter of its own.
"""

import tomllib
from itertools import product
from pathlib import Path

import pytest
from smsutil import is_valid_gsm

from hotline.catalog import DEPLOYMENT, CatalogError, shipped
from hotline.intake.ussd.screens import Pages, septets, shown
from hotline.intake.ussd.tree import BUSY, JOINED, LANGUAGES, LATER, MENU, NEWS, NO_LIST, SCREENS, UNKNOWN, VOTED, Input
from hotline.intake.ussd.walk import Standing
from hotline.places import sectors
from hotline.triage.judge import Category, Urgency
from tests.house.test_words import EVERY_TELLING_WORD, FOLDER

LONGEST = {name: one.longest for name, one in DEPLOYMENT.items()}
NAMES = sectors(FOLDER, "Rusizi")
PAGES = Pages(shipped().with_deployment(**LONGEST), NAMES)
EVERY = [(name, language) for name, language in product(SCREENS, LANGUAGES) if name != "which"]
LAST = [name for name, screen in SCREENS.items() if screen.last]


def page(name: str, language: str, offered: tuple[str, ...] = ()) -> str:
    return PAGES.page(Standing(language, screen=name, offered=offered))


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_screen_fits_one_page_of_a_plain_phone_with_the_longest_names(name: str, language: str) -> None:
    told = page(name, language)
    assert told.startswith("END " if name in LAST else "CON ")
    assert is_valid_gsm(shown(told))
    assert (septets(told) or 999) <= 160, shown(told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_list_of_sectors_that_letters_can_bring_up_fits_too(language: str) -> None:
    letters = {name[:length].lower() for name in NAMES for length in range(1, len(name) + 1)}
    lists = {found for typed in letters if len(found := tuple(name for name in NAMES if name.lower().startswith(typed))) > 1}
    assert max(map(len, lists)) == 6
    assert all((septets(page("which", language, found)) or 999) <= 160 for found in lists)


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_no_screen_says_in_any_language_what_this_line_is(name: str, language: str) -> None:
    assert not EVERY_TELLING_WORD.findall(page(name, language))


@pytest.mark.parametrize(("name", "language"), [(name, language) for name, language in EVERY if name != "language"])
def test_each_language_says_each_screen_itself(name: str, language: str) -> None:
    others = {page(name, other) for other in LANGUAGES if other != language and {language, other} != {"rw", "rn"}}
    assert page(name, language) not in others


def test_what_needs_a_native_reader_says_so() -> None:
    about = {language: tomllib.loads((FOLDER / language / "language.toml").read_text()) for language in LANGUAGES}
    assert {language for language in LANGUAGES if about[language]["draft"]} == {"fr", "sw", "rw", "rn"}
    assert about["rn"]["borrows"] == "rw"


def test_whatever_is_needed_to_act_is_asked_on_the_first_three_screens() -> None:
    depth = {MENU: 1}
    for name in list(SCREENS):  # each screen stands in the tree behind the one that leads to it
        for answer in SCREENS[name].answers:
            depth.setdefault(answer.to, depth.get(name, 1) + 1)
    asking = [name for name, screen in SCREENS.items() if not screen.optional and not screen.last]
    assert max(depth[name] for name in asking) == 3


def test_every_screen_is_reached_and_every_answer_leads_to_one() -> None:
    reached = {answer.to for screen in SCREENS.values() for answer in screen.answers}
    assert reached <= SCREENS.keys()
    by_rule = {
        MENU,
        "which",
        "bye",
        BUSY,
        UNKNOWN,
        LATER,
        VOTED,
        JOINED,
        NO_LIST,
        *NEWS,
    }  # first, names, back, our fault, by what is typed
    assert reached | by_rule == set(SCREENS)
    for screen in SCREENS.values():
        digits = [answer.digit for answer in screen.answers]
        assert len(set(digits)) == len(digits)
        assert "0" not in digits, "0 is back on every screen"


def test_what_answers_tell_are_words_of_triage() -> None:
    told = [answer.said for screen in SCREENS.values() for answer in screen.answers]
    assert {one.category for one in told} - {None} <= set(Category)
    assert {one.urgency for one in told} - {None} <= set(Urgency)
    assert [name for name, screen in SCREENS.items() if screen.input is Input.WORDS] == ["tell"]


@pytest.mark.parametrize(("name", "language"), list(product(LAST, LANGUAGES)))
def test_the_page_that_stays_on_the_phone_repeats_no_answer(name: str, language: str) -> None:
    lines = {line.partition(" ")[2] for other in SCREENS if other not in LAST for line in page(other, language).splitlines()[1:]}
    told = {line for line in lines if len(line) > 8}
    assert len(told) > 20
    assert not [line for line in told if line.lower() in page(name, language).lower()]


def test_a_page_that_does_not_fit_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="which takes"):
        Pages(shipped().with_deployment(**LONGEST), ["N" * 40] * 6)
