"""The one light a producer sees of the hotline's health: whether what listeners send is being read. It counts nothing aloud."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.models import UNREAD, Inbox, InboxState, table, written_out

INBOX = table(Inbox)
SLOW: Final = timedelta(seconds=10)
STOPPED: Final = timedelta(seconds=60)
WAITING: Final = (written_out(INBOX.c.state, UNREAD), INBOX.c.state == InboxState.RECEIVED)


class Light(StrEnum):
    """How it is."""

    WELL = "well"
    SLOW = "slow"
    STOPPED = "stopped"


def now_(site: Deployment) -> Light:
    """Return how long the oldest text that nobody has read yet has waited, as one of three words."""
    oldest = select(INBOX.c.received_at).where(*WAITING).order_by(INBOX.c.id).limit(1)
    with site.db.reading() as session:
        since, now = session.scalar(oldest), site.db.now(session)
    waited = now - since if since else timedelta()
    return Light.STOPPED if waited > STOPPED else Light.SLOW if waited > SLOW else Light.WELL
