"""`hotline triage`: ask triage about a text or a file, without storing anything."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hotline.triage import Assessment, assess
from hotline.triage.predict import predict


@click.group()
def triage() -> None:
    """Ask triage what it makes of a text. Nothing is stored or sent."""


@triage.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print the assessment as JSON.")
def explain(text: str, as_json: bool) -> None:  # noqa: FBT001  click passes options so
    """Say what a text may be, how urgent, and which words say so."""
    found = assess(text)
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        return
    console = Console()
    console.print(_marked(text, found))
    console.print(_summary(found))
    console.print(_findings(found))


@triage.command("predict")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where to write the lines.")
def predict_file(source: Path, out: Path) -> None:
    """Assess each line of a JSONL file (id, text) and write one JSON line each."""
    count = 0
    with source.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as written:
        for line in predict(lines):
            written.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    click.echo(f"{count} lines written to {out}")


def _marked(text: str, found: Assessment) -> Text:
    shown = Text(text)
    for finding in found.findings:
        shown.stylize("bold reverse", finding.start, finding.end)
    return shown


def _summary(found: Assessment) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    palermo = [("act", found.act), ("means", found.means), ("purpose", found.purpose)]
    for name, value in (
        ("may be", f"possible {str(found.category).replace('_', ' ')}"),
        ("urgency", str(found.urgency)),
        ("language", found.language + ("" if found.language_confident else " (not sure)")),
        ("a child", str(found.minors)),
        ("places", ", ".join(found.places) or "-"),
        *((name, ", ".join(values) or "-") for name, values in palermo),
        ("unknown", ", ".join(found.missing) or "-"),
    ):
        table.add_row(f"[bold]{name}[/]", value)
    return table


def _findings(found: Assessment) -> Table:
    table = Table(title="Why", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("rule", "axis", "words", "at", "says"):
        table.add_column(column)
    for finding in found.findings:
        table.add_row(finding.rule, str(finding.axis), finding.words, f"{finding.start}-{finding.end}", finding.sentence)
    return table
