"""How fast a webhook becomes a durable row, and a report an alert on an officer's phone, as ratios to bare Flask.

Everything runs here, at once, on loopback: the web listener from the Procfile's own line, Redis, the database, the workers,
an officers' network that takes the alerts over HTTP, and the load. Times are noisy and the machine differs, so each figure is a
ratio to a bare Flask view under the same server in the same run. Exits 1 when short of a bar.
"""

import argparse
import itertools
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent))

from load import Load, run
from network import serve
from rich.console import Console
from rich.table import Table
from rq import Worker
from spent import spent
from sqlalchemy import create_engine, text
from stock import fill

from hotline import schema
from hotline.config import Settings, child_environment
from hotline.demo import seed
from hotline.deployment import Deployment
from hotline.embedded import command as redis_command
from hotline.gateways.contract import form
from hotline.gateways.twilio import sign, signed_bytes
from hotline.up import commands

TOKEN = "invented-auth-token"
PUBLIC = "https://hooks.example.org"
TARGET = "/in/twilio/sms"
BARS = {"ingest ratio": 0.20, "ingest p99 ms": 20.0, "path ratio": 0.10, "flat": 0.80}
NUMBERS = itertools.count(1_000_000)
AIMS = {"ingest ratio": 0.30, "path ratio": 0.20}
TEXTS = (
    "Bagiye kujyana abana batatu i Bukavu iri joro, babambuye ibyangombwa. Ni i Kamembe",
    "They locked six girls in a house in Bugarama and took their passports, one is 14",
    "Mkubwa anatupiga na hatulipwi mshahara tangu mwezi wa tatu, tuko Muganza kwa shamba",
    "Un homme recrute des filles pour un travail a Dubai, il garde les passeports, Kamembe",
    "my sister was taken to Oman, the agent keeps her phone and she is beaten every day",
    "umukobwa w'imyaka 13 akora mu rugo i Gihundwe, ntahembwa kandi baramukubita",
)


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    store: str
    what: str
    value: float
    bar: float | None
    aim: float | None
    unit: str = ""
    at_most: bool = False

    @property
    def short(self) -> bool:
        """Whether the bar is missed."""
        return self.bar is not None and (self.value > self.bar if self.at_most else self.value < self.bar)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="stay under five minutes: shorter loads, 100,000 stored reports")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="measure one database only")
    parser.add_argument("--stored", type=int, help="how many reports are stored for the flatness figure")
    chosen = parser.parse_args()
    postgres = os.environ.get("HOTLINE_TEST_DATABASE_URL", "")  # noqa: TID251  names the server to measure on
    stores = [chosen.store] if chosen.store else ["sqlite", *(["postgresql"] if postgres else [])]
    stored = chosen.stored or (100_000 if chosen.quick else 1_000_000)
    results = [line for store in stores for line in measure(store, postgres, stored, quick=chosen.quick)]
    Console().print(render(results))
    if "postgresql" not in stores:
        print("PostgreSQL was not measured: set HOTLINE_TEST_DATABASE_URL.")
    raise SystemExit(any(line.short for line in results))


def measure(store: str, postgres: str, stored: int, *, quick: bool) -> list[Result]:
    """Measure one database: few stored reports, then many."""
    seconds, rounds = (3.0, 3) if quick else (5.0, 5)
    folder = Path(tempfile.mkdtemp(prefix="hotline-bench-"))
    try:
        with site(folder, store, postgres) as deployment:
            fill(deployment.db, 1_000)
            small = [ingest(deployment, seconds) for _ in range(rounds)]
            small_path = [path(deployment, 3_000 if quick else 6_000) for _ in range(2)]
            print(f"{store}: storing {stored:,} reports for the flatness figure", file=sys.stderr)
            fill(deployment.db, stored)
            large = [ingest(deployment, seconds) for _ in range(2)]
            large_path = [path(deployment, 3_000 if quick else 6_000)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ratio = statistics.median(webhook.rate / bare.rate for bare, webhook in small)
    bare_rate = statistics.median(bare.rate for bare, _ in small)
    whole = statistics.median(rate for rate, _ in small_path) / bare_rate
    cost = {name: statistics.median(one[name] for _, one in small_path) for name in small_path[0][1]}
    return [
        Result(store, "webhook requests/s to bare Flask", ratio, BARS["ingest ratio"], AIMS["ingest ratio"]),
        Result(
            store,
            "webhook p99 at 16 connections",
            statistics.median(w.p99 for _, w in small) * 1000,
            BARS["ingest p99 ms"],
            None,
            "ms",
            at_most=True,
        ),
        Result(store, "webhook to officer's gateway to bare Flask", whole, BARS["path ratio"], AIMS["path ratio"]),
        Result(
            store,
            f"webhook, {stored:,} stored to 1,000",
            statistics.median(w.rate / b.rate for b, w in large) / ratio,
            BARS["flat"],
            None,
        ),
        Result(
            store,
            f"whole path, {stored:,} stored to 1,000",
            large_path[0][0] / statistics.median(b.rate for b, _ in large) / whole,
            BARS["flat"],
            None,
        ),
        Result(store, "bare Flask (for scale only)", bare_rate, None, None, "/s"),
        *(Result(store, f"processor time a report: {name}", at * 1e6, None, None, "µs") for name, at in sorted(cost.items())),
        Result(store, "processor time a report", sum(cost.values()) * 1e6, None, None, "µs"),
    ]


@contextmanager
def site(folder: Path, store: str, postgres: str) -> Iterator[Deployment]:
    """Yield a deployment with a running Redis, migrated, with the demo's invented district."""
    url = fresh_database(postgres) if store == "postgresql" else ""
    settings = Settings(
        instance=folder,
        database_url=url,
        demo=True,
        public_url=PUBLIC,
        twilio_auth_tokens=(TOKEN,),
        simulator_url="http://127.0.0.1:8192",
        web_port=8190,
        auto_reply=False,
        _env_file=None,
    )
    deployment = furnished(settings)
    with running(redis_command(settings) or [], settings):
        yield deployment
    deployment.close()


def furnished(settings: Settings) -> Deployment:
    """Return a migrated deployment with keys and the demo's invented district."""
    deployment = Deployment(settings)
    deployment.keyring.create_missing()
    schema.upgrade(deployment.db)
    with deployment.db.transaction() as session:
        seed(session, deployment, deployment.db.now(session))
    return deployment


def ingest(deployment: Deployment, seconds: float) -> tuple[Load, Load]:
    """Measure bare Flask and the webhook, one after the other, each under the same server."""
    bare = [b"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"]
    with running(_web(deployment.settings, "bare:create", 8191), deployment.settings):
        answering(8191)
        plain = run(8191, bare, seconds=seconds)
    with running(_web(deployment.settings, "hotline.app.web:create", 8190), deployment.settings):
        built = requests(int(seconds * 6_000))
        answering(8190)
        stored = run(8190, built, seconds=seconds)
    if stored.refused or plain.refused:
        raise SystemExit(f"requests were refused: {plain.refused} {stored.refused}")
    _forget_inbox(deployment)
    return plain, stored


def path(deployment: Deployment, count: int) -> tuple[float, Counter[str]]:
    """Return reports per second from the first webhook to the last alert taken by the officers' network, and what one cost.

    The cost is seconds of processor time a report, by program.
    """
    workers = [
        ["/bin/sh", "-c", line]
        for name, line in commands(deployment.settings).items()
        if name in ("intake", "life", "reply", "clock")
    ]
    web = _web(deployment.settings, "hotline.app.web:create", 8190)
    with running_all([web, *workers], deployment.settings), serve(8192) as alerts:
        built = requests(count)
        answering(8190)
        ready(deployment, ("intake", "life", "reply"))
        before, started = spent(), time.monotonic()
        sent = run(8190, built, seconds=120, count=count)
        alerts.wait_for(count, until=started + 120)
        took = alerts.last_at - started
        time.sleep(1)  # what became of the last alerts is written down
        cost = spent() - before
    if sent.refused or alerts.cases < count:
        raise SystemExit(f"only {alerts.cases} of {count} reports reached an officer; {sent.refused} refused")
    return count / took, Counter({name: seconds / count for name, seconds in cost.items()})


def answering(port: int) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nobody listens on port {port}")


def ready(deployment: Deployment, queues: tuple[str, ...]) -> None:
    """Wait until each queue has a worker."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        served = {name for worker in Worker.all(connection=deployment.bell.redis) for name in worker.queue_names()}
        if served.issuperset(queues):
            return
        time.sleep(0.1)
    raise SystemExit("the workers did not start")


def requests(count: int) -> list[bytes]:
    """Return signed webhooks as bytes, each from its own invented number."""
    built = []
    for number in range(count):
        sid = "SM" + secrets.token_hex(16)
        fields = {
            "ToCountry": "RW", "ToState": "", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "", "FromZip": "", "SmsSid": sid,
            "FromState": "", "SmsStatus": "received", "FromCity": "", "Body": TEXTS[number % len(TEXTS)], "FromCountry": "RW",
            "To": "7788", "ToZip": "", "NumSegments": "1", "MessageSid": sid, "AccountSid": "AC" + "0" * 32,
            "From": f"+25078{next(NUMBERS):07}", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        body = urlencode(fields).encode()
        signature = sign(TOKEN, signed_bytes(PUBLIC + TARGET, form(body))).decode()
        head = (
            f"POST {TARGET} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        built.append(head.encode() + body)
    return built


@contextmanager
def running(words: list[str], settings: Settings) -> Iterator[None]:
    """Run a program for as long as the block lasts."""
    environment = child_environment(settings) | _explicit(settings)
    process = subprocess.Popen(
        words,
        env=environment,
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def running_all(programs: list[list[str]], settings: Settings) -> Iterator[None]:
    if not programs:
        yield
        return
    with running(programs[0], settings), running_all(programs[1:], settings):
        yield


def _explicit(settings: Settings) -> dict[str, str]:
    return {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_PUBLIC_URL": settings.public_url,
        "HOTLINE_TWILIO_AUTH_TOKENS": TOKEN,
        "HOTLINE_SIMULATOR_URL": settings.simulator_url,
        "HOTLINE_AUTO_REPLY": str(settings.auto_reply).lower(),
        "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parent.parent}",
    }


def _web(settings: Settings, target: str, port: int) -> list[str]:
    line = commands(settings)["web"].replace("hotline.app.web:create", target)
    return ["/bin/sh", "-c", line.replace("${HOTLINE_WEB_PORT:-${PORT:-8000}}", str(port))]


def fresh_database(postgres: str) -> str:
    admin = create_engine(postgres.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS hotline_bench WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE hotline_bench"))
    admin.dispose()
    return postgres.rpartition("/")[0] + "/hotline_bench"


def _forget_inbox(deployment: Deployment) -> None:
    """Mark what the webhook figure stored as handled, so that the whole path starts with an empty inbox."""
    with deployment.db.transaction() as session:
        session.execute(text("UPDATE inbox SET state = 'done' WHERE state = 'received'"))


def render(results: list[Result]) -> Table:
    """Return the table."""
    table = Table(title="Ingest: ratios from one run", title_justify="left")
    for column in ("database", "figure", "measured", "bar", "aim", ""):
        table.add_column(column, justify="right" if column in ("measured", "bar", "aim") else "left")
    for line in results:
        shown = f"{line.value:.2f}" if not line.unit else f"{line.value:.1f} {line.unit}"
        bar = "" if line.bar is None else f"{'≤' if line.at_most else '≥'} {line.bar:g}"
        table.add_row(
            line.store, line.what, shown, bar, "" if line.aim is None else f"{line.aim:g}", "[red]SHORT[/]" if line.short else ""
        )
    return table


if __name__ == "__main__":
    main()
