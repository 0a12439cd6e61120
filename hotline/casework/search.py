"""Finds cases by what is known of them, and by words inside those an officer may read.

Facts are columns and keyed hashes. Words are sealed with each case: the newest cases that fit the facts are opened, up to a cap,
and compared; how many were opened is put on record, and each case found by its words as a case of its own (docs/adr/0039). The
words looked for are kept nowhere.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.asking import ME, NOBODY, Asked
from hotline.deployment import Deployment
from hotline.models import (
    PLACE,
    SECTOR,
    Agency,
    AuditEvent,
    Case,
    CaseKey,
    CaseState,
    Contact,
    Direction,
    Message,
    NamedClue,
    Note,
    Officer,
    Referral,
)
from hotline.outbound.compose import bound_to
from hotline.places import plain, sectors
from hotline.privacy import CannotOpen

PAGE: Final = 50
MOST_OPENED: Final = 500
MOST_SEARCHES: Final = 20
WITHIN: Final = timedelta(minutes=10)
CHILD: Final = ("true", "yes", "likely", "possible", "maybe")
SEARCHED: Final = "case.searched"
_WORD: Final = re.compile(r"\w+")
# Unicode's blocks of combining marks.
_ACCENT: Final = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")


class TooOften(Exception):
    """This officer has had more cases opened by searches within ten minutes than anybody needs."""


@dataclass(frozen=True)
class Found:
    """Cases that fit, newest first. `opened` were read for their words, `capped` says that older ones were not looked at."""

    cases: tuple[Case, ...]
    following: str | None = None
    opened: int = 0
    capped: bool = False


def by_facts(session: Session, deployment: Deployment, asked: Asked, officer: Officer, *, after: str | None = None) -> Found:
    """Return a page of the cases that fit the facts, from the newest or after the case of that token."""
    wanted = select(Case).where(*_facts(deployment, asked, officer))
    if after and (last := session.scalars(select(Case.id).where(Case.token == after)).first()):
        wanted = wanted.where(Case.id < last)
    cases = session.scalars(wanted.order_by(Case.id.desc()).limit(PAGE + 1)).unique().all()
    return Found(tuple(cases[:PAGE]), cases[PAGE - 1].token if len(cases) > PAGE else None)


def by_words(session: Session, deployment: Deployment, asked: Asked, officer: Officer, *, now: datetime) -> Found:
    """Return the cases that fit the facts and in which every word occurs; at most 500 are opened. Raises TooOften."""
    actor = f"officer:{officer.name}"
    lately = (AuditEvent.actor == actor, AuditEvent.action == SEARCHED, AuditEvent.at > now - WITHIN)
    if (session.scalar(select(func.count()).select_from(AuditEvent).where(*lately)) or 0) >= MOST_SEARCHES:
        raise TooOften
    newest = select(Case.id).where(*_facts(deployment, asked, officer)).order_by(Case.id.desc()).limit(MOST_OPENED + 1)
    ids = session.scalars(newest).all()
    looked_at = ids[:MOST_OPENED]
    wanted = [word for typed in asked.words for word in _plain_words(typed)]
    said = _words_of(session, deployment, looked_at)
    fitting = [one for one in looked_at if wanted and _all_occur(wanted, said.get(one, set()))]
    found = session.scalars(select(Case).where(Case.id.in_(fitting[:PAGE])).order_by(Case.id.desc())).unique().all()
    audit.record(session, now, actor=actor, action=SEARCHED, subject="search", opened=len(looked_at), found=len(fitting))
    audit.record_each(session, now, actor=actor, action="case.found", subjects=[case.handle for case in found])
    return Found(tuple(found), opened=len(looked_at), capped=len(ids) > MOST_OPENED or len(fitting) > PAGE)


def _facts(deployment: Deployment, asked: Asked, officer: Officer) -> Iterable[ColumnElement[bool]]:
    columns = (Case.category, Case.urgency, Case.state, Case.channel, Case.language)
    for column in columns:
        if values := asked.facts.get(column.key):
            yield column.in_(values)
    if (states := asked.facts.get("state")) and CaseState.CLOSED not in states:
        yield Case.closed_at.is_(None)  # so says the state already; there are indexes of what is open
    if asked.handles:
        yield Case.handle.in_(asked.handles)
    if asked.since:
        yield Case.opened_at >= asked.since
    if asked.until:
        yield Case.opened_at < asked.until
    if asked.child:
        yield Case.minors.in_(CHILD)
    yield from _beside(deployment, asked, officer)


def _beside(deployment: Deployment, asked: Asked, officer: Officer) -> Iterable[ColumnElement[bool]]:
    """Yield what stands in rows beside the case: where it is, whom it was told to, how it ended, whose it is."""
    if places := asked.facts.get("place"):
        yield Case.id.in_(select(NamedClue.case_id).where(NamedClue.value_index.in_(_indexes(deployment, places))))
    if agencies := asked.facts.get("agency"):
        named = [Agency.name.icontains(name, autoescape=True) for name in agencies]
        told = select(Referral.case_id).join(Contact, Contact.id == Referral.contact_id)
        yield Case.id.in_(told.join(Agency, Agency.id == Contact.agency_id).where(or_(*named)))
    if outcomes := asked.facts.get("outcome"):
        yield Case.id.in_(select(Referral.case_id).where(Referral.outcome.in_(outcomes)))
    if owners := asked.facts.get("owner"):
        yield or_(*(_owned(name, officer) for name in owners))


def _owned(name: str, officer: Officer) -> ColumnElement[bool]:
    if name == NOBODY:
        return Case.owner_id.is_(None)
    if name == ME:
        return Case.owner_id == officer.id
    return Case.owner_id.in_(select(Officer.id).where(func.lower(Officer.name) == name.lower()))


def _indexes(deployment: Deployment, places: Sequence[str]) -> list[bytes]:
    """Return the keyed hashes under which a place is kept: as it is named, and as the sector that it may be."""
    chosen = deployment.settings
    named = [deployment.clue_index(PLACE, name) for place in places if (name := plain(place))]
    known = {plain(sector): sector for sector in sectors(chosen.templates, chosen.district)}
    return named + [deployment.clue_index(SECTOR, known[name]) for place in places if (name := plain(place)) in known]


def _words_of(session: Session, deployment: Deployment, cases: Sequence[str]) -> dict[str, set[str]]:
    """Return every word callers, officers and colleagues wrote in these cases. One that was shredded has none."""
    wrapped = session.execute(select(CaseKey.case_id, CaseKey.wrapped).where(CaseKey.case_id.in_(cases)))
    keys = {row.case_id: deployment.keyring.case_key(row.case_id, row.wrapped) for row in wrapped}
    sealed = [
        (row.case_id, row.sealed, bound_to(row.id))
        for row in session.execute(
            select(Message.id, Message.case_id, Message.sealed).where(
                Message.case_id.in_(cases), or_(Message.direction == Direction.IN, Message.officer_id.is_not(None))
            )
        )
    ]
    notes = select(Note.id, Note.case_id, Note.sealed).where(Note.case_id.in_(cases))
    sealed += [(row.case_id, row.sealed, f"note|sealed|{row.id}") for row in session.execute(notes)]
    words: dict[str, set[str]] = {}
    for case_id, body, bound in sealed:
        if key := keys.get(case_id):
            try:
                words.setdefault(case_id, set()).update(_plain_words(key.open_text(body, bound)))
            except CannotOpen:
                continue
    return words


def _plain_words(text: str) -> list[str]:
    """Return the words of a text in small letters without accents."""
    small = text.casefold()
    return _WORD.findall(small if small.isascii() else _ACCENT.sub("", unicodedata.normalize("NFKD", small)))


def _all_occur(wanted: Sequence[str], said: set[str]) -> bool:
    return all(any(word.startswith(one) for word in said) for one in wanted)
