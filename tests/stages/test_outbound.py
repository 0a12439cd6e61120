"""Two gateways that fail in every way at once: alerts to life always arrive, each further copy is explained by a try in doubt,
and no caller ever gets a text twice. Time is ours; requests, time-outs and both gateways' sides are real.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty
from hotline.gateways.shelf import stock
from hotline.models import Attempt, Lane, Message, MessageKind, MessageState, table
from hotline.outbound import breaker
from hotline.outbound.compose import Draft
from tests.fakes.faults import FAULTS
from tests.fakes.gateway import FakeGateway
from tests.line import Line, fill_directory
from workers import jobs

CALLERS = 48
THREE_HOURS = 540  # rounds of twenty seconds
TENTH = "429:10,500:10,502:10,reset:10,hang:5,hang-sent:5,garbage-sent:10,failed:10,500-sent:5,reset-sent:5"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"
WORK = "My brother was promised work in Kigali and now they keep his wages"
TO_CALLERS = (MessageKind.REPLY, MessageKind.AUTO)


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[dict[str, FakeGateway]]:
    made = {
        name: FakeGateway(record_to=tmp_path / f"{name}.jsonl", seed=seed) for seed, name in enumerate(("twilio", "simulator"))
    }
    for server in made.values():
        server.start()
        server.plan.weigh(TENTH)
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def line(settings: Settings, deployment: Deployment, gateways: dict[str, FakeGateway]) -> Line:
    chosen = {
        "gateway": "twilio",
        "second_gateway": "simulator",
        "twilio_api_url": gateways["twilio"].url,
        "simulator_url": gateways["simulator"].url,
        "connect_timeout_seconds": 0.5,
        "read_timeout_seconds": 0.8,  # a machine under load must not look like a gateway that hangs
    }
    deployment.settings = settings.model_copy(update=chosen)
    fill_directory(deployment, settings.instance)
    made = Line(deployment)
    deployment.__dict__["shelf"] = stock(deployment.settings, deployment.keyring)
    return made


def crowd(line: Line) -> None:
    """Let many people write, and an officer answer each."""
    for number in range(CALLERS):
        line.text(f"+25078{3_000_000 + number}", LOCKED_IN if number % 2 else WORK)
    while jobs.drain_batch(line.site):
        pass
    cases = {row["id"]: row for row in line.rows(Message) if row["direction"] == "in"}
    drafts = [
        Draft(
            kind=MessageKind.REPLY,
            lane=Lane.REPLY,
            body=f"answer {number}",
            gateway="twilio",
            case_id=row["case_id"],
            caller_id=row["caller_id"],
        ).row(line.key(row["case_id"]), line.now)
        for number, row in enumerate(cases.values())
    ]
    with line.site.db.transaction() as session:
        session.execute(insert(table(Message)), drafts)


def taken(tmp_path: Path) -> tuple[Counter[str], dict[str, set[str]]]:
    """Return from the gateways' own records how often each message went out, and with which words."""
    copies: Counter[str] = Counter()
    words: dict[str, set[str]] = {}
    for record in tmp_path.glob("*.jsonl"):
        for entry in map(json.loads, record.read_text().splitlines()):
            if entry["kind"] == "text" and entry["taken"]:
                copies[entry["message"]] += 1
                words.setdefault(entry["message"], set()).add(entry["body"])
    return copies, words


def test_whatever_fails_alerts_to_life_arrive_and_nobody_is_written_to_twice(
    line: Line, gateways: dict[str, FakeGateway], tmp_path: Path
) -> None:
    crowd(line)
    # Answers first: alerts may find the gateway failing, and it is then shut until answers are too late. Then alerts alike.
    while jobs.deliver_batch(line.site, Lane.REPLY):
        pass
    with line.site.db.transaction() as session:
        breaker.set_pause(session, line.site, "twilio", until=None, now=line.now)
    gateways["simulator"].plan.next = [FAULTS["reset-sent"]]  # with a shut gateway too there are copies to explain
    for _ in range(THREE_HOURS):
        for lane in Lane:
            while jobs.deliver_batch(line.site, lane):
                pass
        if not any(row["state"] == MessageState.QUEUED for row in line.rows(Message)):
            break
        line.later(seconds=20)
    copies, words = taken(tmp_path)
    rows = line.rows(Message, direction="out")
    doubtful = Counter(row["message_id"] for row in line.rows(Attempt) if row["result"] == Certainty.UNKNOWN)

    life = [row for row in rows if row["kind"] == MessageKind.ALERT and row["lane"] == Lane.LIFE]
    assert len(life) >= CALLERS
    assert {row["state"] for row in life} == {MessageState.ACCEPTED}
    assert all(copies[row["id"]] >= 1 for row in life), "each went out"
    assert all(copies[row["id"]] <= 1 + doubtful[row["id"]] for row in rows), "each further copy has its try in doubt"
    assert all(len(words[row["id"]]) == 1 for row in rows if copies[row["id"]]), "all copies carry the same code and words"
    tried = {row["gateway"] for row in line.rows(Attempt) if row["message_id"] in {one["id"] for one in life}}
    assert tried == {"twilio", "simulator"}

    to_callers = [row for row in rows if row["kind"] in TO_CALLERS]
    assert len(to_callers) == 2 * CALLERS
    ends = Counter((row["state"], row["reason"]) for row in to_callers)
    assert max(copies[row["id"]] for row in to_callers) == 1, ends
    assert all(copies[row["id"]] == 0 for row in to_callers if row["state"] in (MessageState.FAILED, MessageState.SUPPRESSED))
    unknown = [row for row in to_callers if row["state"] == MessageState.UNKNOWN]
    assert {row["id"] for row in unknown} == {row["id"] for row in to_callers if doubtful[row["id"]]}, "doubt is on the list"
    further = sum(copies.values()) - len(copies)
    assert further > 0, "there were copies to explain"
    figures = f"{len(life)} alerts to life, {sum(copies.values())} texts out, {further} further copies, {len(unknown)} unknown"
    print(f"\n{figures}")  # noqa: T201  seen with -s
