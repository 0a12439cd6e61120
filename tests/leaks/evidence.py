"""Looks for words and numbers in everything a thief, a backup or a log collector could get hold of.

In come needles, invented and found nowhere else, and haystacks of bytes; out come the pairs that match. Each needle is looked
for in the spellings that bytes take on their way: cases, encodings, escapes; a number in the ways people and machines write it.
"""

import base64
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import numpy as np
import numpy.typing as npt

from tests.journeys.running import Running

FEWEST_DIGITS = 9
HEAD = 8


@dataclass(frozen=True)
class Found:
    """One needle where it must not be."""

    needle: str
    where: str


def spellings(needle: str) -> set[bytes]:
    """Return the bytes a needle may have become, small letters only; haystacks are made small as well."""
    plain = {needle, json.dumps(needle)[1:-1], quote_plus(needle)} | (numbers(needle) if _is_number(needle) else set())
    found = {text.lower().encode() for text in plain}
    for text in plain:
        for encoding in ("utf-16-le", "utf-16-be"):
            found.add(text.lower().encode(encoding))
        found.add(text.encode().hex().encode())
        found |= set(_base64(text.encode()))
    return found


def numbers(number: str) -> set[str]:
    """Return the ways one phone number is written."""
    digits = re.sub(r"\D", "", number)
    national = digits[-FEWEST_DIGITS:]
    parts = (national[:3], national[3:6], national[6:])
    grouped = {mark.join(parts) for mark in (" ", "-", ".", "%20", "+")}
    return {national, digits} | grouped | {"".join(reversed(national))}


def search(needles: Iterable[str], haystacks: Mapping[str, bytes]) -> list[Found]:
    """Return every needle that is in a haystack, in whatever spelling.

    Hundreds of needles in thirty spellings each: their first eight bytes are compared with all places at once, and only where
    those agree is the rest looked at.
    """
    needle_of = {way.lower(): needle for needle in needles for way in spellings(needle)}
    ways: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for way in needle_of:
        ways[way[:HEAD]].append(way)
    heads = np.frombuffer(b"".join(ways), dtype="<u8")
    found = {}
    for where, hay in haystacks.items():
        small = hay.lower()
        for place in _places(small, heads):
            hits = [way for way in ways[small[place : place + HEAD]] if small.startswith(way, place)]
            found |= {Found(needle_of[way], where): None for way in hits}
    return list(found)


def _places(hay: bytes, heads: npt.NDArray[np.uint64]) -> Iterator[int]:
    for offset in range(min(HEAD, len(hay))):
        windows = np.frombuffer(hay, dtype="<u8", offset=offset, count=(len(hay) - offset) // HEAD)
        yield from (offset + HEAD * int(window) for window in np.flatnonzero(np.isin(windows, heads)))


def on_disk(running: Running) -> dict[str, bytes]:
    """Return all files of an instance but its keys, what it printed, and its database where that is a server's."""
    keys = running.instance / "keys"
    files = {path for path in running.instance.rglob("*") if path.is_file() and path.parent != keys}
    found = {str(path.relative_to(running.folder)): path.read_bytes() for path in sorted(files | {running.log})}
    return found | ({"pg_dump": dumped(running)} if running.database_url else {})


def dumped(running: Running) -> bytes:
    """Return what a backup of the PostgreSQL database would hold."""
    return subprocess.run(
        ["pg_dump", "--enable-row-security", "--dbname", running.database_url], capture_output=True, check=True, timeout=60
    ).stdout


def in_titles(running: Running) -> dict[str, bytes]:
    """Return what anybody on the machine sees of the running processes: names and command lines."""
    found = {}
    for pid in running.processes():
        for part in ("cmdline", "comm"):
            file = Path(f"/proc/{pid}/{part}")
            found[f"{part} of {pid}"] = file.read_bytes() if file.exists() else b""
    return found


def _is_number(needle: str) -> bool:
    return len(re.sub(r"\D", "", needle)) >= FEWEST_DIGITS


def _base64(raw: bytes) -> Iterator[bytes]:
    """Return what stays the same of the three ways bytes fall into base64, wherever they stand in a longer text."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        yield coded[first:last]
