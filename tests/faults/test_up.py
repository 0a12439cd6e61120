"""`hotline up`: ends everything it started, keeps what was stored, and cleans up after a supervisor that was killed."""

import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from hotline.models import Case
from tests.journeys.ledger import Post, invented, kept, owed
from tests.journeys.running import Running, until

pytestmark = [pytest.mark.processes, pytest.mark.faults]

TEXTS = 30
PROMISED = 60.0


def handles(running: Running) -> set[str]:
    with running.site.db.reading() as session:
        return set(session.scalars(select(Case.handle)))


def health(running: Running) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code of the doctor, and its lines that are not well."""
    asked = running.command("doctor", "--json")
    return asked.returncode, {line["what"]: line for line in json.loads(asked.stdout) if line["health"] == "broken"}


def alive(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def said(running: Running) -> str:
    return running.log.read_text(encoding="utf-8", errors="replace")


def told(running: Running, texts: int) -> float:
    """Send texts; return how many seconds after the last one was taken everybody had been told."""
    post = Post(running.site)
    post.send(invented(texts))
    took = until(lambda: not owed(running.site, post.sent), PROMISED, "everything is told", every=0.1)
    assert len(kept(running.site, post.sent)) == texts
    return took


def test_ctrl_c_ends_every_process_and_the_next_run_has_every_case(own: Running, tmp_path: Path) -> None:
    own.start().until_ready()
    assert (own.instance / "hotline.db").exists() is (not own.database_url)
    told(own, TEXTS)
    until(lambda: health(own)[0] == 0, 20, "the clock has gone round")
    second = own.command("up", "--demo")
    assert second.returncode != 0
    assert "Another `hotline up`" in second.stderr
    before, every = handles(own), own.processes()
    assert len(before) == TEXTS
    assert own.ended(signal.SIGINT) == 0
    assert own.processes() == {}
    assert alive(every) == []
    assert "Traceback" not in said(own)
    says_what_is_broken(own)
    names_what_was_refused(own, tmp_path)

    own.start().until_ready()
    assert handles(own) == before
    assert own.command("audit", "verify").returncode == 0
    assert own.ended(signal.SIGHUP) == 0, "a closed terminal ends it as well"
    assert own.processes() == {}
    names_the_row_that_was_changed(own)


def says_what_is_broken(down: Running) -> None:
    with down.site.db.transaction() as session:
        session.execute(text("UPDATE counter SET value = value - 60 WHERE name = 'clock.beat'"))
    code, broken = health(down)
    assert code == 1
    assert {"redis", "clock"} <= broken.keys()
    assert "hotline up" in broken["redis"]["fix"]
    assert "workers.clock" in broken["clock"]["fix"]


def names_what_was_refused(down: Running, folder: Path) -> None:
    lines = folder / "two.jsonl"
    lines.write_text('{"id": "a1", "text": "hello"}\n{"id": "a2", "text": "help us"}\n')
    replayed = down.command("sim", "replay", str(lines), "--json")
    assert replayed.returncode == 1
    assert json.loads(replayed.stdout)["failed"] == ["a1", "a2"]


def names_the_row_that_was_changed(down: Running) -> None:
    with down.site.db.transaction() as session:
        session.execute(text("UPDATE audit_event SET actor = 'somebody else' WHERE seq = 1"))
    verified = down.command("audit", "verify")
    assert verified.returncode == 1
    assert "row 1" in verified.stderr


def test_a_killed_supervisor_stops_nothing_and_the_next_one_ends_what_it_left(own: Running) -> None:
    own.start().until_ready()
    assert own.process is not None
    own.process.kill()
    own.process.wait(10)
    left = own.processes()
    took = told(own, TEXTS)
    print(f"\nsupervisor: {TEXTS} texts without it, all told {took:.1f} s later")  # noqa: T201  seen with -s
    assert alive(left) == sorted(left), "nobody has ended, and nobody was there to start them again"
    own.start().until_ready()
    assert alive(left) == []
    assert "Traceback" not in said(own)
    told(own, 4)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_redis_that_was_named_is_used_and_it_works_on_when_nobody_reads_what_it_prints(own: Running, redis_url: str) -> None:
    own.redis_url = redis_url
    reading, writing = os.pipe()
    own.start(printing_to=writing)
    os.close(writing)
    os.read(reading, 64)
    os.close(reading)  # as `hotline up | head` does
    own.until_ready()
    assert own.leader("redis") == 0
    assert not (own.instance / "redis.sock").exists()
    told(own, TEXTS)
    assert own.ended() == 0
    assert own.processes() == {}
