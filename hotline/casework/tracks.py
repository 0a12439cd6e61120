"""The track in law that a case goes: on what ground it is passed on, and by when somebody outside must have taken it.

Triage proposes, an officer chooses and gives the ground; the deadline counts from when the case came in. Being told is not
enough: it is kept once an agency has taken the case, works on it, or has said how it ended. What the tracks are, their hours and
the law they stand on is a file of the deployment (message_templates/tracks.toml), read as a whole or refused.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.config import PROJECT, Settings
from hotline.models import Case, CaseState, Ground, LegalTrack, Officer, Referral, ReferralState, Track

SHIPPED: Final = PROJECT / "message_templates" / "tracks.toml"
TAKEN: Final = (ReferralState.ACKNOWLEDGED, ReferralState.ACCEPTED, ReferralState.OUTCOME)
NO_TRACK: Final = frozenset({"question", "thanks_or_other", "spam_or_prank"})  # nobody's matter in law
AT_MOST: Final = 200


class Unfit(ValueError):
    """The file of tracks cannot be used, or a ground is none of its track."""


class About(BaseModel):
    """What is known of one track; `hours` count from when the case came in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    hours: int = Field(ge=1, le=24 * 31)
    grounds: tuple[Ground, ...] = Field(min_length=1)
    law: str
    source: str


@dataclass(frozen=True)
class Standing:
    """How a case stands on its track. `met_at` is when the first agency took it, None while none has."""

    chosen: LegalTrack
    about: About
    met_at: datetime | None

    def overdue(self, now: datetime) -> bool:
        """Whether the deadline passed before anybody took it."""
        return (self.met_at or now) > self.chosen.due_at


def known(settings: Settings) -> Mapping[Track, About]:
    """Return what this deployment knows of each track. Raises Unfit."""
    own = settings.templates / SHIPPED.name
    return _read(own if own.exists() else SHIPPED)


def propose(category: str, minors: str, findings: Iterable[Mapping[str, object]]) -> Track | None:
    """Return the track that triage's facts speak for, None where there is none. A child comes before who tells of it."""
    if category in NO_TRACK:
        return None
    if minors == "true":
        return Track.CHILD
    themselves = any(one.get("axis") == "danger" and one.get("value") == "self" for one in findings)
    return Track.SELF_REPORT if themselves else Track.THIRD_PARTY


def choose(  # noqa: PLR0913  which track, on what ground, by whom and when
    session: Session, settings: Settings, case: Case, track: Track, ground: Ground, *, officer: Officer, now: datetime
) -> LegalTrack:
    """Put a case on a track, in place of the one it was on. Raises Unfit for a ground that is none of this track."""
    about = known(settings)[track]
    if ground not in about.grounds:
        raise Unfit(ground)
    one = session.get(LegalTrack, case.id) or LegalTrack(case_id=case.id)
    one.track, one.ground, one.officer_id, one.at = track, ground, officer.id, now
    one.due_at = case.opened_at + timedelta(hours=about.hours)
    session.add(one)
    case.updated_at, case.version = now, case.version + 1
    meta = {"track": str(track), "ground": str(ground)}
    audit.record(session, now, actor=f"officer:{officer.name}", action="case.track", subject=case.handle, **meta)
    return one


def standing(session: Session, settings: Settings, case: Case) -> Standing | None:
    """Return how a case stands on its track, None before anybody chose one."""
    chosen = session.scalars(select(LegalTrack).where(LegalTrack.case_id == case.id)).first()
    if chosen is None:
        return None
    told = session.scalars(select(Referral).where(Referral.case_id == case.id, Referral.state.in_(TAKEN))).all()
    times = [at for one in told if (at := one.answered_at or one.accepted_at or one.outcome_at)]
    return Standing(chosen, known(settings)[Track(chosen.track)], min(times, default=None))


def deadlines(session: Session, cases: Sequence[str]) -> Mapping[str, datetime]:
    """Return the deadlines of those of these cases that are on a track, by the case's id."""
    chosen = select(LegalTrack.case_id, LegalTrack.due_at).where(LegalTrack.case_id.in_(cases))
    return {row.case_id: row.due_at for row in session.execute(chosen)}


def overdue(session: Session, now: datetime) -> list[tuple[Case, LegalTrack]]:
    """Return cases that no agency took by the deadline of their track, the longest overdue first. Closed ones are over."""
    taken = select(Referral.case_id).where(Referral.state.in_(TAKEN))
    found = select(Case, LegalTrack).join(LegalTrack, LegalTrack.case_id == Case.id)
    late = (LegalTrack.due_at < now, Case.state != CaseState.CLOSED, Case.id.not_in(taken))
    return [(row[0], row[1]) for row in session.execute(found.where(*late).order_by(LegalTrack.due_at).limit(AT_MOST))]


@lru_cache(maxsize=4)
def _read(path: Path) -> Mapping[Track, About]:
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        return {track: About(**plain[track]) for track in Track}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValidationError) as error:
        raise Unfit(f"The file of tracks cannot be used ({type(error).__name__}).") from None
