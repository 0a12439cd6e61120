"""The acts of a run: while texts come in, one thing after another is killed, stopped, flushed, hung or filled, and comes back.

Each act returns what it did and what it measured on the spot; what became of the texts is asked of the rows at the end.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import takewhile
from threading import Event

from hotline.simulator.replay import percentile
from tests.faults.harness.accounting import CALM
from tests.faults.harness.arriving import forged, repeated, wrong_token
from tests.faults.harness.breaking import (
    crashed,
    fill,
    found_by,
    frozen,
    spool_empty,
    supervisor_killed,
    turn_taken,
    working,
    written_by_another,
)
from tests.faults.harness.dying import deadly_steps, deadly_texts
from tests.faults.harness.facts import Act
from tests.faults.harness.parts import World
from tests.faults.harness.stage import Stage
from tests.faults.harness.traffic import NASTY, nasty
from tests.journeys.running import answers, until

FAULTS = "429:2,500:2,502:2,500-sent:3,reset:2,reset-sent:3,garbage-sent:3,garbage:2,hang-sent:1,slow:1"


def calm(stage: Stage) -> Act:
    """Nothing is done: how long an alert takes then is what delays are compared with."""
    stage.post(CALM, stage.letters(60), 10, lambda _: [])
    return Act(CALM, "nothing", 1)


def nasty_texts(stage: Stage) -> Act:
    """Texts that have broken others."""
    before = stage.world.post.answers.copy()
    stage.post("T-BAD-1", nasty(stage.world.running.site, 3 * (len(NASTY) + 1)), 20, lambda _: [])
    worse = stage.world.post.answers - before
    failed = sum(number for status, number in worse.items() if not status.startswith("2"))
    return Act("T-BAD-1", "NUL, broken UTF-8, 30 KB, markup", 1, measured={"5xx": failed})


def web_killed(stage: Stage) -> Act:
    """`kill -9` every two seconds: a web worker, and every fourth time their parent."""
    world, running = stage.world, stage.world.running
    workers, parents = [], []

    def injure(done: Event) -> list[datetime]:
        while not done.wait(2):
            if not answers(f"{running.web}/livez"):
                continue
            parent = running.leader("web")
            found = running.children("web")
            victims = parents if not found or len(workers) >= 3 * (len(parents) + 1) else workers
            if world.kill(parent if victims is parents else stage.chance.choice(found)):
                victims.append(datetime.now(UTC))
        return [*workers, *parents]

    moments = stage.post("T-IN-1", stage.mixed(stage.plan.texts), stage.plan.rate, injure)
    return Act("T-IN-1", f"kill -9: {len(workers)} web workers, {len(parents)} web parents", len(moments), tuple(moments))


def store_away(stage: Stage) -> Act:
    """The database is stopped at 30 % of the load and started at 60 %; then it hangs for twenty seconds."""
    world, away = stage.world, stage.world.post
    spans: list[tuple[datetime, datetime]] = []
    emptied: list[float | None] = []

    def broken(
        how: Callable[[World], AbstractContextManager[None]], first: float, last: float
    ) -> Callable[[Event], list[datetime]]:
        def injure(done: Event) -> list[datetime]:
            done.wait(first)
            with how(world):
                started = datetime.now(UTC)
                stage.pause(last)
            spans.append((started, datetime.now(UTC)))
            emptied.append(spool_empty(world))
            return [started]

        return injure

    stopped, hung = (crashed, frozen) if world.cluster else (written_by_another, turn_taken)
    moments = stage.post("T-IN-2", stage.mixed(400), 20, broken(stopped, 6, 6))
    moments += stage.post("T-IN-2", stage.mixed(480), 20, broken(hung, 2, 20))
    waits = [text.seconds for text in away.acked if text.act == "T-IN-2" and any(a <= text.at <= b for a, b in spans)]
    measured = {"acked while away": float(len(waits))}
    measured |= {"ack p99": p99} if (p99 := percentile(waits, 0.99)) is not None else {}
    measured |= {"spool empty after": max(emptied)} if None not in emptied else {}
    what = "stopped for 6 s, hung for 20 s" if world.cluster else "write lock held for 6 s, file lock for 20 s"
    return Act("T-IN-2", what, len(moments), tuple(moments), measured)


def bell_lost(stage: Stage) -> Act:
    """Redis is emptied every five seconds, and then it is gone."""
    world, gone = stage.world, stage.plan.redis_gone

    def injure(done: Event) -> list[datetime]:
        moments = []
        for _ in range(3):
            done.wait(5)
            world.redis.ask("FLUSHALL")
            moments.append(datetime.now(UTC))
        world.redis.kill()
        stage.pause(gone)
        world.redis.start()
        return [*moments, datetime.now(UTC)]

    moments = stage.post("T-Q-1", stage.letters(stage.plan.pace * (20 + gone)), stage.plan.pace, injure)
    return Act("T-Q-1", f"FLUSHALL {len(moments) - 1} times, then gone for {gone:.0f} s", len(moments), tuple(moments))


def bell_full(stage: Stage) -> Act:
    """Redis has no room left: every write is refused."""
    redis = stage.world.redis

    def injure(done: Event) -> list[datetime]:
        redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        started = datetime.now(UTC)
        done.wait(30)
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        return [started]

    moments = stage.post("T-Q-4", stage.letters(100), 10, injure)
    return Act("T-Q-4", "maxmemory 1, noeviction, for 10 s", len(moments), tuple(moments))


def workers_die(stage: Stage) -> Act:
    """Every kind of worker dies, wherever it can in the midst of a send; one is stopped for thirty seconds and goes on."""
    world, running, over = stage.world, stage.world.running, Event()
    world.network.control(faults="slow:4")

    def victims() -> Iterator[Callable[[], list[int]]]:
        for lane in ("life", "intake"):
            yield lambda lane=lane: working(world, lane)[1:]
            yield lambda lane=lane: working(world, lane)[:1]
            yield lambda lane=lane: working(world, lane)
        yield lambda: working(world, "reply")
        yield lambda: [running.leader("clock")]

    def injure(_: Event) -> list[datetime]:
        try:
            return kill_all()
        finally:
            over.set()

    def kill_all() -> list[datetime]:
        moments = []
        for find in victims():
            if world.kill(*found_by(stage, find)):
                moments.append(datetime.now(UTC))
            stage.pause(1)
        moments.append(supervisor_killed(world))
        stopped = found_by(stage, lambda: working(world, "life"))
        world.send(signal.SIGSTOP, *stopped)
        moments.append(datetime.now(UTC))
        stage.pause(30)
        world.send(signal.SIGCONT, *stopped)
        return moments

    texts = takewhile(lambda _: not over.is_set(), stage.letters(1_000, life=True))
    moments = stage.post("T-Q-2", texts, 2, injure)
    world.network.control(faults="")
    world.settle(stage.plan.settle)
    what = "kill -9: job, parent, both; clock; supervisor; 30 s stopped"
    return Act("T-Q-2", what, len(moments), tuple(moments))


def gateway_fails(stage: Stage) -> Act:
    """The gateway fails one text in five, in ten ways; receipts come shuffled, doubled, late or never."""
    network = stage.world.network
    network.control(faults=FAULTS, callbacks="shuffle:50,double:20,late:5,never:5,bad:5")
    stage.post("T-OUT", stage.letters(150), 10, lambda _: [], settle=False)
    network.control(faults="", callbacks="never")
    return Act("T-OUT", "gateway fails in ten ways", 1)


def gateway_gone(stage: Stage) -> Act:
    """The first gateway hangs for twenty seconds: it takes connections and answers nothing."""
    network = stage.world.network

    def injure(done: Event) -> list[datetime]:
        done.wait(2)
        network.send(signal.SIGSTOP)
        started = datetime.now(UTC)
        stage.pause(20)
        network.send(signal.SIGCONT)
        return [started]

    moments = stage.post("T-OUT-3", stage.letters(40, life=True), 2, injure, settle=False)
    return Act("T-OUT-3", "first gateway hung for 20 s", len(moments), tuple(moments))


def disk_full(stage: Stage) -> Act:
    """The disk of data and spool is filled to the last byte; once the ballast was given up, again; then it has room."""
    world = stage.world
    filler = world.running.folder / "filler"

    def injure(done: Event) -> list[datetime]:
        moments = []
        for _ in range(2):
            done.wait(2)
            fill(filler)
            moments.append(datetime.now(UTC))
            done.wait(6)
        filler.unlink()
        if world.cluster is not None:
            world.cluster.revive()
        return moments

    moments = stage.post("T-IN-4", stage.letters(500), 20, injure)
    until(lambda: not world.spooled(), stage.plan.settle, "the spool is empty")
    refused = sum(number for status, number in world.post.answers.items() if status == "503")
    measured = {"acked while full": float(sum(moments[0] <= text.at <= moments[-1] for text in world.post.acked))}
    what = f"disk filled twice, {refused} times 503"
    return Act("T-IN-4", what, len(moments), tuple(moments), measured)


# What a gateway failed goes again within minutes; meanwhile go on those acts in which nobody's waiting for an alert is measured.
FAILING = (gateway_fails, web_killed, store_away)
ARRIVING = (nasty_texts, forged, wrong_token, repeated)
ACTS = (calm, *ARRIVING, *FAILING, bell_lost, bell_full, gateway_gone, workers_die)
# Two databases share one machine: while the texts of one use it up, the other waits for its Redis.
OTHERWISE = (calm, *ARRIVING, bell_lost, bell_full, *FAILING, gateway_gone, workers_die)
ORDER = {"sqlite": ACTS, "postgresql": OTHERWISE}
# Acts that happen outside the hotline on the stage, each beside one that mostly waits.
BESIDE = {bell_lost: deadly_steps, gateway_gone: deadly_texts}
DISK_ACTS = (disk_full,)
