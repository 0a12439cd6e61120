"""An officer's own phone, which rings first when they call a reporter: kept sealed, shown by two digits, never whole again.

A mobile number of this country, for a call to one costs what a call costs. Keeping and removing it are on record, without it.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.models import Officer
from hotline.phone import is_mobile, masked


class NotAPhone(Exception):
    """What was typed is no mobile number of this country, or was typed two ways."""


def keep(session: Session, deployment: Deployment, officer: Officer, typed: tuple[str, str], *, now: datetime) -> None:
    """Keep a number that was typed twice alike; it takes the place of an earlier one. Raises NotAPhone."""
    once, again = (deployment.sender(number).address for number in typed)
    if once != again or not is_mobile(once, deployment.settings.region):
        raise NotAPhone
    session.get_one(Officer, officer.id).phone_sealed = deployment.keyring.fields.seal_text(once, _bound(officer.id))
    _record(session, officer, "officer.phone_kept", now)


def remove(session: Session, officer: Officer, *, now: datetime) -> bool:
    """Forget the number. Returns whether there was one."""
    mine = session.get_one(Officer, officer.id)
    if mine.phone_sealed is None:
        return False
    mine.phone_sealed = None
    _record(session, officer, "officer.phone_removed", now)
    return True


def shown(deployment: Deployment, officer: Officer) -> str:
    """Return the country and the last two digits, empty where there is none."""
    number = number_of(deployment, officer)
    return masked(number) if number else ""


def number_of(deployment: Deployment, officer: Officer) -> str | None:
    """Return the number, to be rung and never to be shown."""
    sealed = officer.phone_sealed
    return deployment.keyring.fields.open_text(sealed, _bound(officer.id)) if sealed else None


def _record(session: Session, officer: Officer, action: str, now: datetime) -> None:
    audit.record(session, now, actor=f"officer:{officer.name}", action=action, subject=officer.name)


def _bound(officer_id: str) -> str:
    return f"officer|phone|{officer_id}"
