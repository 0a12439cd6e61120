"""Texts to a show: a vote is counted, a question waits for its moderator, and whatever is neither goes on as a report.

Every text on a radio inlet has been read by triage before it comes here, and the wall has the last word. What is said back
depends on the text alone: somebody who has told the hotline something hears the same as anybody else. Long texts in pieces are
reports always, for no piece can be judged by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import update
from sqlalchemy.orm import Session

from hotline.deployment import Deployment
from hotline.gateways.contract import InboundText
from hotline.intake.arrivals import Arrival
from hotline.intake.callers import Known
from hotline.intake.commands import Kind, recognise
from hotline.intake.dialog import ALWAYS, KEYWORDS, answers
from hotline.intake.pieces import Joint
from hotline.models import Episode, QuestionState, Reading, table
from hotline.radio import moderation, polls, shows
from hotline.radio.moderation import Asked
from hotline.radio.polls import Cast
from hotline.radio.shows import Running
from hotline.radio.trace import same
from hotline.radio.wall import folded, keeps, words_of

EPISODE = table(Episode)
OWN_WORDS = frozenset({*ALWAYS, *KEYWORDS, Kind.RETURN_CODE, Kind.HELP, Kind.JOIN})


class Says(Protocol):
    """What says something back to a caller, unless too much was said today."""

    def __call__(self, caller: Known, template: str, language: str, gateway: str, **values: str) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Given:
    """A text with what is known of it. `open_question` is the one open with its sender; `telling` says that a report is open."""

    arrival: Arrival
    text: InboundText
    caller: Known
    address: str
    reading: Reading
    open_question: Any
    telling: bool
    joint: Joint | None


@dataclass
class OnAir:
    """The texts of one batch that are for a show.

    `kept` are those that belong to radio, by webhook, with what became of them;
    of these the `also_told` belong into an open report of their sender besides.
    """

    session: Session
    deployment: Deployment
    now: datetime
    says: Says
    votes: list[Cast] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    also_told: set[str] = field(default_factory=set)
    _running: list[Running] | None = None
    _polls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _spent: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._words = words_of(self.deployment.settings.templates)

    def takes(self, given: Given) -> bool:
        """Whether a text is radio's; then it is counted or stored, and answered. Else it goes on as a report."""
        command = recognise(given.text.body)
        kind = command.kind if command else None
        if given.joint is not None or kind in OWN_WORDS or answers(given.open_question, command):
            return False
        found = self._inlet(given.text)
        if kind is Kind.RADIO and (running := found[0] if found else next(iter(self._running_now()), None)):
            return self._take(given, running, "the word of radio", "sms.radio")
        if found is None:
            return False
        running, words = found
        poll = self._polls.get(running.episode["id"])
        if poll is not None and (choice := polls.choice_of(poll, words)):
            return self._vote(given, running, poll, choice)
        return kind is not Kind.DIGIT and self._question(given, running, words)

    def write(self) -> None:
        """Write questions and what was answered; votes are counted by whoever ends the batch."""
        moderation.take_in(self.session, self.deployment, self.asked)
        for episode_id, (answered, diverted) in self._spent.items():
            values = {"answers": EPISODE.c.answers + answered, "diverted": EPISODE.c.diverted + diverted}
            self.session.execute(update(EPISODE).where(EPISODE.c.id == episode_id).values(**values))

    def _vote(self, given: Given, running: Running, poll: Mapping[str, Any], choice: str) -> bool:
        at, closed = given.arrival.received_at, poll["closed_at"]
        if closed is not None and at > closed:
            late = at <= closed + shows.AFTERWARDS  # later, a bare digit is for an officer
            return late and self._take(given, running, "a vote too late", "sms.vote_closed")
        phone = polls.phone_of(self.deployment, poll["id"], given.address)
        self.votes.append(Cast(poll["id"], phone, choice, self._language(given, running), "sms", at))
        answer = "" if running.episode["flood"] else "sms.vote"
        return self._take(given, running, "a vote", answer, choice=choice)

    def _question(self, given: Given, running: Running, words: str) -> bool:
        """Let a question wait for its moderator, unless the wall keeps it; of somebody with a report open it joins that."""
        if moderation.known(self.session, [given.arrival.inbox_id]).get(given.arrival.inbox_id) == QuestionState.MOVED:
            return False
        moved = moderation.moved_before(self.session, self.deployment, running.episode["id"], words)
        if moved or given.open_question or keeps(given.reading, self._words):
            self._count(running, diverted=1)
            return False
        if given.telling:
            self.also_told.add(given.arrival.inbox_id)
        else:
            phone = moderation.phone_of(self.deployment, running.episode["id"], given.address)
            at = given.arrival.received_at
            plain = (running.episode["id"], given.arrival.inbox_id, phone, words, self._language(given, running), "sms", at)
            self.asked.append(Asked(*plain))
        return self._take(given, running, "a question to a show", "sms.asked")

    def _take(self, given: Given, running: Running, fate: str, answer: str, **values: str) -> bool:
        self.kept[given.arrival.inbox_id] = fate
        given.caller.row["last_inbound_at"] = self.now
        spent = running.episode["answers"] + self._spent.get(running.episode["id"], (0, 0))[0] >= running.show["budget"]
        if answer and not given.arrival.late and not spent:
            self._count(running, answered=1)
            self.says(given.caller, answer, self._language(given, running), given.arrival.gateway, **values)
        return True

    def _inlet(self, text: InboundText) -> tuple[Running, str] | None:
        """Return the show a text is for and its words; None where it is for none.

        It is a show's by its code; on any other code only while one is on air, and by a keyword or the word "radio" before it.
        """
        if not self._running_now():
            return None
        own_code = self.deployment.settings.radio_code
        first, _, rest = text.body.strip().partition(" ")
        first = folded(first).strip(".,:")
        by_code = [one for one in self._running_now() if same(one.show["code"] or own_code, text.to)]
        theirs = by_code or [one for one in self._running_now() if one.on_air]
        if keyed := next((one for one in theirs if first and first == one.show["keyword"]), None):
            return keyed, rest
        called = self._words.radio.fullmatch(first) is not None
        if not theirs or not (by_code or called):
            return None
        return theirs[0], rest if called and rest else text.body

    def _running_now(self) -> Sequence[Running]:
        if self._running is None:
            self._running = shows.open_to(self.session, self.now)
            self._polls = polls.of_episodes(self.session, [one.episode["id"] for one in self._running])
        return self._running

    def _count(self, running: Running, answered: int = 0, diverted: int = 0) -> None:
        before = self._spent.get(running.episode["id"], (0, 0))
        self._spent[running.episode["id"]] = (before[0] + answered, before[1] + diverted)

    @staticmethod
    def _language(given: Given, running: Running) -> str:
        return given.reading.language if given.reading.language_confident else str(running.show["language"])
