"""A broadcast while workers, clock, Redis and database are killed at random points: nobody gets it twice, and the sum holds.

Two gateways share it, and now and then one asks to wait or fails after it has sent. The processes are real.
Figures are printed; see them with -s.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from datetime import time as hour
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from hotline import schema
from hotline.broadcasts import campaign
from hotline.broadcasts.audience import Audience
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastState, Message, MessageState, Subscriber, table
from tests.broadcasts.casting import TEXTS, check, fill, number, start
from tests.fakes.gateway import FakeGateway
from tests.faults.crew import Workers, gateways, taken
from tests.line import in_three_sizes
from tests.servers import Cluster, RedisServer, program, until

__all__ = ["gateways"]
pytestmark = [pytest.mark.processes]

MESSAGE = table(Message)
BATCH, AT_ONCE, WORKERS = 50, 4, 2
OVER = (BroadcastState.DONE, BroadcastState.STOPPED)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster | None]:
    """A PostgreSQL that may be killed, or SQLite, which dies with whoever writes."""
    if request.param == "sqlite":
        yield None
        return
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    made = Cluster().make()
    yield made
    made.remove()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    made = RedisServer(folder).start()
    yield made
    made.close()


@pytest.fixture
def workers(tmp_path: Path, cluster: Cluster | None, redis: RedisServer, gateways: dict[str, FakeGateway]) -> Iterator[Workers]:
    chosen = Settings(
        instance=(tmp_path / "instance").resolve(),
        demo=True,
        database_url=cluster.url if cluster else "",
        redis_url=redis.url,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_tokens=("invented-auth-token",),
        twilio_from="7788",
        gateway="twilio",
        broadcast_gateways=("twilio", "simulator"),
        gateway_rates=("twilio:2000", "simulator:1000"),
        twilio_api_url=gateways["twilio"].url,
        simulator_url=gateways["simulator"].url,
        clock_seconds=1.0,
        lease_seconds=5,
        deliver_batch=BATCH,
        breaker_percent=101,
        quiet_from=hour(0),
        quiet_until=hour(0),
        ballast_mib=0,
        _env_file=None,
    )
    chosen.instance.mkdir()
    site = Deployment(chosen)
    schema.upgrade(site.db)
    site.keyring.create_missing()
    made = Workers(site, tmp_path)
    yield made
    made.close()
    site.close()


def state(site: Deployment, broadcast_id: str) -> str:
    """Return a broadcast's state; nothing while the database is away."""
    with suppress(SQLAlchemyError), site.db.reading() as session:
        return str(session.scalar(select(Broadcast.state).where(Broadcast.id == broadcast_id)))
    return ""


def hold_and_go_on(site: Deployment, broadcast_id: str) -> None:
    """Pause it for a moment, as somebody at the desk would."""
    for act in (campaign.pause, campaign.resume):
        with suppress(SQLAlchemyError, campaign.Refused), site.db.transaction() as session:
            act(session, broadcast_id, actor="paul", now=site.db.now(session))
        time.sleep(0.1)


@pytest.mark.parametrize("size", in_three_sizes((200, 3), (3000, 25), (20_000, 100)), ids=str)
def test_whatever_is_killed_nobody_gets_a_broadcast_twice_and_the_sum_holds(
    workers: Workers,
    gateways: dict[str, FakeGateway],
    redis: RedisServer,
    cluster: Cluster | None,
    tmp_path: Path,
    size: tuple[int, int],
) -> None:
    site, chance, (people, kills) = workers.site, random.Random(8), size
    for gateway in gateways.values():
        gateway.plan.weigh("500-sent:1,reset-sent:1" + (",429:1" if people > 1000 else ""))  # who must wait, waits 15 s
    fill(site, "everybody", map(number, range(people)), datetime.now(UTC), language="rw")
    with site.db.transaction() as session:
        made = campaign.create(
            session, name="x", texts=TEXTS, audience=Audience(("everybody",)), author="jeanne", now=site.db.now(session)
        )
    check(site, made, datetime.now(UTC))
    start(site, made, datetime.now(UTC))
    lanes = [f"bulk-{place}" for place in range(WORKERS)]
    workers.start(*lanes, "clock")
    until(lambda: taken(tmp_path, "to"), 30, "they are at work")
    done = 0
    while done < kills and state(site, made) not in OVER:
        time.sleep(chance.uniform(0.05, 0.6))
        victim = chance.choice([*lanes, *lanes, "clock", "redis", "hold", *(["database"] if cluster else [])])
        if victim == "redis":
            redis.kill()
            time.sleep(chance.uniform(0, 0.5))
            redis.start()
        elif victim == "database" and cluster:
            cluster.stop()
            time.sleep(chance.uniform(0, 0.5))
            cluster.start()
        elif victim == "hold":
            hold_and_go_on(site, made)
        else:
            workers.kill(victim)
        done += 1
        revive(workers)
    until(lambda: revive(workers) or state(site, made) in OVER, 120 + people / 20, "it is over", every=0.5)

    copies = taken(tmp_path, "to")
    with site.db.reading() as session:
        mine = MESSAGE.c.broadcast_id == made
        counted = select(MESSAGE.c.state, func.count()).where(mine).group_by(MESSAGE.c.state)
        fates = Counter({row[0]: row[1] for row in session.execute(counted)})
        assert session.scalar(select(func.count(MESSAGE.c.subscriber_id.distinct())).where(mine)) == people
        assert session.scalar(select(func.count()).select_from(Subscriber)) == people
    print(f"\n{people} people, {done} kills: {dict(fates)}, {sum(copies.values())} texts")  # noqa: T201  seen with -s
    assert [one for one, times in copies.items() if times > 1] == []
    assert sum(fates.values()) == people
    assert set(fates) <= {MessageState.ACCEPTED, MessageState.UNKNOWN, MessageState.DEAD, MessageState.FAILED}
    assert fates[MessageState.ACCEPTED] <= sum(copies.values()) <= fates[MessageState.ACCEPTED] + fates[MessageState.UNKNOWN]
    in_flight = BATCH * AT_ONCE * WORKERS
    assert fates[MessageState.UNKNOWN] <= in_flight * done + people * 0.08, (
        "what was in flight, and what gateways were silent about"
    )


def revive(workers: Workers) -> None:
    """Start again whatever has ended, as the machine's supervisor would."""
    for name, process in list(workers.running.items()):
        if process.poll() is not None:
            workers.start(name)
