"""Correct: an officer says what a case really is, and what triage had made of it is kept beside that.

Case and officer go in; the case takes what the officer says, a correction row keeps what triage had said, and the record names
the officer. Nothing is learnt by itself: `hotline triage lessons` lists corrections, and people decide what to change.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.casework.read import Shredded, key_of, newest_findings
from hotline.casework.work import Changed, lock
from hotline.deployment import Deployment
from hotline.models import RANK, Case, Correction, Officer, new_id

CATEGORIES = (
    "trafficking", "smuggling", "gbv", "labour_abuse", "missing_person", "child_protection", "question", "thanks_or_other",
    "spam_or_prank",
)  # fmt: skip
_KEPT = ("language", "variety", "category", "categories", "certainty", "urgency", "minors", "act", "means", "purpose")


class SetMeanwhile(Exception):
    """Somebody else has set the case right since the officer saw it. `found` is the category and urgency it has now."""

    def __init__(self, category: str, urgency: str) -> None:
        super().__init__("set meanwhile")
        self.found = (category, urgency)


@dataclass(frozen=True)
class Lesson:
    """One correction: what triage said, what an officer said, and which rules had spoken; no words of the caller."""

    at: datetime
    handle: str
    said: tuple[str, str]
    right: tuple[str, str]
    rules_version: str
    language: str
    certainty: float
    rules: tuple[str, ...]


def correct(  # noqa: PLR0913  what was seen and what is said are two things
    session: Session,
    deployment: Deployment,
    case: Case,
    *,
    officer: Officer,
    said: tuple[str, str],
    seen: tuple[str, str],
    now: datetime,
) -> Correction | None:
    """Give a case the category and urgency `said` in place of those `seen`; nothing happens when it has them.

    Raises Changed for words we do not know, and SetMeanwhile where it has become something else since it was seen.
    """
    category, urgency = said
    if category not in CATEGORIES or urgency not in RANK:
        raise Changed
    locked = lock(session, case)
    if (locked.category, locked.urgency) == said:
        return None
    if (locked.category, locked.urgency) != seen:
        raise SetMeanwhile(locked.category, locked.urgency)
    found = newest_findings(session, case, key_of(session, deployment, case))
    row_id = new_id()
    kept = {name: found.get(name) for name in _KEPT} | {"rules": _rules(found)}
    sealed = key_of(session, deployment, case).seal_text(json.dumps(kept), f"correction|sealed|{row_id}")
    correction = Correction(
        id=row_id,
        case_id=case.id,
        officer_id=officer.id,
        said_category=locked.category,
        said_urgency=locked.urgency,
        category=category,
        urgency=urgency,
        rules_version=str(found.get("rules_version", "")),
        sealed=sealed,
        at=now,
    )
    session.add(correction)
    locked.category, locked.urgency, locked.rank, locked.updated_at = category, urgency, RANK[urgency], now
    locked.aside = None
    locked.version += 1
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.corrected", subject=case.handle)
    return correction


def lessons(session: Session, deployment: Deployment) -> Iterator[Lesson]:
    """Yield every correction whose case can still be opened, oldest first."""
    rows = session.execute(select(Correction, Case).join(Case, Case.id == Correction.case_id).order_by(Correction.at))
    for correction, case in rows:
        try:
            key = key_of(session, deployment, case)
        except Shredded:
            continue
        kept = json.loads(key.open_text(correction.sealed, f"correction|sealed|{correction.id}"))
        yield Lesson(
            at=correction.at,
            handle=case.handle,
            said=(correction.said_category, correction.said_urgency),
            right=(correction.category, correction.urgency),
            rules_version=correction.rules_version,
            language=str(kept.get("variety") or "-"),
            certainty=float(kept.get("certainty") or 0),
            rules=tuple(kept["rules"]),
        )


def _rules(found: Mapping[str, object]) -> list[str]:
    findings = found.get("findings")
    names = (
        [str(one["rule"]) for one in findings if isinstance(one, Mapping) and "rule" in one] if isinstance(findings, list) else []
    )
    return list(dict.fromkeys(names))
