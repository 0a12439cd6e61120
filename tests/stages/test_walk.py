"""The walk through the screens: what networks and people do to a session's text, and that no word of it can go astray."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.catalog import shipped
from hotline.intake.ussd.screens import Pages, septets
from hotline.intake.ussd.sectors import beginning
from hotline.intake.ussd.tree import MENU, SCREENS
from hotline.intake.ussd.walk import Kept, Standing, Step, Turn, Walk
from hotline.places import sectors
from tests.house.test_words import FOLDER, LONGEST

NAMES = sectors(FOLDER, "Rusizi")
PAGES = Pages(shipped().with_deployment(**LONGEST), NAMES)
WALK = Walk(NAMES, "rw", lambda text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())

DIGITS = st.sampled_from([*"0123456789", "", "00", "11"])
TYPED = st.one_of(DIGITS, st.sampled_from(["BUG", "nya", "G", "Kamembe", "yego", "non", "they lock us in"]))
STARRED = st.one_of(TYPED, st.text(alphabet="*#01 aé\u0643\U0001f6a8", max_size=6))


def walked(*texts: str, before: Standing | None = None) -> list[Turn]:
    """Return the turns of a session whose network sends these texts one after the other."""
    turns: list[Turn] = []
    for text in texts:
        turns.append(WALK.hear(turns[-1].standing if turns else before, text))
    return turns


def joined(typed: Sequence[str]) -> list[str]:
    """Return the texts a network sends for these inputs: first none, then all so far."""
    return ["", *accumulate(typed, "{}*{}".format)] if typed else [""]


def steps(turns: Sequence[Turn]) -> list[Step]:
    return [step for turn in turns for step in turn.steps]


def where(text: str) -> str:
    return walked(text)[-1].standing.screen


@pytest.mark.parametrize(
    ("text", "screen"),
    [
        ("", "menu"),
        ("1", "happening"),
        ("1*4", "danger"),
        ("1*4*1", "sector"),
        ("1*4*1*BUG", "tell"),
        ("1*4*1*bugarama", "tell"),
        ("1*4*1*NYA", "which"),
        ("1*4*1*NYA*1", "tell"),
        ("1*4*1*NYA*nyakab", "tell"),
        ("1*4*1*NYA*3", "tell"),
        ("1*4*1*NYA*9", "which"),
        ("1*4*1*N*0", "sector"),
        ("1*4*1*NYA*1*0", "sector"),
        ("1*4*1*1", "tell"),
        ("1*4*1*2*1", "thanks"),
        ("1*4*1*2*five girls * behind the market", "thanks"),
        ("1*0", "menu"),
        ("1*4*0", "happening"),
        ("0", "bye"),
        ("2", "safe"),
        ("2*1", "need"),
        ("2*yego", "need"),
        ("2*oya", "stopped"),
        ("2*2", "stopped"),
        ("2*1*1", "text"),
        ("2*1*1*2", "sector"),
        ("3", "advice"),
        ("3*1", "offer"),
        ("3*1*0*0*0", "bye"),
        ("8*4", "menu"),
        ("9", "menu"),
        ("*", "menu"),
        ("***1***4**", "danger"),
        ("1*", "happening"),
        ("01", "menu"),
    ],
)
def test_where_a_text_leads(text: str, screen: str) -> None:
    assert where(text) == screen


def test_sectors_are_found_by_their_first_letters_without_accents_and_spaces() -> None:
    assert len(NAMES) == 18
    assert beginning(NAMES, " BUG ") == ("Bugarama",)
    assert beginning(NAMES, "nya kar") == ("Nyakarenzo",)
    assert beginning(NAMES, "Nkómbo") == ("Nkombo",)
    assert beginning(NAMES, "x") == beginning(NAMES, "12") == ()
    assert all(beginning(NAMES, name) == (name,) for name in NAMES)


def test_a_language_is_kept_for_the_session() -> None:
    assert walked("8*5*1")[-1].standing.language == "en"


def test_words_told_on_any_screen_are_kept_as_words() -> None:
    assert steps(walked("they lock us in")) == [Step(MENU, Kept.WORDS, "they lock us in")]
    assert steps(walked("1*ni ubufasha")) == [Step(MENU, "someone"), Step("happening", Kept.WORDS, "ni ubufasha")]
    assert steps(walked("1*5*1*Cyangugu, hafi y'isoko"))[-1] == Step("sector", Kept.WORDS, "Cyangugu, hafi y'isoko")
    assert where("1*5*1*Cyangugu, hafi y'isoko") == "tell"


@given(st.lists(STARRED, max_size=10))
@settings(max_examples=150, deadline=None)
def test_every_hop_has_a_page_that_fits_whatever_is_typed(typed: list[str]) -> None:
    for turn in walked(*joined(typed)):
        page = PAGES.page(turn.standing)
        assert page[:4] == ("END " if SCREENS[turn.standing.screen].last else "CON ")
        assert (septets(page) or 999) <= 160


@given(st.lists(STARRED, max_size=8))
@settings(max_examples=100, deadline=None)
def test_the_same_text_again_is_the_same_page_and_tells_nothing_new(typed: list[str]) -> None:
    texts = joined(typed)
    for text, turn in zip(texts, walked(*texts), strict=True):
        again = WALK.hear(turn.standing, text)
        assert (again.standing, again.steps) == (turn.standing, ())


@given(st.lists(TYPED, max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_text_walked_as_a_whole_leads_where_its_hops_led(typed: list[str]) -> None:
    """What the door falls back on while no database can say where a session stands."""
    hops = walked(*joined(typed))
    until = next((place for place, turn in enumerate(hops) if SCREENS[turn.standing.screen].last), len(hops) - 1)
    whole = walked(joined(typed)[until])[-1]
    assert (whole.standing.screen, whole.standing.language) == (hops[until].standing.screen, hops[until].standing.language)
    assert list(whole.steps) == steps(hops[: until + 1])


@given(st.lists(TYPED, min_size=1, max_size=8), st.data())
@settings(max_examples=150, deadline=None)
def test_a_text_that_shrinks_or_goes_elsewhere_begins_anew_and_goes_on_from_there(typed: list[str], data: st.DataObject) -> None:
    texts = joined(["1", *typed])
    turns = walked(*texts)
    other = data.draw(st.sampled_from([one for one in (*texts[:-1], "7*7", f"{texts[-1]}1") if one != texts[-1]]))
    anew = WALK.hear(turns[-1].standing, other)
    if turns[-1].standing.stopped:
        assert anew.standing == turns[-1].standing
        return
    assert (anew.standing.screen, anew.steps, anew.standing.life) == (MENU, (), turns[-1].standing.life + 1)
    assert WALK.hear(anew.standing, f"{other}*1" if other else "1").standing.screen == "happening"


def test_after_an_end_a_session_that_goes_on_begins_anew_and_a_stopped_one_stays_stopped() -> None:
    assert [turn.standing.screen for turn in walked("1*1*1*BUG*1", "1*1*1*BUG*1*1")] == ["thanks", MENU]
    assert [turn.standing.screen for turn in walked("2*2", "2*2*1", "", "1")] == ["stopped"] * 4


def test_where_a_session_stands_can_be_packed_and_holds_no_word_that_was_typed() -> None:
    listed, told = walked("8*5*1*1*1*NYA", "8*5*1*1*1*NYA*2*they lock us in")
    assert listed.standing.offered == ("Nyakabuye", "Nyakarenzo")
    assert all(Standing.unpacked(turn.standing.packed()) == turn.standing for turn in (listed, told))
    assert b"lock" not in told.standing.packed()
