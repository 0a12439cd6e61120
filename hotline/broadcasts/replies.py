"""What came back after a broadcast: reports, and answers to its question. Few are no number here: they would be somebody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline.models import BroadcastAnswer, Report, table

REPORT, ANSWER = table(Report), table(BroadcastAnswer)
FEWEST: Final = 5  # with fewer, a count begins to tell about one of them


@dataclass(frozen=True)
class Replies:
    """How many reports came after a broadcast, None for some but fewer than five; and how many chose each answer."""

    reports: int | None = 0
    answers: dict[int, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many answered."""
        return sum(self.answers.values())


def replies(session: Session, row: Mapping[str, Any]) -> Replies:
    """Return what came back after a broadcast."""
    came = session.scalar(select(func.count(REPORT.c.id)).where(REPORT.c.broadcast_id == row["id"])) or 0
    chosen = select(ANSWER.c.choice, func.count().label("many")).where(ANSWER.c.broadcast_id == row["id"])
    counted = {one.choice: one.many for one in session.execute(chosen.group_by(ANSWER.c.choice).order_by(ANSWER.c.choice))}
    whole = {choice: counted.get(choice, 0) for choice in range(1, row["choices"] + 1)}
    return Replies(came if came == 0 or came >= FEWEST else None, whole if sum(whole.values()) >= FEWEST else {})
