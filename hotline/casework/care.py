"""Care for officers: handing one's work back without questions, and what the next shift should know.

Handing back puts every open case of an officer into the queue again, each on record. A note for the next shift is sealed, belongs
to no case and names nobody: what is about a case is a note on that case.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hotline.casework import work
from hotline.deployment import Deployment
from hotline.models import AT_REST, Case, Handover, Officer, new_id

SHOWN_FOR: Final = timedelta(hours=24)


def hand_back(session: Session, *, officer: Officer, now: datetime) -> int:
    """Give back every open case of an officer. Returns how many there were."""
    own = session.scalars(select(Case).where(Case.owner_id == officer.id, Case.state.not_in(AT_REST))).all()
    for case in own:
        work.release(session, case, officer=officer, now=now)
    return len(own)


def leave_word(session: Session, deployment: Deployment, *, officer: Officer, text: str, now: datetime) -> None:
    """Keep a note for the next shift, and remove those that are older than a day."""
    session.execute(delete(Handover).where(Handover.at <= now - SHOWN_FOR))
    row_id = new_id()
    sealed = deployment.keyring.fields.seal_text(text, f"handover|sealed|{row_id}")
    session.add(Handover(id=row_id, officer_id=officer.id, sealed=sealed, at=now))


def words_left(session: Session, deployment: Deployment, now: datetime) -> list[tuple[Handover, str]]:
    """Return what was left for the next shift within a day, newest first."""
    lately = select(Handover).where(Handover.at > now - SHOWN_FOR).order_by(Handover.at.desc()).limit(10)
    fields = deployment.keyring.fields
    return [(one, fields.open_text(one.sealed, f"handover|sealed|{one.id}")) for one in session.scalars(lately)]
