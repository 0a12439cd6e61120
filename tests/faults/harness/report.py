"""The table: on the screen, and as a page for docs/evidence."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.table import Table

from tests.faults.harness.lines import Figure, Line

WHOLE, LOST = "every 2xx", "lost"


@dataclass(frozen=True)
class Page:
    """What a page says about its run besides the table."""

    command: str
    seed: int
    day: date
    seconds: float


def table(results: dict[str, Sequence[Line]]) -> Table:
    """Return the table of a run: a line for each promise on each database."""
    drawn = Table(title="Accounting", show_lines=False)
    for name in ("", "database", "promise", "injected", "counted", "figures (limit)"):
        drawn.add_column(name)
    for store, lines in results.items():
        for line in lines:
            verdict = "[green]ok[/]" if line.ok else "[bold red]BROKEN[/]"
            drawn.add_row(verdict, store, f"{line.promise}: {line.says}", line.injected, counted(line), figures(line))
    return drawn


def markdown(results: dict[str, Sequence[Line]], page: Page) -> str:
    """Return the page of a run."""
    rows = [_row(store, line) for store, lines in results.items() for line in lines]
    every = [line for lines in results.values() for line in lines if line.promise == WHOLE]
    acked = sum(line.counted for line in every)
    lost = sum(figure.found or 0 for line in every for figure in line.figures if figure.what == LOST)
    return "\n".join(
        [
            f"# Accounting of {page.day:%Y-%m-%d}",
            "",
            f"`{page.command}`",
            "",
            f"Machine: {machine()}. Seed {page.seed}. {page.seconds / 60:.0f} minutes. All people and numbers are invented.",
            "",
            f"**{lost:.0f} lost of {acked:,} acknowledged.** {bound(lost, acked)}",
            "",
            "| | database | promise | says | injected | counted | figures (limit) |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def stories(results: dict[str, Sequence[Line]]) -> list[str]:
    """Return the first few things behind each figure that broke a line; ids of rows, never words."""
    return [
        f"{store} {line.promise} {figure.what}: {one}"
        for store, lines in results.items()
        for line in lines
        for figure in line.figures
        for one in figure.such
    ]


def bound(lost: float, acked: int) -> str:
    """Return what none lost of so many proves: the rule of three (Hanley and Lippman-Hand, JAMA 1983, 249:1743)."""
    if lost or not acked:
        return "Nothing is proved by this run but that it is broken."
    return f"With 95 % confidence fewer than {3 / acked * 100_000:.1f} in 100,000 are lost under such faults."


def machine() -> str:
    """Return the machine's size."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB memory"


def _row(store: str, line: Line) -> str:
    verdict = "ok" if line.ok else "**BROKEN**"
    cells = (verdict, store, line.promise, line.says, line.injected, counted(line), figures(line))
    return f"| {' | '.join(cells)} |"


def counted(line: Line) -> str:
    return f"{line.counted:,} {line.of}"


def figures(line: Line) -> str:
    return " · ".join(_figure(figure) for figure in line.figures)


def _figure(figure: Figure) -> str:
    found = "not measured" if figure.found is None else f"{figure.found:.3g}" if figure.unit else f"{figure.found:.0f}"
    return f"{found}{figure.unit and ' ' + figure.unit} {figure.what} ({'≥' if figure.at_least else '≤'} {figure.limit:g})"


def write(page: str, to: Path) -> None:
    """Write a page."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page, encoding="utf-8")
