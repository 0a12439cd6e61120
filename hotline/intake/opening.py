"""Rows of a case that a text, a dialled code or a call opens: the case as the desk sees it, and its report."""

import secrets
from datetime import datetime

from hotline.intake.aside import aside
from hotline.intake.received import Conversation
from hotline.models import CaseState, Reading


def case_row(  # noqa: PLR0913  a case has that many sides
    case_id: str, handle: str, reading: Reading, now: datetime, climbs_at: datetime | None, *, state: CaseState, channel: str
) -> dict[str, object]:
    """Return the row of a new case; `climbs_at` is when its ladder climbs first, where that is known already."""
    return {
        "id": case_id,
        "token": secrets.token_urlsafe(16),
        "handle": handle,
        "state": state,
        "category": reading.category,
        "urgency": reading.urgency,
        "rank": reading.rank,
        "minors": reading.minors,
        "language": reading.language,
        "channel": channel,
        "opened_at": now,
        "updated_at": now,
        "ladder_from": now if climbs_at else None,
        "ladder_step": 0,
        "next_step_at": climbs_at,
        "version": 0,
        "aside": aside(case_id, reading),
    }


def report_row(
    conversation: Conversation, caller_id: str, channel: str, gateway: str, now: datetime, broadcast_id: str | None
) -> dict[str, object]:
    """Return the row of its report; `broadcast_id` names the text to many after which its caller wrote."""
    return {
        "id": conversation.report_id,
        "case_id": conversation.case_id,
        "caller_id": caller_id,
        "channel": channel,
        "gateway": gateway,
        "opened_at": now,
        "last_inbound_at": now,
        "broadcast_id": broadcast_id,
    }
