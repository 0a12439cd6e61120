"""What became of a text the hotline took, read from its rows: the inbox, the report, triage's reading, the alert."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, Select, func, select

from hotline.deployment import Deployment
from hotline.models import Assessed, Direction, Inbox, InboxKind, InboxState, Message, MessageKind, Referral, table

INBOX, MESSAGE, ASSESSED, REFERRAL = (table(model) for model in (Inbox, Message, Assessed, Referral))
ALERT = MESSAGE.alias("alert")
IDS_AT_ONCE = 400


class Fate(StrEnum):
    """Where a text is. `settled` ones go no further without a person."""

    REFUSED = "refused by the webhook"
    LOST = "taken, but not in the inbox"
    WAITING = "stored, not read yet"
    PARKED = "stored, set aside for a person"
    COMMAND = "stored, a word or an answer and no report"
    QUEUED = "read, the officer is not told yet"
    DESK = "read, kept at the desk"
    TOLD = "read, an officer is told"

    @property
    def settled(self) -> bool:
        """Whether nothing more is awaited."""
        return self not in {Fate.LOST, Fate.WAITING, Fate.QUEUED}


def fates(deployment: Deployment, gateway: str, external_ids: Sequence[str]) -> dict[str, tuple[Fate, datetime | None]]:
    """Return the fate of each text by the gateway's id of it, and when an officer was told; unknown ids are left out."""
    found: dict[str, tuple[Fate, datetime | None]] = {}
    with deployment.db.reading() as session:
        for start in range(0, len(external_ids), IDS_AT_ONCE):
            rows = session.execute(_query(gateway, external_ids[start : start + IDS_AT_ONCE])).mappings()
            found |= {row["external_id"]: _read(row) for row in rows}
    return found


def _query(gateway: str, external_ids: Sequence[str]) -> Select[tuple[object, ...]]:
    came_in = (MESSAGE.c.inbox_id == INBOX.c.id) & (MESSAGE.c.direction == Direction.IN)
    alerts = (ALERT.c.case_id == MESSAGE.c.case_id) & (ALERT.c.kind == MessageKind.ALERT)
    columns = (
        INBOX.c.external_id,
        INBOX.c.state,
        MESSAGE.c.case_id,
        func.max(ASSESSED.c.at).label("read_at"),
        func.count(REFERRAL.c.id).label("referrals"),
        func.min(REFERRAL.c.told_at).label("told_at"),
        func.min(ALERT.c.accepted_at).label("accepted_at"),
    )
    return (
        select(*columns)
        .outerjoin(MESSAGE, came_in)
        .outerjoin(ASSESSED, ASSESSED.c.case_id == MESSAGE.c.case_id)
        .outerjoin(REFERRAL, REFERRAL.c.case_id == MESSAGE.c.case_id)
        .outerjoin(ALERT, alerts)
        .where(INBOX.c.gateway == gateway, INBOX.c.kind == InboxKind.SMS, INBOX.c.external_id.in_(external_ids))
        .group_by(INBOX.c.external_id, INBOX.c.state, MESSAGE.c.case_id)
    )


def _read(row: RowMapping) -> tuple[Fate, datetime | None]:
    told = min((moment for moment in (row["told_at"], row["accepted_at"]) if moment is not None), default=None)
    if told is not None:
        return Fate.TOLD, told
    if row["state"] in {InboxState.PARKED, InboxState.POISON}:
        return Fate.PARKED, None
    if row["state"] != InboxState.DONE:
        return Fate.WAITING, None
    if row["case_id"] is None or row["read_at"] is None:
        return Fate.COMMAND, None
    return (Fate.QUEUED if row["referrals"] else Fate.DESK), None
