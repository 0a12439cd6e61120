"""`python -m workers.day`, which is `hotline sim day`: plays a day in a folder of its own and judges it."""

import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from hotline import schema
from hotline.config import load
from workers.day.judge import Verdict, Waits, judge
from workers.day.play import Play
from workers.day.stage import FIRST, SECOND, Stage
from workers.day.story import tell

LANES = {"immediate": "danger to life", "soon": "soon", "routine": "routine"}
STEPS = {"told": "told", "acknowledged": "acknowledged", "ended": "outcome"}
MOST_SHOWN = 20


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", default=1, show_default=True, help="Which day: the same seed gives the same day.")
@click.option("--reports", default=400, show_default=True, type=click.IntRange(1, 5000), help="Callers who text that day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def day(*, seed: int, reports: int, as_json: bool) -> None:
    """Play a day with this deployment's ladder and limits. Exit code 1 when a rule was broken."""
    logging.getLogger().addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="hotline-day-") as folder:
        stage = raised(Path(folder))
        try:
            play = Play(stage, tell(seed, reports))
            play.run()
            verdict = judge(play)
        finally:
            stage.close()
    if as_json:
        click.echo(json.dumps({"seed": seed, **asdict(verdict)}, indent=2))
    else:
        Console(width=110).print(shown(seed, verdict))
        for sentence in verdict.broken[:MOST_SHOWN]:
            click.echo(f"! {sentence}")
    raise SystemExit(bool(verdict.broken))


def raised(folder: Path) -> Stage:
    """Return a stage in an empty folder: this deployment's settings, and none of its keys, people or gateways."""
    ours = {
        "instance": folder / "instance",
        "spool_folder": folder / "spool",
        "second_spool_folder": "",
        "database_url": "",
        "redis_url": "",
        "demo": True,
        "gateway": FIRST,
        "second_gateway": SECOND,
        "gateway_rates": (),
        "ballast_mib": 0,
    }
    stage = Stage(load().model_copy(update=ours))
    stage.settings.instance.mkdir()
    stage.keyring.create_missing()
    schema.upgrade(stage.db)
    return stage


def shown(seed: int, verdict: Verdict) -> Table:
    """Return the table of a day."""
    notes = f"{verdict.kept_at_desk} kept at the desk by rule, {verdict.pages} pages, {len(verdict.broken)} rules broken"
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"Day {seed}: {verdict.reports} reports", caption=notes)
    for column in ("lane", "until", "reports", "still open", "median", "95 %", "longest"):
        table.add_column(column, justify="left" if column in ("lane", "until") else "right")
    for lane, waits in verdict.lanes.items():
        for step, name in STEPS.items():
            one = waits[step]
            table.add_row(LANES[lane] if step == "told" else "", name, str(one.count), str(one.open_), *_times(one))
    return table


def _times(waits: Waits) -> tuple[str, ...]:
    return tuple("" if seconds is None else _time(seconds) for seconds in (waits.median, waits.p95, waits.longest))


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    day()
