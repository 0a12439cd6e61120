"""The record of who saw and did what, chained so that a changed, removed or inserted row shows.

Each row's hash covers the hash before it and the row in canonical JSON (RFC 8785 for the values used here: strings, integers,
lists and objects). The row is written in the transaction of the act itself: no record, no act. The clock writes the newest
hash to an anchor file outside the database, which is what betrays a cut-off tail.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hotline.models import AuditEvent, table

EVENT = table(AuditEvent)
GENESIS = bytes(32)
LOCK = 0x686F746C
TAIL = 1024  # bytes; a line has fewer than a hundred
ANCHORED = re.compile(r"[0-9]+ [0-9a-f]{64}")


@dataclass(frozen=True)
class Break:
    """The first row at which the chain does not hold, and how."""

    seq: int
    why: str


def record(session: Session, now: datetime, *, actor: str, action: str, subject: str, **meta: str | int | bool) -> None:
    """Append one act to the chain. `subject` is a handle or id; `meta` never holds words or numbers of people."""
    record_each(session, now, actor=actor, action=action, subjects=[subject], **meta)


def record_each(
    session: Session, now: datetime, *, actor: str, action: str, subjects: Sequence[str], **meta: str | int | bool
) -> None:
    """Append the same act on several, one row each, in their order."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    newest = select(EVENT.c.seq, EVENT.c.hash).order_by(EVENT.c.seq.desc()).limit(1)
    last = session.connection().execute(newest).first()  # the chain has no gaps, whatever an officer's session leaves out
    seq, previous = (last.seq, last.hash) if last else (0, GENESIS)
    for subject in subjects:
        seq += 1
        event = AuditEvent(seq=seq, at=now, actor=actor, action=action, object=subject, meta=meta, previous=previous)
        previous = event.hash = _hash(event)
        session.add(event)
    session.flush()


def verify(session: Session, anchors: Path) -> Break | None:
    """Walk the chain and compare it with the anchor file. Returns the first break, or None when all holds."""
    previous, seen, held = GENESIS, 0, _anchored(anchors)
    for event in session.scalars(select(AuditEvent).order_by(AuditEvent.seq)).yield_per(1000):
        if event.seq != seen + 1:
            return Break(seen + 1, "missing")
        if event.previous != previous or event.hash != _hash(event):
            return Break(event.seq, "altered")
        if held.get(event.seq, event.hash.hex()) != event.hash.hex():
            return Break(event.seq, "differs from its anchor")
        previous, seen = event.hash, event.seq
    beyond = [seq for seq in held if seq > seen]
    return Break(seen + 1, "cut off") if beyond else None


def anchor(session: Session, anchors: Path) -> None:
    """Append the newest hash to the anchor file, if it moved since the last time and the last one still holds.

    One that does not hold stays the newest: it is the evidence.
    """
    seq, newest = session.execute(select(func.max(AuditEvent.seq))).scalar(), _newest(anchors)
    if seq is None or (newest and newest[0] == seq) or not holds(session, anchors):
        return
    head = session.get_one(AuditEvent, seq)
    ended = _tail(anchors)[-1:] in (b"", b"\n")
    with anchors.open("a") as file:
        file.write(("" if ended else "\n") + f"{seq} {head.hash.hex()}\n")


def holds(session: Session, anchors: Path) -> bool:
    """Whether the chain still has the row of the newest anchor as it was. Costs the same however long both are."""
    newest = _newest(anchors)
    if newest is None:
        return True
    digest = session.connection().execute(select(EVENT.c.hash).where(EVENT.c.seq == newest[0])).scalar()
    return digest is not None and digest.hex() == newest[1]


def _newest(anchors: Path) -> tuple[int, str] | None:
    lines = [line for line in _tail(anchors).decode("ascii", "replace").splitlines() if ANCHORED.fullmatch(line)]
    seq, _, digest = lines[-1].partition(" ") if lines else ("", "", "")
    return (int(seq), digest) if digest else None


def _tail(anchors: Path) -> bytes:
    """Return the last lines of the anchor file; the first of them may be cut."""
    if not anchors.exists():
        return b""
    with anchors.open("rb") as file:
        file.seek(max(0, anchors.stat().st_size - TAIL))
        return file.read()


def _anchored(anchors: Path) -> dict[int, str]:
    return dict(_lines(anchors)) if anchors.exists() else {}


def _lines(anchors: Path) -> Iterator[tuple[int, str]]:
    """Yield the whole lines; one that a power cut left unfinished says nothing."""
    for line in anchors.read_text().splitlines():
        if ANCHORED.fullmatch(line):
            seq, _, digest = line.partition(" ")
            yield int(seq), digest


def _hash(event: AuditEvent) -> bytes:
    body = {
        "action": event.action,
        "actor": event.actor,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "meta": event.meta,
        "object": event.object,
        "seq": event.seq,
    }
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(event.previous + canonical.encode("utf-8", "surrogatepass")).digest()
