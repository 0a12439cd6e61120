"""Plays a day: texts go in at the door, workers and clock do their work, phones ring, and people answer.

Events stand in a queue of moments. Between them the clock goes round whenever something is due, on the five seconds on which it
would, and every five minutes in any case. Nothing sleeps: a day takes as long as its work.
"""

import heapq
import logging
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline.demo import contact
from hotline.gateways.contract import OutboundText
from hotline.models import (
    RANK,
    Agency,
    Caller,
    Case,
    GatewayHealth,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Referral,
    ReferralState,
    Report,
    new_id,
    table,
)
from hotline.outbound.claiming import ON_ITS_WAY
from hotline.routing.choose import Hours
from hotline.routing.sheet import duties
from workers import clock, jobs
from workers.day.stage import BACK, DIES, Stage
from workers.day.story import BEGINS, DAY, Answer, Story, Text

CALLER, CASE, HEALTH, MESSAGE, REFERRAL, REPORT = map(table, (Caller, Case, GatewayHealth, Message, Referral, Report))
HANDLE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{2}-[0-9A-HJKMNP-TV-Z]{4}")
ROUND, LONGEST = timedelta(seconds=5), timedelta(minutes=5)
AFTERWARDS: Final = timedelta(hours=6)  # in which people may still say how it ended
ON_THE_AIR: Final = (2.0, 25.0)  # seconds a text takes from hand to hand


@dataclass(frozen=True)
class Page:
    """One text about a case that reached a contact's phone. `answered`: the case had somebody when it left."""

    at: datetime
    number: str
    handle: str
    alert: bool
    answered: bool


class Loud(logging.Handler):
    """Keeps what was raised and caught: a stage that broke must not be taken for a quiet day."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the fixed words, which hold nothing of a person; an error without exception, as of a dead gateway, is none."""
        if record.exc_info:
            self.said.append(str(record.msg))


@dataclass
class Play:
    """One day under way. `pages` is everything that reached a contact's phone and names a case, `lost` what the door refused.

    `begun` is when each report's first text was sent, `heard` when its last one came in at the door.
    """

    stage: Stage
    story: Story
    until: timedelta = DAY
    afterwards: timedelta = AFTERWARDS
    pages: list[Page] = field(default_factory=list)
    lost: list[Text] = field(default_factory=list)
    loud: Loud = field(default_factory=Loud)
    begun: dict[int, datetime] = field(default_factory=dict)
    heard: dict[int, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order, self._texts, self._due = count(), count(1), BEGINS
        hours = {one["number"]: one["hours"] for agency in self.story.agencies for one in agency["contacts"]}
        spans = {number: [duty for line in lines for duty in duties(line)] for number, lines in hours.items()}
        self._hours = {number: [Hours(one.weekday, one.start, one.end) for one in some] for number, some in spans.items()}
        self._told: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._busy: set[tuple[str, int]] = set()
        self._reports: dict[str, int] = {}
        self.stage.takes = self._leaves

    def run(self) -> None:
        """Play the whole day, and the hours after it in which cases come to their end."""
        logging.getLogger().addHandler(self.loud)
        try:
            with self.stage.db.transaction() as session:
                fill(session, self.stage, self.story)
            for text in self.story.texts:
                if text.at < BEGINS + self.until:
                    self._at(text.at + self._way(text.report, text.at), partial(self._texted, text))
            self._go_on()
        finally:
            logging.getLogger().removeHandler(self.loud)

    # ---- time

    def _go_on(self) -> None:
        last, ends = self.stage.now, BEGINS + self.until + self.afterwards
        while (moment := self._next(last)) < ends:
            self.stage.now = moment
            while self._events and self._events[0][0] <= moment:
                heapq.heappop(self._events)[2]()
            self._work()
            if moment >= self._due or moment - last >= LONGEST:
                clock.round_(self.stage)
                self._work()
                last = moment

    def _next(self, last: datetime) -> datetime:
        """Return when something happens next: somebody texts, something is due, or a while has passed."""
        with self.stage.db.reading() as session:
            climbs = session.scalar(select(func.min(CASE.c.next_step_at)))
            waits = (ON_ITS_WAY, MESSAGE.c.state == MessageState.QUEUED, MESSAGE.c.due_at > self.stage.now)
            leaves = session.scalar(select(func.min(MESSAGE.c.due_at)).where(*waits))
            opens = session.scalar(select(func.min(HEALTH.c.shut_until)).where(HEALTH.c.shut_until > self.stage.now))
            returns = [self._returns(session, life=life) for life in (True, False)]
        due = min((one for one in (climbs, leaves, opens, *returns) if one is not None), default=last + LONGEST)
        self._due = min(_on_the_round(max(due, last + ROUND)), last + LONGEST)
        return min(self._due, self._events[0][0]) if self._events else self._due

    def _returns(self, session: Session, *, life: bool) -> datetime | None:
        """Return when the next case is taken back from somebody who took it and was not heard of again."""
        chosen = self.stage.settings
        after = timedelta(minutes=chosen.return_life_minutes) if life else timedelta(hours=chosen.return_normal_hours)
        mine = (REFERRAL.c.state == ReferralState.ACKNOWLEDGED, REFERRAL.c.contact_id == CASE.c.acknowledged_by_id)
        kind = CASE.c.rank == RANK["immediate"] if life else CASE.c.rank != RANK["immediate"]
        asked = select(func.min(REFERRAL.c.answered_at)).join(CASE, CASE.c.id == REFERRAL.c.case_id)
        taken = session.scalar(asked.where(*mine, kind))
        return taken + after if taken else None

    def _at(self, moment: datetime, do: Callable[[], object]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), do))

    def _work(self) -> None:
        """Let every worker do what is there to be done at this moment."""
        while jobs.drain_batch(self.stage):
            pass
        for lane in (Lane.LIFE, Lane.REPLY):
            while jobs.deliver_batch(self.stage, lane):
                pass

    # ---- phones

    def _texted(self, text: Text) -> None:
        self.begun.setdefault(text.report, text.at)
        self._send(text.number, text.words, partial(self._came, text))

    def _came(self, text: Text, taken: bool) -> None:  # noqa: FBT001  what the door answered
        if taken:
            self.heard[text.report] = self.stage.now
        else:
            self.lost.append(text)

    def _send(self, number: str, words: str, came: Callable[[bool], object] | None = None) -> None:
        """Put a text on the air. While the gateway is dead the network keeps it."""
        if DIES <= self.stage.now < BACK:
            wait = self._way(number, self.stage.now)
            self._at(BACK + wait, lambda: self._send(number, words, came))
            return
        taken = self.stage.hear(number, words, f"day-{next(self._texts)}")
        if came:
            came(taken)

    def _leaves(self, gateway: str, text: OutboundText) -> bool:
        """Take a text that leaves the hotline: look at what it is, and let it arrive."""
        del gateway
        found = HANDLE.search(text.body)
        if found and text.to in self.story.people:
            handle = found[0]
            with self.stage.db.reading() as session:
                kind = session.scalar(select(MESSAGE.c.kind).where(MESSAGE.c.id == text.id))
                taken = session.scalar(select(CASE.c.acknowledged_at).where(CASE.c.handle == handle))
            alert = kind == MessageKind.ALERT
            arrives = self.stage.now + self._way(text.to, self._report(handle), self.stage.now)
            self.pages.append(Page(arrives, text.to, handle, alert, answered=alert and taken is not None))
            if alert:
                self._at(arrives, lambda: self._rings(text.to, handle))
        return True

    def _rings(self, number: str, handle: str) -> None:
        """Let somebody look at a page, and answer it as they do."""
        report, person = self._report(handle), self.story.people[number]
        self._told[number, report] += 1
        if (number, report) in self._busy:
            return
        now, page = self.stage.now, self._told[number, report]
        answers = list(self.story.answers(person, report, page, now, on_duty=self._on_duty(number)))
        if not answers:
            return
        self._busy.add((number, report))
        for answer in answers:
            self._at(now + answer.after, partial(self._send, number, _worded(answer, handle)))
        self._at(now + max(answer.after for answer in answers), lambda: self._busy.discard((number, report)))

    def _report(self, handle: str) -> int:
        """Return which caller of the story a case is of."""
        if handle not in self._reports:
            with self.stage.db.reading() as session:
                self._reports = reports(session, self.stage, self.story)
        return self._reports[handle]

    def _on_duty(self, number: str) -> bool:
        local = self.stage.local(self.stage.now)
        return any(hours.cover(local) for hours in self._hours[number])

    def _way(self, *about: object) -> timedelta:
        return timedelta(seconds=self.story.dice("way", *about).uniform(*ON_THE_AIR))


def fill(session: Session, stage: Stage, story: Story) -> None:
    """Write the directory of a story."""
    for fields in story.agencies:
        agency = Agency(id=new_id(), name=fields["name"], kind=fields["kind"])
        session.add(agency)
        session.add_all(contact(stage, agency, one) for one in fields["contacts"])


def reports(session: Session, stage: Stage, story: Story) -> dict[str, int]:
    """Return for each case, by its handle, which caller of the story it is of."""
    callers = {stage.number_index(text.number): text.report for text in story.texts}
    found = select(CASE.c.handle, CALLER.c.number_index).join(REPORT, REPORT.c.case_id == CASE.c.id)
    rows = session.execute(found.join(CALLER, CALLER.c.id == REPORT.c.caller_id))
    return {row.handle: callers[row.number_index] for row in rows}


def _worded(answer: Answer, handle: str) -> str:
    """Return an answer as it is typed; a slip changes the last character, which the check character betrays."""
    slip = handle[:-1] + ("2" if handle[-1] == "7" else "7")
    return answer.words.format(code=handle, plain=handle.replace("-", "").lower(), slip=slip)


def _on_the_round(moment: datetime) -> datetime:
    """Return the first round of the clock at or after a moment."""
    return BEGINS + -(-(moment - BEGINS) // ROUND) * ROUND
