"""A station with a show on air, and a line to the hotline it must never see. All names and numbers are invented."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from hotline import console, studio
from hotline.deployment import Deployment
from hotline.models import Poll, Question, table
from hotline.officers import enrol
from hotline.radio import formats, moderation, polls, shows
from hotline.roles import Role
from hotline.studio import windows
from tests.console.desk import Desk, ListeningBell
from tests.line import Line, fill_directory

SHOW: dict[str, Any] = {
    "station": "Radio Ijwi (invented)",
    "aliases": ["Radio Ijwi"],
    "name": "Safe work across the border",
    "format": "call_in",
    "language": "rw",
    "days": ["mon"],
    "at": "22:00",
    "minutes": 60,
    "segment": [
        {
            "title": "The question of today",
            "say": {"en": "Text the number of your answer."},
            "poll": {"en": "Would you know where to get help with a bad job?", "rw": "Wamenya aho usaba ubufasha?"},
            "options": [
                {"words": {"en": "Yes", "rw": "Yego"}, "beep": "+250780000901"},
                {"words": {"en": "No", "rw": "Oya"}},
                {"words": {"en": "Not sure", "rw": "Simbizi"}},
            ],
        }
    ],
}


@dataclass
class OnAir:
    """One episode and the line its listeners text."""

    line: Line
    show_id: str
    episode_id: str

    def switch(self, *, on: bool) -> None:
        turn = shows.go_on_air if on else shows.go_off_air
        with self.line.site.db.transaction() as session:
            turn(session, self.episode_id, self.line.now)

    def begin(self, kind: str) -> None:
        """Let the segment of a kind begin, and what it reads out go out."""
        with self.line.site.db.transaction() as session:
            segment = next(one for one in shows.segments(session, self.episode_id) if one["kind"] == kind)
            shows.begin(session, self.episode_id, segment["id"], self.line.now)
            shows.aired(session, shows.prompts(session, segment["id"]), self.line.now)

    def says(self, sender: str, *bodies: str, to: str = "7799") -> list[str]:
        """Text the show and let the hotline work; returns what the phone then gets."""
        before = len(self.line.sent)
        for body in bodies:
            self.line.text(sender, body, to=to)
        self.line.work()
        return [text.body for text in self.line.sent[before:] if text.to == self.line.site.sender(sender).address]

    def poll(self) -> dict[str, Any]:
        with self.line.reading() as session:
            return dict(session.execute(select(table(Poll))).mappings().one())

    def counts(self) -> dict[str, int]:
        """The votes as the studio shows them, which must be those counted row by row."""
        poll = self.poll()
        with self.line.reading() as session:
            bars = {bar.digit: bar.votes for bar in polls.standing(session, poll).bars if bar.votes}
            assert bars == polls.recount(session, poll["id"])
        return bars

    def waiting(self) -> list[str]:
        """What the moderator of this episode has to read."""
        with self.line.reading() as session:
            return [one.words for one in moderation.to_read(session, self.line.site, self.episode_id, "waiting")]

    def question(self) -> str:
        (row,) = self.line.rows(Question)
        return str(row["id"])


def put_on(line: Line) -> OnAir:
    """Write the show down, plan today's episode and put it on air."""
    with line.site.db.transaction() as session:
        show_id = shows.keep(session, *formats.laid_out(SHOW, line.site.settings.templates), line.now)
        episode_id = shows.plan(session, line.site.settings, show_id, line.site.local(line.now).date())
    air = OnAir(line, show_id, episode_id)
    air.switch(on=True)
    return air


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    return Line(deployment)


@pytest.fixture
def air(line: Line) -> OnAir:
    return put_on(line)


@pytest.fixture
def desk(air: OnAir) -> Iterator[Desk]:
    """The station's desk beside the line: a presenter, a producer, and a supervisor who may do both."""
    air.line.now = datetime.now(UTC)
    app = Flask("desk", static_folder=None)
    windows.install(app, air.line.site)
    console.install(app, air.line.site, studio.root())
    made = Desk(air.line.site, app, ListeningBell())
    for role in (Role.PRESENTER, Role.PRODUCER, Role.SUPERVISOR, Role.INTAKE):
        with air.line.site.db.transaction() as session:
            enrol(session, air.line.site, name=role, display_name=role, role=role, password="a long invented one", demo=True)
    yield made
    windows.close(app)
