"""Callers, the contacts who are told, and the officers who work the queue. Numbers are sealed; look-ups use a blind index."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.models.base import Base, new_id


class SafeContact(StrEnum):
    """What a caller said about being texted. Unknown is treated as never once the reply window has passed."""

    UNKNOWN = "unknown"
    NEVER = "never"
    HOURS = "hours"
    ANY = "any"


class Caller(Base):
    """Whoever writes from one number or sender name. `number_index` is a keyed hash: the number itself cannot be searched."""

    __tablename__ = "caller"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    number_index: Mapped[bytes] = mapped_column(unique=True)
    number_sealed: Mapped[bytes]
    reachable: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None]
    safe_contact: Mapped[str] = mapped_column(default=SafeContact.UNKNOWN)
    safe_hours: Mapped[str | None]
    open_question: Mapped[str | None]
    asked_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    panic_at: Mapped[datetime | None]
    last_inbound_at: Mapped[datetime]
    replies_today: Mapped[int] = mapped_column(default=0)
    replies_day: Mapped[str | None]


class Agency(Base):
    """A body that can be told: police, investigation bureau, border post, child line, NGO."""

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]


class Tier(StrEnum):
    """The rung of the ladder on which a contact is told."""

    DUTY = "duty"
    SUPERVISOR = "supervisor"
    NATIONAL = "national"
    DIRECTOR = "director"


class Contact(Base):
    """A desk or person of an agency who can be told. `areas` and `categories` are lists; "*" in one means all.

    `station` is where they serve, `aliases` and `badge` what else they are called: a report that names them is kept from them.
    `mail_sealed` and `webhook_sealed` are addresses at which they are told as well, or, without a number, alone.
    `crossings` says that they may be told of what crosses a border, `abroad` that they serve in another country.
    `test_code` stands in the newest test page to them, and `test_answered_at` is when their phone answered it.
    """

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"))
    name: Mapped[str]
    number_index: Mapped[bytes | None] = mapped_column(unique=True)
    number_sealed: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(default="en")
    tier: Mapped[str] = mapped_column(default=Tier.DUTY)
    areas: Mapped[list[str]] = mapped_column(JSON)
    categories: Mapped[list[str]] = mapped_column(JSON)
    minors: Mapped[bool] = mapped_column(default=True)
    last_resort: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    verified_at: Mapped[datetime | None]
    station: Mapped[str | None]
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)
    badge: Mapped[str | None]
    rests_on_holidays: Mapped[bool] = mapped_column(default=False)
    mail_sealed: Mapped[bytes | None]
    webhook_sealed: Mapped[bytes | None]
    crossings: Mapped[bool] = mapped_column(default=True)
    abroad: Mapped[bool] = mapped_column(default=False)
    test_code: Mapped[str | None]
    tested_at: Mapped[datetime | None]
    test_answered_at: Mapped[datetime | None]

    agency: Mapped[Agency] = relationship(lazy="joined")
    duties: Mapped[list["Duty"]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class Duty(Base):
    """Weekly hours of a contact in the deployment's zone: minutes after midnight; an end not after its start is the next day."""

    __tablename__ = "duty"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    weekday: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]

    __table_args__ = (UniqueConstraint("contact_id", "weekday", "start"),)


class Spell(Base):
    """A span of time in which a contact is away, or on duty, whatever the weekly hours say. `begins` is in it, `ends` is not."""

    __tablename__ = "spell"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    begins: Mapped[datetime]
    ends: Mapped[datetime]
    on_duty: Mapped[bool]


class Holiday(Base):
    """A public holiday, on the deployment's wall clock: `day` is 2026-12-25. Contacts who rest then are not on duty."""

    __tablename__ = "holiday"

    day: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Officer(Base):
    """Somebody who signs in to the console. `role` is a key of hotline.roles; agency and station are theirs, if they have any.

    `language` is that of their console, None for English; `phone_sealed` is the number of their own phone, where they keep one.
    """

    __tablename__ = "officer"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    totp_sealed: Mapped[bytes]
    totp_last_step: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    try_again_at: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    station: Mapped[str | None]
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)
    badge: Mapped[str | None]
    language: Mapped[str | None]
    phone_sealed: Mapped[bytes | None]

    agency: Mapped[Agency | None] = relationship(lazy="joined")


class RecoveryCode(Base):
    """One of ten codes that stand in for a lost authenticator, once each. Only a keyed hash is here."""

    __tablename__ = "recovery_code"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    code_index: Mapped[bytes]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key that an officer's device keeps. Here is only its public half, which opens nothing.

    `sign_count` is how often the device said it has signed, 0 where it does not count (WebAuthn: an unsigned 32-bit number).
    `name` is what its officer calls the device. `used_at` is None until it opened the door once.
    """

    __tablename__ = "passkey"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    name: Mapped[str]
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SpentChallenge(Base):
    """A question to a passkey that was answered, kept until its time is over, so that no answer counts twice."""

    __tablename__ = "spent_challenge"

    challenge_hash: Mapped[bytes] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class OfficerSession(Base):
    """One signed-in browser. Only a hash of the cookie is stored, and here rather than in Redis: a flush ends no night shift.

    `only` names the one screen a browser may show, if it is hung on a wall.
    `locked_at` is set while it opens nothing but the lock; `lock_failures` counts wrong passwords there.
    """

    __tablename__ = "officer_session"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    officer_id: Mapped[str] = mapped_column(ForeignKey("officer.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    only: Mapped[str | None]
    locked_at: Mapped[datetime | None]
    lock_failures: Mapped[int] = mapped_column(default=0, server_default="0")

    officer: Mapped[Officer] = relationship(lazy="joined")


class Invitation(Base):
    """A door that opens once: whoever has its link chooses a password and becomes an officer, or again becomes the one named.

    Only a hash of the link is stored. The authenticator's secret is drawn with it: a page loaded twice shows the same one.
    """

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    officer_id: Mapped[str | None] = mapped_column(ForeignKey("officer.id"))
    name: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    totp_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
