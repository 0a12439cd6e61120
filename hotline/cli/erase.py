"""`hotline erase`: destroys the words of closed cases, or all that is kept of one number, because the person asks for it."""

from collections.abc import Sequence

import click
from sqlalchemy import select

from hotline.casework import shred
from hotline.cli.lists import opened
from hotline.models import Case, CaseState


@click.command()
@click.argument("handles", metavar="[HANDLE]...", nargs=-1)
@click.option("--number", "by_number", is_flag=True, help="Ask for a number, unseen, and erase all that is kept of it.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
def erase(handles: tuple[str, ...], by_number: bool, yes: bool) -> None:  # noqa: FBT001  click passes options so
    """Destroy the words of closed cases for good; counts, times and the record stay.

    The number is typed and not given as an argument, where other programs of this machine could read it.
    """
    if bool(handles) == by_number:
        raise click.UsageError("Name cases by their handles, or say --number.")
    with opened() as site:
        address = site.sender(click.prompt("The number", hide_input=True)).address if by_number else ""
        with site.db.reading() as session:
            named = session.scalars(select(Case).where(Case.handle.in_(handles))).unique().all()
            found = shred.of_number(session, site, address) if by_number else named
        _refuse(handles, found)
        if not yes:
            many = len(found)
            click.confirm(f"Nobody can read {'this case' if many == 1 else f'these {many} cases'} again. Go on?", abort=True)
        with site.db.transaction() as session:
            now = site.db.now(session)
            try:
                if by_number:
                    done = shred.forget_number(session, site, address, actor="command line", now=now)
                else:
                    done = shred.shred(session, [case.id for case in found], actor="command line", now=now)
            except shred.Kept as kept:
                raise click.ClickException(f"{kept} was opened or is kept since. Nothing was erased.") from None
        clean = site.db.scrub(*shred.SCRUBBED)
    click.echo(f"Erased: {done}. Copies of the database keep what they hold until they are gone.")
    if not clean:
        click.echo("Somebody was reading: traces stay in the database's log until it is written over.")


def _refuse(handles: tuple[str, ...], found: Sequence[Case]) -> None:
    if unknown := sorted(set(handles) - {case.handle for case in found}):
        raise click.ClickException(f"There is no case {', '.join(unknown)}.")
    if working := [case.handle for case in found if case.state != CaseState.CLOSED]:
        raise click.ClickException(f"Still worked on, close first: {', '.join(working)}. Nothing was erased.")
    if kept := [case.handle for case in found if case.kept_for]:
        raise click.ClickException(f"Kept for a court, an inquiry or the person: {', '.join(kept)}. Nothing was erased.")
