"""Lists of people who agreed to texts to many: made, filled from attendance lists, left. Part of `hotline broadcast`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from hotline import audit
from hotline.broadcasts import audience as choice
from hotline.broadcasts.importing import Unreadable, bring_in
from hotline.config import load
from hotline.deployment import Deployment
from hotline.models import BroadcastList, Reach, new_id, table
from hotline.subscribers import leave, list_of, reached_by

LIST = table(BroadcastList)


@contextmanager
def opened() -> Iterator[Deployment]:
    """Yield the deployment the settings describe, and close it."""
    site = Deployment(load())
    try:
        yield site
    finally:
        site.close()


def columns(*names: str) -> Table:
    """Return an empty table of these columns."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for column in names:
        shown.add_column(column, overflow="fold")
    return shown


@click.command("lists")
def lists() -> None:
    """Show the lists. Fewer than 20 people are not counted aloud."""
    with opened() as site, site.db.reading() as session:
        found = choice.lists(session)
    shown = columns("JOIN …", "name", "people")
    for keyword, name, people in found:
        shown.add_row(keyword, name, str(people or "fewer than 20"))
    Console().print(shown if found else "There is no list yet: hotline broadcast list KEYWORD NAME")


@click.command("list")
@click.argument("keyword")
@click.argument("name")
def list_(keyword: str, name: str) -> None:
    """Make a list. KEYWORD is what people text after JOIN: letters and digits, beginning with a letter."""
    tidy = keyword.casefold()
    if not tidy.isalnum() or not tidy.isascii() or not tidy[0].isalpha():
        raise click.ClickException("A keyword has letters and digits only, and begins with a letter.")
    with opened() as site, site.db.transaction() as session:
        if list_of(session, tidy) is not None:
            raise click.ClickException("There is such a list already.")
        now = site.db.now(session)
        session.execute(insert(LIST).values(id=new_id(), keyword=tidy, name=name, created_at=now))
        audit.record(session, now, actor="command line", action="list.made", subject=tidy)
    click.echo(f"Made. People come onto it by texting JOIN {tidy.upper()}.")


@click.command("import")
@click.argument("keyword")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(keyword: str, file: Path) -> None:
    """Bring in an attendance list, CSV or XLSX, of people who agreed. What is wrong is told by row and column."""
    with opened() as site:
        with site.db.reading() as session:
            list_id = list_of(session, keyword)
        if list_id is None:
            raise click.ClickException("There is no such list: hotline broadcast lists")
        try:
            result = bring_in(site, list_id, file.name, file.read_bytes())
        except Unreadable as error:
            raise click.ClickException(str(error)) from None
        with site.db.transaction() as session:
            now = site.db.now(session)
            audit.record(session, now, actor="command line", action="list.brought_in", subject=keyword, fresh=result.fresh)
    shown = columns("row", "column", "what is wrong")
    for one in result.faults:
        shown.add_row(str(one.row), one.column, str(one.fault))
    if result.faults:
        Console().print(shown)
    click.echo(f"{result.fresh} new, {result.known} known, {result.folded} named again, {result.refused} lines not taken.")


@click.command("leave")
@click.argument("number")
def leave_(number: str) -> None:
    """Let NUMBER go from every list, at once. Says the same whether it was on one or not."""
    with opened() as site, site.db.transaction() as session:
        now, who = site.db.now(session), site.sender(number)
        if not who.reachable:
            raise click.ClickException("This is no phone number.")
        leave(session, now, numbers=[site.number_index(who.address)])
        audit.record(session, now, actor="command line", action="list.left", subject="somebody")
    click.echo("From now on this number gets no more texts to many.")


@click.command("reach")
@click.argument("number")
@click.argument("way", type=click.Choice([str(one) for one in Reach]))
def reach_(number: str, way: str) -> None:
    """Reach NUMBER by a text or by a call from now on. Says the same whether it is on a list or not."""
    with opened() as site, site.db.transaction() as session:
        now, who = site.db.now(session), site.sender(number)
        if not who.reachable:
            raise click.ClickException("This is no phone number.")
        reached_by(session, site.number_index(who.address), Reach(way))
        audit.record(session, now, actor="command line", action="list.reach", subject="somebody")
    click.echo(f"If it is on a list, it is reached by a {way} from now on.")


COMMANDS = (lists, list_, import_, leave_, reach_)
