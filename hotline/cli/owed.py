"""`hotline owed`: what each agency was told of lately and has not answered, sent news of, or ended. Handles and times alone."""

from datetime import timedelta

import click
from rich.console import Console

from hotline.casework.owed import Owed
from hotline.casework.owed import owed as debts
from hotline.casework.tracks import overdue
from hotline.cli.lists import columns, opened

SAID = {Owed.ANSWER: "no answer", Owed.NEWS: "taken, no news", Owed.OUTCOME: "works on it, no outcome"}


@click.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366), help="Told within so many days.")
@click.option("--agency", default="", help="Only of this agency.")
def owed(days: int, agency: str) -> None:
    """List what agencies owe, for the weekly talk with each, and cases past the deadline of their track in law.

    Exit code 1 when there is any.
    """
    with opened() as deployment, deployment.db.reading() as session:
        now = deployment.db.now(session)
        found = {
            name: some for name, some in debts(session, now, told_within=timedelta(days=days)).items() if agency in ("", name)
        }
        table = columns("agency", "case", "urgency", "contact", "waits for", "since")
        for name, some in found.items():
            for one in some:
                since = f"{deployment.local(one.since):%a %d %b %H:%M}" + (", another took it" if one.elsewhere else "")
                who = one.referral.contact.name
                table.add_row(name, one.case.handle, one.case.urgency, who, SAID[one.owed], since)
        late = overdue(session, now)
        deadlines = columns("past its deadline", "urgency", "track", "ground", "since")
        for case, track in late:
            since = f"{deployment.local(track.due_at):%a %d %b %H:%M}"
            deadlines.add_row(case.handle, case.urgency, track.track, track.ground, since)
    if late and not agency:
        Console().print(deadlines)
    Console().print(table if found else "No agency owes anything.")
    raise SystemExit(bool(found) or bool(late and not agency))
