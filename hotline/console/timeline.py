"""The timeline of one case: every text, automatic ones and alerts too, with its end, and whoever looked or did something.

It holds no words, so nothing is opened for it. What was written stands on the case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.console import guard, listing
from hotline.models import BEFORE_THE_END, AuditEvent, BridgedCall, Case, Contact, Direction, Message, Officer, Stage
from hotline.roles import May

screen = Blueprint("timeline", __name__, url_prefix="/case/<token>/timeline")


@dataclass(frozen=True)
class Step:
    """One thing that happened. `what` is a deed of the record, or the kind of a text with its `state` and `why`.

    `seconds` is how long two people were joined by phone.
    """

    at: datetime
    what: str
    who: str = ""
    state: str = ""
    why: str = ""
    template: str = ""
    seconds: int | None = None


@screen.get("")
@guard.may(May.READ_CASE)
def show(token: str) -> str:
    """Show it, newest first."""
    with guard.reading() as session:
        case = session.scalars(select(Case).where(Case.token == token)).first() or abort(404)
        steps = sorted(
            (*_deeds(session, case), *_texts(session, case), *_calls(session, case)), key=lambda step: step.at, reverse=True
        )
        viewers = {step.who for step in steps if step.what == "case.read"}
        rail = listing.rail(session, guard.officer())
    return render_template("console/timeline.html", case=case, steps=steps, viewers=len(viewers), **rail)


def _deeds(session: Session, case: Case) -> Iterator[Step]:
    names = {row.name: row.display_name for row in session.execute(select(Officer.name, Officer.display_name))}
    for event in session.scalars(select(AuditEvent).where(AuditEvent.object == case.handle)):
        yield Step(event.at, event.action, names.get(event.actor.removeprefix("officer:"), event.actor))


def _texts(session: Session, case: Case) -> Iterator[Step]:
    rows = session.execute(
        select(Message, Contact.name, Officer.display_name)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .outerjoin(Officer, Officer.id == Message.officer_id)
        .where(Message.case_id == case.id)
    )
    for message, contact, officer in rows:
        kind = "came_in" if message.direction == Direction.IN else message.kind
        state = "" if message.direction == Direction.IN else message.state
        yield Step(message.created_at, kind, contact or officer or "", state, message.reason or "", message.template or "")


def _calls(session: Session, case: Case) -> Iterator[Step]:
    for call in session.scalars(select(BridgedCall).where(BridgedCall.case_id == case.id)):
        who = call.officer.display_name
        if call.pressed_at:
            yield Step(call.pressed_at, "call.pressed", who)
        if call.joined_at:
            yield Step(call.joined_at, "call.joined", who, seconds=call.seconds)
        if call.ended_at and call.stage not in (*BEFORE_THE_END, Stage.ENDED):
            yield Step(call.ended_at, f"call.{call.stage}", who)
