"""Map, trends and reports: how many, of what, where, how ended, how fast; shown so that nobody can be found in them.

Every number goes through `small`, on the page, in the picture and in the table for a spreadsheet alike.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, render_template, request
from sqlalchemy.orm import Session

from hotline.casework.correct import CATEGORIES
from hotline.console import guard, listing
from hotline.figures import counts, shapes, small
from hotline.figures.counts import Month
from hotline.figures.small import Cell
from hotline.models import RANK, CaseState, Outcome
from hotline.places import sectors
from hotline.roles import May

screen = Blueprint("figures", __name__)

STEPS: Final = 4  # shades of the map
ORDER: Final[Mapping[str, Sequence[str]]] = {
    "category": CATEGORIES,
    "urgency": tuple(RANK),
    "channel": ("sms", "ussd", "voice", "beep", "web", "phone", "walk_in", "program"),
    "language": ("rw", "rn", "sw", "fr", "en"),
    "state": tuple(CaseState),
}


@dataclass(frozen=True)
class Report:
    """One month as it is shown. A table that is None is left out, because it would give a small number away."""

    month: Month
    total: Cell | None
    tables: Mapping[str, Mapping[str, Cell] | None]

    @property
    def empty(self) -> bool:
        """Whether nothing was reported at all."""
        return not any(one.size for cells in self.tables.values() if cells for one in cells.values())


@screen.get("/map")
@guard.may(May.SEE_FIGURES)
def show() -> str:
    """Show where reports of a month come from, and how the months went."""
    chosen, month = guard.deployment(), chosen_month()
    with guard.reading() as session:
        places = small.cells(counts.by_sector(session, chosen, month))
        months = [(of, small.publish({"category": told})) for of, told in counts.by_category(session, chosen, month)]
        rail = listing.rail(session, guard.officer())
    names = sectors(chosen.settings.templates, chosen.settings.district)
    most = max((cell.size for cell in places.values()), default=0)
    return render_template(
        "console/map.html",
        here="map",
        drawn=shapes.kept(chosen.settings.instance) or shapes.grid(chosen.settings.district, names),
        places=places,
        shades={name: _shade(cell, most) for name, cell in places.items()},
        months=months,
        categories=CATEGORIES,
        **around(month),
        **rail,
    )


@screen.get("/reports")
@guard.may(May.SEE_FIGURES)
def report() -> str:
    """Show the report of a month."""
    with guard.reading() as session:
        made = _report(session, chosen_month())
        rail = listing.rail(session, guard.officer())
    return render_template("console/reports.html", here="reports", report=made, **around(made.month), **rail)


@screen.get("/reports.csv")
@guard.may(May.SEE_FIGURES)
def export() -> Response:
    """Hand out the same report as a table for a spreadsheet."""
    with guard.reading() as session:
        made = _report(session, chosen_month())
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(("month", "table", "row", "reports"))
    lines.writerow((made.month, "all", "", made.total.shown if made.total else ""))
    for table, cells in made.tables.items():
        lines.writerows((made.month, table, row, cell.shown) for row, cell in (cells or {}).items())
    name = f"attachment; filename=reports-{made.month}.csv"
    return Response(written.getvalue(), mimetype="text/csv", headers={"Content-Disposition": name})


def _report(session: Session, month: Month) -> Report:
    chosen = guard.deployment()
    exact = counts.parts(session, chosen, month)
    ordered = {name: {code: exact[name][code] for code in ORDER[name] if exact[name].get(code)} for name in ORDER}
    waits, outcomes = counts.by_wait(session, chosen, month), counts.by_outcome(session, chosen, month)
    shown = small.publish(ordered)
    urgent = exact["urgency"].get("immediate", 0)
    told = small.harmless([list(waits.values())], small.span(urgent))
    beside = {
        "sector": small.cells(counts.by_sector(session, chosen, month)),
        "outcome": small.cells({str(code): outcomes[code] for code in Outcome if outcomes.get(code)}),
        "wait": small.cells(waits) if told else None,
    }
    return Report(month, shown.total, {**shown.tables, **beside})


def around(month: Month) -> dict[str, object]:
    """Return a month with the one before, and the one after where it has begun."""
    this = counts.month_of(guard.deployment().local(guard.moment()))
    return {"month": month, "before": month.shifted(-1), "after": month.shifted(1) if str(month) < str(this) else None}


def chosen_month() -> Month:
    """Return the month of the address; this one where it names none, or one that has not come."""
    this = counts.month_of(guard.deployment().local(guard.moment()))
    asked = counts.month_named(request.args.get("month", ""))
    return asked if asked and str(asked) <= str(this) else this


def _shade(cell: Cell, most: int) -> int:
    """Return how dark a sector is drawn: 0 for none, 1 for few, up to 5 for the most."""
    if cell.shown in {"0", small.FEW}:
        return min(cell.size, 1)
    return 2 + (STEPS - 1) * (cell.size - small.BASE) // max(1, most - small.BASE)
