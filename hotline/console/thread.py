"""A case told in order of time: what the caller wrote, what we sent, what officers noted, who was told and who answered."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hotline.casework.read import OpenedCase, OpenedNote, OpenedText
from hotline.console.findings import Finding, Piece, mark
from hotline.models import Case, Direction, MessageKind, Referral, ReferralState


class Kind(StrEnum):
    """What an entry is, and so how it looks."""

    CALLER = "caller"
    AUTO = "auto"
    REPLY = "reply"
    NOTE = "note"
    EVENT = "event"


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `event` names a sentence of the templates; `who` is the person in it, `what` its end."""

    at: datetime
    kind: Kind
    pieces: Sequence[Piece] = ()
    text: OpenedText | None = None
    event: str = ""
    who: str = ""
    what: str = ""


def tell(opened: OpenedCase, findings: Sequence[Finding]) -> list[Entry]:
    """Return everything that happened in a case, oldest first."""
    entries = [
        *_desk(opened.case),
        *(_text(text, findings) for text in opened.texts),
        *(_note(note) for note in opened.notes),
        *(event for referral in opened.referrals for event in _referral(referral)),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _text(text: OpenedText, findings: Sequence[Finding]) -> Entry:
    message = text.message
    if message.direction == Direction.IN:
        told = findings if message.kind == MessageKind.REPORT else ()
        return Entry(message.created_at, Kind.CALLER, mark(text.words, told), text, who=_name(text))
    kind = Kind.REPLY if message.kind == MessageKind.REPLY else Kind.AUTO
    return Entry(message.created_at, kind, (Piece(text.words),), text, who=_name(text))


def _name(text: OpenedText) -> str:
    return text.officer.display_name if text.officer else ""


def _note(note: OpenedNote) -> Entry:
    who = note.note.officer.display_name if note.note.officer else note.note.contact.name if note.note.contact else ""
    return Entry(note.note.at, Kind.NOTE, (Piece(note.words),), who=who)


def _desk(case: Case) -> Iterator[Entry]:
    if case.owner and case.claimed_at:
        yield Entry(case.claimed_at, Kind.EVENT, event="claimed", who=case.owner.display_name)
    if case.acknowledged_at and case.acknowledged_by is None:
        yield Entry(case.acknowledged_at, Kind.EVENT, event="acknowledged_here")


def _referral(referral: Referral) -> Iterable[Entry]:
    name = referral.contact.name
    if referral.told_at:
        yield Entry(referral.told_at, Kind.EVENT, event="told", who=name)
    if referral.answered_at and referral.state not in (ReferralState.TOLD, ReferralState.WITHDRAWN):
        later = referral.state in (ReferralState.ACCEPTED, ReferralState.OUTCOME)
        yield Entry(referral.answered_at, Kind.EVENT, event=ReferralState.ACKNOWLEDGED if later else referral.state, who=name)
    if referral.accepted_at:
        yield Entry(referral.accepted_at, Kind.EVENT, event=ReferralState.ACCEPTED, who=name)
    if referral.outcome and referral.outcome_at:
        yield Entry(referral.outcome_at, Kind.EVENT, event=ReferralState.OUTCOME, who=name, what=referral.outcome)
