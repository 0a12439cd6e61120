"""`hotline rules`: who is told of what, as sentences; tried on the last reports before they are put in force."""

from collections.abc import Iterator
from pathlib import Path

import click

from hotline.cli.lists import opened
from hotline.models import Tier
from hotline.routing.book import place, publish, sentences
from hotline.routing.rehearse import rehearse
from hotline.routing.rules import ANY, Rule, Rules, Tell, Unfit, parse
from hotline.watch.checkup import faults

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def rules() -> None:
    """Rules of who is told, as sentences."""


@rules.command()
def show() -> None:
    """Print the rules in force, a sentence each."""
    with opened() as deployment:
        held = sentences(deployment)
        where = "published" if place(deployment.settings).exists() else "shipped with the program"
    click.echo(f"{held.version}, {where}\n")
    for line in told(held):
        click.echo(line)


@rules.command()
@FILE
def check(file: Path) -> None:
    """Read a file of rules, print its sentences and which of them never do anything. Exit code 1 where one does not."""
    held = _parsed(file)
    with opened() as deployment, deployment.db.reading() as session:
        found = list(faults(session, held))
    for line in told(held):
        click.echo(line)
    for fault in found:
        click.echo(f"! {fault}")
    raise SystemExit(bool(found))


@rules.command("try")
@FILE
@click.option("--last", default=100, show_default=True, help="How many reports, newest first.")
def rehearsal(file: Path, last: int) -> None:
    """Say whom a file of rules would have told of the last reports, and what would change. Tells nobody."""
    held = _parsed(file)
    with opened() as deployment, deployment.db.reading() as session:
        seen = list(rehearse(session, deployment, (sentences(deployment), held), last))
    for one in seen:
        if one.changed:
            click.echo(f"{one.handle}  {one.urgency} {one.category.replace('_', ' ')}")
            click.echo(f"    told now:    {'; '.join(name for name, _ in one.before) or 'nobody'}")
            click.echo(f"    would be:    {'; '.join(f'{name} ({why})' for name, why in one.after) or 'nobody'}")
    click.echo(f"{len(seen)} reports, {sum(one.changed for one in seen)} would be told to somebody else.")


@rules.command("publish")
@FILE
def put_in_force(file: Path) -> None:
    """Put a file of rules in force on this machine; the one before is kept beside it. Workers follow without a restart."""
    held = _parsed(file)
    with opened() as deployment, deployment.db.transaction() as session:
        if found := list(faults(session, held)):
            raise click.ClickException(f"Not published: {found[0]}.")
        now = deployment.db.now(session)
        publish(session, deployment, file.read_text(encoding="utf-8"), now, actor="command line")
    click.echo(f"In force: {held.version}, {len(held.rule)} rules.")


def told(held: Rules) -> Iterator[str]:
    """Yield each rule as a sentence."""
    return (f"{rule.name}: {sentence(rule)}" for rule in held.rule)


def sentence(rule: Rule) -> str:
    """Return a rule as a person would say it."""
    when = rule.when
    conditions = [
        "a minor is named" if when.minors else "no minor is named" if when.minors is False else "",
        f"it is {_or(when.category)}" if when.category else "",
        f"help is needed {_or(when.urgency)}" if when.urgency else "",
        f"{_or(when.places)} is named" if when.places else "",
        f"triage finds {_or(when.signs)}" if when.signs else "",
        f"it is {_or(when.days)}" if when.days else "",
        f"between {when.hours.replace('-', ' and ')}" if when.hours else "",
    ]
    held = " and ".join(condition for condition in conditions if condition)
    only = " and nobody else" if rule.only else ""
    return f"{f'If {held}, tell' if held else 'Always tell'} {', '.join(map(_whom, rule.tell))}{only}."


def _whom(tell: Tell) -> str:
    what = "anybody" if tell.kind == ANY else tell.kind.replace("_", " ")
    rank = "" if tell.tier is Tier.DUTY else f" ({tell.tier})"
    return f"{'every' if tell.every else 'the'} {what}{rank}{', asleep or not' if tell.wake else ' on duty'}"


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(word.replace("_", " ") for word in words)


def _parsed(file: Path) -> Rules:
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (Unfit, UnicodeDecodeError) as fault:
        raise click.ClickException(str(fault)) from None
