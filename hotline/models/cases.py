"""Cases, the key each is sealed with, who was told of them, and what officers noted."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, listed, new_id, partial_index
from hotline.models.people import Contact, Officer


class CaseState(StrEnum):
    """unfinished → new → open → waiting → passed_on → closed (reopen 30 days); frozen blocks every send."""

    UNFINISHED = "unfinished"
    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    PASSED_ON = "passed_on"
    CLOSED = "closed"
    FROZEN = "frozen"


class Aside(StrEnum):
    """parked: noise that waits in a view of its own. sampled: noise that stays in the queue, so that a person looks at it."""

    PARKED = "parked"
    SAMPLED = "sampled"


AT_REST = (CaseState.CLOSED, CaseState.FROZEN)


class KeptFor(StrEnum):
    """Why a case is kept longer than others. Law 058/2021, art. 52."""

    COURT = "court"
    INQUIRY = "inquiry"
    PERSON = "person"


class Case(Base):
    """What officers work on. `handle` is said aloud and texted; `token` stands in addresses; neither proves anything alone.

    `next_step_at` is when the ladder climbs if nobody has answered; empty means nobody has to. `aside` is empty but for noise.
    `outcome` says how it ended, once an officer has closed it at `closed_at`. `kept_for` keeps it beyond its days; after these,
    at `shredded_at`, nobody can read it any more.
    """

    __tablename__ = "case"
    __table_args__ = (
        Index("ix_case_queue", "state", "rank", "opened_at"),
        partial_index("ix_case_open", "rank", "opened_at", "id", where="closed_at IS NULL"),
        partial_index("ix_case_open_kind", "category", "id", where="closed_at IS NULL"),
        partial_index("ix_case_parked", "rank", "opened_at", "id", where=f"aside IN {listed([Aside.PARKED])}"),
        Index("ix_case_category", "category", "id"),
        Index("ix_case_opened", "opened_at"),
        partial_index("ix_case_owner", "owner_id", "id", where="owner_id IS NOT NULL"),
        partial_index("ix_case_ladder", "next_step_at", where="next_step_at IS NOT NULL"),
        partial_index("ix_case_whole", "closed_at", where="closed_at IS NOT NULL AND shredded_at IS NULL AND kept_for IS NULL"),
        partial_index("ix_case_unanswered", "rank", "id", where=f"acknowledged_at IS NULL AND state NOT IN {listed(AT_REST)}"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    token: Mapped[str] = mapped_column(unique=True, default=lambda: secrets.token_urlsafe(16))
    handle: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=CaseState.NEW)
    category: Mapped[str]
    urgency: Mapped[str]
    rank: Mapped[int]
    minors: Mapped[str]
    language: Mapped[str]
    channel: Mapped[str]
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    claimed_at: Mapped[datetime | None]
    ladder_from: Mapped[datetime | None]
    ladder_step: Mapped[int] = mapped_column(default=0)
    next_step_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    version: Mapped[int] = mapped_column(default=0)
    aside: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    kept_for: Mapped[str | None]
    shredded_at: Mapped[datetime | None]

    owner: Mapped[Officer | None] = relationship(lazy="joined")
    acknowledged_by: Mapped[Contact | None] = relationship(lazy="joined")


class CaseKey(Base):
    """The data key of one case, wrapped by the key-encryption key `kid`. Deleting this row shreds the case."""

    __tablename__ = "case_key"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    kid: Mapped[str]
    wrapped: Mapped[bytes]


class Verb(StrEnum):
    """A contact's answer to an alert."""

    TAKE = "take"
    PASS_ON = "pass_on"  # noqa: S105  "pass on" an alert, not a password
    NOT_OURS = "not_ours"
    ACCEPT = "accept"
    OUTCOME = "outcome"
    NOTE = "note"


class ReferralState(StrEnum):
    """queued → told → acknowledged → accepted → outcome; passed_on and declined on the way. Only a person moves it past told.

    withdrawn: they must not know of it any more; to them it is as if it had never been.
    """

    QUEUED = "queued"
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"
    PASSED_ON = "passed_on"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    OUTCOME = "outcome"


class Outcome(StrEnum):
    """How a referral ended, in the order of the digits by which officers text it."""

    RESCUED = "rescued"
    SAFE = "safe"
    ARRESTED = "arrested"
    UNFOUNDED = "unfounded"
    REFERRED_ON = "referred_on"
    NO_CONTACT = "no_contact"
    OTHER = "other"


class Reason(StrEnum):
    """Why somebody declined, in the order of the digits by which officers text it; the last is the hotline's own."""

    NOT_OUR_AREA = "not_our_area"
    NOT_OUR_MATTER = "not_our_matter"
    NO_MEANS = "no_means"
    CONFLICT = "conflict"
    NO_NEWS = "no_news"


class Fact(StrEnum):
    """What an agency may be told of a case, one by one."""

    PLACE = "place"
    WHEN = "when"
    WHAT = "what"
    HOW_MANY = "how_many"
    AGES = "ages"
    SUSPECTS = "suspects"
    REACHABLE = "reachable"


class Ground(StrEnum):
    """On what ground a fact may be passed on (docs/privacy.md)."""

    CONSENT = "consent"
    DANGER = "danger"
    CHILD = "child"
    DUTY = "duty"


class Track(StrEnum):
    """The track in law that a case goes: whom it is about, and who tells (message_templates/tracks.toml)."""

    CHILD = "child"
    THIRD_PARTY = "third_party"
    SELF_REPORT = "self_report"


class Referral(Base):
    """One contact told, or about to be told, of one case; each step with its time.

    `reason` says why it was declined or returned; `brief` is what the desk wrote for this contact's agency alone, sealed.
    `announced` is the state a webhook told of last.
    """

    __tablename__ = "referral"
    __table_args__ = (
        UniqueConstraint("case_id", "contact_id"),
        partial_index("ix_referral_taken", "answered_at", where=f"state = '{ReferralState.ACKNOWLEDGED}'"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    state: Mapped[str] = mapped_column(default=ReferralState.QUEUED)
    why: Mapped[str]
    step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    outcome_at: Mapped[datetime | None]
    brief: Mapped[bytes | None]
    announced: Mapped[str | None]

    contact: Mapped[Contact] = relationship(lazy="joined")


class SharedFact(Base):
    """One fact of a case that one agency was told, on one ground, by one officer. What the fact says is not here."""

    __tablename__ = "shared_fact"
    __table_args__ = (UniqueConstraint("referral_id", "fact"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    referral_id: Mapped[str] = mapped_column(ForeignKey("referral.id"))
    fact: Mapped[str]
    ground: Mapped[str]
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    at: Mapped[datetime]

    officer: Mapped[Officer] = relationship(lazy="joined")


class LegalTrack(Base):
    """The track one officer chose for a case, on which ground, and by when somebody outside must have taken it."""

    __tablename__ = "legal_track"

    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), primary_key=True)
    track: Mapped[str]
    ground: Mapped[str]
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"))
    at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)

    officer: Mapped[Officer] = relationship(lazy="joined")


class Note(Base):
    """What an officer or a contact wrote for colleagues. Never shown or sent to a caller."""

    __tablename__ = "note"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("case.id"), index=True)
    officer_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contact.id"))
    sealed: Mapped[bytes]
    at: Mapped[datetime]

    officer: Mapped[Officer | None] = relationship(lazy="joined")
    contact: Mapped[Contact | None] = relationship(lazy="joined")
