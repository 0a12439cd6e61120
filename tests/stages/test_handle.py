"""A case code survives small phones and tired thumbs: a wrong one never opens another case."""

from itertools import combinations, product

import pytest

from hotline import handle


def plain(code: str) -> str:
    return code.replace("-", "")


def codes(count: int) -> list[str]:
    return [plain(handle.make()) for _ in range(count)]


def test_a_code_is_two_characters_a_hyphen_and_four_without_look_alikes() -> None:
    for _ in range(500):
        code = handle.make()
        assert (len(code), code[2]) == (7, "-")
        assert not set(code) & set("ILOU")
        assert handle.parse(code) == code


def test_codes_are_drawn_from_the_whole_space() -> None:
    drawn = [plain(handle.make()) for _ in range(3000)]
    assert len(set(drawn)) > 2990
    assert all({code[at] for code in drawn} == set(handle.ALPHABET) for at in range(handle.LENGTH))


def test_exactly_one_check_character_fits_each_beginning() -> None:
    for code in codes(100):
        fitting = [last for last in handle.ALPHABET if handle.parse(code[:5] + last)]
        assert fitting == [code[5]]


def test_every_wrong_character_shows_at_every_position() -> None:
    """The code is linear, so what one code proves holds for all: each of 6 x 31 differences has a parity of its own."""
    for code in codes(50):
        for at, other in product(range(handle.LENGTH), handle.ALPHABET):
            if other != code[at]:
                assert handle.parse(code[:at] + other + code[at + 1 :]) is None


def test_every_pair_that_changed_places_shows_whatever_the_two_characters_are() -> None:
    """All 32 x 31 pairs at all 15 pairs of positions, neighbours among them, each in a code made valid around it."""
    for (left, right), (one, other) in product(combinations(range(6), 2), product(handle.ALPHABET, repeat=2)):
        if one == other:
            continue
        code = list(_valid_with({left: one, right: other}))
        code[left], code[right] = code[right], code[left]
        assert handle.parse("".join(code)) is None


def _valid_with(fixed: dict[int, str]) -> str:
    """A valid code with these characters: the one free place that is left open is tried until the parity agrees."""
    free = next(at for at in range(6) if at not in fixed)
    for char in handle.ALPHABET:
        code = "".join({**dict.fromkeys(range(6), "7"), **fixed, free: char}[at] for at in range(6))
        if handle.parse(code):
            return code
    pytest.fail("every beginning has a valid code")


@pytest.mark.parametrize("shape", ["{0}", "{0} ", "[{0}]", "{0}.", "{1}", "{2} {3}", "{2}--{3}", "{2}\u2013{3}", "{4}", "{5}"])
def test_a_code_is_read_however_it_is_typed(shape: str) -> None:
    code = handle.make()
    spaced = " ".join(plain(code))
    typed = shape.format(code, plain(code), code[:2], code[3:], code.lower(), spaced)
    assert handle.parse(typed) == code


def test_letters_that_look_like_digits_are_read_as_those_digits() -> None:
    code = next(code for code in iter(handle.make, "") if "0" in code and "1" in code)
    for zero, one in product("0Oo", "1IiLl"):
        assert handle.parse(code.replace("0", zero).replace("1", one)) == code


def test_full_width_digits_are_read() -> None:
    code = next(code for code in iter(handle.make, "") if "7" in code)
    assert handle.parse(code.replace("7", "\uff17")) == code


@pytest.mark.parametrize(
    "text", ["", "K7", "K7-4QM", "K7-4QM99", "UUUUUU", "hello there", "\u0416\u0416\u0416\u0416\u0416\u0416", "-- --"]
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert handle.parse(text) is None
