"""What Today and the wall show at a glance: what burns, what is due, what is mine, who is on duty, how the hotline is.

Comes in: an officer's own session, so what is kept from them counts for nothing. Goes out: handles, states and times, no word.
Each list is cut short and read by an index; the queue is where the rest stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hotline import sight
from hotline.console import guard, lately, listing
from hotline.console.listing import Row, View
from hotline.deployment import Deployment
from hotline.models import AT_REST, Aside, Case, Contact, Officer, OfficerSession, Tier, table, written_out
from hotline.models.reports import RANK
from hotline.routing import directory
from hotline.watch.channels import Channel, channels

MOST: Final = 9  # the digits by which a row is opened
SOON: Final = timedelta(hours=1)
AT_THE_DESK: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Crew:
    """Who is there: contacts on duty now, a rung after the other; how many agencies; officers who are at the desk."""

    on_duty: tuple[Contact, ...]
    agencies: int
    desk: tuple[Officer, ...]

    @property
    def enough(self) -> bool:
        """Whether a danger to life would be told to two agencies this minute."""
        return self.agencies >= 2


def burning(session: Session) -> tuple[Row, ...]:
    """Return the dangers to life that nobody has answered, the longest waiting first."""
    return listing.rows(session, session.scalars(_unanswered().order_by(Case.opened_at, Case.id).limit(MOST)).all())


def how_many_burn(session: Session) -> tuple[int, datetime | None]:
    """Return how many dangers to life nobody has answered, and since when the first waits."""
    waiting = _unanswered().subquery()
    row = session.execute(select(func.count(), func.min(waiting.c.opened_at))).one()
    return row[0], row[1]


def due(session: Session, now: datetime) -> tuple[Row, ...]:
    """Return what else has a step of its ladder within the hour, the next first."""
    wanted = select(Case).where(Case.next_step_at.is_not(None), Case.next_step_at <= now + SOON, Case.rank > RANK["immediate"])
    return listing.rows(session, session.scalars(wanted.order_by(Case.next_step_at, Case.id).limit(MOST)).all())


def mine(session: Session, officer: Officer) -> tuple[Row, ...]:
    """Return what is this officer's own, most urgent first."""
    return listing.page(session, View.MINE, officer).rows[:MOST]


def crew(session: Session, deployment: Deployment, now: datetime) -> Crew:
    """Return who is there, as of the last seconds."""
    return lately.here().known("crew", now, lambda: _crew(session, deployment, now))


def lines(session: Session, now: datetime) -> Sequence[Channel]:
    """Return the gateways this deployment uses, as of the last seconds; anew for whom a case is hidden from."""

    def asked() -> Sequence[Channel]:
        return [one for one in channels(session, guard.deployment(), now) if one.uses]

    return asked() if sight.hides_something(session) else lately.here().known("lines", now, asked)


def _crew(session: Session, deployment: Deployment, now: datetime) -> Crew:
    local, order = deployment.local(now), list(Tier)
    on = [entry for entry in directory.load(session) if entry.on_duty(local)]
    first = {entry.agency for entry in on if entry.tier is Tier.DUTY and entry.wakes}
    named = session.scalars(select(Contact).where(Contact.id.in_([entry.id for entry in on]))).unique()
    people = sorted(named, key=lambda one: (order.index(Tier(one.tier)), one.name))
    lately = select(OfficerSession.officer_id).where(
        OfficerSession.ended_at.is_(None), OfficerSession.seen_at > now - AT_THE_DESK
    )
    desk = session.scalars(select(Officer).where(Officer.active, Officer.id.in_(lately)).order_by(Officer.display_name))
    return Crew(tuple(people), len(first), tuple(desk.unique()))


def _unanswered() -> Select[Case]:
    open_ = ~written_out(table(Case).c.state, AT_REST)
    return select(Case).where(
        Case.acknowledged_at.is_(None),
        open_,
        Case.rank == RANK["immediate"],
        Case.aside.is_distinct_from(Aside.PARKED),
    )
