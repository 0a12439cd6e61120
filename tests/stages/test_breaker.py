"""The circuit breaker: what opens it, who may try again, what it never stops, and that all workers see the same."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert, update

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.models import (
    Attempt,
    Caller,
    GatewayHealth,
    Lane,
    Message,
    MessageKind,
    SafeContact,
    table,
)
from hotline.outbound import breaker, deliver
from hotline.outbound.compose import Draft
from tests.line import Line, accepted, fill_directory, refused, unknown

PHONE = "+250780000101"
LOCKED_IN = "They locked me in a house in Kamembe, madam took my passport, help me now"


@pytest.fixture
def line(settings: Settings, deployment: Deployment) -> Line:
    """Two gateways, Twilio first; the caller may be written to at any hour, and has been answered."""
    chosen = {"gateway": "twilio", "second_gateway": "simulator", "quiet_from": "03:00", "quiet_until": "03:01"}
    deployment.settings = Settings(**{**settings.model_dump(), **chosen}, _env_file=None)
    fill_directory(deployment, settings.instance)
    made = Line(deployment)
    made.says(PHONE, LOCKED_IN)
    with deployment.db.transaction() as session:
        session.execute(update(table(Caller)).values(safe_contact=SafeContact.ANY))
    made.forget()
    return made


def queue(line: Line, kind: MessageKind = MessageKind.REPLY, *, lane: Lane = Lane.REPLY, count: int = 1) -> list[str]:
    """Put messages into the queue; alerts go to the station, replies to the caller."""
    case_id = str(line.case()["id"])
    to_contact = kind is MessageKind.ALERT
    draft = Draft(
        kind=kind,
        lane=lane,
        body=f"{kind} text",
        gateway="twilio",
        case_id=case_id,
        caller_id=None if to_contact else str(line.rows(Caller)[0]["id"]),
        contact_id=str(line.contact("Kamembe police station")["id"]) if to_contact else None,
    )
    rows = [draft.row(line.key(case_id), line.now) for _ in range(count)]
    with line.site.db.transaction() as session:
        session.execute(insert(table(Message)), rows)
    return [str(row["id"]) for row in rows]


def fail(line: Line, times: int, how: Callable[[OutboundText], Sent] = unknown) -> None:
    """Let so many texts fail at Twilio."""
    line.carriers["twilio"].next = [how] * times
    queue(line, count=times)
    line.work()
    assert line.carriers["twilio"].next == []
    line.forget()


def is_shut(line: Line, name: str = "twilio") -> bool:
    with line.reading() as session:
        return name in breaker.health(session, line.now).shut


def out(line: Line, gateway: str = "twilio") -> int:
    return len(line.carriers[gateway].sent)


@pytest.mark.parametrize("how", [unknown, refused])
def test_five_failures_open_it_and_four_do_not(line: Line, how: Callable[[OutboundText], Sent]) -> None:
    fail(line, 4, how)
    assert not is_shut(line)
    fail(line, 1, how)
    assert is_shut(line)
    assert not is_shut(line, "simulator")


def dead(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="21211")


def slow(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.ACCEPTED, provider_id=f"SM-{text.id}", slow=True)


def test_dead_numbers_are_not_the_gateways_fault_and_slowness_is(line: Line) -> None:
    fail(line, 20, dead)
    assert not is_shut(line)
    fail(line, 6, slow)
    assert is_shut(line)


def test_few_failures_among_many_texts_are_borne(line: Line) -> None:
    queue(line, count=40)
    line.work()
    fail(line, 6)
    assert not is_shut(line), "6 of 47 are 13 %"
    fail(line, 3)
    assert is_shut(line), "9 of 50 are 18 %"


def test_old_failures_are_forgotten(line: Line) -> None:
    fail(line, 4)
    line.later(minutes=line.site.settings.breaker_minutes + 1)
    fail(line, 4)
    assert not is_shut(line)


def test_a_shut_gateway_keeps_its_messages_waiting_and_uncounted(line: Line) -> None:
    fail(line, 5)
    (reply,) = queue(line)
    (alert,) = queue(line, MessageKind.ALERT)
    line.later(seconds=10)
    line.work()
    assert out(line) == 0
    for message in (reply, alert):
        (row,) = line.rows(Message, id=message)
        assert (row["state"], row["attempts"]) == ("queued", 0)


def test_an_alert_to_life_goes_by_the_other_gateway_at_its_first_try(line: Line) -> None:
    fail(line, 5)
    (alert,) = queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    (row,) = line.rows(Message, id=alert)
    assert (row["state"], row["gateway"], row["attempts"]) == ("accepted", "simulator", 1)
    (attempt,) = line.rows(Attempt, message_id=alert)
    assert attempt["gateway"] == "simulator"
    assert (out(line), out(line, "simulator")) == (0, 1)


def test_an_alert_to_life_is_tried_even_so_when_every_gateway_is_shut(line: Line) -> None:
    fail(line, 5)
    with line.site.db.transaction() as session:
        breaker._put(session, line.site, "simulator", line.now, shut_until=line.now + (line.now - line.now), trips=1)
        breaker._put(session, line.site, "simulator", line.now, paused_until=line.now.replace(year=2030))
    queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    assert out(line) == 1


def test_without_a_second_gateway_it_is_tried_too(line: Line) -> None:
    line.site.settings = line.site.settings.model_copy(update={"second_gateway": ""})
    fail(line, 5)
    queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    assert out(line) == 1


# ---- the way back -----------------------------------------------------------------------------------------------


def ripe(line: Line) -> None:
    line.later(seconds=line.site.settings.breaker_pause_seconds + 1)


def test_after_the_pause_one_text_tries_it_and_its_success_lets_the_others_follow(line: Line) -> None:
    fail(line, 5)
    queue(line, count=7)
    ripe(line)
    with line.site.db.transaction() as session:
        parcel = deliver.take(session, line.site, Lane.REPLY, line.now)
    assert (len(parcel.rows), parcel.probed) == (1, {"twilio"})
    with line.site.db.transaction() as session:
        assert deliver.take(session, line.site, Lane.REPLY, line.now).rows == {}, "no other worker tries it meanwhile"
    with line.site.db.transaction() as session:
        deliver.settle(session, line.site, parcel, [accepted(text) for text in parcel.texts["twilio"]], line.now)
    assert not is_shut(line)
    line.work()
    assert out(line) == 6


def test_failures_from_before_it_opened_again_are_forgiven(line: Line) -> None:
    fail(line, 5)
    queue(line)
    ripe(line)
    line.work()
    assert not is_shut(line)
    fail(line, 4)
    assert not is_shut(line)


def test_a_failed_try_doubles_the_pause_up_to_five_minutes(line: Line) -> None:
    fail(line, 5)
    pauses = []
    for _ in range(6):
        (row,) = line.rows(GatewayHealth)
        line.later(seconds=(row["shut_until"] - line.now).total_seconds())
        line.carriers["twilio"].next = [unknown]
        queue(line)
        line.work()
        (row,) = line.rows(GatewayHealth)
        pauses.append((row["shut_until"] - line.now).total_seconds())
    assert pauses == [60, 120, 240, 300, 300, 300]


def test_a_worker_that_dies_while_it_tries_is_followed_by_another(line: Line) -> None:
    fail(line, 5)
    queue(line, count=2)
    ripe(line)
    with line.site.db.transaction() as session:
        assert len(deliver.take(session, line.site, Lane.REPLY, line.now).rows) == 1
    line.later(seconds=40)
    line.work()
    assert not is_shut(line)
    assert out(line) == 1


def test_an_alert_to_life_may_be_the_one_that_tries_and_when_it_fails_it_takes_the_other_way(line: Line) -> None:
    fail(line, 5)
    ripe(line)
    line.carriers["twilio"].next = [refused]
    (alert,) = queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    (row,) = line.rows(Message, id=alert)
    assert (row["state"], row["gateway"]) == ("accepted", "simulator")
    assert (out(line), out(line, "simulator")) == (1, 1)


# ---- asked to wait ----------------------------------------------------------------------------------------------


def busy(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="20429", retry=True, retry_after=90)


def test_a_gateway_that_asks_to_wait_is_left_alone_by_everybody_for_so_long_and_is_no_worse_for_it(line: Line) -> None:
    fail(line, 1, busy)
    assert is_shut(line)
    queue(line, count=3)
    line.later(seconds=89)
    line.work()
    assert out(line) == 0
    queue(line, MessageKind.ALERT, lane=Lane.LIFE)
    line.work()
    assert (out(line), out(line, "simulator")) == (0, 1), "a life does not wait"
    line.later(seconds=1)
    line.work()
    assert out(line) == 4, "and then all go at once, the first one included: it need not prove itself"
    (row,) = line.rows(GatewayHealth)
    assert (row["trips"], row["shut_until"]) == (0, None)


def test_nobody_waits_for_days(line: Line) -> None:
    fail(line, 1, lambda text: Sent(text.id, Certainty.REFUSED, code="429", retry=True, retry_after=1e9))
    line.later(minutes=5, seconds=1)
    assert not is_shut(line)


def test_a_healthy_gateway_costs_no_row(line: Line) -> None:
    queue(line, count=5)
    line.work()
    assert line.rows(GatewayHealth) == []
