"""What became of a broadcast, for a spreadsheet: a line for each network, language, fate and reason. No person is in it."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from hotline.broadcasts.progress import Line

COLUMNS: Final = ("network", "language", "reach", "fate", "reason", "people")


def as_csv(lines: Sequence[Line]) -> bytes:
    """Return the table as CSV in UTF-8, marked so that spreadsheets read it as such."""
    written = io.StringIO()
    csv.writer(written).writerows([COLUMNS, *_rows(lines)])
    return written.getvalue().encode("utf-8-sig")


def as_xlsx(lines: Sequence[Line]) -> bytes:
    """Return the table as a workbook of one sheet."""
    import openpyxl  # noqa: PLC0415  a third of a second that few ever need

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("broadcast")
    for row in (COLUMNS, *_rows(lines)):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _rows(lines: Sequence[Line]) -> Iterator[tuple[str, str, str, str, str, int]]:
    """Yield the lines. Networks are digits and languages codes, so that nothing in them can be a formula."""
    for line in lines:
        for fate, many in line.fates.items():
            named = {reason: told for (of, reason), told in line.reasons.items() if of is fate}
            for reason, told in named.items():
                yield line.network, line.language, str(line.reach), str(fate), reason, told
            if rest := many - sum(named.values()):
                yield line.network, line.language, str(line.reach), str(fate), "", rest
