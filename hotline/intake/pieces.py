"""Knows which texts are pieces of one: by the reference their phone gave them, or by length and time.

A piece is stored and acted on at once; no alert waits for the rest. But the rest of a text is no answer to our question: a last
piece that reads "1" or "No" is the end of a sentence. Only where the joining is a guess do STOP and nought still count, since
silence by mistake harms nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import gsm7
from hotline.gateways.contract import InboundText
from hotline.models import Direction, Message, table
from hotline.outbound.compose import bound_to
from hotline.privacy import Key

MESSAGE = table(Message)
BY_TIME = timedelta(seconds=30)
BY_REFERENCE = timedelta(hours=1)  # a phone gives the same reference again after 256 texts
# What fills one piece (3GPP TS 23.040): 153 septets or 67 characters of UCS-2, a header of seven octets costs one more, and an
# escape or a pair that does not fit moves to the next; 160 and 70 are what phones cut at that write no header at all.
FULL_SEPTETS = {151, 152, 153, 159, 160}
FULL_UNITS = {65, 66, 67, 69, 70}


@dataclass(frozen=True)
class Joint:
    """How a text hangs on an earlier one. `sure` where a reference says so."""

    joined_to: str | None
    piece: int
    reference: str | None
    sure: bool


@dataclass
class _Earlier:
    id: str
    head: str
    piece: int
    reference: str | None
    full: bool
    at: datetime


class Pieces:
    """The latest texts of each case of a batch, those before it and those in it."""

    def __init__(self, session: Session, keys: Mapping[str, Key], now: datetime) -> None:
        self._earlier: dict[str, list[_Earlier]] = {}
        recent = (MESSAGE.c.case_id.in_(keys), MESSAGE.c.direction == Direction.IN, MESSAGE.c.created_at >= now - BY_REFERENCE)
        for row in session.execute(select(MESSAGE).where(*recent).order_by(MESSAGE.c.created_at)).mappings() if keys else ():
            words = keys[row["case_id"]].open_text(row["sealed"], bound_to(row["id"]))
            head, piece = row["joined_to"] or row["id"], row["piece"] or 1
            known = _Earlier(row["id"], head, piece, row["reference"], is_full(words), row["created_at"])
            self._earlier.setdefault(row["case_id"], []).append(known)

    def look(self, case_id: str | None, text: InboundText, at: datetime) -> Joint | None:
        """Return how a text hangs on others, None for one that stands alone. A first piece hangs on nothing, surely."""
        known = self._earlier.get(case_id, []) if case_id else []
        if text.part is not None and text.part.total > 1:
            reference = f"{text.part.reference}/{text.part.total}"
            head = next((one.head for one in reversed(known) if one.reference == reference), None)
            return Joint(head, text.part.number, reference, sure=True)
        last = known[-1] if known else None
        if last is None or last.reference or not last.full or not timedelta(0) <= at - last.at < BY_TIME:
            return None
        return Joint(last.head, last.piece + 1, None, sure=False)

    def note(self, case_id: str, row_id: str, joint: Joint | None, text: InboundText, at: datetime) -> None:
        """Remember a text of this batch for the next."""
        head, piece = (joint.joined_to or row_id, joint.piece) if joint else (row_id, 1)
        reference = joint.reference if joint else None
        self._earlier.setdefault(case_id, []).append(_Earlier(row_id, head, piece, reference, is_full(text.body), at))


def is_full(words: str) -> bool:
    """Whether a text fills one piece to its end, so that it may go on in another."""
    if gsm7.fits(words):
        return gsm7.septets(words) in FULL_SEPTETS
    return len(words.encode("utf-16-be", "surrogatepass")) // 2 in FULL_UNITS
