"""`hotline keys`: keys for partners' programs, given once and taken back."""

import click
from rich.console import Console
from sqlalchemy import select

from hotline import partners
from hotline.cli.lists import columns, opened
from hotline.models import Agency, Scope

BY = "command line"
SCOPES = click.Choice([one.value for one in Scope])


@click.group("keys")
def apikey() -> None:
    """Keys for partners' programs."""


@apikey.command()
@click.argument("name")
@click.option("--agency", required=True, help="The agency it belongs to, by name.")
@click.option("--scope", "scopes", multiple=True, required=True, type=SCOPES, help="What it may be used for.")
def give(name: str, agency: str, scopes: tuple[str, ...]) -> None:
    """Give the program NAME a key and print it, this once."""
    with opened() as site, site.db.transaction() as session:
        theirs = session.scalars(select(Agency.id).where(Agency.name == agency)).first()
        try:
            wanted = {Scope(one) for one in scopes}
            key = partners.give(session, name, theirs or "", wanted, site.db.now(session), by=BY)
        except partners.NotGiven:
            raise click.ClickException("No such agency, or no name.") from None
    click.echo(key)


@apikey.command()
def ls() -> None:
    """List keys: whose, what for, when used last."""
    with opened() as site, site.db.reading() as session:
        table = columns("id", "program", "agency", "may", "last used")
        for one in partners.listed(session):
            used = f"{site.local(one.seen_at):%Y-%m-%d %H:%M}" if one.seen_at else "never"
            table.add_row(one.id, one.name, one.agency.name, "taken back" if one.revoked_at else ", ".join(one.scopes), used)
    Console().print(table)


@apikey.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Take the key with the id KEY_ID back."""
    with opened() as site, site.db.transaction() as session:
        done = partners.revoke(session, key_id, site.db.now(session), by=BY)
    if not done:
        raise click.ClickException("No such key, or it was taken back before.")
    click.echo("Taken back.")
