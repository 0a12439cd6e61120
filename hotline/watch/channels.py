"""How each gateway is: what last came and went by it, what went wrong lately and how often, and whether it is left alone.

Only what the rows of texts and tries say; no word and no number is opened, and the texts of a case that is kept from whoever asks
count for nothing. A person may leave a gateway alone for a while, or send one text that says it is a test. Neither stops an alert
to life: that goes by the other gateway, and where none is open by the same. A test page asks whether alerts reach one person.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.acknowledge import notice
from hotline.deployment import Deployment
from hotline.gateways.contract import BESIDE, Certainty
from hotline.intake.handles import unused
from hotline.models import Attempt, Contact, Direction, GatewayHealth, Lane, Message, MessageKind, Officer, first_id, table
from hotline.outbound import breaker, bridge
from hotline.outbound.compose import Draft

MESSAGE, ATTEMPT, HEALTH = table(Message), table(Attempt), table(GatewayHealth)
LOOKED_BACK: Final = timedelta(days=7)
LATELY: Final = timedelta(hours=24)
MOST_CAUSES: Final = 4
QUIET: Final = timedelta(hours=6)  # without a text in for so long a line is worth a look
TEST: Final = "staff.channel_test"
TEST_LASTS: Final = timedelta(minutes=10)
LEFT_ALONE: Final = timedelta(hours=1)


class UnknownGateway(Exception):
    """This deployment has no gateway of that name."""


@dataclass(frozen=True)
class Trial:
    """The newest test text of a gateway: when it was written and how far it got."""

    at: datetime
    state: str


@dataclass(frozen=True)
class Channel:
    """One gateway. `uses` are what it carries here; `failures` are causes and their counts of a day, the most frequent first.

    `alone_until` is when it is used again, `lacking` what its settings do not say. Nothing in or out within a week is None.
    """

    name: str
    uses: tuple[str, ...]
    lacking: tuple[str, ...]
    last_in: datetime | None
    last_out: datetime | None
    sent: int
    failures: tuple[tuple[str, int], ...]
    alone_until: datetime | None
    trial: Trial | None

    @property
    def failed(self) -> int:
        """How many tries of a day went wrong, for the causes shown."""
        return sum(count for _, count in self.failures)

    def well(self, now: datetime) -> bool:
        """Whether nobody needs to look: not left alone, nothing lacking, and most of what was tried went out."""
        alone = self.alone_until is not None and self.alone_until > now
        return not alone and not self.lacking and self.failed * 4 <= self.sent + self.failed


def channels(session: Session, deployment: Deployment, now: datetime) -> list[Channel]:
    """Return every gateway of this deployment, those that are in use first."""
    known = {row.name: row for row in session.execute(select(HEALTH))}
    found = []
    for name in deployment.shelf.names:
        gateway, health = deployment.shelf.get(name), known.get(name)
        results = _results(session, name, now)
        until = [at for at in (health.shut_until, health.paused_until) if at is not None and at > now] if health else []
        found.append(
            Channel(
                name=name,
                uses=_uses(deployment, name),
                lacking=gateway.lacking() if gateway else (),
                last_in=_newest(session, now, MESSAGE.c.direction == Direction.IN, MESSAGE.c.gateway == name),
                last_out=_newest_out(session, name, now),
                sent=sum(count for result, _, count in results if result == Certainty.ACCEPTED),
                failures=tuple(_causes(results)),
                alone_until=max(until, default=None),
                trial=_trial(session, name, now),
            )
        )
    return sorted(found, key=lambda one: (not one.uses, one.name))


def leave_alone(session: Session, deployment: Deployment, name: str, *, officer: Officer, now: datetime) -> None:
    """Use a gateway for nothing but alerts to life for an hour. Raises UnknownGateway."""
    _known(deployment, name)
    breaker.set_pause(session, deployment, name, until=now + LEFT_ALONE, now=now)
    audit.record(session, now, actor=f"officer:{officer.name}", action="gateway.left_alone", subject=name)


def use_again(session: Session, deployment: Deployment, name: str, *, officer: Officer, now: datetime) -> None:
    """Use a gateway again at once. Raises UnknownGateway."""
    _known(deployment, name)
    breaker.set_pause(session, deployment, name, until=None, now=now)
    audit.record(session, now, actor=f"officer:{officer.name}", action="gateway.used_again", subject=name)


def try_out(session: Session, deployment: Deployment, name: str, contact: Contact, *, officer: Officer, now: datetime) -> None:
    """Send one contact a text by this gateway that says it is a test. Raises UnknownGateway, also if it does not reach them."""
    if not reaches(deployment, contact, name):
        raise UnknownGateway(name)
    body = deployment.words.text(TEST, contact.language, time=f"{deployment.local(now):%H:%M}")
    if name == "webhook":
        body = json.dumps({"type": "test", "timestamp": now.isoformat(timespec="seconds"), "data": {}})
    draft = Draft(
        kind=MessageKind.NOTICE,
        lane=Lane.REPLY,
        body=body,
        gateway=name,
        contact_id=contact.id,
        officer_id=officer.id,
        template=TEST,
        valid_for=TEST_LASTS,
    )
    session.connection().execute(insert(MESSAGE), [draft.row(deployment.keyring.fields, now)])
    audit.record(session, now, actor=f"officer:{officer.name}", action="gateway.tested", subject=name, contact=contact.name)


def page(session: Session, deployment: Deployment, contact: Contact, *, officer: Officer, now: datetime) -> bool:
    """Send somebody a page that says it is a test. Returns whether there was a way; a phone answers it with 1 and its code."""
    if contact.number_sealed is None:
        ways = [way for way in BESIDE if reaches(deployment, contact, way)]
        for way in ways:
            try_out(session, deployment, way, contact, officer=officer, now=now)
        return bool(ways)
    (code,) = unused(session, 1)
    contact.test_code, contact.tested_at, contact.test_answered_at = code, now, None
    notice(session, deployment, contact, "staff.desk_test", now, code=code, time=f"{deployment.local(now):%H:%M}")
    audit.record(
        session, now, actor=f"officer:{officer.name}", action="directory.tested", subject="directory", contact=contact.name
    )
    return True


def reaches(deployment: Deployment, contact: Contact, gateway: str) -> bool:
    """Whether a gateway is there and a contact has what it writes to."""
    address = contact.number_sealed if gateway not in BESIDE else getattr(contact, f"{gateway}_sealed")
    return deployment.shelf.get(gateway) is not None and address is not None


def _known(deployment: Deployment, name: str) -> None:
    if deployment.shelf.get(name) is None:
        raise UnknownGateway(name)


def _uses(deployment: Deployment, name: str) -> tuple[str, ...]:
    chosen = deployment.settings
    named: dict[str, tuple[str, ...]] = {
        "texts": (chosen.gateway,),
        "second": (chosen.second_gateway,),
        "calls": (chosen.voice_gateway,),
        "joins": tuple(filter(None, [bridge.gateway_for(deployment)])),
        "many": chosen.broadcast_gateways or (chosen.gateway,),
        "beside": BESIDE,
    }
    return tuple(use for use, names in named.items() if name in names)


def _newest(session: Session, now: datetime, *where: ColumnElement[bool]) -> datetime | None:
    lately = MESSAGE.c.id > first_id(now - LOOKED_BACK)
    found = select(MESSAGE.c.created_at).where(lately, *where).order_by(MESSAGE.c.id.desc()).limit(1)
    return session.scalars(found).first()


def _newest_out(session: Session, name: str, now: datetime) -> datetime | None:
    lately = ATTEMPT.c.id > first_id(now - LOOKED_BACK)
    found = (
        select(ATTEMPT.c.ended_at)
        .join(MESSAGE, MESSAGE.c.id == ATTEMPT.c.message_id)
        .where(lately, ATTEMPT.c.gateway == name, ATTEMPT.c.result == Certainty.ACCEPTED)
    )
    return session.scalars(found.order_by(ATTEMPT.c.id.desc()).limit(1)).first()


def _results(session: Session, name: str, now: datetime) -> Sequence[tuple[str, str | None, int]]:
    """Return the outcomes of a day's tries: what is known, the cause, how many."""
    lately = ATTEMPT.c.id > first_id(now - LATELY)
    counted = (
        select(ATTEMPT.c.result, ATTEMPT.c.code, func.count().label("tries"))
        .join(MESSAGE, MESSAGE.c.id == ATTEMPT.c.message_id)
        .where(lately, ATTEMPT.c.gateway == name, ATTEMPT.c.result.is_not(None))
        .group_by(ATTEMPT.c.result, ATTEMPT.c.code)
    )
    return [(row.result, row.code, row.tries) for row in session.execute(counted)]


def _causes(results: Sequence[tuple[str, str | None, int]]) -> Sequence[tuple[str, int]]:
    wrong = [(code or result, count) for result, code, count in results if result != Certainty.ACCEPTED]
    return sorted(wrong, key=lambda one: (-one[1], one[0]))[:MOST_CAUSES]


def _trial(session: Session, name: str, now: datetime) -> Trial | None:
    lately = MESSAGE.c.id > first_id(now - LATELY)
    mine = (MESSAGE.c.template == TEST, MESSAGE.c.gateway == name)
    found = select(MESSAGE.c.created_at, MESSAGE.c.state).where(lately, *mine).order_by(MESSAGE.c.id.desc()).limit(1)
    row = session.execute(found).first()
    return Trial(row.created_at, row.state) if row else None
