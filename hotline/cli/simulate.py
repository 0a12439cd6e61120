"""`hotline sim`: send texts and dial through the real, signed webhook of a running demo and say what became of each.

In comes one text, or a file of JSON lines; out goes a table, or one JSON object for programs. Words of a text are never
printed: a line of the file is named by its id. Only a demo is sent to: invented reports must not stand among real ones.
"""

import json
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from hotline.config import load
from hotline.deployment import Deployment
from hotline.simulator.evening import Evening, evening
from hotline.simulator.fates import Fate
from hotline.simulator.replay import NotADemo, Replayed, Step, only_in_a_demo, percentile, replay
from hotline.simulator.send import AT_ONCE, SIGNERS, Carrier, NoSuchLine, send_sms
from hotline.simulator.station import Station, Unstaffed
from hotline.simulator.transcript import Player, Unreadable
from hotline.simulator.transcript import read as read_transcript

GATEWAY = click.option(
    "--gateway", type=click.Choice(list(SIGNERS)), default="simulator", show_default=True, help="Whose webhook to use."
)
SHARES = (0.5, 0.95)
MOST_IDS_SHOWN = 20


@click.group()
def sim() -> None:
    """Be a phone: send texts through the signed webhook of a running demo."""


@sim.command("sms")
@click.argument("text")
@click.option("--from", "sender", required=True, help="Number or name to send from; use an invented one.")
@GATEWAY
def sms(text: str, sender: str, gateway: str) -> None:
    """Send one text and show what the webhook answered. Exit code 1 when it was not taken."""
    deployment = _opened(gateway)
    try:
        exchange = send_sms(deployment, sender=sender, text=text, gateway=gateway)
    except NoSuchLine:
        raise click.ClickException(_no_line(gateway)) from None
    click.echo(f"{exchange.status or 'no answer'} {exchange.reason} in {exchange.seconds * 1000:.0f} ms")
    raise SystemExit(not exchange.taken)


@sim.command("replay")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for all texts to arrive.")
@click.option("--at-once", default=4, show_default=True, type=click.IntRange(1, 64), help="Texts on their way to the webhook.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and no progress.")
@GATEWAY
def replay_file(source: Path, *, wait: float, at_once: int, as_json: bool, gateway: str) -> None:
    """Send every line of a JSONL file (id, text) and follow each to an officer's phone.

    Exit code 1 when a text was refused, lost, set aside, or still on its way after the wait.
    """
    steps = replay(_opened(gateway), source, gateway=gateway, at_once=at_once, wait_seconds=wait)
    try:
        result = _followed(steps, quiet=as_json)
    except NoSuchLine:
        raise click.ClickException(_no_line(gateway)) from None
    except ValueError as error:
        raise click.ClickException(f"{source}: {error}.") from None
    if as_json:
        click.echo(json.dumps(_as_dict(result), indent=2))
    else:
        Console().print(_table(result))
    raise SystemExit(bool(result.failed or result.unfinished))


@sim.command("run")
@click.argument("sources", metavar="FILE.yaml...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
def run(sources: tuple[Path, ...]) -> None:
    """Play transcripts of texts and dialled sessions and check what comes of them. Exit code 1 when one goes another way."""
    deployment = _opened("simulator")
    failed = False
    with Carrier(deployment) as carrier:
        for source in sources:
            try:
                transcript = read_transcript(source)
            except (Unreadable, OSError) as error:
                raise click.ClickException(f"{source}: {error}") from None
            outcomes = list(Player(deployment, carrier).play(transcript))
            wrong = [f"step {outcome.number}: {outcome.why}" for outcome in outcomes if outcome.why]
            failed |= bool(wrong)
            click.echo(f"{source.name}: {wrong[0] if wrong else f'{len(outcomes)} steps, as told'}")
    raise SystemExit(failed)


@sim.command("day", context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def day(options: tuple[str, ...]) -> None:
    """Play a whole day of 400 reports on fake time and judge it. Exit code 1 when a rule is broken; -h tells its options."""
    raise SystemExit(subprocess.call([sys.executable, "-m", "workers.day", *options]))


@sim.command("show")
@click.option("--listeners", default=3000, show_default=True, type=click.IntRange(20, 9999), help="Phones that take part.")
@click.option("--tips", default=6, show_default=True, type=click.IntRange(0, 60), help="Tips hidden among their texts.")
@click.option("--seed", default=7, show_default=True, help="The same seed draws the same evening.")
@click.option("--seconds", default=100, show_default=True, help="How long the evening lasts, at least.")
def show(*, listeners: int, tips: int, seed: int, seconds: int) -> None:
    """Play an evening of radio: votes, questions and a few tips. Exit code 1 when a rule of the wall or the count is broken."""
    site, started = _opened("simulator"), time.monotonic()
    acts = evening(listeners, tips, seed, site.settings.radio_code, site.settings.tips_code)
    columns = (TextColumn("on air"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Carrier(site) as carrier, Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("on air", total=len(acts))

        def pause(done: int, total: int) -> None:
            bars.update(bar, completed=done)
            time.sleep(max(0.0, started + seconds * done / total - time.monotonic()))

        try:
            found = Evening(site, Station(site, carrier), acts, pause, AT_ONCE).play()
        except Unstaffed as role:
            raise click.ClickException(f"This demo has no invented {role}. Begin a new one with `hotline up --demo`.") from None
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in (
        ("texts", str(found.texts)),
        ("votes", "  ".join(f"{choice}: {votes}" for choice, votes in found.votes.items())),
        ("tips that reached an officer", f"{found.told}/{found.tips}, the slowest after {found.slowest:.1f} s"),
        ("moved by the moderator's key", str(len(found.by_key))),
        ("read of the station's screens", f"{found.bytes_seen:,} bytes in {found.pages} answers"),
        ("reports laid to what was on air", f"{found.laid_right}/{found.laid}"),
        *(("[bold red]broken[/]", sentence) for sentence in found.broken),
    ):
        table.add_row(name, value)
    Console().print(table)
    raise SystemExit(bool(found.broken))


def _opened(gateway: str) -> Deployment:
    """Open the demo that the settings name. A guess at a real deployment's gateway must not reach its queue."""
    deployment = Deployment(load())
    try:
        only_in_a_demo(deployment, gateway)
    except NotADemo as why:
        raise click.ClickException(f"{why} Start one with `hotline up --demo`.") from None
    return deployment


def _no_line(gateway: str) -> str:
    return f"This deployment has no settings for {gateway}, so nothing can be signed in its name."


def _followed(steps: Generator[Step, None, Replayed], *, quiet: bool) -> Replayed:
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        sent, settled = bars.add_task("sent", total=None), bars.add_task("settled", total=None)
        while True:
            try:
                _show(bars, sent, settled, next(steps))
            except StopIteration as end:
                result: Replayed = end.value
                return result


def _show(bars: Progress, sent: TaskID, settled: TaskID, step: Step) -> None:
    bars.update(sent, completed=step.sent, total=step.total)
    bars.update(settled, completed=step.settled, total=step.total)


def _as_dict(result: Replayed) -> dict[str, object]:
    counts = result.counts
    return {
        "texts": len(result.fates),
        "stored": result.stored,
        "triaged": result.triaged,
        "told": counts[Fate.TOLD],
        "desk": counts[Fate.DESK],
        "command": counts[Fate.COMMAND],
        "failed": result.failed,
        "unfinished": result.unfinished,
        "fates": {fate.name.lower(): count for fate, count in counts.items()},
        "answered_seconds": _shares(result.answered),
        "told_seconds": _shares(result.told),
        "seconds": round(result.seconds, 3),
    }


def _shares(values: tuple[float, ...]) -> dict[str, float | None]:
    found = {f"p{share * 100:.0f}": percentile(values, share) for share in SHARES}
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


def _table(result: Replayed) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    counts, texts = result.counts, len(result.fates)
    lines = (
        ("stored", f"{result.stored}/{texts}"),
        ("triaged", str(result.triaged)),
        ("an officer is told", str(counts[Fate.TOLD])),
        ("kept at the desk by rule", str(counts[Fate.DESK])),
        ("a word or an answer, no report", str(counts[Fate.COMMAND])),
        ("webhook answered, p50 p95", _spoken(result.answered, 1000, "ms")),
        ("officer told, p50 p95", _spoken(result.told, 1, "s")),
        ("everything took", f"{result.seconds:.1f} s"),
        *((f"[bold red]{fate}[/]", str(counts[fate])) for fate in counts if not _well(fate)),
        ("[bold red]failed[/]", _named(result.failed)),
        ("[bold red]still on the way[/]", _named(result.unfinished)),
    )
    for name, value in lines:
        if value:
            table.add_row(name, value)
    return table


def _well(fate: Fate) -> bool:
    return fate in {Fate.TOLD, Fate.DESK, Fate.COMMAND}


def _spoken(values: tuple[float, ...], scale: float, unit: str) -> str:
    found = [value for share in SHARES if (value := percentile(values, share)) is not None]
    return "  ".join(f"{value * scale:.3g} {unit}" for value in found)


def _named(ids: Iterable[str]) -> str:
    """Return the first ids, and how many more there are."""
    every = list(ids)
    more = len(every) - MOST_IDS_SHOWN
    return ", ".join(every[:MOST_IDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
