"""The district's own places: its sectors, and in which of them a named place lies, so that cases are found and counted by sector.

Comes in: names as triage, a caller or an officer writes them. Goes out: the sectors, each once. A cell or village whose name
stands in several sectors belongs to none: a guess would put a dot on somebody else's map.
"""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4)
def sectors(templates: Path, district: str) -> tuple[str, ...]:
    """Return the sectors of a district that places.toml lists, in alphabetical order; none for a district it does not know."""
    return tuple(sorted({name.partition(" / ")[0] for name in _cells(templates, district)}))


@lru_cache(maxsize=4)
def sectors_by_place(templates: Path, district: str) -> Mapping[str, str]:
    """Return the sector of each place of a district by its plain name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, villages in _cells(templates, district).items():
        sector, _, cell = name.partition(" / ")
        for place in (cell, *villages):
            found[plain(place)].add(sector)
    known = {place: next(iter(among)) for place, among in found.items() if len(among) == 1}
    return known | {plain(sector): sector for sector in sectors(templates, district)}


def sectors_of(templates: Path, district: str, places: Iterable[str]) -> frozenset[str]:
    """Return the sectors these places lie in."""
    known = sectors_by_place(templates, district)
    return frozenset(known[plain(place)] for place in places if plain(place) in known)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return the small letters of a text, without accents and anything between them."""
    return re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", text.casefold()))


def _cells(templates: Path, district: str) -> Mapping[str, list[str]]:
    cells: Mapping[str, list[str]] = tomllib.loads((templates / "places.toml").read_text(encoding="utf-8")).get(
        district.lower(), {}
    )
    return cells
