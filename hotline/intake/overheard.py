"""Asks the provider what was recorded in each call, once it is over: a recording whose webhook never came is no message lost.

What is found comes in as the very webhook that was missed, under its key, so whichever comes second adds nothing. That goes for
calls whose caller erased what was said, too: what the provider still holds of them is removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import RowMapping, select, update
from sqlalchemy.orm import Session

from hotline.db import after_commit, claim, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import Gateway, Webhook
from hotline.intake.envelope import enclose
from hotline.intake.tapes import key_of
from hotline.models import Inbox, VoiceCall, table
from hotline.privacy import CannotOpen
from hotline.queue import QueueName

CALL, INBOX = table(VoiceCall), table(Inbox)
AFTER_END = timedelta(minutes=2)  # a file is often late, and the webhooks of a call arrive in any order
AFTER_BEGIN = timedelta(minutes=15)  # where nobody says that a call has ended
AGAIN = timedelta(minutes=10)
GIVEN_UP = timedelta(days=2)


@dataclass(frozen=True)
class Asked:
    """A call to be asked about. `name` is the provider's own, None where it cannot be opened any more."""

    row: RowMapping
    name: str | None


def due(session: Session, now: datetime) -> bool:
    """Whether the provider is to be asked about any call."""
    return session.execute(select(CALL.c.id).where(CALL.c.ask_at <= now).limit(1)).first() is not None


def take(session: Session, deployment: Deployment, now: datetime, limit: int) -> list[Asked]:
    """Claim calls for as long as asking may take."""
    rows = claim(
        session, CALL, where=[CALL.c.ask_at <= now], order_by=[CALL.c.ask_at], limit=limit, values={"ask_at": now + AGAIN}
    )
    return [Asked(row, _name(session, deployment, row)) for row in rows]


def heard(
    session: Session, deployment: Deployment, gateway: Gateway, row: RowMapping, found: Sequence[Webhook], now: datetime
) -> None:
    """Take in what the provider holds of a call, and ask no more."""
    seal = deployment.keyring.inbox_seal()
    rows = [enclose(deployment, seal, gateway, webhook, now) for webhook in found]
    if rows:
        insert_unless_there(session.connection(), INBOX, rows)
        after_commit(session, partial(deployment.bell.ring, QueueName.INTAKE))
    ask_no_more(session, row)


def ask_no_more(session: Session, row: RowMapping) -> None:
    """Note that nothing more is to be asked about a call."""
    session.execute(update(CALL).where(CALL.c.id == row["id"]).values(ask_at=None))


def given_up(row: RowMapping, now: datetime) -> bool:
    """Whether a provider that does not answer has been asked for long enough."""
    return bool(now - row["began_at"] > GIVEN_UP)


def _name(session: Session, deployment: Deployment, row: RowMapping) -> str | None:
    key = key_of(session, deployment, row)
    try:
        return None if key is None else key.open_text(row["sealed"], f"voice_call|sealed|{row['id']}")
    except CannotOpen:
        return None
