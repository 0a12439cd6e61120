"""Conflict of interest: whoever a report names or accuses, and their station, do not learn that it exists.

A report's words go in; exclusions come out. What is proposed holds at once, and until a person has decided only bodies outside
the district are told. Decided, the case goes to whoever may know. Whoever was told before and now must not be is forgotten: pages
to them are cancelled, what they took is open again, and their answers meet an unknown code (docs/adr/0031).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.db import among, insert_unless_there
from hotline.deployment import Deployment
from hotline.models import (
    Case,
    CaseKey,
    Cause,
    Contact,
    Exclusion,
    ExclusionState,
    Message,
    MessageKind,
    MessageState,
    Officer,
    Reading,
    Referral,
    ReferralState,
    new_id,
    subject,
    subjects_of,
    table,
)
from hotline.privacy import Key
from hotline.routing.choose import OPEN, Bar
from hotline.routing.named import Known, Named, Roll, gazetteer

CASE, CONTACT, EXCLUSION, MESSAGE, OFFICER, REFERRAL = (table(m) for m in (Case, Contact, Exclusion, Message, Officer, Referral))
WAITING = (MessageState.QUEUED, MessageState.HELD)
STANDING = (ExclusionState.PROPOSED, ExclusionState.EXCLUDED)
KIND = "kind:"


class Unknown(Exception):
    """There is no such exclusion to decide on, or somebody has decided already; look once more."""


@dataclass(frozen=True)
class Told:
    """A case whose words are looked at."""

    case_id: str
    key: Key
    words: str


def look(session: Session, told: Sequence[Told], now: datetime) -> None:
    """Propose the exclusions that the words of these cases call for. One that somebody has decided on stays decided."""
    spoken = [one for one in told if one.words]
    if not spoken:
        return
    roll = _roll(_people(session), _areas(session))
    for one in spoken:
        if found := roll.find(one.words):
            propose(session, one.case_id, one.key, found, now)


def propose(session: Session, case_id: str, key: Key, found: Sequence[Named], now: datetime) -> None:
    """Keep what is found as proposals, and take the case back from whoever must not have it."""
    rows = []
    for one in found:
        row_id = new_id()
        rows.append({
            "id": row_id,
            "case_id": case_id,
            "subject": one.subject,
            "cause": one.cause,
            "state": ExclusionState.PROPOSED,
            "sealed": key.seal_text(one.words, bound_to(row_id)),
            "at": now,
        })  # fmt: skip
    insert_unless_there(session.connection(), EXCLUSION, rows)
    forget(session, case_id, {one.subject for one in found}, now)


def bars(session: Session, case_ids: Collection[str]) -> Mapping[str, Bar]:
    """Return who must not know of which case; cases that are open to all are not in the answer."""
    standing = (among(session, EXCLUSION.c.case_id, case_ids), EXCLUSION.c.state.in_(STANDING))
    subjects: dict[str, set[str]] = {}
    outside: set[str] = set()
    for row in session.execute(select(EXCLUSION.c.case_id, EXCLUSION.c.subject, EXCLUSION.c.state).where(*standing)):
        subjects.setdefault(row.case_id, set()).add(row.subject)
        if row.state == ExclusionState.PROPOSED or row.subject.startswith(KIND):
            outside.add(row.case_id)
    return {case_id: Bar(frozenset(whom), case_id in outside) for case_id, whom in subjects.items()}


def bar(session: Session, case_id: str) -> Bar:
    """Return who must not know of one case."""
    return bars(session, [case_id]).get(case_id, OPEN)


def forget(session: Session, case_id: str, subjects: Collection[str], now: datetime) -> None:
    """Take a case back from contacts of these subjects: no page leaves for them, and what they took is open again."""
    told = select(REFERRAL.c.contact_id).where(REFERRAL.c.case_id == case_id, REFERRAL.c.state != ReferralState.WITHDRAWN)
    people = select(Contact).where(Contact.id.in_(told))
    barred = [one.id for one in session.scalars(people).unique() if not _of_contact(one).isdisjoint(subjects)]
    if not barred:
        return
    theirs = (REFERRAL.c.case_id == case_id, REFERRAL.c.contact_id.in_(barred))
    session.execute(update(REFERRAL).where(*theirs).values(state=ReferralState.WITHDRAWN))
    pages = (MESSAGE.c.case_id == case_id, MESSAGE.c.kind == MessageKind.ALERT, MESSAGE.c.contact_id.in_(barred))
    waiting = update(MESSAGE).where(*pages, MESSAGE.c.state.in_(WAITING))
    session.execute(waiting.values(state=MessageState.CANCELLED))
    taken = (CASE.c.id == case_id, CASE.c.acknowledged_by_id.in_(barred))
    anew = {"acknowledged_at": None, "acknowledged_by_id": None, "next_step_at": now, "ladder_from": now, "ladder_step": 0}
    session.execute(update(CASE).where(*taken).values(**anew))


def exclude(  # noqa: PLR0913  a proposal has that many sides
    session: Session, deployment: Deployment, case: Case, *, officer: Officer, whom: str, words: str, now: datetime
) -> None:
    """Propose an exclusion by hand. Raises Unknown for a subject that is none."""
    if whom not in {choice for choice, _ in choices(session)}:
        raise Unknown
    key = deployment.keyring.case_key(case.id, session.get_one(CaseKey, case.id).wrapped)
    propose(session, case.id, key, [Named(whom, Cause.BY_HAND, words)], now)
    _stir(session, case.id, now)
    audit.record(session, now, actor=f"officer:{officer.name}", action="exclusion.proposed", subject=case.handle, whom=whom)


def decide(session: Session, case: Case, exclusion_id: str, *, officer: Officer, excluded: bool, now: datetime) -> bool:
    """Decide on one proposal, or anew on one that was decided. Returns whether that was the last the case waited for.

    Nobody decides about themselves: to them the case is not there. Raises Unknown.
    """
    asked = select(Exclusion).where(Exclusion.id == exclusion_id, Exclusion.case_id == case.id).with_for_update(of=Exclusion)
    found = session.scalars(asked).first()
    if found is None:
        raise Unknown
    found.state = ExclusionState.EXCLUDED if excluded else ExclusionState.DISMISSED
    found.decided_at, found.decided_by_id = now, officer.id
    session.flush()
    if excluded:
        forget(session, case.id, {found.subject}, now)
    else:
        _remember(session, case.id)
    _stir(session, case.id, now)
    action = "exclusion.decided" if excluded else "exclusion.dismissed"
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=case.handle, whom=found.subject)
    return not pending(session, case.id)


def pending(session: Session, case_id: str) -> bool:
    """Whether a case waits for somebody to decide who may know of it."""
    open_ones = (EXCLUSION.c.case_id == case_id, EXCLUSION.c.state == ExclusionState.PROPOSED)
    return session.execute(select(EXCLUSION.c.id).where(*open_ones).limit(1)).first() is not None


@dataclass(frozen=True)
class Shown:
    """An exclusion as an officer sees it who is none of those it keeps away: whom, why, the caller's words for it."""

    exclusion: Exclusion
    whom: str
    kind: str
    words: str


def shown(session: Session, case_id: str, key: Key) -> list[Shown]:
    """Return the exclusions of a case, what waits for a decision first."""
    found = session.scalars(select(Exclusion).where(Exclusion.case_id == case_id).order_by(Exclusion.at, Exclusion.id)).all()
    names = dict(choices(session)) if found else {}
    rows = [
        Shown(one, names.get(one.subject, one.subject.partition(":")[2]), one.subject.partition(":")[0],
              key.open_text(one.sealed, bound_to(one.id)))
        for one in found
    ]  # fmt: skip
    return sorted(rows, key=lambda one: one.exclusion.state != ExclusionState.PROPOSED)


def held(session: Session, case_ids: Collection[str]) -> frozenset[str]:
    """Return which of these cases wait for a decision who may know of them."""
    waiting = (Exclusion.case_id.in_(case_ids), Exclusion.state == ExclusionState.PROPOSED)
    return frozenset(session.scalars(select(Exclusion.case_id).where(*waiting).distinct()))


def choices(session: Session) -> list[tuple[str, str]]:
    """Return whom somebody may exclude by hand: subject and name, stations and kinds of agencies first."""
    people = session.scalars(select(Contact).where(Contact.active).order_by(Contact.name)).unique().all()
    desk = session.scalars(select(Officer).where(Officer.active).order_by(Officer.display_name)).unique().all()
    kinds = sorted({one.agency.kind for one in people})
    stations = sorted({station for station in (*(one.station for one in people), *(one.station for one in desk)) if station})
    agencies = {one.agency_id: one.agency.name for one in people}
    return [
        *((subject("kind", kind), kind) for kind in kinds),
        *((subject("station", station), station) for station in stations),
        *sorted(((subject("agency", of), name) for of, name in agencies.items()), key=lambda one: one[1]),
        *((subject("contact", one.id), one.name) for one in people),
        *((subject("officer", one.id), one.display_name) for one in desk),
    ]


def bound_to(exclusion_id: str) -> str:
    """Return what the words of an exclusion are bound to."""
    return f"exclusion|sealed|{exclusion_id}"


def told_of(case_id: str, key: Key, reading: Reading) -> Told:
    """Return a reading as a case whose words are looked at."""
    return Told(case_id, key, reading.words)


def _remember(session: Session, case_id: str) -> None:
    """Give the case back to contacts who may know of it after all."""
    barred = bar(session, case_id).subjects
    withdrawn = select(Referral).where(Referral.case_id == case_id, Referral.state == ReferralState.WITHDRAWN)
    for referral in session.scalars(withdrawn):
        if _of_contact(referral.contact).isdisjoint(barred):
            referral.state = ReferralState.TOLD if referral.told_at else ReferralState.QUEUED


def _stir(session: Session, case_id: str, now: datetime) -> None:
    session.execute(update(CASE).where(CASE.c.id == case_id).values(updated_at=now, version=CASE.c.version + 1))


def _of_contact(one: Contact) -> frozenset[str]:
    return subjects_of(contact=one.id, agency=one.agency_id, kind=one.agency.kind, station=one.station)


_Person = tuple[str, str, str, tuple[str, ...], str | None, str | None]


def _people(session: Session) -> tuple[_Person, ...]:
    """Return everybody who could be named: kind, id, name, nicknames, badge, station."""
    contacts = select(CONTACT.c.id, CONTACT.c.name, CONTACT.c.aliases, CONTACT.c.badge, CONTACT.c.station).where(CONTACT.c.active)
    officers = select(OFFICER.c.id, OFFICER.c.display_name, OFFICER.c.aliases, OFFICER.c.badge, OFFICER.c.station)
    return tuple(
        (kind, row[0], row[1], tuple(row[2]), row[3], row[4])
        for kind, asked in (("contact", contacts), ("officer", officers.where(OFFICER.c.active)))
        for row in session.execute(asked.order_by("id"))
    )


def _areas(session: Session) -> frozenset[str]:
    return frozenset(area for areas in session.scalars(select(CONTACT.c.areas)) for area in areas)


@lru_cache(maxsize=2)
def _roll(people: tuple[_Person, ...], areas: frozenset[str]) -> Roll:
    """Return the roll of these people: the same for batch after batch, until the directory changes."""
    known = [_known(person) for person in people]
    stations = sorted({person[-1] for person in people if person[-1]})
    known += [Known(((subject("station", name), Cause.NAMED),), (name,)) for name in stations]
    return Roll(known, (*areas, *gazetteer()))


def _known(person: _Person) -> Known:
    kind, who, name, nicknames, badge, station = person
    theirs = ((subject("station", station), Cause.THEIR_STATION),) if station else ()
    return Known(((subject(kind, who), Cause.NAMED), *theirs), (name,), badge, nicknames)
