"""Real worker processes and two gateways: one is dead, or the workers are killed. Figures are printed; see them with -s."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Attempt, Lane, Message, MessageKind, MessageState, table
from hotline.outbound.compose import Draft
from tests.fakes import faults as fake
from tests.fakes.gateway import FakeGateway
from tests.faults.crew import Workers, gateways, taken
from tests.journeys.running import free_port, until
from tests.line import Line, fill_directory
from workers import jobs

__all__ = ["gateways"]
pytestmark = [pytest.mark.processes, pytest.mark.faults]

LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
PROMISED = 45.0
QUEUED = (MessageState.QUEUED, MessageState.CLAIMED)


@pytest.fixture
def workers(settings: Settings, deployment: Deployment, gateways: dict[str, FakeGateway], tmp_path: Path) -> Iterator[Workers]:
    chosen = {
        "gateway": "twilio",
        "second_gateway": "simulator",
        "twilio_api_url": gateways["twilio"].url,
        "simulator_url": gateways["simulator"].url,
        "instance": settings.instance.resolve(),
        "redis_url": "redis://127.0.0.1:9/0",
        "clock_seconds": 1.0,
        "lease_seconds": 5,
        "breaker_percent": 101,
    }
    deployment.settings = settings.model_copy(update=chosen)
    fill_directory(deployment, settings.instance)
    made = Workers(deployment, tmp_path)
    yield made
    made.close()


def reported(site: Deployment, times: int = 1) -> Line:
    """Let people report dangers to life, at this very moment, with no worker awake."""
    line = Line(site, now=datetime.now(UTC))
    for number in range(times):
        line.text(f"+25078{4_000_000 + number}", LOCKED_IN)
    while jobs.drain_batch(site):
        pass
    del site.db.__dict__["now"]
    return line


def states(site: Deployment, kind: MessageKind, lane: Lane) -> list[tuple[str, str]]:
    with site.db.reading() as session:
        found = select(Message.id, Message.state).where(Message.kind == kind, Message.lane == lane)
        return [(row.id, row.state) for row in session.execute(found)]


DEAD: dict[str, Callable[[FakeGateway], object]] = {
    "hangs": lambda gateway: gateway.plan.weigh("hang"),
    "takes and hangs": lambda gateway: gateway.plan.weigh("hang-sent"),
    "429": lambda gateway: gateway.plan.weigh("429"),
    "resets": lambda gateway: gateway.plan.weigh("reset"),
    "500": lambda gateway: gateway.plan.weigh("500"),
    "garbage": lambda gateway: gateway.plan.weigh("garbage"),
    "nobody listens": lambda _: None,
    "no such name": lambda _: None,
}


ALIKE = ("takes and hangs", "resets", "garbage")  # in doubt as a hang and a 500 are


@pytest.mark.parametrize("how", [pytest.param(how, marks=[pytest.mark.long] if how in ALIKE else []) for how in DEAD])
def test_when_the_first_gateway_is_dead_each_alert_to_life_leaves_by_the_second_in_time(
    workers: Workers, gateways: dict[str, FakeGateway], tmp_path: Path, how: str
) -> None:
    DEAD[how](gateways["twilio"])
    elsewhere = {"nobody listens": f"http://127.0.0.1:{free_port()}", "no such name": fake.NOWHERE}
    if how in elsewhere:
        workers.site.settings = workers.site.settings.model_copy(update={"twilio_api_url": elsewhere[how]})
    reported(workers.site, times=20)
    alerts = {message for message, _ in states(workers.site, MessageKind.ALERT, Lane.LIFE)}
    started = time.monotonic()
    workers.start("life", "reply", "clock")
    until(lambda: alerts <= taken(tmp_path, "message", "simulator").keys(), PROMISED, "each alert has left by the second gateway")
    took = time.monotonic() - started
    print(f"\nfirst gateway: {how}; {len(alerts)} alerts to life by the second after {took:.1f} s")  # noqa: T201  seen with -s
    until(lambda: {s for _, s in states(workers.site, MessageKind.ALERT, Lane.LIFE)} == {"accepted"}, 20, "that is on record")
    autos = {message for message, _ in states(workers.site, MessageKind.AUTO, Lane.REPLY)}
    assert not autos & taken(tmp_path, "message", "simulator").keys(), "an answer to a caller never changes its gateway"


def test_workers_that_are_killed_again_and_again_write_to_nobody_twice_and_leave_no_alert_behind(
    workers: Workers, gateways: dict[str, FakeGateway], tmp_path: Path
) -> None:
    for gateway in gateways.values():
        gateway.plan.weigh("slowish:70,500-sent:5,reset-sent:5,429:5")
    workers.site.settings = workers.site.settings.model_copy(update={"deliver_batch": 3})
    line = reported(workers.site, times=40)
    answer(line)
    chance = random.Random(7)
    lanes = ["life-1", "life-2", "reply-1", "reply-2"]
    workers.start(*lanes, "clock")
    until(lambda: all(taken(tmp_path, "message", name) for name in gateways), 60, "they are at work")
    kills, until_then = 0, time.monotonic() + 25
    while time.monotonic() < until_then and pending(workers.site):
        time.sleep(chance.uniform(0.1, 0.9))
        victim = chance.choice(lanes)
        workers.kill(victim)
        workers.start(victim)
        kills += 1
    for gateway in gateways.values():
        gateway.plan.weigh("")
    until(lambda: not pending(workers.site), 60, "everything has its end", every=0.2)

    copies = taken(tmp_path, "message")
    with workers.site.db.reading() as session:
        rows = session.execute(select(Message.id, Message.kind, Message.state).where(Message.direction == "out")).all()
        tries = session.execute(select(Attempt.message_id, Attempt.result)).all()
    doubtful = Counter(row.message_id for row in tries if row.result in ("unknown", None))
    alerts = [row for row in rows if row.kind == MessageKind.ALERT]
    to_callers = [row for row in rows if row.kind in (MessageKind.AUTO, MessageKind.REPLY)]
    assert all(copies[row.id] >= 1 and row.state == "accepted" for row in alerts)
    assert all(copies[row.id] <= 1 + doubtful[row.id] for row in alerts)
    assert [row.id for row in to_callers if copies[row.id] > 1] == []
    assert {row.id for row in to_callers if row.state == "unknown"} == {row.id for row in to_callers if doubtful[row.id]}
    further = sum(copies[row.id] - 1 for row in alerts)
    unknown = sum(row.state == "unknown" for row in to_callers)
    assert further + unknown > 0, "some were killed in mid-send"
    figures = f"{len(alerts)} alerts, {further} further copies, {len(to_callers)} to callers, {unknown} unknown"
    print(f"\n{kills} kills: {figures}")  # noqa: T201  seen with -s


def answer(line: Line) -> None:
    """Let an officer answer everybody who wrote."""
    rows = [row for row in line.rows(Message) if row["direction"] == "in"]
    drafts = [
        Draft(
            kind=MessageKind.REPLY,
            lane=Lane.REPLY,
            body=f"answer {number}",
            gateway="twilio",
            case_id=row["case_id"],
            caller_id=row["caller_id"],
        ).row(line.key(row["case_id"]), line.now)
        for number, row in enumerate(rows)
    ]
    with line.site.db.transaction() as session:
        session.execute(insert(table(Message)), drafts)


def pending(site: Deployment) -> list[str]:
    with site.db.reading() as session:
        return list(session.scalars(select(Message.id).where(Message.state.in_(QUEUED), Message.kind != MessageKind.NOTICE)))
