"""The sectors of the district, found by their first letters: eighteen names need no pages of lists."""

import re
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

MOST_SHOWN: Final = 6  # the longest names of six still fit one screen


@lru_cache(maxsize=4)
def sectors(templates: Path, district: str) -> tuple[str, ...]:
    """Return the sectors of a district that places.toml lists, in alphabetical order; none for a district it does not know."""
    places = tomllib.loads((templates / "places.toml").read_text(encoding="utf-8"))
    cells = places.get(district.lower(), {})
    return tuple(sorted({name.partition(" / ")[0] for name in cells}))


def beginning(names: tuple[str, ...], typed: str) -> tuple[str, ...]:
    """Return the names that begin with these letters; one written in full is the only one."""
    letters = plain(typed)
    found = tuple(name for name in names if letters and plain(name).startswith(letters))
    exact = tuple(name for name in found if plain(name) == letters)
    return exact or found


def plain(text: str) -> str:
    """Return the small letters of a text, without accents and anything between them."""
    return re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", text.casefold()))
