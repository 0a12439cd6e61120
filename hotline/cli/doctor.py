"""`hotline doctor`: one line for everything that must be right, and what to do where it is not."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from hotline.config import load
from hotline.deployment import Deployment
from hotline.watch.checkup import CHECKS, Finding, Health, safely


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def doctor(as_json: bool) -> None:  # noqa: FBT001  click passes options so
    """Check keys, database, Redis, workers, clock, spool, gateways, rota, words, audit. Exit code 1 when something is broken."""
    deployment = Deployment(load())
    findings = [finding for check in CHECKS for finding in safely(check, deployment)]
    deployment.close()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        Console().print(_table(findings))
    raise SystemExit(any(finding.health is Health.BROKEN for finding in findings))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "what", "how it is", "what to do"):
        table.add_column(column)
    marks = {Health.OK: "[green]ok[/]", Health.WARNING: "[yellow]warn[/]", Health.BROKEN: "[bold red]BROKEN[/]"}
    for finding in findings:
        table.add_row(marks[finding.health], finding.what, finding.says, finding.fix)
    return table
