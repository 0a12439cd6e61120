"""Plays a transcript: a YAML file of what phones do and what must come of it, through the signed webhooks of a running demo.

A step does one thing (dial, answer, drop, text, call, press, hang up) or expects one (a page, a text that arrives, a case, an
alert). Expectations wait for a bounded time and then fail. All people, numbers and words of a transcript are invented.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.intake.ussd.screens import END, septets, shown
from hotline.models import BroadcastList, Caller, Case, Report, Subscriber, Subscription, new_id, table
from hotline.simulator.calling import STEP, page_of
from hotline.simulator.handsets import Handsets
from hotline.simulator.send import Exchange

CALLER, CASE, REPORT = table(Caller), table(Case), table(Report)
LIST, SUBSCRIBER, SUBSCRIPTION = table(BroadcastList), table(Subscriber), table(Subscription)
LOOK_EVERY = 0.2
LONGEST_PAGE = 160


class Unreadable(ValueError):
    """A file is no transcript. The message is for whoever wrote it."""


class Step(BaseModel):
    """One step. `phone` takes another phone in hand; `shows`, `ends` ask of the page, `gets` of the texts that arrive on it.

    `press` presses a key at each page of a call, or all digits of a number at one; an empty one is silence. `hears` asks of
    what is said.

    `case` names columns of the caller's case and their values, or is none where there must be no case. `told` is a phone an alert
    must reach. `lists` are the lists they are on, each with the source of consent, as market:ussd, or none. `within` is how many
    seconds an expectation may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    phone: str | None = None
    dial: str | None = None
    answer: str | tuple[str, ...] | None = None
    drop: bool = False
    text: str | None = None
    call: bool = False
    press: str | tuple[str, ...] | None = None
    hang_up: bool = False
    hears: str | None = None
    shows: str | None = None
    ends: bool | None = None
    gets: str | None = None
    gets_nothing: bool = False
    case: dict[str, str] | str | None = None
    told: str | None = None
    lists: str | None = None
    within: float = 60.0

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        acts = [self.dial is not None, self.answer is not None, self.drop, self.text is not None]
        acts += [self.call, self.press is not None, self.hang_up]
        if sum(acts) > 1:
            raise ValueError("a step does one thing: dial, answer, drop, text, call, press or hang up")
        return self


class Transcript(BaseModel):
    """A story in steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    steps: tuple[Step, ...]


class Line(Protocol):
    """How webhooks get in: over HTTP from the command line, straight into the application from a test."""

    def text(self, sender: str, text: str, /) -> Exchange:
        """Post a text."""

    def hop(self, session: str, sender: str, text: str, /) -> Exchange:
        """Post a hop."""

    def hops_end(self, session: str, sender: str, text: str, status: str, /) -> Exchange:
        """Post the end of a session."""

    def call(self, call: str, sender: str, target: str, fields: Mapping[str, str], /) -> Exchange:
        """Post a step of a call."""


@dataclass(frozen=True)
class Outcome:
    """What became of one step; `why` is empty where all came as expected."""

    number: int
    step: Step
    why: str = ""


class Player:
    """Plays steps from phones. `arrived` gives the newest texts of a phone by id, `wait` lets the hotline work for a moment."""

    def __init__(
        self,
        deployment: Deployment,
        line: Line,
        *,
        arrived: Callable[[str], Mapping[str, str]] | None = None,
        wait: Callable[[], object] = lambda: time.sleep(LOOK_EVERY),
    ) -> None:
        self._deployment, self._line, self._wait = deployment, line, wait
        self._arrived = arrived or _on_handsets(deployment)
        self._phone, self._session, self._typed, self._page = "", "", "", ""
        self._call, self._onward, self._said = "", STEP, ""
        self._before: dict[str, frozenset[str]] = {}

    def play(self, transcript: Transcript) -> Iterator[Outcome]:
        """Yield what became of each step, up to the first that failed."""
        phones = {phone for step in transcript.steps for phone in (step.phone, step.told) if phone}
        self._before = {phone: frozenset(self._arrived(phone)) for phone in phones}
        for number, step in enumerate(transcript.steps, start=1):
            outcome = Outcome(number, step, self._do(step) or self._unmet(step))
            yield outcome
            if outcome.why:
                return

    def _do(self, step: Step) -> str:
        self._phone = step.phone or self._phone
        if step.text is not None:
            return "" if self._line.text(self._phone, step.text).taken else "the webhook did not take the text"
        if step.drop:
            self._line.hops_end(self._session, self._phone, self._typed, "Incomplete")
        if step.dial is not None:
            self._session = new_id()
            return self._hop(step.dial)
        if step.call:
            self._call, self._onward = new_id(), STEP
            return self._stepped("")
        if step.hang_up:
            self._line.call(self._call, self._phone, self._onward, {"over": "1"})
        for keys in (step.press,) if isinstance(step.press, str) else step.press or ():
            if why := self._stepped(keys):
                return why
        for typed in (step.answer,) if isinstance(step.answer, str) else step.answer or ():
            if why := self._hop(f"{self._typed}*{typed}" if self._typed else typed):
                return why
        return ""

    def _hop(self, text: str) -> str:
        self._typed = text
        exchange = self._line.hop(self._session, self._phone, text)
        self._page = exchange.answer_body.decode("utf-8", "replace")
        length = septets(self._page)
        if not exchange.taken or self._page == shown(self._page):
            return "the hop heard no page"
        return "" if length is not None and length <= LONGEST_PAGE else "the page does not fit a screen"

    def _stepped(self, keys: str) -> str:
        exchange = self._line.call(self._call, self._phone, self._onward, {"keys": keys} if keys else {})
        page = page_of(exchange)
        if page is None:
            return "the call heard no page"
        self._said, self._onward = " ".join(one["words"] for one in page["says"]), str(page["onward"]) or STEP
        return ""

    def _unmet(self, step: Step) -> str:
        if step.shows is not None and step.shows not in self._page:
            return f"the page shows: {shown(self._page)}"
        if step.ends is not None and step.ends != self._page.startswith(END):
            return "the session has ended" if step.ends is False else "the session goes on"
        if step.hears is not None and step.hears not in self._said:
            return f"the call hears: {self._said}"
        until = time.monotonic() + step.within
        while (why := self._awaited(step)) and time.monotonic() < until:
            self._wait()
        return why

    def _awaited(self, step: Step) -> str:
        """Return what is not so yet of all that may take a moment."""
        if step.gets is not None and not any(step.gets in text for text in self._fresh(self._phone)):
            return "no such text has arrived"
        if step.told is not None and not self._fresh(step.told):
            return "nobody was told on that phone"
        if step.gets_nothing and self._fresh(self._phone):
            return "a text has arrived"
        if step.lists is not None and step.lists != (found := self._lists()):
            return f"the phone is on these lists: {found}"
        return "" if step.case is None else self._case_differs(step.case)

    def _fresh(self, phone: str) -> Sequence[str]:
        before = self._before.get(phone, frozenset())
        return [body for text_id, body in self._arrived(phone).items() if text_id not in before]

    def _case_differs(self, expected: Mapping[str, str] | str) -> str:
        found = self._case()
        if isinstance(expected, str):
            return "there is a case" if found else ""
        if found is None:
            return "there is no case"
        wrong = {name: found.get(name) for name, value in expected.items() if found.get(name) != value}
        return f"the case has {wrong}" if wrong else ""

    def _lists(self) -> str:
        index = self._deployment.number_index(self._deployment.sender(self._phone).address)
        theirs = (
            select(LIST.c.keyword, SUBSCRIPTION.c.source)
            .join(SUBSCRIPTION, SUBSCRIPTION.c.list_id == LIST.c.id)
            .join(SUBSCRIBER, SUBSCRIBER.c.id == SUBSCRIPTION.c.subscriber_id)
            .where(SUBSCRIBER.c.number_index == index, SUBSCRIBER.c.left_at.is_(None))
        )
        with self._deployment.db.reading() as session:
            return " ".join(f"{row.keyword}:{row.source}" for row in session.execute(theirs.order_by(LIST.c.keyword))) or "none"

    def _case(self) -> Mapping[str, str] | None:
        index = self._deployment.number_index(self._deployment.sender(self._phone).address)
        newest = (
            select(CASE)
            .join(REPORT, REPORT.c.case_id == CASE.c.id)
            .join(CALLER, CALLER.c.id == REPORT.c.caller_id)
            .where(CALLER.c.number_index == index)
            .order_by(CASE.c.opened_at.desc())
        )
        with self._deployment.db.reading() as session:
            row = session.execute(newest).mappings().first()
        return None if row is None else {name: str(value) for name, value in row.items()}


def read(path: Path) -> Transcript:
    """Return the transcript of a file. Raises Unreadable."""
    try:
        return Transcript.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise Unreadable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unreadable(f"not YAML: {error}") from None


def _on_handsets(deployment: Deployment) -> Callable[[str], Mapping[str, str]]:
    handsets = Handsets(deployment)
    return lambda phone: {text.id: text.body for text in handsets.thread(phone) if text.arrived}
