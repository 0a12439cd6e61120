"""The record: who saw and did what, newest first, and whether it still holds. No word and no number of anybody stands in it.

An auditor reads it by person, item, kind of act and day, with the links of its chain. Whoever runs the machine may have it
checked from end to end, and learns nothing else. To whom acts are left out of it, because a case is kept from them, the others
are numbered and linked as if those had never been: a gap would tell.
"""

import csv
import io
import json
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from flask import Blueprint, Response, render_template, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hotline import audit, sight
from hotline.console import guard, listing
from hotline.console.wording import iso
from hotline.models import AuditEvent
from hotline.roles import May

screen = Blueprint("record", __name__)

SHOWN: Final = 50
LONGEST: Final = 80
LONGEST_NUMBER: Final = 15  # digits; more than any column holds would be an error of the database
COLUMNS: Final = ("number", "at", "who", "did", "about", "more")
# What a filter by kind asks for: acts whose names begin so.
KINDS: Final = ("case", "recording", "sign_in", "officer", "dead", "gateway", "record", "directory", "number", "line")


@screen.get("/record")
@guard.may(May.READ_AUDIT)
def show() -> str:
    """Show fifty acts, all or those of one person, one kind, one day or about one item, older than a given one where asked."""
    chosen = guard.deployment()
    with guard.reading() as session:
        numbers = Numbers(sight.left_out_of_record(session))
        found = session.scalars(_asked(numbers).limit(SHOWN + 1)).all()
        rows = [Line(one, numbers.of(one.seq), _before(session, numbers, one)) for one in found]
        holds = audit.holds(session, chosen.settings.instance / "audit.anchors")
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/record.html",
        here="record",
        rows=rows[:SHOWN],
        following=rows[SHOWN - 1].number if len(rows) > SHOWN else None,
        holds=holds,
        who=_typed("who"),
        about=_typed("about"),
        kind=_typed("kind"),
        day=_typed("day"),
        kinds=KINDS,
        asked={name: _typed(name) or None for name in ("who", "about", "kind", "day")},
        **rail,
    )


@screen.get("/record/check")
@guard.may(May.VERIFY_AUDIT)
def check() -> str:
    """Ask whether to walk the whole chain."""
    return _checked(None, walked=False)


@screen.post("/record/check")
@guard.may(May.VERIFY_AUDIT)
def verify() -> str:
    """Walk the whole chain, compare it with its anchors, and say which row is the first that does not hold."""
    chosen = guard.deployment()
    with guard.whole_record() as session:
        found = audit.verify(session, chosen.settings.instance / "audit.anchors")
        audit.record(
            session,
            guard.moment(),
            actor=f"officer:{guard.officer().name}",
            action="record.verified",
            subject="record",
            holds=found is None,
        )
    with guard.reading() as session:
        numbers = Numbers(sight.left_out_of_record(session))
    return _checked(audit.Break(numbers.of(found.seq), found.why) if found else None, walked=True)


def _checked(found: audit.Break | None, *, walked: bool) -> str:
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    return render_template("console/record_check.html", here="check", found=found, walked=walked, **rail)


@screen.get("/record.csv")
@guard.may(May.READ_AUDIT)
def export() -> Response:
    """Hand out the same acts as a table for a spreadsheet, all of them, row by row."""
    chosen, officer = guard.deployment(), guard.officer()
    with guard.reading() as session:
        numbers = Numbers(sight.left_out_of_record(session))
    wanted = _asked(numbers)

    def lines() -> Iterator[str]:
        yield _line(COLUMNS)
        with sight.reading(chosen.db, officer) as session:
            for event in session.scalars(wanted).yield_per(1000):
                more = json.dumps(event.meta, ensure_ascii=False, sort_keys=True) if event.meta else ""
                yield _line((str(numbers.of(event.seq)), iso(event.at), event.actor, event.action, event.object, more))

    return Response(lines(), mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=record.csv"})


class Numbers:
    """Numbers of rows as somebody sees them from whom some rows are kept: without a gap."""

    def __init__(self, left_out: Sequence[int]) -> None:
        self._left_out = left_out

    def of(self, seq: int) -> int:
        """Return the number of a row that is shown."""
        return seq - bisect(self._left_out, seq)

    def seq(self, number: int) -> int:
        """Return which row has a number."""
        for hidden in self._left_out:
            number += hidden <= number
        return number

    def next_to(self, seq: int) -> bool:
        """Whether the row before this one is left out."""
        return bool(self._left_out) and seq - 1 in self._left_out


@dataclass(frozen=True)
class Line:
    """One row as it is shown: its number, and the hash of the one shown before it."""

    event: AuditEvent
    number: int
    before: bytes


def _before(session: Session, numbers: Numbers, one: AuditEvent) -> bytes:
    if not numbers.next_to(one.seq):
        return one.previous
    earlier = select(AuditEvent.hash).where(AuditEvent.seq < one.seq).order_by(AuditEvent.seq.desc()).limit(1)
    return session.scalars(earlier).first() or audit.GENESIS


def _asked(numbers: Numbers) -> Select[AuditEvent]:
    """Return the acts a request asks for, newest first."""
    wanted = select(AuditEvent).order_by(AuditEvent.seq.desc())
    if who := _typed("who"):
        wanted = wanted.where(AuditEvent.actor.in_({who, f"officer:{who}"}))
    if about := _typed("about"):
        wanted = wanted.where(AuditEvent.object.in_({about, about.upper()}))
    if (kind := _typed("kind")) in KINDS:
        wanted = wanted.where(AuditEvent.action.startswith(kind))
    if span := _day(_typed("day")):
        wanted = wanted.where(AuditEvent.at >= span[0], AuditEvent.at < span[1])
    before = request.args.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) <= LONGEST_NUMBER
    return wanted.where(AuditEvent.seq < numbers.seq(int(before))) if is_number else wanted


def _day(written: str) -> tuple[datetime, datetime] | None:
    """Return when a day of the deployment's calendar begins and ends, or None for what is no day."""
    try:
        begins = datetime.combine(date.fromisoformat(written), time(), guard.deployment().settings.zone)
    except ValueError:
        return None
    return begins, begins + timedelta(days=1)


def _typed(name: str) -> str:
    return request.args.get(name, "").strip()[:LONGEST]


def _line(cells: tuple[str, ...]) -> str:
    """Write a line of a spreadsheet; what begins like a formula is kept from being one (OWASP, CSV injection)."""
    written = io.StringIO()
    csv.writer(written).writerow([f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells])
    return written.getvalue()
