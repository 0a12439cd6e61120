"""Calls and posting, through the real Twilio gateway to the fake one: what hangs holds up nothing else, and what is in doubt is
looked for before it goes again."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.shelf import stock
from hotline.models import Attempt, Caller, GatewayHealth, Lane, Message, MessageKind, table
from hotline.outbound import calls, deliver
from hotline.outbound.compose import Draft
from tests.fakes import faults as fake
from tests.fakes.gateway import FakeGateway
from tests.line import Line, fill_directory
from workers.posting import Post

PHONE = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    server = FakeGateway().start()
    yield server
    server.stop()


@pytest.fixture
def line(settings: Settings, deployment: Deployment, gateway: FakeGateway) -> Line:
    """A line whose texts leave by the real gateway to the fake one; one caller has opened a case and been answered."""
    chosen = {"gateway": "twilio", "twilio_api_url": gateway.url, "connect_timeout_seconds": 0.5, "read_timeout_seconds": 2.5}
    deployment.settings = settings.model_copy(update=chosen)
    fill_directory(deployment, settings.instance)
    made = Line(deployment)
    deployment.__dict__["shelf"] = stock(deployment.settings, deployment.keyring)
    made.says(PHONE, LOCKED_IN)
    gateway.store.messages.clear()
    gateway.requests.clear()
    return made


def queue(line: Line, kind: MessageKind, *, lane: Lane = Lane.REPLY, count: int = 1, body: str = "") -> list[str]:
    case_id = str(line.case()["id"])
    to_contact = kind is MessageKind.ALERT
    draft = Draft(
        kind=kind,
        lane=lane,
        body=body or f"{kind} text",
        gateway="twilio",
        case_id=case_id,
        caller_id=None if to_contact else str(line.rows(Caller)[0]["id"]),
        contact_id=str(line.contact("Kamembe police station")["id"]) if to_contact else None,
    )
    rows = [draft.row(line.key(case_id), line.now) for _ in range(count)]
    with line.site.db.transaction() as session:
        session.execute(insert(table(Message)), rows)
    return [str(row["id"]) for row in rows]


def states(line: Line, ids: list[str]) -> list[str]:
    return sorted(str(row["state"]) for row in line.rows(Message) if row["id"] in ids)


def until(condition: object, seconds: float = 5) -> float:
    started = time.monotonic()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() - started < seconds
        time.sleep(0.02)
    return time.monotonic() - started


def test_one_text_that_hangs_holds_up_neither_its_parcel_nor_the_next_claim(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.hang]
    first = queue(line, MessageKind.REPLY, count=20)
    with Post(line.site, Lane.REPLY) as post:
        started = time.monotonic()
        assert post.batch() == 20
        assert states(line, first) == ["accepted"] * 19 + ["claimed"], "what is known is written down"
        second = queue(line, MessageKind.REPLY, count=3)
        post.batch()
        assert states(line, second) == ["accepted"] * 3
        assert time.monotonic() - started < 2.4, "all that while the first still hangs"
    assert states(line, first) == ["accepted"] * 19 + ["unknown"]
    assert {thread.name for thread in threading.enumerate() if thread.name.startswith(("parcel", "call", "lease"))} == set()


def test_a_drain_goes_on_while_something_hangs_and_then_no_longer(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.hang]
    (hanging,) = queue(line, MessageKind.REPLY)
    with Post(line.site, Lane.REPLY) as post:
        assert post.batch() == 1
        assert post.batch() == 1, "still under way"
        until(lambda: states(line, [hanging]) == ["unknown"])
        until(lambda: post.batch() == 0)


def test_once_a_gateway_is_found_to_fail_the_rest_of_a_parcel_stays_here(line: Line, gateway: FakeGateway) -> None:
    line.site.settings = line.site.settings.model_copy(update={"deliver_batch": 200})
    gateway.plan.next = [fake.refuse(500, 20500)] * 6 + [fake.slow(1.2)] * 26 + [fake.refuse(500, 20500)] * 200
    queue(line, MessageKind.REPLY, count=200)
    with Post(line.site, Lane.REPLY) as post:
        post.batch()
    kept = [row for row in line.rows(Attempt) if row["code"] == "gateway shut"]
    assert line.rows(GatewayHealth)
    assert len(kept) + len(gateway.requests) == 200
    assert len(kept) > 0
    assert not any(row["faulty"] for row in kept), "what stayed here says nothing about the gateway"


# ---- looked for before it goes again ----------------------------------------------------------------------------


def again(line: Line) -> None:
    line.later(minutes=2)
    line.work()


def asked(gateway: FakeGateway, *, sending: bool) -> int:
    return sum(bool(request.form.get("Body")) is sending for request in gateway.requests)


def test_a_normal_alert_in_doubt_that_has_gone_out_is_found_and_not_sent_again(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.sent_and(fake.reset)]
    (alert,) = queue(line, MessageKind.ALERT)
    line.work()
    assert states(line, [alert]) == ["queued"]
    line.later(minutes=1, seconds=59)
    line.work()
    assert len(gateway.requests) == 1
    line.later(seconds=1)
    line.work()
    (row,) = line.rows(Message, id=alert)
    (sid,) = gateway.store.messages
    assert (row["state"], row["provider_id"]) == ("accepted", sid)
    assert (asked(gateway, sending=True), asked(gateway, sending=False)) == (1, 1)
    assert [one["code"] for one in line.rows(Attempt, message_id=alert)] == ["ConnectionError", "found"]


@pytest.mark.parametrize("first", [fake.reset, fake.GARBAGE, fake.refuse(500, 20500)])
def test_one_that_has_not_gone_out_is_sent_once_more_and_then_left(
    line: Line, gateway: FakeGateway, first: fake.Behaviour
) -> None:
    gateway.plan.next = [first]
    (alert,) = queue(line, MessageKind.ALERT)
    line.work()
    again(line)
    assert states(line, [alert]) == ["accepted"]
    assert (len(gateway.store.messages), asked(gateway, sending=True)) == (1, 2)


def test_one_whose_gateway_says_nothing_is_sent_once_more_all_the_same(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.reset]
    (alert,) = queue(line, MessageKind.ALERT)
    line.work()
    gateway.stop()
    again(line)
    (row,) = line.rows(Message, id=alert)
    assert (row["state"], row["reason"]) == ("queued", "unreachable")


def test_a_text_that_another_message_is_known_to_be_is_not_taken_for_this_one(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.reset]
    first, second = queue(line, MessageKind.ALERT, count=2)
    line.work()
    assert states(line, [first, second]) == ["accepted", "queued"]
    again(line)
    assert states(line, [first, second]) == ["accepted", "accepted"]
    assert len(gateway.store.messages) == 2


def test_an_alert_to_life_does_not_wait_for_a_look_up(line: Line, gateway: FakeGateway) -> None:
    gateway.plan.next = [fake.sent_and(fake.reset)]
    (alert,) = queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    line.later(seconds=20)
    line.work()
    assert states(line, [alert]) == ["accepted"]
    assert (len(gateway.store.messages), asked(gateway, sending=False)) == (2, 0)


def test_what_a_crashed_worker_had_in_hand_is_looked_for_too(line: Line, gateway: FakeGateway) -> None:
    (alert,) = queue(line, MessageKind.ALERT)
    with line.site.db.transaction() as session:
        parcel = deliver.take(session, line.site, Lane.REPLY, line.now)
    with ThreadPoolExecutor(2) as pool:
        assert list(calls.outcomes(line.site, parcel, pool))
    line.later(seconds=60)
    with line.site.db.transaction() as session:
        assert deliver.free_expired(session, line.site, line.now) == 1
    again(line)
    assert states(line, [alert]) == ["accepted"]
    assert len(gateway.store.messages) == 1


# ---- pace -------------------------------------------------------------------------------------------------------


def test_a_gateway_with_a_limit_is_given_no_more_than_that(line: Line, gateway: FakeGateway) -> None:
    line.site.settings = line.site.settings.model_copy(update={"gateway_rates": ("twilio:8",)})
    queue(line, MessageKind.REPLY, count=30)
    with Post(line.site, Lane.REPLY) as post:
        assert post.batch() == 6, "three quarters; the rest is for alerts"
    assert len(gateway.requests) == 6
    queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    with Post(line.site, Lane.LIFE) as post:
        assert post.batch() == 1
