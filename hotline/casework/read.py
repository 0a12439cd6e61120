"""Opens a case for reading: the only place where an officer's screen meets a caller's words.

A case and an officer come in; texts, notes and triage's findings go out, opened. No record, no words: only where a committed
audit row says that this officer reads it are they opened, and opening them holds up nobody who writes. A page that refreshes
itself every few seconds would bury the chain, so one row stands for ten minutes of reading by one officer.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session, joinedload

from hotline import audit
from hotline.casework.links import Link, links
from hotline.deployment import Deployment
from hotline.models import Assessed, AuditEvent, Caller, Case, CaseKey, Contact, Message, Note, Officer, Referral, Report
from hotline.outbound.compose import bound_to
from hotline.pieces import Told, whole
from hotline.privacy import Key

ONE_READING: Final = timedelta(minutes=10)
# A phone may send half a character; a page in UTF-8 cannot show it.
_HALF_A_CHARACTER: Final = re.compile(r"[\ud800-\udfff]")


class Shredded(Exception):
    """The case's key was deleted: its words are gone for good."""


class NotOnRecord(Exception):
    """No audit row says yet that this officer reads the case: `put_on_record` writes it."""


@dataclass(frozen=True)
class OpenedText:
    """One text of a case with its words. `officer` wrote it, where an officer did."""

    message: Message
    words: str
    officer: Officer | None


@dataclass(frozen=True)
class OpenedNote:
    """One internal note with its words."""

    note: Note
    words: str


@dataclass(frozen=True)
class OpenedCase:
    """A case as an officer may read it.

    `findings` is triage's newest assessment as it was stored, empty if there is none; `links` are clues other cases name too.
    """

    case: Case
    caller: Caller | None
    texts: tuple[OpenedText, ...]
    notes: tuple[OpenedNote, ...]
    referrals: tuple[Referral, ...]
    findings: Mapping[str, object]
    links: tuple[Link, ...]


def open_case(session: Session, case: Case, key: Key, *, officer: Officer, now: datetime) -> OpenedCase:
    """Return the case with its words. Raises NotOnRecord."""
    if not _on_record(session, case, officer, now):
        raise NotOnRecord
    return OpenedCase(
        case=case,
        caller=caller_of(session, case),
        texts=_texts(session, case, key),
        notes=_notes(session, case, key),
        referrals=tuple(session.scalars(_REFERRALS, {"case": case.id})),
        findings=newest_findings(session, case, key),
        links=links(session, case.id),
    )


def key_of(session: Session, deployment: Deployment, case: Case) -> Key:
    """Return the case's data key. Raises Shredded."""
    row = session.get(CaseKey, case.id)
    if row is None:
        raise Shredded
    return deployment.keyring.case_key(case.id, row.wrapped)


def caller_of(session: Session, case: Case) -> Caller | None:
    """Return who wrote, or None where a case has no report yet."""
    return session.scalars(_CALLER, {"case": case.id}).first()


def put_on_record(session: Session, case: Case, officer: Officer, *, now: datetime) -> None:
    """Write down that an officer reads a case, unless that was written within ten minutes."""
    if not _on_record(session, case, officer, now):
        audit.record(session, now, actor=f"officer:{officer.name}", action="case.read", subject=case.handle)


def _on_record(session: Session, case: Case, officer: Officer, now: datetime) -> bool:
    mine = (AuditEvent.object == case.handle, AuditEvent.actor == f"officer:{officer.name}", AuditEvent.action == "case.read")
    return session.scalars(select(AuditEvent.seq).where(*mine, AuditEvent.at > now - ONE_READING).limit(1)).first() is not None


def _texts(session: Session, case: Case, key: Key) -> tuple[OpenedText, ...]:
    rows = session.execute(_TEXTS, {"case": case.id})
    opened = [(message, officer, key.open_text(message.sealed, bound_to(message.id))) for message, officer in rows]
    texts = whole(Told(message.id, message.joined_to, message.piece, words) for message, _, words in opened)
    return tuple(
        OpenedText(message, _printable(texts[message.id]), officer) for message, officer, _ in opened if message.id in texts
    )


def _notes(session: Session, case: Case, key: Key) -> tuple[OpenedNote, ...]:
    notes = session.scalars(_NOTES, {"case": case.id})
    return tuple(OpenedNote(note, _printable(key.open_text(note.sealed, f"note|sealed|{note.id}"))) for note in notes)


def newest_findings(session: Session, case: Case, key: Key) -> Mapping[str, object]:
    """Return triage's newest assessment of a case as it was stored, empty if there is none."""
    row = session.scalars(_NEWEST, {"case": case.id}).first()
    if row is None:
        return {}
    stored: dict[str, object] = json.loads(key.open_text(row.sealed, f"assessment|sealed|{row.id}"))
    return stored


def _printable(words: str) -> str:
    return _HALF_A_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", words)


_CASE: Final[BindParameter[str]] = bindparam("case")
_CALLER: Final = select(Caller).join(Report, Report.caller_id == Caller.id).where(Report.case_id == _CASE)
_REFERRALS: Final = (
    select(Referral)
    .where(Referral.case_id == _CASE)
    .order_by(Referral.created_at)
    .options(joinedload(Referral.contact).lazyload(Contact.duties))
)
_TEXTS: Final = (
    select(Message, Officer)
    .outerjoin(Officer, Officer.id == Message.officer_id)
    .where(Message.case_id == _CASE, Message.contact_id.is_(None))
    .order_by(Message.created_at, Message.id)
)
_NOTES: Final = select(Note).where(Note.case_id == _CASE).order_by(Note.at, Note.id)
_NEWEST: Final = select(Assessed).where(Assessed.case_id == _CASE).order_by(Assessed.at.desc(), Assessed.id.desc()).limit(1)
