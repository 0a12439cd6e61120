"""From prompt to outcome: which prompts of radio led to reports, and what became of them. For whoever leads or audits a hotline.

Nobody at a station has this page, and no row of it says of fewer than five people that they told something.
"""

import csv
import io

from flask import Blueprint, Response, render_template

from hotline.console import guard, listing
from hotline.console.figures import around, chosen_month
from hotline.figures import prompts
from hotline.roles import May

screen = Blueprint("heard", __name__)


@screen.get("/reports/radio")
@guard.may(May.SEE_OUTCOMES)
def show() -> str:
    """Show a month of radio, station by station."""
    month = chosen_month()
    with guard.reading() as session:
        told = prompts.of_month(session, guard.deployment(), month)
        rail = listing.rail(session, guard.officer())
    return render_template("console/heard.html", here="heard", told=told, steps=prompts.STEPS, **around(month), **rail)


@screen.get("/reports/radio.csv")
@guard.may(May.SEE_OUTCOMES)
def export() -> Response:
    """Hand out the same as a table for a spreadsheet."""
    month = chosen_month()
    with guard.reading() as session:
        told = prompts.of_month(session, guard.deployment(), month)
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(prompts.HEAD)
    for one in told:
        lines.writerows(one.rows(month))
    name = f"attachment; filename=radio-{month}.csv"
    return Response(written.getvalue(), mimetype="text/csv", headers={"Content-Disposition": name})
