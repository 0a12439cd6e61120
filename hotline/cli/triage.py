"""`hotline triage`: ask triage about a text or a file, without storing anything."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hotline.casework.correct import lessons
from hotline.config import load
from hotline.deployment import Deployment
from hotline.triage import Assessment, assess
from hotline.triage.evaluate import compare, report
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


@triage.command("evaluate")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def evaluate_file(source: Path) -> None:
    """Compare triage with labelled messages (JSONL, the label guide's fields): figures, confusions, calibration."""
    try:
        click.echo(report(compare(source)))
    except (ValueError, KeyError) as error:
        raise click.ClickException(f"{source.name}: {error}") from None


@triage.command("lessons")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_lessons(as_json: bool) -> None:  # noqa: FBT001  click passes options so
    """List what officers corrected: what triage had said, what was right, which rules had spoken. No caller's words."""
    site = Deployment(load())
    with site.db.reading() as session:
        rows = list(lessons(session, site))
    site.close()
    if as_json:
        click.echo(json.dumps([asdict(row) | {"at": row.at.isoformat()} for row in rows], indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("item", "triage said", "certain", "officer said", "language", "rules version", "rules that spoke"):
        table.add_column(column)
    for row in rows:
        said, right = " ".join(row.said), " ".join(row.right)
        table.add_row(row.handle, said, f"{row.certainty:.2f}", right, row.language, row.rules_version, ", ".join(row.rules))
    Console().print(table if rows else "No correction so far.")


def _marked(text: str, found: Assessment) -> Text:
    shown = Text(text)
    for finding in found.findings:
        shown.stylize("bold reverse", finding.start, finding.end)
    return shown


def _summary(found: Assessment) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    palermo = [("act", found.act), ("means", found.means), ("purpose", found.purpose)]
    for name, value in (
        ("may be", f"possible {str(found.category).replace('_', ' ')} ({found.certainty:.0%} certain)"),
        ("also", ", ".join(str(one).replace("_", " ") for one in found.categories[1:]) or "-"),
        ("urgency", str(found.urgency)),
        ("language", found.language + ("" if found.language_confident else " (not sure)")),
        ("a child", str(found.minors)),
        ("places", ", ".join(found.places) or "-"),
        *((name, ", ".join(values) or "-") for name, values in palermo),
        ("named", ", ".join(f"{one.kind} {one.value}" for one in found.clues if one.kind != "wording") or "-"),
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
