"""The rota: who is on duty now, who is not, and when; whether a danger to life would be told to two agencies this minute."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, render_template
from sqlalchemy import select

from hotline.console import guard, listing
from hotline.models import Contact
from hotline.roles import May
from hotline.routing import directory
from hotline.routing.book import sentences
from hotline.routing.choose import RUNGS, Entry, Need, agencies_of, choose
from hotline.routing.sheet import spans

screen = Blueprint("rota", __name__)

LIFE: Final = "immediate"


@dataclass(frozen=True)
class Person:
    """One contact of the rota, as the directory has it, and whether they would be told now.

    `until`: when an absence, or a duty out of turn, is over.
    """

    contact: Contact
    entry: Entry
    on_duty: bool
    hours: tuple[str, ...]
    until: datetime | None


@screen.get("/rota")
@guard.may(May.SEE_ROTA)
def show() -> str:
    """Show the rota, those on duty first, a rung of the ladder after the other."""
    chosen, local = guard.deployment(), guard.deployment().local(guard.moment())
    with guard.reading() as session:
        entries = directory.load(session)
        contacts = {one.id: one for one in session.scalars(select(Contact).where(Contact.active)).unique()}
        rail = listing.rail(session, guard.officer())
    need = Need("trafficking", LIFE, minors=False, areas=frozenset({chosen.settings.district}))
    first = choose(need, entries, local, sentences(chosen))
    people = [
        Person(contacts[one.id], one, one.on_duty(local), tuple(spans(contacts[one.id].duties)), _until(one, local))
        for one in sorted(entries, key=lambda one: (not one.on_duty(local), contacts[one.id].name))
    ]
    rungs = {tier: [one for one in people if one.entry.tier is tier] for tier in RUNGS}
    return render_template(
        "console/rota.html",
        here="rota",
        rungs={str(tier): some for tier, some in rungs.items() if some},
        first=[contacts[one.entry.id] for one in first],
        agencies=len(agencies_of(first)),
        **rail,
    )


def _until(entry: Entry, local: datetime) -> datetime | None:
    """Return until when somebody is away, or on duty out of turn; None where the hours of the week count."""
    now = [span for span in entry.spans if span.covers(local) and span.on_duty == entry.on_duty(local)]
    return max((span.ends for span in now), default=None)
