"""The console's pages beside what is stored: queue, Today, search and one case, at 10,000 reports and at more.

    python benchmarks/console.py [--quick] [--sizes 10000,100000] [--rounds 60] [--database postgresql://…]

Prints one table: server time of each page (median, 95th of 100) at each size, and how much it grew. On SQLite, or on
a PostgreSQL database that must be empty or filled by an earlier run. `--quick` stops at 100,000. Pages are
asked through the application itself, with no network and no browser between. All reports are invented.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import stock
from hotline import schema
from hotline.app import desk
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.handle import make
from hotline.models import SECTOR, Caller, Case, CaseKey, Message, Officer, Report, new_id, table
from hotline.officers import enrol
from hotline.outbound.compose import bound_to
from hotline.roles import Role

LIMIT = 50.0  # milliseconds: what a page may take, 95 times of 100
REAL = 600  # reports with real keys and words, the newest
# What the stock is made into, by the first letter of a handle: kinds and states as a busy line has them, a fortieth of it open.
KINDS = {
    "1234": "labour_abuse",
    "5678": "gbv",
    "9A": "child_protection",
    "BCD": "question",
    "EF": "smuggling",
    "G": "missing_person",
}
OPEN = {"0": "new", "H": "waiting"}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--quick", action="store_true")
    asked.add_argument("--sizes", default="")
    asked.add_argument("--rounds", type=int, default=60)
    asked.add_argument("--database", default="", help="address of a PostgreSQL database for the benchmark alone")
    chosen = asked.parse_args()
    url = chosen.database
    sizes = [
        int(size) for size in (chosen.sizes or ("10000,100000" if chosen.quick or not url else "10000,100000,1000000")).split(",")
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(instance=Path(folder), demo=True, database_url=url, redis_url="redis://127.0.0.1:1/0", _env_file=None)
        site = Deployment(settings)
        site.keyring.create_missing()
        schema.upgrade(site.db)
        measured = {size: measure(site, settings, size, chosen.rounds) for size in sizes}
        site.close()
    sys.exit(report(measured))


def measure(site: Deployment, settings: Settings, size: int, rounds: int) -> dict[str, list[float]]:
    """Fill up to a size and ask each page some rounds. Returns the milliseconds of each."""
    stock.fill(site.db, size)
    vary(site)
    token, handle = newest(site)
    name = f"bench-{new_id()}"  # somebody new each time: how often one may search for words is counted
    with site.db.transaction() as session:
        secret = "invented and long enough"
        enrol(session, site, name=name, display_name="Bench", role=Role.SUPERVISOR, password=secret, demo=True)
        officer_id = session.scalars(select(Officer.id).where(Officer.name == name)).one()
    app = desk.create(settings)
    client = app.test_client()
    form = client.get("/sign-in").get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    origin = {"Origin": "http://127.0.0.1:8001"}
    assert client.post(f"/demo/{officer_id}", data={"csrf_token": form}, headers=origin).status_code == 303
    form = client.get("/search").get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    pages = {
        "queue, new": "/queue",
        "queue, all open": "/queue?view=all",
        "Today": "/today",
        "search, a kind": "/search?q=category:labour",
        "search, a rare kind": "/search?q=category:missing",
        "search, a place": "/search?q=place:bugarama",
        "search, open and a kind": "/search?q=state:new+category:gbv",
        "search, nobody's of a week": "/search?q=owner:nobody+since:7d",
        "search, a handle": f"/search?q={handle}",
        "case": f"/case/{token}",
    }
    found = {name: timed(lambda path=path: client.get(path), rounds) for name, path in pages.items()}
    found["search, words (500 opened)"] = timed(lambda: words(client, form, origin), min(rounds, 4))
    return found


def words(client: FlaskClient, form: str, origin: dict[str, str]) -> object:
    return client.post("/search", data={"q": "locked", "csrf_token": form}, headers=origin)


def timed(ask: Callable[[], object], rounds: int) -> list[float]:
    """Return how long each round took, after two that count for nothing."""
    taken = []
    for number in range(rounds + 2):
        begun = time.perf_counter()
        answer = ask()
        if number >= 2:
            taken.append(1000 * (time.perf_counter() - begun))
        assert answer.status_code == 200, answer.status_code  # type: ignore[attr-defined]
    return taken


def vary(site: Deployment) -> None:
    """Make the stock unlike: kinds, states and places by the first letter of the handle."""
    bugarama = site.clue_index(SECTOR, "Bugarama")
    with site.db.transaction() as session:
        for column, values, also in (("category", KINDS, ""), ("state", OPEN, ", closed_at = NULL")):
            for letters, value in values.items():
                for letter in letters:
                    session.execute(
                        text(
                            f'UPDATE "case" SET {column} = :value{also} WHERE handle >= :low AND handle < :high AND {column} <> :value'
                        ),
                        {"value": value, "low": letter, "high": chr(ord(letter) + 1)},
                    )
        session.execute(
            text(
                "INSERT INTO clue (case_id, value_index, kind, at) SELECT id, :index, 'sector', opened_at FROM \"case\" "
                "WHERE handle >= 'B' AND handle < 'C' AND id NOT IN (SELECT case_id FROM clue)"
            ),
            {"index": bugarama},
        )
    sqlite = site.db.engine.dialect.name == "sqlite"
    tidy = "ANALYZE" if sqlite else "VACUUM ANALYZE"  # or the server would do it while pages are timed
    with site.db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(tidy)


def newest(site: Deployment) -> tuple[str, str]:
    """Add reports with real keys and words, the newest of all. Returns token and handle of the last."""
    rows: dict[type, list[dict[str, object]]] = {one: [] for one in (Caller, Case, CaseKey, Report, Message)}
    now = datetime.now(UTC)
    for number in range(REAL):
        at, case_id, caller_id = now - timedelta(minutes=REAL - number), new_id(), new_id()
        key, wrapped = site.keyring.new_case_key(case_id)
        facts = {"category": "trafficking", "urgency": "soon", "rank": 1, "minors": "no", "language": "en", "channel": "sms"}
        drawn = {"token": new_id(), "handle": make() + str(number)}
        rows[Caller].append({"id": caller_id, "number_index": new_id().encode(), "number_sealed": b"", "last_inbound_at": at})
        rows[Case].append({"id": case_id, "state": "new", "opened_at": at, "updated_at": at, **drawn, **facts})
        rows[CaseKey].append({"case_id": case_id, "kid": site.keyring.kid, "wrapped": wrapped})
        rows[Report].append(
            {
                "id": new_id(),
                "case_id": case_id,
                "caller_id": caller_id,
                "channel": "sms",
                "gateway": "simulator",
                "opened_at": at,
                "last_inbound_at": at,
            }
        )
        for _ in range(4):
            message_id = new_id()
            body = "they took our papers and locked the door of the house behind the market " * 2
            rows[Message].append(
                {
                    "id": message_id,
                    "case_id": case_id,
                    "direction": "in",
                    "kind": "report",
                    "caller_id": caller_id,
                    "sealed": key.seal_text(body, bound_to(message_id)),
                    "gateway": "simulator",
                    "state": "stored",
                    "created_at": at,
                }
            )
    with site.db.transaction() as session:
        for model, some in rows.items():
            session.execute(insert(table(model)), [filled(model, row) for row in some])
    last = rows[Case][-1]
    return str(last["token"]), str(last["handle"])[:7]


def filled(model: type, row: dict[str, object]) -> dict[str, object]:
    """Return a row with the plain defaults of its table."""
    plain = {"ladder_step": 0, "version": 0, "reachable": True, "safe_contact": "unknown", "replies_today": 0, "attempts": 0}
    return {name: value for name, value in plain.items() if name in table(model).c} | row


def report(measured: dict[int, dict[str, list[float]]]) -> int:
    """Print the table. Returns 1 where a page is too slow."""
    sizes = list(measured)
    shown = Table("Page", *(f"{size:,} reports: median / 95 of 100" for size in sizes), "grew", title="Server time in ms")
    slow = False
    for name in measured[sizes[0]]:
        ends = [(statistics.median(measured[size][name]), statistics.quantiles(measured[size][name], n=20)[-1]) for size in sizes]
        slow |= any(high > LIMIT for _, high in ends) and "words" not in name
        grew = f"{ends[-1][0] / ends[0][0]:.2f} x"
        shown.add_row(name, *(f"{middle:.1f} / {high:.1f}" for middle, high in ends), grew)
    Console(width=140).print(shown)
    return int(slow)


if __name__ == "__main__":
    main()
