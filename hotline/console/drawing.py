"""Draws the rows of lists of items, and the rail beside them, each once for everybody who sees the same.

All that a row shows is one value, and its template is given nothing else: so a row that was drawn lately need not be drawn again,
and none can be out of date or somebody else's. Forty open consoles ask for fifty rows every five seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from flask import Flask
from markupsafe import Markup

from hotline.console import guard, standing, tongue
from hotline.console.listing import Row, Told, View
from hotline.console.presence import Seen
from hotline.console.wording import age, allowed
from hotline.deployment import Deployment
from hotline.models import Case
from hotline.roles import May, allows

KEPT: Final = 2000  # rows, of about two kilobytes each


@dataclass(frozen=True, slots=True)
class Alike:
    """A case folded into a row."""

    token: str
    handle: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Here:
    """A colleague who has the item open."""

    name: str
    writing: bool


@dataclass(frozen=True, slots=True)
class Line:
    """What a row shows, and to whom; `today` and `age` because times are written as seen from now."""

    token: str
    handle: str
    version: int
    urgency: str
    category: str
    minors: str
    language: str
    channel: str
    state: str
    aside: str | None
    shredded: bool
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    next_step_at: datetime | None
    owner: str | None
    mine: bool
    held: bool
    told: tuple[Told, ...]
    alike: tuple[Alike, ...]
    others: tuple[Here, ...]
    may_read: bool
    may_work: bool
    today: date
    age: str
    tongue: str


@dataclass(frozen=True, slots=True)
class Rail:
    """What stands at the side of every page: the views with their counts, and how many lives wait among the dead letters.

    `here` and `view` say which page it stands at, `live` that it replaces the one which a page has.
    """

    here: str
    view: str
    views: tuple[tuple[View, str], ...]
    live: bool
    life: int


def install(app: Flask, deployment: Deployment) -> None:
    """Give templates `drawn`, a row as the officer who asks sees it, by one of the templates for rows, and `rail`."""

    @lru_cache(maxsize=KEPT)
    def draw(line: Line, template: str) -> Markup:
        return Markup(app.jinja_env.get_template(template).render(line=line))  # noqa: S704  a page of ours, which escapes

    def drawn(row: Row, template: str, others: Sequence[Seen] = ()) -> Markup:
        return draw(_line(row, others, deployment.local(guard.moment()).date()), template)

    @lru_cache(maxsize=KEPT)
    def draw_rail(shown: Rail, role: str, tongue: str) -> Markup:
        del tongue
        page = app.jinja_env.get_template("console/_views.html").render(rail=shown, **allowed(role))
        return Markup(page)  # noqa: S704  a page of ours, which escapes

    def rail(here: object, views: Sequence[View], view: object, counts: Mapping[View, str], *, live: object) -> Markup:
        shown = Rail(
            str(here or ""), str(view or ""), tuple((one, counts[one]) for one in views), bool(live), standing.current().life
        )
        return draw_rail(shown, guard.officer().role, tongue.chosen().code)

    app.jinja_env.globals.update(drawn=drawn, rail=rail)


def _line(row: Row, others: Sequence[Seen], today: date) -> Line:
    case, role = row.case, guard.officer().role
    return Line(
        token=case.token,
        handle=case.handle,
        version=case.version,
        urgency=case.urgency,
        category=case.category,
        minors=case.minors,
        language=case.language,
        channel=case.channel,
        state=case.state,
        aside=case.aside,
        shredded=case.shredded_at is not None,
        opened_at=case.opened_at,
        acknowledged_at=case.acknowledged_at,
        acknowledged_by=case.acknowledged_by.name if case.acknowledged_by else None,
        next_step_at=case.next_step_at,
        owner=case.owner.display_name if case.owner else None,
        mine=case.owner_id == guard.officer().id,
        held=row.held,
        told=row.told,
        alike=tuple(_alike(one) for one in row.alike),
        others=tuple(Here(one.name, one.writing) for one in others),
        may_read=allows(role, May.READ_CASE),
        may_work=allows(role, May.WORK_CASE),
        today=today,
        age=age(guard.moment() - case.opened_at),
        tongue=tongue.chosen().code,
    )


def _alike(case: Case) -> Alike:
    return Alike(case.token, case.handle, case.opened_at)
