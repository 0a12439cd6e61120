"""The database is stopped, frozen or locked while sixteen connections send: nobody who heard 200 is lost, and nobody waits.

The listener and the clock are real processes, started as the Procfile says; the database is the test's own.
"""

import fcntl
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3

from hotline import schema
from hotline.config import PROJECT, Settings, child_environment
from hotline.deployment import Deployment
from hotline.intake.spool import Spool
from hotline.models import Inbox
from hotline.up import commands
from tests.conftest import PUBLIC_URL, STORES, TWILIO_TOKEN
from tests.journeys.running import answers, free_port, until
from tests.line import signature
from tests.servers import Cluster

pytestmark = [pytest.mark.processes, pytest.mark.faults]

CONNECTIONS = 16
BEFORE, AWAY, AFTER = 2.0, 8.0, 3.0
EVERY = 0.1
SLOWEST = 2.5  # seconds, 99 of 100
EMPTY_WITHIN = 60.0


@dataclass(frozen=True)
class Answer:
    """What one webhook heard, after how many seconds."""

    sid: str
    status: int
    seconds: float
    at: float


@dataclass
class Site:
    """A listener and a clock on an instance of their own."""

    settings: Settings
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        chosen = {
            "HOTLINE_DATABASE_URL": self.settings.database_url,
            "HOTLINE_REDIS_URL": self.settings.redis_url,
            "HOTLINE_PUBLIC_URL": PUBLIC_URL,
            "HOTLINE_TWILIO_AUTH_TOKENS": TWILIO_TOKEN,
            "HOTLINE_BALLAST_MIB": "0",
        }
        environment = child_environment(self.settings) | chosen
        log = (self.settings.instance / "log").open("ab")
        for name in ("web", "clock"):
            words = ["/bin/sh", "-c", commands(self.settings)[name]]
            process = subprocess.Popen(words, cwd=PROJECT, env=environment, stdout=log, stderr=log, start_new_session=True)
            self.processes.append(process)
        log.close()
        until(lambda: answers(f"{self.address}/readyz"), 60, "the listener is up", every=0.1)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.web_port}"

    def close(self) -> None:
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


@dataclass
class Traffic:
    """Sixteen connections, each sending one webhook after the other."""

    address: str
    heard: list[Answer] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        senders = [threading.Thread(target=self._send, args=(number,)) for number in range(CONNECTIONS)]
        for sender in senders:
            sender.start()
        try:
            yield
        finally:
            self._over.set()
            for sender in senders:
                sender.join()

    def _send(self, sender: int) -> None:
        with urllib3.PoolManager(maxsize=1, retries=False, timeout=30) as http:
            for number in range(100_000):
                if self._over.wait(EVERY):
                    return
                self.heard.append(self._one(http, f"SM{sender:04x}{number:028x}"))

    def _one(self, http: urllib3.PoolManager, sid: str) -> Answer:
        fields = {"MessageSid": sid, "From": "+250780000101", "To": "7788", "Body": "Mudufashe"}
        body, target = urlencode(fields).encode(), "/in/twilio/sms"
        signed = {"X-Twilio-Signature": signature(target, body), "Content-Type": "application/x-www-form-urlencoded"}
        started = time.monotonic()
        reply = http.request("POST", self.address + target, body=body, headers=signed)
        return Answer(sid, reply.status, time.monotonic() - started, started)


@contextmanager
def postgresql_is(how: str) -> Iterator[tuple[Settings, Callable[[], None], Callable[[], None]]]:
    cluster = Cluster().make()
    try:
        begin, end = (cluster.stop, cluster.start) if how == "stopped" else (cluster.freeze, cluster.thaw)
        yield Settings(database_url=cluster.url, _env_file=None), begin, lambda: void(end())
    finally:
        cluster.remove()


@contextmanager
def sqlite_is(how: str, instance: Path) -> Iterator[tuple[Settings, Callable[[], None], Callable[[], None]]]:
    """Hold the lock our writers queue on, or SQLite's own, as a backup or a hand at the command line would."""
    handle = os.open(instance / "hotline.db.lock", os.O_RDWR | os.O_CREAT)
    other = sqlite3.connect(instance / "hotline.db", isolation_level=None, check_same_thread=False)
    try:
        if how == "queued":
            begin, end = (lambda: fcntl.flock(handle, fcntl.LOCK_EX)), (lambda: fcntl.flock(handle, fcntl.LOCK_UN))
        else:
            begin, end = (lambda: void(other.execute("BEGIN IMMEDIATE"))), (lambda: void(other.execute("COMMIT")))
        yield Settings(_env_file=None), begin, end
    finally:
        other.close()
        os.close(handle)


def void(_: object) -> None:
    return None


OUTAGES = [
    *(("sqlite", how) for how in ("queued", "locked")),
    *(("postgresql", how) for how in ("stopped", "frozen") if "postgresql" in STORES),
]


@pytest.mark.parametrize(("store", "how"), OUTAGES, ids=lambda word: word)
def test_an_outage_of_the_database_is_not_noticed_by_who_writes_to_us(
    store: str, how: str, tmp_path: Path, redis_url: str, request: pytest.FixtureRequest
) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    if store == "sqlite":
        shutil.copy(request.getfixturevalue("_migrated_file"), instance / "hotline.db")
    outage = sqlite_is(how, instance) if store == "sqlite" else postgresql_is(how)
    with outage as (chosen, begin, end):
        own = {"instance": instance, "spool_folder": instance / "spool", "redis_url": redis_url, "web_port": free_port()}
        settings = chosen.model_copy(update=own)
        deployment, site = Deployment(settings), Site(settings)
        deployment.keyring.create_missing()
        schema.upgrade(deployment.db)
        try:
            site.start()
            heard, began, ended = through(site, begin, end)
            until(lambda: not Spool.of(settings).waiting(), EMPTY_WITHIN - AFTER, "the spool is empty", every=0.1)
            took = time.monotonic() - ended
            stored = inbox(deployment)
        finally:
            site.close()
            deployment.close()
    report(store, how, heard, [one for one in heard if began <= one.at < ended], took)
    promised = {one.sid for one in heard if one.status == 200}
    assert promised - set(stored) == set(), "promised and lost"
    assert len(stored) == len(set(stored))
    assert {one.status for one in heard} == {200}, "nobody was turned away"
    meanwhile = [one.seconds for one in heard if began <= one.at < ended]
    assert len(meanwhile) > 100, "traffic went on"
    assert percentile(meanwhile, 0.99) <= SLOWEST
    assert Spool.of(settings).bad() == []


def through(site: Site, begin: Callable[[], None], end: Callable[[], None]) -> tuple[list[Answer], float, float]:
    """Send before, during and after an outage; returns what was heard and when the outage began and ended."""
    traffic, wait = Traffic(site.address), threading.Event().wait
    with traffic.flowing():
        wait(BEFORE)
        began = time.monotonic()
        begin()
        try:
            wait(AWAY)
            assert Spool.of(site.settings).waiting(), "the spool is in use"
        finally:
            end()
            ended = time.monotonic()
        wait(AFTER)
    return traffic.heard, began, ended


def inbox(deployment: Deployment) -> list[str]:
    with deployment.db.reading() as session:
        return [row.external_id for row in session.query(Inbox.external_id)]


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def report(store: str, how: str, heard: Sequence[Answer], meanwhile: Sequence[Answer], took: float) -> None:
    seconds = [one.seconds for one in meanwhile]
    figures = (
        f"{len(heard)} sent, {len(meanwhile)} meanwhile, p99 {percentile(seconds, 0.99):.2f} s, longest {max(seconds):.2f} s"
    )
    print(f"\n{store} {how}: {figures}, spool empty {took:.1f} s after")  # noqa: T201  seen with -s
