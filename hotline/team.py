"""The team: who is here and as what, invited by a link that opens once, given another role, struck off, let in again.

Nobody's password is ever known to anybody else: an invitation is a link, and whoever opens it first chooses one. Whoever is
struck off is out at that moment and has no passkeys and no phone here; what they had claimed goes back to the queue.
One administrator always remains.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyotp
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from hotline import audit, officers, passkeys
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Agency, Case, CaseState, Invitation, Officer, OfficerSession, new_id, table
from hotline.roles import Role

INVITED_FOR: Final = timedelta(hours=48)
LONGEST_NAME: Final = 64


class LastAdministrator(Exception):
    """Without this person nobody could change the team any more."""


@dataclass(frozen=True)
class Member:
    """Somebody of the team: when last seen (None: never), in how many browsers signed in now, how many items are theirs."""

    officer: Officer
    seen_at: datetime | None
    sessions: int
    items: int


@dataclass(frozen=True)
class Team:
    """Everybody who has or may soon have an account, by name."""

    members: Sequence[Member]
    invited: Sequence[Invitation]


def listed(session: Session, settings: Settings, now: datetime) -> Team:
    """Return the team as it is."""
    live = _live(settings, now)
    seen = select(
        OfficerSession.officer_id, func.max(OfficerSession.seen_at).label("seen"), func.count().filter(live).label("open")
    ).group_by(OfficerSession.officer_id)
    by_officer = {row.officer_id: row for row in session.execute(seen)}
    theirs = select(Case.owner_id, func.count()).where(Case.owner_id.is_not(None), Case.state != CaseState.CLOSED)
    items = {row[0]: row[1] for row in session.execute(theirs.group_by(Case.owner_id))}
    people = session.scalars(select(Officer).order_by(Officer.active.desc(), Officer.display_name))
    members = []
    for one in people:
        row = by_officer.get(one.id)
        members.append(Member(one, row.seen if row else None, row.open if row else 0, items.get(one.id, 0)))
    waiting = select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > now)
    return Team(members, session.scalars(waiting.order_by(Invitation.created_at)).all())


def invite(  # noqa: PLR0913  who, as what, by whom and when
    session: Session,
    deployment: Deployment,
    *,
    name: str,
    display_name: str,
    role: Role,
    by: Officer,
    now: datetime,
    agency_id: str | None = None,
) -> str:
    """Return the secret of a link by which somebody new becomes an officer within 48 hours. Raises officers.Unsuitable."""
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise officers.Unsuitable(f"A name has 1 to {LONGEST_NAME} characters.")
    asked = select(Invitation.id).where(Invitation.name == name, Invitation.used_at.is_(None), Invitation.expires_at > now)
    if officers.named(session, name) is not None or session.scalars(asked).first() is not None:
        raise officers.Unsuitable("That name is taken.")
    if role is Role.AGENCY and (agency_id is None or session.get(Agency, agency_id) is None):
        raise officers.Unsuitable("An agency's contact belongs to an agency: choose which.")
    shown = display_name.strip()[:LONGEST_NAME] or name
    token = _drawn(session, deployment, Invitation(name=name, display_name=shown, role=role, agency_id=agency_id), now)
    audit.record(session, now, actor=f"officer:{by.name}", action="officer.invited", subject=name, role=str(role))
    return token


def renew(session: Session, deployment: Deployment, officer: Officer, *, by: Officer, now: datetime) -> str:
    """Return the secret of a link by which an officer gets a new password and a new authenticator; earlier links close."""
    earlier = (Invitation.officer_id == officer.id, Invitation.used_at.is_(None))
    session.execute(update(Invitation).where(*earlier).values(expires_at=now))
    again = Invitation(officer_id=officer.id, name=officer.name, display_name=officer.display_name, role=officer.role)
    token = _drawn(session, deployment, again, now)
    audit.record(session, now, actor=f"officer:{by.name}", action="officer.renewed", subject=officer.name)
    return token


def withdraw(session: Session, invitation_id: str, *, by: Officer, now: datetime) -> None:
    """Close a link before anybody used it; harmless when it is closed."""
    open_one = (Invitation.id == invitation_id, Invitation.used_at.is_(None), Invitation.expires_at > now)
    closed = session.execute(update(Invitation).where(*open_one).values(expires_at=now).returning(Invitation.name)).scalar()
    if closed is not None:
        audit.record(session, now, actor=f"officer:{by.name}", action="officer.uninvited", subject=closed)


def opened(session: Session, token: str, *, now: datetime) -> Invitation | None:
    """Return the invitation of a link that still opens."""
    still = (Invitation.token_hash == _hash(token), Invitation.used_at.is_(None), Invitation.expires_at > now)
    return session.scalars(select(Invitation).where(*still)).first()


def authenticator(deployment: Deployment, invitation: Invitation) -> str:
    """Return the `otpauth:` address to put into an authenticator app."""
    return pyotp.TOTP(_secret(deployment, invitation)).provisioning_uri(
        name=invitation.name, issuer_name=deployment.settings.cover
    )


def accept(session: Session, deployment: Deployment, token: str, *, password_hash: str, code: str, now: datetime) -> str | None:
    """Make an officer of whoever came by a link, and return their id; None for a wrong code or a link that opens no more.

    The code proves that the authenticator app was set up. An officer who was there before is out of every
    other browser, and begins without passkeys.
    """
    invitation = opened(session, token, now=now)
    if invitation is None or not pyotp.TOTP(_secret(deployment, invitation)).verify(code, for_time=now, valid_window=1):
        return None
    used = (Invitation.id == invitation.id, Invitation.used_at.is_(None))
    if session.execute(update(Invitation).where(*used).values(used_at=now).returning(Invitation.id)).scalar() is None:
        return None
    officer = session.get(Officer, invitation.officer_id) if invitation.officer_id else None
    if officer is None:
        if officers.named(session, invitation.name) is not None:
            return None
        officer = Officer(id=new_id(), name=invitation.name, display_name=invitation.display_name, role=invitation.role)
        officer.agency_id = invitation.agency_id
    officer.password_hash, officer.failures, officer.try_again_at, officer.totp_last_step = password_hash, 0, None, 0
    officer.totp_sealed = officers.seal_secret(deployment.keyring, officer.id, _secret(deployment, invitation))
    session.add(officer)
    session.flush()
    sign_out(session, officer, now=now)
    passkeys.remove_all(session, officer)
    audit.record(session, now, actor=f"officer:{officer.name}", action="officer.joined", subject=officer.name)
    return officer.id


def give_role(session: Session, officer: Officer, role: Role, *, by: Officer, now: datetime) -> None:
    """Make somebody something else here; it counts from their next click. Raises LastAdministrator."""
    if officer.role == role:
        return
    _keep_one_administrator(session, officer)
    before, officer.role = officer.role, role
    audit.record(
        session, now, actor=f"officer:{by.name}", action="officer.role", subject=officer.name, before=before, after=str(role)
    )


def strike_off(session: Session, officer: Officer, *, by: Officer, now: datetime) -> int:
    """Let somebody in no more, from this moment; returns how many items of theirs went back to the queue.

    Raises LastAdministrator. What they did stays on record under their name.
    """
    _keep_one_administrator(session, officer)
    officer.active = False
    sign_out(session, officer, now=now)
    passkeys.remove_all(session, officer)
    officer.phone_sealed = None
    links = (Invitation.officer_id == officer.id, Invitation.used_at.is_(None))
    session.execute(update(Invitation).where(*links).values(expires_at=now))
    own = table(Case)
    given_back = {"owner_id": None, "claimed_at": None, "updated_at": now, "version": own.c.version + 1}
    theirs = (own.c.owner_id == officer.id, own.c.state != CaseState.CLOSED)
    again = session.scalars(select(own.c.id).where(*theirs, own.c.state == CaseState.OPEN)).all()
    number = len(session.scalars(update(own).where(*theirs).values(given_back).returning(own.c.id)).all())
    if again:
        session.execute(update(own).where(own.c.id.in_(again)).values(state=CaseState.NEW))
    audit.record(
        session, now, actor=f"officer:{by.name}", action="officer.struck_off", subject=officer.name, items_given_back=number
    )
    return number


def let_in_again(session: Session, officer: Officer, *, by: Officer, now: datetime) -> None:
    """Undo a striking off; what had been theirs stays where it went."""
    if not officer.active:
        officer.active = True
        audit.record(session, now, actor=f"officer:{by.name}", action="officer.let_in", subject=officer.name)


def sign_out(session: Session, officer: Officer, *, now: datetime) -> None:
    """End every browser's session of somebody."""
    theirs = (OfficerSession.officer_id == officer.id, OfficerSession.ended_at.is_(None))
    session.execute(update(OfficerSession).where(*theirs).values(ended_at=now))


def _keep_one_administrator(session: Session, officer: Officer) -> None:
    """Raise LastAdministrator if nobody else is one. The rows are held, so that two of them cannot remove each other."""
    if officer.role == Role.ADMIN and officer.active:
        there = select(Officer.id).where(Officer.role == Role.ADMIN, Officer.active).with_for_update()
        if set(session.scalars(there)) <= {officer.id}:
            raise LastAdministrator


def _drawn(session: Session, deployment: Deployment, invitation: Invitation, now: datetime) -> str:
    token, invitation.id = secrets.token_urlsafe(32), new_id()
    invitation.token_hash, invitation.created_at, invitation.expires_at = _hash(token), now, now + INVITED_FOR
    invitation.totp_sealed = deployment.keyring.fields.seal_text(pyotp.random_base32(), _bound(invitation.id))
    session.add(invitation)
    session.flush()
    return token


def _live(settings: Settings, now: datetime) -> ColumnElement[bool]:
    idle = OfficerSession.seen_at > now - timedelta(minutes=settings.session_idle_minutes)
    young = OfficerSession.created_at > now - timedelta(hours=settings.session_hours)
    return OfficerSession.ended_at.is_(None) & idle & young


def _secret(deployment: Deployment, invitation: Invitation) -> str:
    return deployment.keyring.fields.open_text(invitation.totp_sealed, _bound(invitation.id))


def _bound(invitation_id: str) -> str:
    return f"invitation|totp|{invitation_id}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
