"""`hotline dead`: the dead letters from the command line. No words and no numbers, the same rules as at the desk."""

import json

import click
from rich.console import Console
from rich.table import Table

from hotline.config import load
from hotline.console.wording import age
from hotline.deployment import Deployment
from hotline.watch import alarm
from hotline.watch.dead import Letter, Source, find, listed
from hotline.watch.mend import Mender, Moved, NotForThis, mend
from hotline.watch.rules import Act


@click.group()
def dead() -> None:
    """What could not be read, sent or told, and waits for a person."""


@dead.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_(as_json: bool) -> None:  # noqa: FBT001  click passes options so
    """List it, what may cost a life first. The last column is the token for `replay`, `verify` and `handled`."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        found, now = listed(session, deployment), deployment.db.now(session)
    deployment.close()
    if as_json:
        click.echo(json.dumps([_fields(letter) for letter in found.letters], indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("name", "what", "life", "why", "waits", "may be done", "token"):
        table.add_column(column, overflow="fold")
    for letter in found.letters:
        life, acts = "LIFE" if letter.life else "", ", ".join(map(str, letter.judged.acts))
        why = " ".join(filter(None, (letter.state, letter.reason)))
        table.add_row(letter.item, letter.judged.what, life, why, age(now - letter.since), acts, letter.once)
    Console().print(table if found.letters else "Nothing is stuck.")
    if found.more or found.blind:
        click.echo("The spool's folder cannot be looked at." if found.blind else "More wait behind these.")


@dead.command("why")
@click.argument("item")
def why(item: str) -> None:
    """Say what ITEM is, why it is here, and the rule of its kind."""
    deployment = Deployment(load())
    with deployment.db.reading() as session:
        letter = find(session, deployment, *_named(item))
    deployment.close()
    if letter is None:
        raise click.ClickException("There is no such dead letter, or it has been dealt with.")
    for name, value in _fields(letter).items():
        click.echo(f"{name:9} {value}")


@dead.command("replay")
@click.argument("item")
@click.argument("token")
def replay(item: str, token: str) -> None:
    """Try ITEM again, once: the TOKEN of the list is good for one act."""
    _do(item, Act.REPLAY, token, "It is tried again now.")


@dead.command("verify")
@click.argument("item")
@click.argument("token")
def verify(item: str, token: str) -> None:
    """Have the signatures behind ITEM checked again by the intake worker."""
    _do(item, Act.VERIFY, token, "The intake worker checks them now.")


@dead.command("handled")
@click.argument("item")
@click.argument("token")
def handled(item: str, token: str) -> None:
    """Mark ITEM handled: it leaves the list and stays on record."""
    _do(item, Act.SETTLE, token, "Marked handled.")


def _do(item: str, act: Act, token: str, done: str) -> None:
    deployment = Deployment(load())
    try:
        with deployment.db.transaction() as session:
            now = deployment.db.now(session)
            mend(session, deployment, _named(item), act, token, Mender("command line", now))
            alarm.recount(session, deployment, now)
    except Moved:
        raise click.ClickException("It was dealt with before, or has changed since. Nothing was done; list anew.") from None
    except NotForThis:
        raise click.ClickException("The rule of its kind forbids that: hotline dead why ITEM") from None
    finally:
        deployment.close()
    click.echo(done)


def _named(item: str) -> tuple[Source, str]:
    source, _, name = item.partition("-")
    if source not in set(Source) or not name:
        raise click.ClickException("An item is named as the list names it: message-…, inbox-…, spool-…, quarantine-…, case-….")
    return Source(source), name


def _fields(letter: Letter) -> dict[str, object]:
    return {
        "item": letter.item,
        "what": letter.judged.what,
        "life": letter.life,
        "state": letter.state,
        "reason": letter.reason,
        "handle": letter.handle,
        "since": f"{letter.since:%Y-%m-%dT%H:%M:%SZ}",
        "attempts": letter.attempts,
        "size": letter.size,
        "many": letter.many,
        "rule": letter.judged.rule,
        "acts": [str(act) for act in letter.judged.acts],
        "token": letter.once,
    }
