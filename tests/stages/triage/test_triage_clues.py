"""What strangers may name too: written one way however it was typed. All plates, numbers and names are invented."""

import pytest

from hotline.triage import assess


def named(text: str, kind: str) -> list[str]:
    return [clue.value for clue in assess(text).clues if clue.kind == kind]


@pytest.mark.parametrize("typed", ["RAB 123 C", "rab123c", "Rab-123-c", "rab 123c"])
def test_a_plate_is_one_plate_however_it_is_typed(typed: str) -> None:
    assert named(f"they left in a white car {typed} at night", "plate") == ["RAB123C"]


@pytest.mark.parametrize("typed", ["0788123456", "0788 123 456", "+250 788 123 456", "250788123456"])
def test_a_phone_is_one_phone_however_it_is_typed(typed: str) -> None:
    assert named(f"the agent's number is {typed}", "phone") == ["+250788123456"]


def test_a_burundian_number_is_read_too() -> None:
    assert named("hamagara +257 79 123 456", "phone") == ["+25779123456"]


def test_agencies_bus_lines_and_houses_are_named() -> None:
    assert named("an agency called Blue Star Gulf promised us work", "agency") == ["blue star gulf"]
    assert named("Hope Manpower Ltd took our money", "agency") == ["hope"]
    assert named("we boarded Volcano at Kamembe", "bus_line") == ["volcano"]
    assert named("she is kept at Hotel Paradis Bleu", "house") == ["paradis bleu"]


def test_a_place_is_no_house_and_money_is_no_plate() -> None:
    assert named("they sleep in a hotel in Goma", "house") == []
    assert named("he asks rwf 500 k before 2026", "plate") == []


def test_a_chain_letter_has_one_wording_whatever_numbers_stand_in_it() -> None:
    first = "Need 20 maids in Oman, free visa, call the agent today please share"
    second = "NEED 45 maids in Oman - free visa! call the agent today. Please share"
    assert named(first, "wording") == named(second, "wording") != []


def test_the_words_of_a_clue_stand_where_it_says() -> None:
    text = "les filles sont à l\u2019auberge La Colline, plaque 1234 AB 22, appelez 0788 123 456"
    for clue in assess(text).clues:
        assert 0 <= clue.start < clue.end <= len(text)
    assert [text[c.start : c.end] for c in assess(text).clues if c.kind == "plate"] == ["1234 AB 22"]
