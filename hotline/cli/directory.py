"""`hotline directory`: who can be told, as a sheet to edit and take back in."""

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from hotline.config import load
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE
from hotline.models import Contact
from hotline.routing import directory as entries
from hotline.routing import sheet

WAYS = {"number": "text", "mail": "e-mail", "webhook": "webhook"}


@click.group()
def directory() -> None:
    """Contacts who can be told of a case."""


@directory.command()
def ls() -> None:
    """List contacts without their numbers: whether on duty now, when the number was verified, and how they are told."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        local = deployment.local(deployment.db.now(session))
        on_duty = {one.id: one.on_duty(local) for one in entries.load(session)}
        contacts = session.scalars(select(Contact).order_by(Contact.name)).unique().all()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("contact", "agency", "kind", "tier", "now", "verified", "told by"):
        table.add_column(column)
    for one in contacts:
        now = "on duty" if on_duty.get(one.id) else "off duty" if one.active else "not told any more"
        verified = f"{one.verified_at:%Y-%m-%d}" if one.verified_at else "never"
        table.add_row(one.name, one.agency.name, one.agency.kind, one.tier, now, verified, _ways(deployment, one))
    deployment.close()
    Console().print(table if contacts else "The directory is empty.")


def _ways(deployment: Deployment, one: Contact) -> str:
    """Return how somebody is told; what this deployment has no gateway for stands in brackets."""
    held = [way for way in ("number", *BESIDE) if getattr(one, f"{way}_sealed") is not None]
    there = {way: way == "number" or deployment.shelf.get(way) is not None for way in held}
    return ", ".join(WAYS[way] if there[way] else f"({WAYS[way]})" for way in held)


@directory.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def to_file(file: Path) -> None:
    """Write the directory to a new CSV FILE that only you can read. It holds numbers; delete it when you are done."""
    deployment = Deployment(load())
    with deployment.db.transaction() as session:
        text = sheet.write(session, deployment, deployment.db.now(session), actor="command line")
    deployment.close()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException("That file is there already.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
        opened.write(text)
    click.echo(f"Written to {file.name}.")


@directory.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only say what is wrong; change nothing.")
def from_file(file: Path, *, check: bool) -> None:
    """Take a CSV FILE in, all of it or nothing. Contacts are known by number, else by agency and name; others are left alone."""
    deployment = Deployment(load())
    try:
        rows = sheet.read(file.read_text(encoding="utf-8"), deployment)
        if check:
            click.echo(f"{len(rows)} contacts, nothing wrong.")
            return
        with deployment.db.transaction() as session:
            done = sheet.take(session, deployment, rows, deployment.db.now(session), actor="command line")
    except UnicodeDecodeError:
        raise click.ClickException("The file is not UTF-8; save it as CSV UTF-8.") from None
    except sheet.Refused as refused:
        for fault in refused.faults:
            click.echo(f"row {fault.row}{f', {fault.column}' if fault.column else ''}: {fault.says}", err=True)
        raise click.ClickException("Nothing was changed.") from None
    finally:
        deployment.close()
    click.echo(f"{done.added} added, {done.changed} written again.")
