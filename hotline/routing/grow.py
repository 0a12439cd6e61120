"""A report grew: its new reading becomes the case's, and whoever must now know is told.

Noise that goes on as more than noise comes back into the queue. A case only ever rises: later harmless words do not take back
an earlier cry for help. A person may lower it, a machine may not.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.models import RANK, Case, Direction, Lane, Message, MessageKind, Reading, Referral, ReferralState, table
from hotline.outbound.compose import bound_to
from hotline.pieces import Told, whole
from hotline.privacy import Key
from hotline.routing import conflict
from hotline.routing.choose import NOBODY_TOLD
from hotline.routing.refer import Referable, refer

CASE, MESSAGE, REFERRAL = table(Case), table(Message), table(Referral)
GRAVER = {"child_protection": 1, "trafficking": 2}
URGENCY = {rank: urgency for urgency, rank in RANK.items()}
CAUTION = ("true", "unknown", "false")


def words_of(session: Session, case_id: str, key: Key) -> str:
    """Return all that the caller has told, oldest first, a line each text."""
    told = (MESSAGE.c.case_id == case_id, MESSAGE.c.direction == Direction.IN, MESSAGE.c.kind == MessageKind.REPORT)
    columns = (MESSAGE.c.id, MESSAGE.c.joined_to, MESSAGE.c.piece, MESSAGE.c.sealed)
    rows = session.execute(select(*columns).where(*told).order_by(MESSAGE.c.created_at, MESSAGE.c.id))
    texts = [Told(row.id, row.joined_to, row.piece, key.open_text(row.sealed, bound_to(row.id))) for row in rows]
    return "\n".join(whole(texts).values())


def reread(
    session: Session,
    deployment: Deployment,
    read: Sequence[tuple[str, Key, Reading]],
    now: datetime,
    *,
    still_telling: bool = False,
) -> set[Lane]:
    """Take over new readings of cases that grew; returns the lanes in which alerts now wait.

    `still_telling`: their callers are in the middle of it, and only danger to life does not wait for the rest.
    """
    conflict.look(session, [conflict.told_of(case_id, key, reading) for case_id, key, reading in read], now)
    risen = [one for case_id, key, reading in read if (one := _rise(session, case_id, key, reading))]
    risen = [one for one in risen if not still_telling or one.reading.urgency == "immediate"]
    return refer(session, deployment, risen, now) if risen else set()


def _rise(session: Session, case_id: str, key: Key, reading: Reading) -> Referable | None:
    case = session.execute(select(CASE).where(CASE.c.id == case_id).with_for_update()).mappings().one()
    rank = min(case["rank"], reading.rank)
    category = _category(case["category"], reading, milder=reading.rank > case["rank"])
    minors = min(str(case["minors"]), reading.minors, key=CAUTION.index)
    risen = rank == 0 < case["rank"]
    values = {"category": category, "urgency": URGENCY[rank], "rank": rank, "minors": minors, "version": case["version"] + 1}
    values |= {} if reading.noise else {"aside": None}
    session.execute(update(CASE).where(CASE.c.id == case_id).values(**values))
    told = frozenset(session.scalars(select(REFERRAL.c.contact_id).where(REFERRAL.c.case_id == case_id)))
    if told and not risen:
        return None
    if risen:
        _ask_anew(session, case_id)
    whole = replace(reading, category=category, urgency=URGENCY[rank], minors=minors)
    climbing = case["next_step_at"] is not None and not risen
    return Referable(case_id, case["handle"], key, whole, told, taken_by=case["acknowledged_by_id"], climbing=climbing)


def _category(before: str, reading: Reading, *, milder: bool) -> str:
    """Return the new reading's category unless it says less than the one before: a chosen answer is not talked away either."""
    falls = GRAVER.get(reading.category, 0) < GRAVER.get(before, 0)
    return before if milder or falls or reading.category in NOBODY_TOLD else reading.category


def _ask_anew(session: Session, case_id: str) -> None:
    """Take back the answer a case had: whoever took something harmless has not yet taken a danger to life."""
    session.execute(update(CASE).where(CASE.c.id == case_id).values(acknowledged_at=None, acknowledged_by_id=None))
    taken = (REFERRAL.c.case_id == case_id, REFERRAL.c.state == ReferralState.ACKNOWLEDGED)
    session.execute(update(REFERRAL).where(*taken).values(state=ReferralState.TOLD))
