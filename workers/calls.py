"""Steps of calls on their way through the stages: part of a batch's one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from hotline.casework.answers import Decision, answer
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.gateways.contract import Progress, StatusUpdate
from hotline.gateways.voice import BRIDGE, DUTY, MANY, bridge_of, duty_of, many_of
from hotline.intake.arrivals import Arrival, Claimed
from hotline.intake.called import Called
from hotline.intake.received import Opened
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.told import said
from hotline.intake.voice.tree import MANY_HEARD, NO_MORE
from hotline.models import Lane, Reading, Verb
from hotline.outbound import bridge, duty
from hotline.queue import QueueName
from hotline.routing.settle import settle
from workers.hops import reread_grown
from workers.reading import read_answers

NOBODY_THERE = "nobody pressed a key"
NO_MORE_CALLS = "asked for no more calls"


@dataclass(frozen=True)
class Steps:
    """The steps of calls in one batch, with what their keys say by the id of their row."""

    arrivals: tuple[Arrival, ...]
    readings: Mapping[str, Reading]


@dataclass(frozen=True)
class Told:
    """What calls brought: new cases, lanes in which alerts now wait, and rows to be looked at later."""

    opened: list[Opened] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    later: frozenset[str] = frozenset()


def of(claimed: Claimed) -> Steps:
    """Return the steps of calls in a batch, read. No session is open while this runs."""
    calls = (arrival for arrival in claimed.arrivals if isinstance(arrival.event, CallHeard))
    steps = tuple(arrival for arrival in calls if _duty(arrival) is None and not _of_bridge(arrival))
    heard = {arrival.inbox_id: arrival.event for arrival in steps if isinstance(arrival.event, CallHeard)}
    return Steps(steps, {row_id: read_answers("", said(step), step.language) for row_id, step in heard.items()})


def answers(session: Session, site: Deployment, claimed: Claimed, now: datetime) -> set[Lane]:
    """Carry out what contacts answered in calls of ours. Returns the lanes in which a text now waits."""
    lanes: set[Lane] = set()
    for arrival in claimed.arrivals:
        heard, call = arrival.event, _duty(arrival)
        if call is None or not isinstance(heard, CallHeard):
            continue
        pressed = [Verb(step.answer) for step in heard.steps if step.screen == DUTY]
        if pressed and (whose := duty.answered(session, call, now)):
            answer(session, site, Decision(whose[0], pressed[-1], whose[1], by="voice"), now)
            lanes.add(Lane.LIFE)
        elif heard.over:
            duty.over(session, call, now)
    return lanes


def bridged(session: Session, claimed: Claimed) -> None:
    """Note what became of calls in which an officer and somebody else are joined."""
    for arrival in claimed.arrivals:
        heard = arrival.event
        named = bridge_of(heard.placed) if isinstance(heard, CallHeard) else None
        if named is None or not isinstance(heard, CallHeard):
            continue
        pressed = any(step.screen == BRIDGE for step in heard.steps)
        bridge.told(session, named[1], bridge.Word(pressed, heard.far, heard.talked, heard.over), arrival.received_at)


def receipt(arrival: Arrival) -> StatusUpdate | None:
    """Return what a step says of a call to one of many: heard, not heard, or to be left in peace. None where it says nothing."""
    heard = arrival.event
    many = many_of(heard.placed) if isinstance(heard, CallHeard) else None
    if many is None or not isinstance(heard, CallHeard):
        return None
    pressed = {step.answer for step in heard.steps if step.screen in {MANY, MANY_HEARD}}
    if NO_MORE in pressed:
        return StatusUpdate("", many.message_id, Progress.UNDELIVERED, NO_MORE_CALLS, opted_out=True)
    if pressed:
        return StatusUpdate("", many.message_id, Progress.DELIVERED, None)
    return StatusUpdate("", many.message_id, Progress.UNDELIVERED, NOBODY_THERE) if heard.over else None


def _duty(arrival: Arrival) -> str | None:
    """Return the id of a call to a contact, None for anybody else's."""
    named = duty_of(arrival.event.placed) if isinstance(arrival.event, CallHeard) else None
    return named[1] if named else None


def _of_bridge(arrival: Arrival) -> bool:
    """Whether it is of a call in which two phones are joined; word of the second alone need not name it."""
    heard = arrival.event
    return isinstance(heard, CallHeard) and (bridge_of(heard.placed) is not None or heard.far is not None)


def advance(session: Session, site: Deployment, steps: Steps, now: datetime) -> Told:
    """Take steps into their reports; a danger to life is referred at once, the rest when its call is over or silent."""
    if not steps.arrivals:
        return Told()
    called = Called(session, site, steps.readings, now)
    received = called.take_calls(steps.arrivals)
    lanes = received.lanes | reread_grown(session, site, received, now) | settle(session, site, now)
    if called.tapes or called.erased:
        after_commit(session, partial(site.bell.ring, QueueName.TAPES))
    return Told(received.opened, lanes, frozenset(called.unknown))
