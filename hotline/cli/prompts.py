"""`hotline prompts`: what callers hear: what a person must still record, taking a recording in, and drafts by machine."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hotline.catalog import CatalogError
from hotline.config import load
from hotline.deployment import Deployment
from hotline.intake.ussd.tree import LANGUAGES
from hotline.intake.voice import recorded
from hotline.intake.voice.prompts import Prompts
from hotline.intake.voice.tree import PROMPTS
from hotline.recordings import Unfit


@click.group()
def prompts() -> None:
    """See and record what callers hear. A recording counts only while its words are those of voice.toml."""


@prompts.command("list")
@click.option("--language", type=click.Choice(LANGUAGES), help="One language only.")
def list_(language: str | None) -> None:
    """List what a person must still record, or record again since its words have changed, with the words to say."""
    shelf = _prompts()
    wanted = [one for one in recorded.wanted(shelf) if language in (None, one.language)]
    table = Table("Language", "Prompt", "Until then", "Words", show_lines=True)
    for one in wanted:
        meanwhile = "a machine says it" if one.draft else "silent"
        table.add_row(one.language, one.name, f"to record again: {meanwhile}" if one.again else meanwhile, one.words)
    Console(soft_wrap=True).print(table)
    every = len(PROMPTS) * (len(LANGUAGES) if language is None else 1)
    again = sum(one.again for one in wanted)
    click.echo(f"{len(wanted)} of {every} prompts wait for a person's voice, {again} of them to record again.")


@prompts.command()
@click.argument("language", type=click.Choice(LANGUAGES))
@click.argument("name", type=click.Choice(PROMPTS))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def record(language: str, name: str, file: Path) -> None:
    """Take FILE, a WAV or MP3 of at most twelve seconds, as the recording of a prompt."""
    try:
        lasts = recorded.take(_prompts(), language, name, file)
    except Unfit as unfit:
        raise click.ClickException(f"{file.name} cannot be the prompt {name}: {unfit}.") from None
    click.echo(f"{language}/{name}: {lasts:.1f} seconds. Callers hear it within a few seconds.")


@prompts.command()
def draft() -> None:
    """Let espeak-ng say what nobody has recorded, in English, French and Swahili; nothing is fetched from anywhere."""
    if not recorded.can_draft():
        raise click.ClickException("espeak-ng is not installed; on Debian: apt-get install espeak-ng.")
    long = 0
    for language, name, lasts in recorded.draft(_prompts()):
        note = "" if lasts <= recorded.LONGEST else "  longer than twelve seconds"
        long += bool(note)
        click.echo(f"{language}/{name}: {lasts:.1f} seconds{note}")
    silent = ", ".join(sorted(set(LANGUAGES) - set(recorded.VOICES)))
    click.echo(f"Drafts only: a person must record each. No machine here speaks {silent}: these stay silent until recorded.")


def _prompts() -> Prompts:
    deployment = Deployment(load())
    try:
        return Prompts(deployment.settings.instance, deployment.words, deployment.settings.public_url.rstrip("/"))
    except CatalogError as error:
        raise click.ClickException(str(error)) from None
