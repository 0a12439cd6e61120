"""Missed calls: phones that rang once and were not reached, and why. Nobody calls a number from here, and none is shown."""

from datetime import timedelta

from flask import Blueprint, render_template
from sqlalchemy import func, select

from hotline.console import guard, listing
from hotline.models import IN_FLIGHT, Beep, BeepState, table
from hotline.roles import May

screen = Blueprint("missed", __name__)

BEEP = table(Beep)
NOT_REACHED = (BeepState.UNREACHED, BeepState.REFUSED, BeepState.CANCELLED)
SHOWN = 50
LOOKED_BACK = timedelta(days=14)


@screen.get("/missed")
@guard.may(May.SEE_DEAD)
def show() -> str:
    """Show those not reached, newest first, and how many of the day's calls are left."""
    chosen, now = guard.deployment(), guard.moment()
    columns = (BEEP.c.id, BEEP.c.times, BEEP.c.first_at, BEEP.c.last_at, BEEP.c.state, BEEP.c.reason, BEEP.c.dialled_at)
    lately = select(*columns).where(BEEP.c.last_at >= now - LOOKED_BACK, BEEP.c.state.in_(NOT_REACHED))
    local = chosen.local(now)
    today = now - (local - local.replace(hour=0, minute=0, second=0, microsecond=0))
    with guard.reading() as session:
        rows = session.execute(lately.order_by(BEEP.c.last_at.desc()).limit(SHOWN + 1)).mappings().all()
        spent = session.scalar(select(func.count()).where(BEEP.c.dialled_at >= today)) or 0
        waiting = session.scalar(select(func.count()).where(BEEP.c.state.in_(IN_FLIGHT))) or 0
        rail = listing.rail(session, guard.officer())
    return render_template(
        "console/missed.html",
        here="missed",
        rows=rows[:SHOWN],
        more=len(rows) > SHOWN,
        days=LOOKED_BACK.days,
        spent=spent,
        budget=chosen.settings.beep_daily_budget,
        waiting=waiting,
        **rail,
    )
