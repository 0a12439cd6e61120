"""A delivery receipt speaks for a worker that died between sending an alert and writing it down."""

from urllib.parse import urlencode

from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.gateways.contract import Progress, StatusUpdate, Webhook
from hotline.gateways.simulator import SIGNATURE, Simulator
from hotline.inbound import Door
from hotline.models import Lane, Message, MessageKind, MessageState, Referral, ReferralState
from hotline.outbound import deliver, status
from workers import jobs

WORDS = "They locked six girls in a house in Bugarama and took their passports, one is 14"


def arrived(site: Deployment, words: str) -> None:
    """Take a text at the door, and through triage and routing."""
    network = site.shelf.get(Simulator.name)
    assert isinstance(network, Simulator)
    body = urlencode({"id": "t1", "from": "+250785000001", "to": "7788", "text": words}).encode()
    target = "/in/simulator/sms"
    Door(site).accept(network, Webhook("sms", target, {SIGNATURE: network.sign(target, body)}, body))
    assert jobs.drain_batch(site) == 1


def test_a_receipt_tells_that_a_contact_was_told_when_the_worker_died_before_it_could(district: Deployment) -> None:
    arrived(district, WORDS)
    with district.db.transaction() as session:
        parcel = deliver.take(session, district, Lane.LIFE, district.db.now(session))
    alerts = [row for row in parcel.rows.values() if row["kind"] == MessageKind.ALERT]
    assert len(alerts) == 2
    with district.db.transaction() as session:
        now = district.db.now(session)
        for row, progress in zip(alerts, (Progress.DELIVERED, Progress.UNDELIVERED), strict=True):
            assert status.apply(session, "simulator", StatusUpdate(f"sim-{row['id']}", row["id"], progress, None), now)
    with district.db.reading() as session:
        told = {row.contact_id: row.state for row in session.scalars(select(Referral))}
        states = {row.contact_id: row.state for row in session.scalars(select(Message).where(Message.kind == MessageKind.ALERT))}
    delivered, undelivered = (row["contact_id"] for row in alerts)
    assert states == {delivered: MessageState.DELIVERED, undelivered: MessageState.UNDELIVERED}
    assert told == {delivered: ReferralState.TOLD, undelivered: ReferralState.QUEUED}
