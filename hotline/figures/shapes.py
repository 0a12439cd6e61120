"""The map: where each sector stands on a grid of tiles, or its true shape where somebody has brought shapes in.

Shapes come from a GeoJSON file whose licence is its owner's: they are brought in by a command, kept in the instance folder with
the credit the file names, and never shipped. Coordinates become one path a sector, in the units of the picture.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hotline.places import plain

GRIDS: Final = Path(__file__).with_name("grids.toml")
FILE: Final = "sectors.json"
WIDTH: Final = 480
LARGEST: Final = 4 * 1024 * 1024  # bytes of a file of shapes
NAMED_BY: Final = ("sector", "name", "Sector", "NAME", "sec_name", "SECTOR")


class NoShapes(Exception):
    """A file holds no shapes of this district's sectors. Says which are missing."""


@dataclass(frozen=True)
class Tile:
    """One sector on the grid: column and row, counted from 0."""

    sector: str
    column: int
    row: int


@dataclass(frozen=True)
class Map:
    """What is drawn: tiles, or paths where there are shapes, with the credit their owner asks for."""

    width: int
    height: int
    tiles: tuple[Tile, ...] = ()
    paths: Mapping[str, str] | None = None
    credit: str = ""


def grid(district: str, sectors: Sequence[str], side: int = 92) -> Map:
    """Return the tiles of a district; in rows of five, by name, where nobody has laid them out."""
    drawn = tomllib.loads(GRIDS.read_text(encoding="utf-8")).get(plain(district), {}).get("rows", [])
    rows = drawn or [sectors[start : start + 5] for start in range(0, len(sectors), 5)]
    tiles = [Tile(name, column, row) for row, names in enumerate(rows) for column, name in enumerate(names) if name]
    columns = max((tile.column for tile in tiles), default=0) + 1
    return Map(columns * side, len(rows) * side, tuple(tiles))


def kept(instance: Path) -> Map | None:
    """Return the shapes that were brought in, or None."""
    try:
        read = json.loads((instance / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Map(read["width"], read["height"], paths=read["paths"], credit=read["credit"])


def bring_in(file: Path, instance: Path, sectors: Sequence[str]) -> Map:
    """Read a GeoJSON file and keep the shapes of these sectors. Raises NoShapes."""
    try:
        if file.stat().st_size > LARGEST:
            raise NoShapes(f"the file is larger than {LARGEST // 1024 // 1024} MiB: simplify it first")
        read = json.loads(file.read_text(encoding="utf-8"))
        rings = {name: list(_rings(feature["geometry"])) for feature in read["features"] if (name := _named(feature, sectors))}
    except (ValueError, KeyError, TypeError, IndexError):
        raise NoShapes("this is not a GeoJSON file of areas") from None
    if missing := sorted(set(sectors) - set(rings)):
        raise NoShapes(f"no shape of {', '.join(missing)}")
    made = _drawn(rings, str(read.get("attribution", ""))[:300])
    written = {"width": made.width, "height": made.height, "paths": made.paths, "credit": made.credit}
    (instance / FILE).write_text(json.dumps(written), encoding="utf-8")
    return made


def _drawn(rings: Mapping[str, Sequence[Sequence[Sequence[float]]]], credit: str) -> Map:
    points = [point for some in rings.values() for ring in some for point in ring]
    west, east = min(point[0] for point in points), max(point[0] for point in points)
    south, north = min(point[1] for point in points), max(point[1] for point in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)

    def path(some: Sequence[Sequence[Sequence[float]]]) -> str:
        return "".join(
            "M" + "L".join(f"{(x - west) * squeeze * scale:.1f},{(north - y) * scale:.1f}" for x, y, *_ in ring) + "Z"
            for ring in some
        )

    return Map(WIDTH, math.ceil((north - south) * scale), paths={name: path(some) for name, some in rings.items()}, credit=credit)


def _rings(geometry: Mapping[str, Any]) -> Iterator[Sequence[Sequence[float]]]:
    areas = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for area in areas:
        yield from area


def _named(feature: Mapping[str, Any], sectors: Sequence[str]) -> str | None:
    told = {plain(str(feature["properties"].get(key, ""))) for key in NAMED_BY}
    return next((sector for sector in sectors if plain(sector) in told), None)
