"""What is broken: a hotline of real processes with a PostgreSQL cluster, a Redis and a gateway of its own, and nobody else's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import urllib3
from sqlalchemy import func, select

from hotline.demo import SHIPPED, seed
from hotline.models import Inbox, InboxKind, InboxState, Message, MessageState, table
from tests.faults.harness.traffic import Postbox
from tests.journeys.running import Running, until
from tests.servers import Cluster, RedisServer

TOKEN = "invented-auth-token"
HOUSE = Path(__file__).parents[3]
INBOX, MESSAGE = table(Inbox), table(Message)
# The ladder is tried elsewhere: here nobody answers, and each contact must be paged exactly once.
NEVER_CLIMB = "86400:everyone"


@dataclass
class FakeNetwork:
    """A gateway texts leave by, as a process of its own; its record survives whatever is killed."""

    module: str
    words: Sequence[str]
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> "FakeNetwork":
        """Start it, and learn its address."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, *self.words],
            cwd=HOUSE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"{self.module} did not start"
        return self

    def control(self, **change: str) -> None:
        """Change what it does: `faults` and `callbacks`, shares in per cent."""
        with urllib3.PoolManager(timeout=10) as http:
            assert http.request("POST", f"{self.url}/control", body=json.dumps(change)).status < 300

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def close(self) -> None:
        """End it, also while it is stopped."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@dataclass
class World:
    """One hotline on one database, with everything around it."""

    store: str
    running: Running
    redis: RedisServer
    network: FakeNetwork
    record: Path
    cluster: Cluster | None
    post: Postbox

    def settle(self, seconds: float, *, within: float = 5.0) -> None:
        """Wait until every text is read and none leaves `within` so many seconds; the accounting shows what then still waits."""
        with suppress(TimeoutError):
            until(lambda: not self._busy(within), seconds, "everything is read and sent", every=0.2)

    def _busy(self, within: float) -> bool:
        unread = select(INBOX.c.id).where(
            INBOX.c.state.in_((InboxState.RECEIVED, InboxState.CLAIMED)), INBOX.c.kind == InboxKind.SMS
        )
        due = MESSAGE.c.due_at < datetime.now(UTC) + timedelta(seconds=within)
        unsent = select(MESSAGE.c.id).where(MESSAGE.c.state.in_((MessageState.QUEUED, MessageState.CLAIMED)), due)
        with self.running.site.db.reading() as session:
            return any(session.execute(query.limit(1)).first() is not None for query in (unread, unsent))

    def stored(self) -> int:
        """Return how many texts the inbox holds."""
        with self.running.site.db.reading() as session:
            return session.scalar(select(func.count()).select_from(INBOX).where(INBOX.c.kind == InboxKind.SMS)) or 0

    def spooled(self) -> int:
        """Return how many texts wait in the spool for the database."""
        return sum(1 for _ in (self.running.instance / "spool").glob("*.row"))

    # ---- breaking it

    def kill(self, *pids: int) -> int:
        """Kill processes, and return how many there were."""
        return self.send(signal.SIGKILL, *pids)

    def send(self, number: int, *pids: int) -> int:
        """Send a signal to processes, and return how many there were."""
        reached = 0
        for pid in pids:
            if pid > 1:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                    reached += 1
        return reached


@contextmanager
def world(store: str, seed_of_network: int, base: Path | None = None, **chosen: str) -> Iterator[World]:
    """Yield a running hotline, and end every process and take every file away however the block ends.

    `base` is the disk that holds its files; the gateway's record lies elsewhere, for that disk may be full.
    """
    outside, folder = (Path(tempfile.mkdtemp(prefix="hotline-faults-", dir=disk)) for disk in (None, base))
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="hotline-cluster-", dir=base))) if store == "postgresql" else None
    redis = RedisServer(folder / "redis")
    running = Running(folder / "site", demo=False)
    record = outside / "taken.jsonl"
    network = FakeNetwork("tests.fakes.gateway", _words(record, running.web, seed_of_network))
    second = FakeNetwork("tests.fakes.smsbox", ["--record", str(record)])
    try:
        redis.folder.mkdir()
        running.redis_url = redis.start().url
        if cluster is not None:
            running.database_url = cluster.make().url
        running.settings = _chosen(network.start(), second.start(), running) | chosen
        _prepare(running)
        running.start().until_ready(90)
        yield World(store, running, redis, network, record, cluster, Postbox(running.site))
    finally:
        with undisturbed():
            running.close()
            for server in (network, second, redis):
                server.close()
            if cluster is not None:
                cluster.remove()
            for left in (outside, folder):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let nothing end us for as long as we clean up."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def small_disk(size: str = "400m") -> Iterator[Path]:
    """Yield a disk of its own that may be filled. Raises PermissionError where we may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-disk-"))
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", folder], check=False)
        if mounted.returncode:
            raise PermissionError("only root may mount a small disk")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=False)
    finally:
        folder.rmdir()


def _words(record: Path, deliver_to: str, seed_of_network: int) -> list[str]:
    words = {"record": record, "deliver-to": deliver_to, "seed": seed_of_network, "token": TOKEN}
    return [word for name, value in words.items() for word in (f"--{name}", str(value))]


def _chosen(network: FakeNetwork, second: FakeNetwork, running: Running) -> dict[str, str]:
    return {
        "gateway": "twilio",
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_tokens": TOKEN,
        "twilio_from": "7788",
        "twilio_api_url": network.url,
        "second_gateway": "kannel",
        "kannel_send_url": f"{second.url}/cgi-bin/sendsms",
        "kannel_username": "hotline",
        "kannel_password": TOKEN,
        "kannel_from": "7788",
        "hook_secrets": "invented-for-tests-and-long-enough-to-pass",
        "public_url": running.web,
        "ladder_life": NEVER_CLIMB,
        "ladder_normal": NEVER_CLIMB,
    }


def _prepare(running: Running) -> None:
    """Make keys, tables and the invented contacts; no officers, whose passwords take a second each to hash."""
    running.folder.mkdir(exist_ok=True)
    made = running.command("migrate")
    assert made.returncode == 0, made.stdout + made.stderr
    story = running.folder / "contacts.toml"
    story.write_text("officer = []\n" + SHIPPED.read_text(encoding="utf-8").partition("[[officer]]")[0], encoding="utf-8")
    with running.site.db.transaction() as session:
        seed(session, running.site, running.site.db.now(session), story)
