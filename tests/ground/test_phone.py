"""A number is the same person however a gateway writes it; what is no number is kept as a name. All numbers are invented."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline import phone
from hotline.phone import Sender, masked, sender

FARM = Sender("+250780000101", reachable=True)


@pytest.mark.parametrize(
    "spelling",
    [
        "+250780000101",
        "250780000101",
        "00250780000101",
        "0780000101",
        "780000101",
        "+250 780 000 101",
        " 0780-000-101 ",
        "(0780) 000.101",
        "+250 (0) 780 000 101",
        "0780\u2011000\u2011101",
        "0780/000/101",
        "\uff10\uff17\uff18\uff10\uff10\uff10\uff10\uff11\uff10\uff11",
        "\uff0b\uff12\uff15\uff10\uff17\uff18\uff10\uff10\uff10\uff10\uff11\uff10\uff11",
        "\u0660\u0667\u0668\u0660\u0660\u0660\u0660\u0661\u0660\u0661",
        "\u200e+250\u00a0780\u00a0000\u00a0101\u202c",
        "\ufeff0780000101",
    ],
)
def test_one_phone_is_one_person_in_every_spelling(spelling: str) -> None:
    assert sender(spelling, "RW") == FARM


@pytest.mark.parametrize(
    ("spelling", "address"),
    [
        ("+243 810 000 101", "+243810000101"),  # Congo, over the bridge
        ("243810000101", "+243810000101"),
        ("00243810000101", "+243810000101"),
        ("+257 79 000 101", "+25779000101"),  # Burundi, over the river
        ("25779000101", "+25779000101"),
        ("+256 772 000 101", "+256772000101"),
        ("256772000101", "+256772000101"),
        ("+255 754 000 101", "+255754000101"),
        ("+14158675309", "+14158675309"),
    ],
)
def test_neighbours_are_understood_with_and_without_a_plus(spelling: str, address: str) -> None:
    assert sender(spelling, "RW") == Sender(address, reachable=True)


@pytest.mark.parametrize(
    "name",
    [
        *("MTN", "MoMo", "7788", "112", "+112", "*778#", "0", "", "+250", "078000010", "07800001011"),
        *("M-Money 0780000101", "A0780000101", "whatsapp:+250780000101", "tel:+250780000101"),
        *("+250780000101;ext=5", "0780000101x2", "0780000101,0780000102", "+2507800001019999999999"),
        *("\x00", "\ud800", "9" * 300, "\U0001f4f1"),
    ],
)
def test_what_is_no_number_is_a_name_and_never_written_to(name: str) -> None:
    assert sender(name, "RW") == Sender(name.strip(), reachable=False)


@given(st.text())
def test_no_sender_field_breaks_the_reading(raw: str) -> None:
    read = sender(raw, "RW")
    if read.reachable:
        assert sender(read.address, "RW") == read
        assert read.address[0] == "+"
        assert read.address[1:].isdecimal()
    else:
        assert read.address == raw.strip()


@given(st.text(alphabet="ABCDEFGHIJabcdefghij", min_size=1), st.text(alphabet="0123456789+ "))
def test_a_name_with_digits_in_it_is_never_taken_for_a_phone(letters: str, digits: str) -> None:
    for mixed in (letters + digits, digits + letters):
        assert not sender(mixed, "RW").reachable


def test_a_masked_number_tells_two_apart_and_no_more() -> None:
    assert masked("+250780000101") == "+250 ••• ••01"
    assert masked("+250780000102") != masked("+250780000101")
    for nameless in ("MTN", "", "+12345", "0780000101"):
        assert masked(nameless) == "•••"


@given(st.text(alphabet="0123456789", min_size=9, max_size=15))
def test_a_masked_number_never_shows_what_lies_between(digits: str) -> None:
    assert digits[3:-2] not in masked(f"+{digits}").replace(digits[:3], "", 1)


@given(st.from_regex(r"\+250[0-9]{6,12}", fullmatch=True) | st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True))
def test_the_quick_look_at_a_number_agrees_with_reading_it(spelled: str) -> None:
    quick = sender.__wrapped__(spelled, "RW")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phone, "_mobiles", lambda _: re.compile(r"(?!)"))
        assert sender.__wrapped__(spelled, "RW") == quick


def test_a_region_nobody_numbered_has_no_quick_look() -> None:
    assert sender("+250788000001", "ZZ").address == "+250788000001"
