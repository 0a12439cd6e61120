"""A broadcast to 100,000 people: bringing them in, counting and checking every row, and sending, beside the same client in a bare loop.

    python benchmarks/broadcast.py [--quick] [--people 100000] [--latency 0.05] [--alerts 200]

With `--alerts` that many people report a danger to life while the broadcast runs on, each lane a process of its own that polls, as
without Redis; what is told is how long after its report an alert was with the gateway.

Prints one table. The gateway is a fake on loopback in a process of its own that answers after a fixed time, as one far away does.
The bare loop is the same gateway client with as many threads and no database; the ratio of the two rates in one run is what counts.
Memory is the peak of the process that checks. All people and numbers are invented.
"""

import argparse
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from datetime import time as hour
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

from rich.progress import Progress
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
INBOX = table(Inbox)
TOKEN = "invented-auth-token"
DANGER = "They locked me in a house in Kamembe, madam took my passport, help me now"
SECTORS = ("Bugarama", "Kamembe", "Gihundwe", "Nkombo", "Mururu", "Nzahaha")


class Slow(BaseHTTPRequestHandler):
    """Takes texts as Twilio does, one a request, after a while."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency = 0.05
    numbers = itertools.count()

    def do_POST(self) -> None:
        """Take one."""
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.latency)
        answer = b'{"sid": "SM%032x", "status": "queued"}' % next(self.numbers)
        self.wfile.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def serve(latency: float) -> None:
    Slow.latency = latency
    server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 256, "daemon_threads": True})(("127.0.0.1", 0), Slow)
    print(server.server_port, flush=True)
    server.serve_forever()


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


def bare(site: Deployment, count: int) -> tuple[float, float]:
    """Send with the same client, as many at a time, and nothing else. Returns texts a second, and milliseconds of CPU a text."""
    gateway, text = site.shelf.get("twilio"), TEXTS["rw"].format(sector="Bugarama", ussd="*778#")
    texts = [OutboundText(new_id(), f"+25078{place:07}", text, 86_400) for place in range(count)]
    step, threads = gateway.per_request, calls.AT_ONCE * posting.AT_ONCE
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda at: gateway.send(texts[at : at + step]), range(0, threads * step, step)))  # connections are open
        started, worked = time.perf_counter(), time.process_time()
        for sent in pool.map(lambda at: gateway.send(texts[at : at + step]), range(0, count, step)):
            assert sent[0].certainty == "accepted", sent
        return count / (time.perf_counter() - started), (time.process_time() - worked) * 1000 / count


def send(site: Deployment, count: int, bar: Progress) -> tuple[float, float]:
    """Send as the bulk worker does, until so many have left. Returns the same."""
    task, done, started = bar.add_task("sending", total=count), 0, time.perf_counter()
    looked, worked = started, time.process_time()
    with Post(site, Lane.BULK) as post:
        while done < count:
            make(site)
            claimed = post.batch()
            if (now := time.perf_counter()) - looked > 0.5 or not claimed:
                looked = now
                with site.db.reading() as session:
                    done = accepted(session)
                bar.update(task, completed=done)
    took, worked = time.perf_counter() - started, time.process_time() - worked
    with site.db.reading() as session:  # with those that were on their way when there were enough
        done = accepted(session)
    return done / took, worked * 1000 / done


def alerts(site: Deployment, folder: Path, count: int, bar: Progress) -> tuple[list[float], float, int]:
    """Let people report while the broadcast goes on. Returns seconds until each alert left, the bulk lane's peak, and its texts."""
    story = folder / "contacts.toml"
    story.write_text("officer = []\n" + SHIPPED.read_text(encoding="utf-8").partition("[[officer]]")[0], encoding="utf-8")
    with site.db.transaction() as session:
        seed(session, site, site.db.now(session), story)
        before = accepted(session)
    chosen = site.settings.model_dump(mode="json") | {"twilio_auth_tokens": [TOKEN]}
    (folder / "settings.json").write_text(json.dumps(chosen))
    words = [sys.executable, __file__, "--settings", str(folder / "settings.json"), "--lane"]
    lanes = {name: subprocess.Popen([*words, name], stdout=subprocess.PIPE, text=True) for name in ("bulk", "intake", "life")}
    door = app.bare(site, Spool.of(site.settings))
    inbound.install(door, site)
    client, task = door.test_client(), bar.add_task("alerts", total=count)
    target, rows = "/in/twilio/sms", table(Message)

    def report(place: int) -> None:
        fields = {"MessageSid": f"SM{place:032x}", "From": f"+25079{place:07}", "To": "7788", "Body": DANGER}
        body = urlencode(fields).encode()
        signed = sign(TOKEN, signed_bytes(site.settings.public_url + target, form(body))).decode()
        kind = "application/x-www-form-urlencoded"
        assert client.post(target, data=body, content_type=kind, headers={"X-Twilio-Signature": signed}).status_code == 200

    def told() -> dict[str, datetime]:
        first = (
            select(rows.c.case_id, func.min(rows.c.accepted_at).label("at"))
            .where(rows.c.kind == "alert")
            .group_by(rows.c.case_id)
        )
        with site.db.reading() as session:
            return {row.case_id: row.at for row in session.execute(first) if row.at}

    try:
        report(0)  # the lanes are awake once this one is told
        until = time.monotonic() + 60
        while not told() and time.monotonic() < until:
            time.sleep(0.2)
        warm = set(told())
        for place in range(1, count + 1):
            report(place)
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
    assert len(waited) == count, f"{len(waited)} of {count} alerts left"
    return waited, peak, many


def lane(name: str, settings: Path) -> None:
    """Serve one lane until told to end; says its peak of memory then."""

    def end(*_: object) -> None:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    site = Deployment(Settings(**json.loads(settings.read_text()), _env_file=None))
    jobs.deployment.cache_clear()
    jobs.load = lambda: site.settings
    while True:
        (jobs.drain_inbox if name == "intake" else jobs.deliver)(name)
        time.sleep(0.1)


def accepted(session: object) -> int:
    rows = table(Message)
    return session.scalar(select(func.count()).where(rows.c.broadcast_id.is_not(None), rows.c.state == "accepted"))


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--people", type=int, default=100_000)
    reader.add_argument("--latency", type=float, default=0.05, help="seconds until the gateway answers")
    reader.add_argument("--quick", action="store_true", help="10,000 people, 3,000 texts")
    reader.add_argument("--database", default="", help="a PostgreSQL address; without it SQLite")
    reader.add_argument("--alerts", type=int, default=0, help="reports of danger to life while it runs")
    reader.add_argument("--lane", default="", help=argparse.SUPPRESS)
    reader.add_argument("--settings", type=Path, help=argparse.SUPPRESS)
    reader.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = reader.parse_args()
    if chosen.serve:
        serve(chosen.latency)
        return
    if chosen.lane:
        lane(chosen.lane, chosen.settings)
        return
    people = 10_000 if chosen.quick else chosen.people
    texts = 3_000 if chosen.quick else 20_000
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
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            plain, costs = bare(site, texts)
            sent, cost = send(site, texts, bar)
            again, costs_again = bare(site, texts)
            waited, peak, beside = alerts(site, Path(folder), chosen.alerts, bar) if chosen.alerts else ([], 0, 0)
            site.close()
        finally:
            server.kill()
    print(f"people brought in      {people:>9,}   {brought:7.1f} s   {people / brought:9,.0f} a second")
    print(f"audience and dry run   {people:>9,}   {checked:7.1f} s   at most 20 s for 100,000")
    print(f"peak memory                        {memory:7.0f} MB  at most 200 MB")
    print(f"bare loop              {texts:>9,}   {plain:7.0f} /s  before, {again:.0f} /s after")
    print(f"broadcast              {texts:>9,}   {sent:7.0f} /s  {sent / ((plain + again) / 2):.2f} of the bare loop")
    apiece = (costs + costs_again) / 2
    print(
        f"CPU a text             {texts:>9,}   {cost:7.2f} ms  the bare loop {apiece:.2f} ms: {apiece / cost:.2f}, whatever else the machine does"
    )
    if waited:
        p50, p99 = waited[len(waited) // 2], waited[min(len(waited) - 1, int(len(waited) * 0.99))]
        print(
            f"alerts to life meanwhile {len(waited):>7,}   {p50:7.2f} s   median; p99 {p99:.2f} s, at most 2 s; {beside:,} texts beside"
        )
        print(f"peak memory of the bulk lane       {peak:7.0f} MB  at most 200 MB")


if __name__ == "__main__":
    main()
