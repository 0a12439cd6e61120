"""A test text: what a broadcast says, to the phone of whoever writes it, before anybody else gets it.

It goes only to a number that joined a list itself, and whoever asks is told the same whether it did or not: a screen that sends
to any number typed into it would be a way to write to strangers, and one that refuses a number a way to ask about it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.broadcasts.campaign import Refused
from hotline.broadcasts.check import gateways, judge, wording
from hotline.deployment import Deployment
from hotline.models import Lane, Message, MessageKind, Subscriber, table
from hotline.outbound.compose import Draft

MESSAGE, SUBSCRIBER = table(Message), table(Subscriber)
MOST_A_DAY: Final = 5  # test texts to one number
VALID_FOR: Final = timedelta(minutes=15)

NO_NUMBER: Final = "This is no phone number: write it as 078… or +250…"
NO_TEXT: Final = "There is no text in that language, or it cannot be sent as it is."


def send(
    session: Session, deployment: Deployment, row: Mapping[str, Any], to: tuple[str, str], *, actor: str, now: datetime
) -> bool:
    """Queue a test text to a number in a language. Returns whether it was, which nobody may be shown. Raises Refused."""
    number, language = to
    who = deployment.sender(number)
    if not who.reachable:
        raise Refused(NO_NUMBER)
    if not any(one.language == language and not one.wrong for one in judge(deployment, row)):
        raise Refused(NO_TEXT)
    audit.record(session, now, actor=actor, action="broadcast.tried", subject=row["id"])
    here = (SUBSCRIBER.c.number_index == deployment.number_index(who.address), SUBSCRIBER.c.left_at.is_(None))
    person = session.execute(select(SUBSCRIBER.c.id, SUBSCRIBER.c.sector).where(*here)).one_or_none()
    if person is None or _today(session, person.id, now) >= MOST_A_DAY:
        return False
    draft = Draft(
        kind=MessageKind.BROADCAST,
        lane=Lane.REPLY,
        body=wording(deployment, row).text(language, person.sector),
        gateway=gateways(deployment)[0],
        subscriber_id=person.id,
        valid_for=VALID_FOR,
    )
    session.execute(insert(MESSAGE).values(**draft.row(deployment.keyring.fields, now)))
    return True


def _today(session: Session, subscriber_id: str, now: datetime) -> int:
    tests = (MESSAGE.c.subscriber_id == subscriber_id, MESSAGE.c.broadcast_id.is_(None))
    return session.scalar(select(func.count()).where(*tests, MESSAGE.c.created_at > now - timedelta(days=1))) or 0
