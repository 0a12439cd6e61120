"""Brings in an attendance list: a CSV or XLSX file of people who agreed, with the source and the day of their consent.

Each line is judged by itself: what is wrong with one is told by row and column, with what to do, and the others are taken. No
word of the file is repeated in what is told. One number in several spellings is one person.
"""

import csv
import io
import re
import tomllib
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

from hotline.broadcasts.texts import HERS, SECTOR
from hotline.deployment import Deployment
from hotline.models import Reach
from hotline.outbound.meter import repair
from hotline.subscribers import Joining, enrol

LARGEST: Final = 10 * 2**20  # bytes of a file, and of what a sheet unpacks to, times a hundred
PAGE: Final = 1000
MOST_FAULTS: Final = 200
INTEREST: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
COLUMNS: Final = ("phone", "consent source", "consent date", "language", "sector", "interests", "reach")
NEEDED: Final = COLUMNS[:3]
SIGNS: Final = re.compile(r"[^\w]+|_+")
DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")


class Fault(StrEnum):
    """What is wrong with a line, and what to do."""

    NO_NUMBER = "This is no phone number: write it as 078… or +250…"
    NO_SOURCE = "It does not say by what the person agreed: name the meeting or the form."
    LONG = "It is longer than 80 characters: shorten it."
    NO_DATE = "This is no day: write it as 2026-11-28."
    TOO_EARLY = "That day is still to come: nobody can have agreed yet."
    NO_LANGUAGE = "This language is not known: write rw, rn, fr, sw or en."
    NO_INTEREST = "Interests are single words, separated by commas."
    NO_REACH = "This is no way to reach somebody: write text or call."


class Unreadable(Exception):
    """The file as a whole cannot be brought in. Says why in one sentence."""


@dataclass(frozen=True)
class Faulty:
    """One thing that is wrong with one line. `row` counts as a spreadsheet does, from 1."""

    row: int
    column: str
    fault: Fault


@dataclass
class Imported:
    """What became of a file: people new to the list, people on it already, lines that named somebody again, and faults."""

    fresh: int = 0
    known: int = 0
    folded: int = 0
    refused: int = 0
    faults: list[Faulty] = field(default_factory=list)


def bring_in(deployment: Deployment, list_id: str, name: str, raw: bytes) -> Imported:
    """Bring in a file, a thousand lines a transaction; brought in again it changes nothing. Raises Unreadable."""
    if len(raw) > LARGEST:
        raise Unreadable("The file is larger than 10 MiB: split it.")
    rows = _sheet(raw) if Path(name).suffix.lower() == ".xlsx" else _lines(raw)
    reader, result, seen = _Reader(deployment), Imported(), set[str]()
    judged = reader.read(rows)
    while page := list(islice(judged, PAGE)):
        joining = []
        for row, found, faults in page:
            result.refused += bool(faults)
            result.faults += [Faulty(row, *one) for one in faults][: MOST_FAULTS - len(result.faults)]
            if found is None:
                continue
            if found.address in seen:
                result.folded += 1
            else:
                seen.add(found.address)
                joining.append(found)
        with deployment.db.transaction() as session:
            enrolled = enrol(session, deployment, list_id, joining, deployment.db.now(session))
        result.fresh, result.known = result.fresh + enrolled.fresh, result.known + enrolled.known
    return result


class _Reader:
    """Reads lines below the one that names the columns."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._languages = deployment.words.languages

    def read(self, rows: Iterable[Sequence[object]]) -> Iterator[tuple[int, Joining | None, list[tuple[str, Fault]]]]:
        """Yield each line's number, whom it names, and its faults."""
        numbered = enumerate(rows, start=1)
        first = next(numbered, (0, ()))[1]
        known = _names(self._deployment.settings.templates)
        place = dict[str, int]()
        for at, cell in enumerate(first):
            said = _plain(_said(cell))
            name = known.get(said, said)
            if name in place and name in COLUMNS:
                raise Unreadable(f"Two columns are the {name}: leave one.")
            place[name] = at
        if missing := [name for name in NEEDED if name not in place]:
            named = ", ".join(missing)
            raise Unreadable(f"The first line must name the columns; it lacks {named}. Known are {', '.join(COLUMNS)}.")
        for row, cells in numbered:
            line = {name: cells[at] if at < len(cells) else None for name, at in place.items()}
            if any(_said(value) for value in line.values()):
                yield row, *self._line(line)

    def _line(self, line: dict[str, object]) -> tuple[Joining | None, list[tuple[str, Fault]]]:
        chosen = self._deployment
        who = chosen.sender(_said(line["phone"]))
        source, day = _said(line["consent source"]), _day(line["consent date"])
        language, sector = _said(line.get("language")).casefold(), repair(_said(line.get("sector")))
        reach = _said(line.get("reach")).casefold() or Reach.TEXT
        interests = tuple(part.strip().casefold() for part in _said(line.get("interests")).split(",") if part.strip())
        agreed_at = datetime.combine(day, time(), chosen.settings.zone).astimezone(UTC) if day else None
        wrong = {
            ("phone", Fault.NO_NUMBER): not who.reachable,
            ("consent source", Fault.NO_SOURCE): not source,
            ("consent source", Fault.LONG): len(source) > 80,
            ("consent date", Fault.NO_DATE): day is None,
            ("consent date", Fault.TOO_EARLY): agreed_at is not None and agreed_at > chosen.clock(),
            ("language", Fault.NO_LANGUAGE): bool(language) and language not in self._languages,
            ("interests", Fault.NO_INTEREST): not all(map(INTEREST.fullmatch, interests)),
            ("reach", Fault.NO_REACH): reach not in set(Reach),
        }
        faults = [fault for fault, is_so in wrong.items() if is_so]
        if faults or agreed_at is None:
            return None, faults
        short = sector[: len(HERS[SECTOR].longest)]
        return Joining(who.address, source, agreed_at, language or None, short or None, interests, Reach(reach)), []


def _names(templates: Path) -> dict[str, str]:
    """Return the column that each name means, as `_plain` writes it."""
    names = tomllib.loads((templates / "columns.toml").read_text(encoding="utf-8"))["names"]
    return {other: column for column in COLUMNS for other in (column, *names[column])}


def _plain(name: str) -> str:
    """Return a column's name without accents, capitals and signs."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter))
    return " ".join(SIGNS.sub(" ", letters).split())


def _lines(raw: bytes) -> Iterator[Sequence[object]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The file is not UTF-8: save it as CSV in UTF-8, or as XLSX.") from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error:
        raise Unreadable("The file is no CSV that can be read: save it again from your spreadsheet.") from None


def _sheet(raw: bytes) -> Iterator[Sequence[object]]:
    """Yield the rows of the first sheet. A number that lost its plus in a cell is read as a number all the same."""
    import openpyxl  # noqa: PLC0415  a third of a second that few ever need

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(one.file_size for one in packed.infolist()) > 100 * LARGEST:
                raise Unreadable("The sheet unpacks to far more than it should.")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        try:
            yield from book.worksheets[0].iter_rows(values_only=True)
        finally:
            book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, SyntaxError):
        raise Unreadable("The file is no XLSX that can be read: save it again from your spreadsheet.") from None


def _said(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else " ".join(str(cell).split())


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    for form in DAYS:
        try:
            return datetime.strptime(_said(cell), form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    return None
