"""An evening of radio, invented from a seed: thousands of listeners answer a show, and a few of them tell of somebody in need.

It plays a show through the real doors of a demo (webhooks, the presenter's and the producer's screens), then holds what it knows
against what it finds: that every tip reached an officer, that no byte of one was ever on a screen of the station, that votes were
counted as it counts them itself, and that reports are laid to what was on air. It never looks into how any of that is done.
"""

import random
import re
import secrets
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.models import Exposure, Inbox, Message, Poll, Question, Referral, Tally, table
from hotline.radio import formats, shows

EXPOSURE, INBOX, MESSAGE, POLL, QUESTION, REFERRAL, TALLY = (
    table(model) for model in (Exposure, Inbox, Message, Poll, Question, Referral, Tally)
)
VOICES: Final = Path(__file__).with_name("voices.toml")
NUMBERS: Final = "+250781{:06d}"
SPEAKS: Final = {"rw": 62, "sw": 18, "fr": 11, "en": 9}
CHUNK: Final = 120
WITHIN: Final = 5.0  # seconds until an officer is told of a danger to life
RIGHT: Final = 0.95  # of reports whose prompt is known
REWRITTEN: Final = "What should one check before taking work in another town?"
IN_A_ROW: Final = 4  # words of a tip that stand on no screen


class Station(Protocol):
    """How the evening reaches a hotline: phones on one side, two screens on the other."""

    def text(self, sender: str, body: str, to: str, name: str) -> bool:
        """Send a text under the network's name for it. Returns whether the webhook took it."""

    def look(self, who: str, path: str) -> bytes:
        """Return a page as the presenter or the producer sees it."""

    def press(self, who: str, path: str, **fields: str) -> bytes:
        """Press a button of theirs."""

    def settle(self) -> None:
        """Wait until everything that came in is read."""


@dataclass(frozen=True)
class Act:
    """One text of the evening. `vote` is the digit it votes for, `tip` says that it tells of somebody in need."""

    name: str
    sender: str
    body: str
    to: str
    vote: str = ""
    tip: bool = False


@dataclass
class Found:
    """What was found. `broken` are the rules that did not hold, a sentence each."""

    texts: int = 0
    votes: Mapping[str, int] = field(default_factory=dict)
    tips: int = 0
    told: int = 0
    slowest: float = 0.0
    by_key: set[str] = field(default_factory=set)
    bytes_seen: int = 0
    pages: int = 0
    laid: int = 0
    laid_right: int = 0
    broken: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def voices() -> Mapping[str, Any]:
    """Return the invented voices."""
    return tomllib.loads(VOICES.read_text(encoding="utf-8"))


def evening(listeners: int, tips: int, seed: int, radio_code: str, tips_code: str) -> list[Act]:
    """Return the texts of one evening in their order, drawn with a seed."""
    drawn, said, run = random.Random(seed), voices(), secrets.token_hex(4)  # noqa: S311  an invention, no secret
    acts: list[Act] = []
    town = secrets.randbelow(90) * 10_000  # an evening played twice is of other people
    for number in range(listeners):
        language = drawn.choices(list(SPEAKS), weights=list(SPEAKS.values()))[0]
        sender, fate = NUMBERS.format(town + number), drawn.random()
        if fate < 0.78:
            acts += _votes(drawn, sender, radio_code, said["votes"])
        else:
            line = drawn.choice(said[language]["questions" if fate < 0.88 else "talk"])
            acts.append(Act("", sender, line, radio_code))
    drawn.shuffle(acts)
    told = [line for language in SPEAKS for line in said[language]["tips"]]
    for number in range(tips):
        at = drawn.randrange(len(acts) // 10, len(acts))
        sender = NUMBERS.format(990_000 + secrets.randbelow(90) * 100 + number)
        acts.insert(at, Act("", sender, told[number % len(told)], radio_code if number % 3 < 2 else tips_code, tip=True))
    return [replace(act, name=f"show{run}-{at}") for at, act in enumerate(acts)]


def _votes(drawn: random.Random, sender: str, to: str, words: Sequence[Sequence[str]]) -> list[Act]:
    """Return the votes of one phone: most vote once, some again, some for something else."""
    times = drawn.choices((1, 2, 3), weights=(85, 12, 3))[0]
    chosen = [drawn.choices(range(len(words)), weights=(5, 7, 2))[0] for _ in range(times)]
    return [Act("", sender, drawn.choice(words[at]), to, vote=str(at + 1)) for at in chosen]


@dataclass
class Evening:
    """One show played from its beginning to its end.

    `pause` is called between portions, so that it may last; `at_once` is how many phones send side by side.
    """

    site: Deployment
    station: Station
    acts: Sequence[Act]
    pause: Callable[[int, int], object] = lambda _, __: None
    at_once: int = 1
    seen: dict[str, list[bytes]] = field(default_factory=lambda: {"presenter": [], "producer": []})
    sent: dict[str, datetime] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    found: Found = field(default_factory=Found)

    def play(self) -> Found:
        """Play it, and return what was found."""
        self.episode_id = self._plan()
        stage, desk = f"/studio/{self.episode_id}", f"/shows/{self.episode_id}"
        self._press("presenter", f"{stage}/on")
        self._press("presenter", f"{stage}/forward")
        half = len(self.acts) * 2 // 3
        for begins in range(0, len(self.acts), CHUNK):
            if begins <= half < begins + CHUNK:
                self._press("presenter", f"{stage}/forward")
                self._press("presenter", f"{stage}/forward")
            self._send(self.acts[begins : begins + CHUNK])
            self._look("presenter", f"{stage}/live")
            self._look("producer", f"{desk}/live")
            self._moderate(desk)
            self._press("presenter", f"{stage}/next")
            self.pause(min(begins + CHUNK, len(self.acts)), len(self.acts))
        self._press("presenter", f"{stage}/off")
        self.station.settle()
        for who, path in (
            ("presenter", stage),
            ("presenter", f"{stage}/after"),
            ("producer", f"{stage}/after"),
            ("producer", desk),
        ):
            self._look(who, path)
        for path in ("/studio", f"{stage}/script"):
            self._look("presenter", path)
        self._check()
        return self.found

    def _plan(self) -> str:
        written = voices()["show"]
        now = datetime.now(UTC)
        local = self.site.local(now)
        days = [formats.DAYS[local.weekday()]]
        given = {**written, "days": days, "at": f"{local:%H:%M}", "name": f"{written['name']} {now:%H%M%S%f}"}
        with self.site.db.transaction() as session:
            show_id = shows.keep(session, *formats.laid_out(given, self.site.settings.templates), now)
            return shows.plan(session, self.site.settings, show_id, local.date())

    def _send(self, acts: Sequence[Act]) -> None:
        """Send a portion; the votes of one phone keep their order, for each is sent once the one before is taken."""
        with self.site.db.reading() as session:
            episode = shows.episode(session, self.episode_id) or {}
            on_air = next(iter(shows.prompts(session, episode["segment_id"])), "")
        self.prompts |= dict.fromkeys((act.name for act in acts), on_air)
        of_phone: dict[str, list[Act]] = {}
        for act in acts:
            of_phone.setdefault(act.sender, []).append(act)
        with ThreadPoolExecutor(self.at_once) as phones:
            refused = sum(phones.map(self._send_in_turn, of_phone.values()))
        if refused:
            self._broke(f"{refused} texts were refused by the webhook")
        self.station.settle()

    def _send_in_turn(self, acts: Sequence[Act]) -> int:
        """Send the texts of one phone. Returns how many were refused."""
        refused = 0
        for act in acts:
            self.sent[act.name] = datetime.now(UTC)
            refused += not self.station.text(act.sender, act.body, act.to, act.name)
        return refused

    def _moderate(self, desk: str) -> None:
        """Do what a moderator does: a tip that the wall let through is moved at once, a question approved now and then."""
        tips = {act.name for act in self.acts if act.tip}
        waiting = (QUESTION.c.episode_id == self.episode_id, QUESTION.c.state == "waiting")
        with self.site.db.reading() as session:
            joined = select(QUESTION.c.id, INBOX.c.external_id).join(INBOX, INBOX.c.id == QUESTION.c.inbox_id)
            rows = session.execute(joined.where(*waiting).order_by(QUESTION.c.id)).all()
        for row in rows:
            if row.external_id in tips:
                self.found.by_key.add(row.external_id)
                self._press("producer", f"{desk}/question/{row.id}/move")
        fresh = [row for row in rows if row.external_id not in tips][:2]
        for row in fresh:
            self._press(
                "producer", f"{desk}/question/{row.id}/approve", text="What should one check before taking work in another town?"
            )
        self.station.settle()

    # ---- what was seen, and what must hold ----

    def _look(self, who: str, path: str) -> None:
        self.seen[who].append(self.station.look(who, path))

    def _press(self, who: str, path: str, **fields: str) -> None:
        self.seen[who].append(self.station.press(who, path, **fields))

    def _check(self) -> None:
        found = self.found
        every = [page for pages in self.seen.values() for page in pages]
        found.texts, found.pages, found.bytes_seen = len(self.acts), len(every), sum(map(len, every))
        self._check_tips()
        self._check_screens()
        self._check_votes()
        self._check_laid()

    def _check_tips(self) -> None:
        tips = [act for act in self.acts if act.tip]
        joined = INBOX.join(MESSAGE, MESSAGE.c.inbox_id == INBOX.c.id).join(REFERRAL, REFERRAL.c.case_id == MESSAGE.c.case_id)
        told = select(INBOX.c.external_id, REFERRAL.c.created_at, REFERRAL.c.told_at).select_from(joined)
        with self.site.db.reading() as session:
            rows = session.execute(told.where(INBOX.c.external_id.in_([act.name for act in tips]))).all()
        first: dict[str, datetime] = {}
        for row in rows:
            at = row.told_at or row.created_at
            first[row.external_id] = min(first.get(row.external_id, at), at)
        waits = {act.name: (first[act.name] - self.sent[act.name]).total_seconds() for act in tips if act.name in first}
        by_themselves = [wait for name, wait in waits.items() if name not in self.found.by_key]
        self.found.tips, self.found.told, self.found.slowest = len(tips), len(waits), max(by_themselves, default=0.0)
        if len(waits) < len(tips):
            self._broke(f"{len(tips) - len(waits)} of {len(tips)} tips reached no officer")
        if self.found.slowest > WITHIN:
            self._broke(f"an officer was told of a tip after {self.found.slowest:.1f} s")

    def _check_screens(self) -> None:
        shown = {who: b"\n".join(pages).decode("utf-8", "replace").casefold() for who, pages in self.seen.items()}
        numbers = {act.sender[4:] for act in self.acts}
        sizes = {len(number) for number in numbers}
        runs = {run for every in shown.values() for run in re.findall(r"\d{6,}", every)}
        if any(run[at : at + size] in numbers for run in runs for size in sizes for at in range(len(run))):
            self._broke("a phone number stood on a screen of the station")
        plain = {who: _in_words(re.sub(r"&#?\w+;", " ", every)) for who, every in shown.items()}
        for act in (one for one in self.acts if one.tip):
            words = _in_words(act.body.casefold()).split()
            spans = [_in_words(" ".join(words[at : at + IN_A_ROW])) for at in range(max(1, len(words) - IN_A_ROW + 1))]
            # A tip that needed the key was with its moderator, and with nobody else, until they pressed it.
            eyes = ("presenter",) if act.name in self.found.by_key else ("presenter", "producer")
            if any(span in plain[who] for who in eyes for span in spans):
                self._broke("words of a tip stood on a screen of the station")

    def _check_votes(self) -> None:
        last = {act.sender: act.vote for act in self.acts if act.vote}
        own = dict(sorted(Counter(last.values()).items()))
        with self.site.db.reading() as session:
            poll_id = session.scalar(select(POLL.c.id).where(POLL.c.episode_id == self.episode_id))
            rows = session.execute(select(TALLY.c.choice, TALLY.c.votes).where(TALLY.c.poll_id == poll_id))
            counted: Counter[str] = Counter()
            for row in rows:
                counted[row.choice] += row.votes
        self.found.votes = {choice: votes for choice, votes in sorted(counted.items()) if votes}
        if self.found.votes != own:
            self._broke(f"votes were counted as {self.found.votes}, and are {own}")

    def _check_laid(self) -> None:
        joined = select(INBOX.c.external_id, EXPOSURE.c.prompt_id).select_from(
            INBOX.join(MESSAGE, MESSAGE.c.inbox_id == INBOX.c.id).outerjoin(EXPOSURE, EXPOSURE.c.case_id == MESSAGE.c.case_id)
        )
        with self.site.db.reading() as session:
            rows = session.execute(joined.where(INBOX.c.external_id.like(f"{self.acts[0].name.partition('-')[0]}-%"))).all()
        pairs = [(row.prompt_id, self.prompts[row.external_id]) for row in rows if self.prompts.get(row.external_id)]
        self.found.laid, self.found.laid_right = len(pairs), sum(laid == known for laid, known in pairs)
        if pairs and self.found.laid_right < RIGHT * len(pairs):
            self._broke(f"{self.found.laid_right} of {len(pairs)} reports were laid to what was on air")

    def _broke(self, sentence: str) -> None:
        self.found.broken.append(sentence)


def _in_words(text: str) -> str:
    """Return the words of a text with one gap before, between and after them."""
    words = " ".join(re.findall(r"\w+", text))
    return f" {words} "
