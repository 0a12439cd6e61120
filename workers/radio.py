"""Votes by a dialled code, by a call and by ringing, on their way into the count of their poll: part of a batch's transaction."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.ringing import Ring
from hotline.intake.arrivals import Arrival, Claimed
from hotline.intake.ussd.heard import Heard
from hotline.intake.ussd.walk import Kept
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.tree import POLL
from hotline.radio import polls
from hotline.radio.polls import Cast


def votes(session: Session, site: Deployment, claimed: Claimed) -> list[Cast]:
    """Return the votes of a batch that did not come by text."""
    found: list[Cast] = []
    for arrival in claimed.arrivals:
        event = arrival.event
        if isinstance(event, Heard):
            found += _dialled(site, arrival, event)
        elif isinstance(event, CallHeard) and event.sender:
            found += _called(site, arrival, event)
        elif isinstance(event, Ring) and event.number:
            found += _rung(session, site, arrival, event)
    return found


def _dialled(site: Deployment, arrival: Arrival, heard: Heard) -> Iterator[Cast]:
    for step in heard.steps:
        if step.answer == Kept.VOTE:
            poll_id, _, digit = step.words.partition(" ")
            phone = _phone(site, poll_id, heard.sender)
            yield Cast(poll_id, phone, digit, heard.language, "ussd", arrival.received_at)


def _called(site: Deployment, arrival: Arrival, heard: CallHeard) -> Iterator[Cast]:
    """Yield a call's vote for the question that it heard; a key that is none of its answers is no step of the call."""
    for step in heard.steps:
        if step.screen == POLL and step.words:
            phone, digit = _phone(site, step.words, heard.sender), step.answer.removeprefix("answer_")
            yield Cast(step.words, phone, digit, heard.language, "voice", arrival.received_at)


def _rung(session: Session, site: Deployment, arrival: Arrival, ring: Ring) -> Iterator[Cast]:
    if found := polls.rung(session, site.sender(ring.to).address if ring.to else ""):
        poll, digit = found
        phone = _phone(site, poll["id"], ring.number)
        yield Cast(poll["id"], phone, digit, site.settings.default_language, "beep", arrival.received_at)


def _phone(site: Deployment, poll_id: str, sender: str) -> bytes:
    return polls.phone_of(site, poll_id, site.sender(sender).address)
