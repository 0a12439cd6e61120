"""The sectors of the district, found by their first letters: eighteen names need no pages of lists."""

from typing import Final

from hotline.places import plain

MOST_SHOWN: Final = 6  # the longest names of six still fit one screen


def beginning(names: tuple[str, ...], typed: str) -> tuple[str, ...]:
    """Return the names that begin with these letters; one written in full is the only one."""
    letters = plain(typed)
    found = tuple(name for name in names if letters and plain(name).startswith(letters))
    exact = tuple(name for name in found if plain(name) == letters)
    return exact or found
