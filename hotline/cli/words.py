"""`hotline words`: in which languages the console speaks to officers, how far each goes, and what stays English."""

import click

from hotline.config import load
from hotline.console import tongue


@click.command()
@click.option("--pages", is_flag=True, help="Name each template that is not marked, with its count.")
def words(pages: bool) -> None:  # noqa: FBT001  click passes options so
    """Count the sentences of the console in each language, and those that no language reaches yet."""
    wanted, unmarked = tongue.wanted(), tongue.unmarked()
    for one in tongue.load(load().templates).values():
        if one.code != tongue.ENGLISH:
            state = "draft, no native speaker has signed it" if one.draft else "signed"
            click.echo(f"{one.code}  {one.name}: {len(wanted.keys() & one.words.keys())} of {len(wanted)} sentences; {state}")
    click.echo(f"English in every language: {sum(unmarked.values())} pieces of text in {len(unmarked)} templates.")
    if pages:
        for name, count in sorted(unmarked.items(), key=lambda one: -one[1]):
            click.echo(f"  {name}  {count}")
