"""The meter counts as the operator counts: checked by hand, at every edge, and against an independent library."""

import smsutil  # type: ignore[import-untyped]  # it ships no types
from hypothesis import example, given
from hypothesis import strategies as st

from hotline.gsm7 import BASIC, COST, EXTENSION, fits, septets
from hotline.outbound.meter import Encoding, measure, repair

CURLY = "\u2019"
PHONE_TEXTS = st.text(
    st.one_of(
        st.sampled_from(sorted(COST)),
        st.sampled_from("\u2019\u201c\u201d\u00e7\u00ea\u0153\u2013\u2026\u00a0\U0001f6d1\u0416"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"),
    ),
    min_size=1,
    max_size=400,
)
GSM_TEXTS = st.text(st.sampled_from(sorted(COST)), min_size=1, max_size=500)


def test_the_alphabet_has_the_127_characters_and_10_extensions_of_the_standard() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127
    assert len(EXTENSION) == len(set(EXTENSION)) == 10
    assert not set(BASIC) & set(EXTENSION)


def test_160_plain_characters_are_one_segment_and_161_are_two() -> None:
    assert measure("a" * 160).segments == 1
    assert measure("a" * 161).segments == 2
    assert [measure("a" * length).segments for length in (306, 307, 459, 460)] == [2, 3, 3, 4]


def test_70_wide_characters_are_one_segment_and_71_are_two() -> None:
    assert measure(CURLY * 70).segments == 1
    assert measure(CURLY * 71).segments == 2
    assert [measure(CURLY * length).segments for length in (134, 135, 201, 202)] == [2, 3, 3, 4]


def test_an_extension_character_takes_two_septets_and_is_named() -> None:
    read = measure("{a}")
    assert (read.encoding, read.characters, read.units, read.segments) == ("GSM-7", 3, 5, 1)
    assert read.costly == (("{", 0), ("}", 2))


def test_an_extension_character_is_not_cut_over_two_segments() -> None:
    """152 + 2 does not fit 153: the escape moves on whole, and 306 septets need a third segment."""
    assert measure("a" * 306).segments == 2
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3


def test_a_surrogate_pair_is_not_cut_over_two_segments() -> None:
    text = "\u0416" * 66 + "\U0001f6d1" + "\u0416" * 66
    assert measure(text).units == 134
    assert measure(text).segments == 3


def test_one_curly_apostrophe_moves_the_whole_text_to_wide_units_and_is_named() -> None:
    read = measure(f"n{CURLY}abana" + "a" * 100)
    assert (read.encoding, read.segments, read.costly) == ("UCS-2", 2, ((CURLY, 1),))


def test_an_empty_text_and_a_lone_surrogate_are_counted_too() -> None:
    assert (measure("").encoding, measure("").segments) == ("GSM-7", 1)
    assert (measure("\ud83d").encoding, measure("\ud83d").units) == ("UCS-2", 1)


def test_the_escape_itself_is_no_character() -> None:
    assert measure("\x1b").encoding is Encoding.UCS_2


@given(PHONE_TEXTS)
@example("a" * 153 + "€" * 4)
@example("\u0416" * 66 + "\U0001f6d1" * 3)
def test_an_independent_library_counts_the_same(text: str) -> None:
    theirs = smsutil.split(text)
    ours = measure(text)
    assert ours.segments == len(theirs.parts)
    assert ours.encoding == {"gsm0338": "GSM-7", "utf_16_be": "UCS-2"}[theirs.encoding]
    assert ours.units == (theirs.total_bytes if ours.encoding is Encoding.GSM_7 else theirs.total_bytes // 2)


@given(PHONE_TEXTS)
def test_a_text_is_wide_exactly_when_a_character_is_outside_the_alphabet(text: str) -> None:
    read = measure(text)
    foreign = tuple((char, at) for at, char in enumerate(text) if char not in COST)
    assert (read.encoding is Encoding.UCS_2) == bool(foreign)
    assert read.costly == foreign or not foreign


def test_repair_makes_what_keyboards_write_plain_again() -> None:
    written = (
        "N\u2019umwana \u201cyego\u201d \u00abnon\u00bb re\u00e7u for\u00eat "
        "c\u0153ur \u0152uvre \u00c0 l\u2019h\u00f4tel \u2013 na\u00efve\u2026"
    )
    assert repair(written) == 'N\'umwana "yego" "non" recu foret coeur OEuvre A l\'hotel - naive...'
    assert measure(repair(written)).encoding is Encoding.GSM_7


def test_repair_keeps_the_accents_the_alphabet_has() -> None:
    assert repair("déjà là, où ? è ù Ç ñ ü") == "déjà là, où ? è ù Ç ñ ü"
    assert repair("de\u0301ja\u0300") == "déjà"


def test_repair_takes_spaces_and_marks_nobody_sees() -> None:
    assert repair("112\u00a0gratuit\u202f!\u200b\ufeff\tfin") == "112 gratuit ! fin"


def test_what_has_no_plain_form_stays_and_is_named() -> None:
    repaired = repair("ça va \U0001f6d1 \u0416")
    assert repaired == "ca va \U0001f6d1 \u0416"
    assert measure(repaired).costly == (("\U0001f6d1", 6), ("\u0416", 8))


@given(GSM_TEXTS)
def test_repair_leaves_a_plain_text_alone(text: str) -> None:
    assert repair(text) == text


@given(PHONE_TEXTS)
def test_repairing_twice_changes_nothing_more(text: str) -> None:
    assert repair(repair(text)) == repair(text)


@given(st.text(st.sampled_from([*BASIC, *EXTENSION]), max_size=200))
def test_a_text_that_fits_takes_what_its_characters_take(text: str) -> None:
    assert fits(text)
    assert septets(text) == sum(COST[char] for char in text)
    assert not fits(f"{text}ŵ")
