"""A broadcast to 100,000 people: bringing them in, counting and checking every row, and sending, beside the same client in a bare loop.

    python benchmarks/broadcast.py [--quick] [--people 100000] [--latency 0.05] [--alerts 200] [--database URL]

Prints one table, and ends with 1 where a figure is short of its bar. The gateway is a fake on loopback in a process of its own
that answers after a fixed time, as one far away does. The bare loop is the same gateway client with as many threads and no
database; it runs before and after each round of the broadcast, and what counts is the median of the rounds' ratios.

Then people report a danger to life while the broadcast runs on, each lane a process of its own that polls, as without Redis; what
is told is how long after its report an alert was with the gateway, and how long each webhook took to be acknowledged, beside as
many before the lanes began. On SQLite all of them share one writer. Memory is the peak of the process that checks, and of the one
that sends. All people and numbers are invented.
"""

import argparse
import itertools
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as hour
from pathlib import Path
from urllib.parse import urlencode

from rich.progress import Progress
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from slow import serve

from hotline import app, inbound, schema
from hotline.broadcasts import campaign
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.check import dry_run
from hotline.broadcasts.making import make
from hotline.config import Settings
from hotline.demo import SHIPPED, seed
from hotline.deployment import Deployment
from hotline.gateways.contract import OutboundText, form
from hotline.gateways.twilio import sign, signed_bytes
from hotline.intake.spool import Spool
from hotline.models import BroadcastList, Inbox, Lane, Message, new_id, table
from hotline.outbound import calls
from hotline.subscribers import Joining, enrol
from workers import jobs, posting
from workers.posting import Post

TEXTS = {
    "rw": "Baguhaye akazi kure? Gumana indangamuntu. {sector}. Tubaze: {ussd}. Guhagarika: STOP",
    "en": "Offered a job far away? Keep your ID. {sector}. Ask us: {ussd}. No more texts: STOP",
}
INBOX, MESSAGE = table(Inbox), table(Message)
ROUNDS = 5
TOKEN = "invented-auth-token"
DANGER = "They locked me in a house in Kamembe, madam took my passport, help me now"
SECTORS = ("Bugarama", "Kamembe", "Gihundwe", "Nkombo", "Mururu", "Nzahaha")


def site_at(folder: Path, port: int, database: str) -> Deployment:
    chosen = Settings(
        instance=folder,
        demo=True,
        database_url=database,
        gateway="twilio",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_tokens=(TOKEN,),
        twilio_from="7788",
        twilio_api_url=f"http://127.0.0.1:{port}",
        redis_url="redis://127.0.0.1:9/0",
        auto_reply=False,
        quiet_from=hour(0),
        quiet_until=hour(0),
        broadcast_second_person=10**9,
        _env_file=None,
    )
    site = Deployment(chosen)
    site.keyring.create_missing()
    schema.upgrade(site.db)
    return site


def bring_in(site: Deployment, people: int, bar: Progress) -> float:
    started, now, list_id = time.perf_counter(), datetime.now(UTC), new_id()
    task = bar.add_task("bringing in", total=people)
    with site.db.transaction() as session:
        session.execute(table(BroadcastList).insert().values(id=list_id, keyword="all", name="all", created_at=now))
    for at in range(0, people, 1000):
        joining = [
            Joining(f"+25078{place:07}", "invented", now, ("rw", "en")[place % 2], SECTORS[place % 6])
            for place in range(at, min(at + 1000, people))
        ]
        with site.db.transaction() as session:
            enrol(session, site, list_id, joining, now)
        bar.advance(task, len(joining))
    return time.perf_counter() - started


def check(site: Deployment, made: str, people: int, bar: Progress) -> float:
    started, task = time.perf_counter(), bar.add_task("checking", total=people)
    with site.db.reading() as session:
        row = campaign.get(session, made)
        found = dry_run(session, site, row, datetime.now(UTC), lambda some: bar.advance(task, some))
    took = time.perf_counter() - started
    assert (found.people, found.blocked) == (people, []), found.blocked
    with site.db.transaction() as session:
        now = site.db.now(session)
        campaign.checked(session, row, found, actor="bench", now=now)
        campaign.approve(session, site, made, actor="bench", typed=people, now=now)
        campaign.schedule(session, site, made, now, actor="bench", now=now)
        campaign.begin_due(session, site, now)
    return took


@dataclass(frozen=True)
class Pace:
    """Texts a second, and milliseconds of processor time a text."""

    rate: float
    cost: float


def bare(site: Deployment, count: int) -> Pace:
    """Send with the same client, as many at a time, and nothing else."""
    gateway, text = site.shelf.get("twilio"), TEXTS["rw"].format(sector="Bugarama", ussd="*778#")
    texts = [OutboundText(new_id(), f"+25078{place:07}", text, 86_400) for place in range(count)]
    step, threads = gateway.per_request, calls.AT_ONCE * posting.AT_ONCE
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda at: gateway.send(texts[at : at + step]), range(0, threads * step, step)))  # connections are open
        started, worked = time.perf_counter(), time.process_time()
        sent = [one for many in pool.map(lambda at: gateway.send(texts[at : at + step]), range(0, count, step)) for one in many]
        took, worked = time.perf_counter() - started, time.process_time() - worked
    lost = sum(one.certainty != "accepted" for one in sent)
    assert lost <= count / 100, f"the fake gateway itself did not answer {lost} of {count}: the machine stood still"
    return Pace(count / took, worked * 1000 / count)


def send(site: Deployment, count: int) -> Pace:
    """Send as the bulk worker does, until so many more have left."""
    with site.db.reading() as session:
        before = done = accepted(session)
    started = looked = time.perf_counter()
    worked = time.process_time()
    with Post(site, Lane.BULK) as post:
        while done < before + count:
            make(site)
            claimed = post.batch()
            if (now := time.perf_counter()) - looked > 0.5 or not claimed:
                looked = now
                with site.db.reading() as session:
                    done = accepted(session)
    took, worked = time.perf_counter() - started, time.process_time() - worked
    with site.db.reading() as session:  # with those that were on their way when there were enough
        done = accepted(session) - before
    return Pace(done / took, worked * 1000 / done)


@dataclass
class Sending:
    """Rounds of the broadcast, and the bare loop before the first and after each."""

    plain: list[Pace]
    ours: list[Pace] = field(default_factory=list)

    def ratio(self, what: str) -> list[float]:
        """Return how each round compares with the bare loops around it, by rate, or by processor time a text; in order of size."""
        beside = [(getattr(a, what) + getattr(b, what)) / 2 for a, b in itertools.pairwise(self.plain)]
        pairs = [(getattr(mine, what), plain) for mine, plain in zip(self.ours, beside, strict=True)]
        return sorted(mine / plain if what == "rate" else plain / mine for mine, plain in pairs)


def sending(site: Deployment, texts: int, bar: Progress) -> Sending:
    task, each = bar.add_task("sending", total=ROUNDS), texts // ROUNDS
    measured = Sending([bare(site, each)])
    for _ in range(ROUNDS):
        measured.ours.append(send(site, each))
        measured.plain.append(bare(site, each))
        bar.advance(task)
    return measured


@dataclass
class Beside:
    """What a broadcast that runs did to others, in seconds, shortest first: alerts to life, and webhooks acknowledged."""

    alerts: list[float]
    quiet: list[float]
    busy: list[float]
    peak: float
    texts: int


def alerts(site: Deployment, folder: Path, count: int, bar: Progress) -> Beside:
    """Let people report while the broadcast goes on."""
    story = folder / "contacts.toml"
    story.write_text("officer = []\n" + SHIPPED.read_text(encoding="utf-8").partition("[[officer]]")[0], encoding="utf-8")
    with site.db.transaction() as session:
        seed(session, site, site.db.now(session), story)
        before = accepted(session)
    chosen = site.settings.model_dump(mode="json") | {"twilio_auth_tokens": [TOKEN]}
    (folder / "settings.json").write_text(json.dumps(chosen))
    words = [sys.executable, __file__, "--settings", str(folder / "settings.json"), "--lane"]
    door = app.bare(site, Spool.of(site.settings))
    inbound.install(door, site)
    client, task = door.test_client(), bar.add_task("alerts", total=count)
    target, rows = "/in/twilio/sms", MESSAGE

    def text(place: int, said: str) -> float:
        fields = {"MessageSid": f"SM{place:032x}", "From": f"+25079{place:07}", "To": "7788", "Body": said}
        body = urlencode(fields).encode()
        signed = sign(TOKEN, signed_bytes(site.settings.public_url + target, form(body))).decode()
        kind, started = "application/x-www-form-urlencoded", time.perf_counter()
        answer = client.post(target, data=body, content_type=kind, headers={"X-Twilio-Signature": signed})
        assert answer.status_code == 200
        return time.perf_counter() - started

    def told() -> dict[str, datetime]:
        first = (
            select(rows.c.case_id, func.min(rows.c.accepted_at).label("at"))
            .where(rows.c.kind == "alert", rows.c.lane == Lane.LIFE)
            .group_by(rows.c.case_id)
        )
        with site.db.reading() as session:
            return {row.case_id: row.at for row in session.execute(first) if row.at}

    quiet = [text(place, "Is the show on today?") for place in range(1_000_000, 1_000_000 + count)]
    lanes = {name: subprocess.Popen([*words, name], stdout=subprocess.PIPE, text=True) for name in ("bulk", "intake", "life")}
    try:
        text(0, DANGER)  # the lanes are awake once this one is told
        until = time.monotonic() + 60
        while not told() and time.monotonic() < until:
            time.sleep(0.2)
        warm, busy = set(told()), []
        for place in range(1, count + 1):
            busy.append(text(place, DANGER))
            bar.advance(task)
            time.sleep(0.25)
        until = time.monotonic() + 60
        while len(told()) <= count and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        for process in lanes.values():
            process.terminate()
    peak = float(lanes["bulk"].communicate()[0].split()[-1])
    left = {case: at for case, at in told().items() if case not in warm}
    with site.db.reading() as session:
        heard = (
            select(rows.c.case_id, INBOX.c.received_at).join(INBOX, INBOX.c.id == rows.c.inbox_id).where(rows.c.direction == "in")
        )
        waited = sorted(
            (left[row.case_id] - row.received_at).total_seconds() for row in session.execute(heard) if row.case_id in left
        )
        many = accepted(session) - before
    assert len(waited) == count, f"{len(waited)} of {count} alerts left within a minute"
    return Beside(waited, sorted(quiet), sorted(busy), peak, many)


def lane(name: str, settings: Path) -> None:
    """Serve one lane until told to end; says its peak of memory then."""

    def end(*_: object) -> None:
        print(highest(), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    site = Deployment(Settings(**json.loads(settings.read_text()), _env_file=None))
    jobs.deployment.cache_clear()
    jobs.load = lambda: site.settings
    while True:
        (jobs.drain_inbox if name == "intake" else jobs.deliver)(name)
        time.sleep(0.1)


def highest() -> float:
    """Return the peak of this process's memory in MB; getrusage would tell of the process that started it as well."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def accepted(session: object) -> int:
    """Return how many texts of the broadcast have left."""
    return session.scalar(select(func.count()).where(MESSAGE.c.broadcast_id.is_not(None), MESSAGE.c.state == "accepted"))


def late(waited: list[float]) -> float:
    """Return the longest wait but for one in a hundred."""
    return waited[min(len(waited) - 1, int(len(waited) * 0.99))]


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--people", type=int, default=100_000)
    reader.add_argument("--latency", type=float, default=0.05, help="seconds until the gateway answers")
    reader.add_argument("--quick", action="store_true", help="10,000 people, 3,000 texts, 40 alerts")
    reader.add_argument("--database", default="", help="a PostgreSQL address; without it SQLite")
    reader.add_argument("--alerts", type=int, default=200, help="reports of danger to life while it runs")
    reader.add_argument("--lane", default="", help=argparse.SUPPRESS)
    reader.add_argument("--settings", type=Path, help=argparse.SUPPRESS)
    reader.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = reader.parse_args()
    logging.getLogger("hotline").setLevel(logging.CRITICAL)  # there is no Redis to ring at
    if chosen.serve:
        serve(chosen.latency)
        return
    if chosen.lane:
        lane(chosen.lane, chosen.settings)
        return
    people, texts, reports = (10_000, 3_000, min(40, chosen.alerts)) if chosen.quick else (chosen.people, 20_000, chosen.alerts)
    words = [sys.executable, __file__, "--serve", "--latency", str(chosen.latency)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server,
        Progress() as bar,
    ):
        try:
            site = site_at(Path(folder), int(server.stdout.readline()), chosen.database)
            brought = bring_in(site, people, bar)
            with site.db.transaction() as session:
                made = campaign.create(
                    session, name="bench", texts=TEXTS, audience=Audience(("all",)), author="bench", now=site.db.now(session)
                )
            checked = check(site, made, people, bar)
            memory = highest()
            measured = sending(site, texts, bar)
            beside = alerts(site, Path(folder), reports, bar) if reports else None
            site.close()
        finally:
            server.kill()
    print(f"people brought in     {people:>9,}  {brought:8.1f} s   {people / brought:,.0f} a second")
    sys.exit(0 if all([*told(people, texts, checked, memory, measured, beside)]) else 1)


def told(people: int, texts: int, checked: float, memory: float, measured: Sending, beside: Beside | None) -> Iterator[bool]:
    """Print a line for each figure that has a bar; yields whether it is held."""

    def line(name: str, number: int | None, figure: str, bar: str, held: bool) -> bool:  # noqa: FBT001  of a line all is told in order
        print(f"{name:<22}{'' if number is None else f'{number:,}':>9}  {figure:>10}   {bar}{'' if held else '   SHORT'}")
        return held

    by_rate, by_cost = measured.ratio("rate"), measured.ratio("cost")
    ratio, cost = statistics.median(by_rate), statistics.median(by_cost)
    plain, ours = (statistics.median(one.rate for one in many) for many in (measured.plain, measured.ours))
    yield line(
        "audience and dry run", people, f"{checked:.1f} s", f"at most {20 * people / 100_000:g} s", checked <= people / 5_000
    )
    yield line("peak while checking", None, f"{memory:.0f} MB", "at most 200 MB", memory <= 200)
    print(f"{'bare loop':<22}{texts:>9,}  {plain:>7.0f} /s   median of {len(measured.plain)}")
    print(f"{'broadcast':<22}{texts:>9,}  {ours:>7.0f} /s   median of {len(measured.ours)}")
    spread = f"of the bare loop, at least 0.8; rounds {by_rate[0]:.2f} to {by_rate[-1]:.2f}"
    yield line("  ratio of the rates", None, f"{ratio:.2f}", spread, ratio >= 0.8)
    print(f"{'  ratio of CPU a text':<31}  {cost:>10.2f}   whatever else the machine does (load {os.getloadavg()[0]:.1f})")
    if beside is None:
        return
    middle, last = statistics.median(beside.alerts), late(beside.alerts)
    with_it = f"p99, at most 2 s; median {middle:.2f} s; {beside.texts:,} texts beside"
    yield line("alerts to life", len(beside.alerts), f"{last:.2f} s", with_it, last <= 2)
    before, meanwhile = late(beside.quiet) * 1000, late(beside.busy) * 1000
    yield line(
        "webhooks meanwhile",
        len(beside.busy),
        f"{meanwhile:.0f} ms",
        f"p99, at most 300 ms; before {before:.0f} ms",
        meanwhile <= 300,
    )
    yield line("peak while sending", None, f"{beside.peak:.0f} MB", "at most 200 MB", beside.peak <= 200)


if __name__ == "__main__":
    main()
