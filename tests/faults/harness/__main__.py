"""`python -m tests.faults.harness`: plays every act on each database at once, accounts, and exits 1 when a promise is broken."""

import argparse
import os
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.faults.harness import report
from tests.faults.harness.acts import ACTS, BESIDE, DISK_ACTS
from tests.faults.harness.play import play
from tests.faults.harness.stage import Plan
from tests.servers import program

STORES = ("sqlite", "postgresql")
SHORT = {"texts": 1_600, "rate": 80.0, "forgeries": 560, "redis_gone": 12.0, "pace": 10.0, "settle": 150.0, "disk": False}
LONG = {
    "texts": 50_000,
    "rate": 200.0,
    "forgeries": 10_000,
    "redis_gone": 600.0,
    "pace": 5.0,
    "settle": 300.0,
    "disk": os.getuid() == 0,
}


def main() -> None:
    """Read the command line, run, and say what came out."""
    names = [act.__name__ for act in (*ACTS, *BESIDE.values(), *DISK_ACTS)]
    parser = argparse.ArgumentParser(prog="tests.faults.harness", description=__doc__)
    parser.add_argument(
        "--long", action="store_true", help="50,000 texts on each database, Redis gone for ten minutes, a full disk if root"
    )
    parser.add_argument("--texts", type=int, help="texts of T-IN-1 on each database")
    parser.add_argument("--store", choices=STORES, action="append", help="one database only")
    parser.add_argument(
        "--act",
        action="append",
        default=[],
        help=f"play only {', '.join(names)}",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the dice; another one each time")
    parser.add_argument("--report", type=Path, help="also write the table as a page")
    chosen = parser.parse_args()
    stores, started = chosen.store or _installed(), time.monotonic()
    sizes = (LONG | {"disk": os.getuid() == 0} if chosen.long else SHORT) | ({"texts": chosen.texts} if chosen.texts else {})
    plan = Plan(seed=chosen.seed, **sizes)
    print(f"seed {plan.seed}: {plan.texts} texts on each of {', '.join(stores)}", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        results = play(stores, plan, chosen.act)
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; everything that was started has ended.") from None
    seconds = time.monotonic() - started
    lines = {store: lines or [] for store, lines in results.items()}
    Console(width=None if sys.stdout.isatty() else 200).print(report.table(lines))
    print(*report.stories(lines), sep="\n")
    if chosen.report:
        command = f"python -m tests.faults.harness {shlex.join(sys.argv[1:])}"
        report.write(report.markdown(lines, report.Page(command, plan.seed, datetime.now(UTC).date(), seconds)), chosen.report)
    broken = sum(not line.ok for found in lines.values() for line in found) + sum(found is None for found in results.values())
    print(f"{broken} broken in {seconds:.0f} s, seed {plan.seed}")
    raise SystemExit(broken > 0)


def _installed() -> Sequence[str]:
    """Return the databases there are here."""
    if program("initdb"):
        return STORES
    print("PostgreSQL is not installed: SQLite alone is tried.")
    return STORES[:1]


if __name__ == "__main__":
    main()
