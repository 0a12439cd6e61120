"""What calls for somebody: the urgent items nobody has, as ids alone, asked for by every open page every few seconds.

The answer names no more than an address the officer may open anyway, counts what the officer may see and nothing else, and is
"not changed" (304) for as long as it is the same.
"""

from flask import Blueprint, jsonify, request
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from hotline.console import guard
from hotline.console.listing import UNCLAIMED
from hotline.models import RANK, Aside, Case
from hotline.roles import May

screen = Blueprint("calling", __name__)

MOST = 20


@screen.get("/urgent")
@guard.may(May.WORK_CASE)
def urgent() -> Answer:
    """Return the tokens of items that need help now and that nobody has claimed or acknowledged."""
    nobody = (Case.owner_id.is_(None), Case.acknowledged_at.is_(None), Case.aside.is_distinct_from(Aside.PARKED))
    waiting = select(Case.token).where(Case.state.in_(UNCLAIMED), Case.rank == RANK["immediate"], *nobody)
    with guard.reading() as session:
        tokens = list(session.scalars(waiting.order_by(Case.opened_at, Case.id).limit(MOST)))
    answer = jsonify(tokens)
    answer.add_etag()
    answer.headers["Cache-Control"] = "no-cache, private"
    return answer.make_conditional(request)
