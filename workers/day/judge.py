"""Judges a day that was played: which rules were broken, and how long each kind of report waited for what.

Asks the database and the phones, not the stages: what a page found when it left was looked up at that moment.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import quantiles
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from hotline.models import (
    RANK,
    AuditEvent,
    Case,
    Contact,
    Inbox,
    InboxState,
    Referral,
    table,
)
from hotline.routing.choose import NOBODY_TOLD
from workers.day.play import ROUND, Play, reports

CASE, CONTACT, EVENT, INBOX, REFERRAL = (table(one) for one in (Case, Contact, AuditEvent, Inbox, Referral))
LIFE: Final = "immediate"
TAKEN: Final = ("case.acknowledged", "referral.accepted", "referral.outcome")  # who works on it, or has, has taken it too
SLACK: Final = timedelta(seconds=60)  # for texts that are long on the air, on top of a step of the ladder


@dataclass(frozen=True)
class Course:
    """What became of one report: when its first text was sent, a phone rang, somebody took it, and how it ended."""

    report: int
    handle: str
    urgency: str
    category: str
    begun: datetime
    told: datetime | None
    acknowledged: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class Waits:
    """Seconds that the reports of one lane waited for one thing. `open_` is how many still wait."""

    count: int
    open_: int
    median: float | None
    p95: float | None
    longest: float | None


@dataclass(frozen=True)
class Verdict:
    """A day judged. `lanes` maps an urgency to its waits for told, acknowledged and outcome; `broken` says what went wrong."""

    reports: int
    kept_at_desk: int
    lanes: Mapping[str, Mapping[str, Waits]]
    pages: int
    broken: tuple[str, ...]


def judge(play: Play) -> Verdict:
    """Judge a day that is over."""
    with play.stage.db.reading() as session:
        courses = list(_courses(session, play))
        broken = tuple(_broken(session, play, courses))
    told = [one for one in courses if one.urgency == LIFE or one.category not in NOBODY_TOLD]
    lanes = {urgency: _lane([one for one in told if one.urgency == urgency]) for urgency in RANK}
    pages = sum(page.alert for page in play.pages)
    return Verdict(len(courses), len(courses) - len(told), lanes, pages, broken)


def _courses(session: Session, play: Play) -> Iterator[Course]:
    whose = reports(session, play.stage, play.story)
    rung: dict[str, datetime] = {}
    for page in sorted(play.pages, key=lambda page: page.at):
        rung.setdefault(page.handle, page.at)
    taken = _first(session, select(EVENT.c.object, func.min(EVENT.c.at)).where(EVENT.c.action.in_(TAKEN)))
    ended = _first(session, select(REFERRAL.c.case_id, func.min(REFERRAL.c.outcome_at)), REFERRAL.c.case_id)
    for row in session.execute(select(CASE.c.id, CASE.c.handle, CASE.c.urgency, CASE.c.category)):
        report = whose[row.handle]
        times = (play.begun[report], rung.get(row.handle), taken.get(row.handle), ended.get(row.id))
        yield Course(report, row.handle, row.urgency, row.category, *times)


def _broken(session: Session, play: Play, courses: Sequence[Course]) -> Iterator[str]:
    """Yield a sentence for each rule that did not hold."""
    by_handle = {one.handle: one for one in courses}
    yield from (f"an error in the log: {said}" for said in sorted(set(play.loud.said)))
    if play.lost:
        yield f"{len(play.lost)} texts were not taken at the door"
    unread = session.scalar(select(func.count()).where(INBOX.c.state != InboxState.DONE)) or 0
    if unread:
        yield f"{unread} texts were taken and are no part of a report"
    if missing := len(play.begun) - len({one.report for one in courses}):
        yield f"{missing} callers have no case"
    for one in courses:
        if one.urgency == LIFE and one.acknowledged is None:
            yield f"report {one.report}: a danger to life that nobody took"
    for page in play.pages:
        if page.answered:
            yield f"report {by_handle[page.handle].report}: a page left after somebody had answered"
    yield from _to_excluded(play, by_handle)
    yield from _alone(session, by_handle)
    yield from _silent(play, by_handle)


def _to_excluded(play: Play, by_handle: Mapping[str, Course]) -> Iterator[str]:
    """Nothing that names a case may reach whom its report names, or anybody of their station."""
    fields = [one for agency in play.story.agencies for one in agency["contacts"]]
    stations = {one["number"]: one.get("station") for one in fields}
    named = {text.report: text.whom for text in play.story.texts if text.whom}
    for page in play.pages:
        report = by_handle[page.handle].report
        whom = named.get(report)
        same = whom and stations[whom] and stations[page.number] == stations[whom]
        if whom and (page.number == whom or same):
            yield f"report {report}: its name reached somebody who is named in it"


def _alone(session: Session, by_handle: Mapping[str, Course]) -> Iterator[str]:
    """A danger to life is told to two agencies at least."""
    agencies = select(CASE.c.handle, func.count(CONTACT.c.agency_id.distinct())).join(REFERRAL, REFERRAL.c.case_id == CASE.c.id)
    told = agencies.join(CONTACT, CONTACT.c.id == REFERRAL.c.contact_id).where(REFERRAL.c.told_at.is_not(None))
    counted = _first(session, told, CASE.c.handle)
    for handle, course in by_handle.items():
        if course.urgency == LIFE and counted.get(handle, 0) < 2:
            yield f"report {course.report}: a danger to life that fewer than two agencies were told of"


def _silent(play: Play, by_handle: Mapping[str, Course]) -> Iterator[str]:
    """Until somebody takes a danger to life, some phone rings again at the latest with the next step of the ladder."""
    steps = [int(step.partition(":")[0]) for step in play.stage.settings.ladder_life]
    between = [after - before for before, after in pairwise(steps)]
    longest = timedelta(seconds=max(*between, steps[0], steps[-1]))
    rung: dict[str, list[datetime]] = {}
    for page in play.pages:
        rung.setdefault(page.handle, []).append(page.at)
    for handle, course in by_handle.items():
        if course.urgency != LIFE or course.told is None or course.acknowledged is None:
            continue
        worst = play.heard[course.report]  # before its last text came in, it may have been no danger
        moments = [worst, *sorted(at for at in rung[handle] if worst <= at < course.acknowledged), course.acknowledged]
        gap = max((after - before for before, after in pairwise(moments)), default=timedelta())
        if gap > longest + ROUND + SLACK:
            yield f"report {course.report}: no phone rang for {round(gap.total_seconds() / 60)} min, with nobody at it"


def _first(session: Session, asked: Select[Any], *by: ColumnElement[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in session.execute(asked.group_by(*(by or (asked.selected_columns[0],))))}


def _lane(courses: Sequence[Course]) -> dict[str, Waits]:
    return {what: _waits([(one.begun, getattr(one, what)) for one in courses]) for what in ("told", "acknowledged", "ended")}


def _waits(spans: Iterable[tuple[datetime, datetime | None]]) -> Waits:
    every = list(spans)
    took = sorted((end - begun).total_seconds() for begun, end in every if end is not None)
    shares = quantiles(took, n=20, method="inclusive") if len(took) > 1 else took * 19
    middle = (shares[9], shares[18], took[-1]) if took else (None, None, None)
    return Waits(len(every), len(every) - len(took), *middle)
