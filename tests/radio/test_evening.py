"""An evening of radio, played small: every tip reaches an officer and no screen of the station; votes are counted exactly."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from hotline.radio import polls
from hotline.simulator.evening import Evening, evening
from tests.console.desk import Browser, Desk
from tests.radio.conftest import OnAir


@dataclass
class Here:
    """The station of a test: the line's own door, the desk's own screens, and a worker that works at once."""

    air: OnAir
    browsers: dict[str, Browser]

    def text(self, sender: str, body: str, to: str, name: str) -> bool:
        self.air.line.now = datetime.now(UTC)
        self.air.line.text(sender, body, sid=name, to=to)
        return True

    def look(self, who: str, path: str) -> bytes:
        return self.browsers[who].get(path).data

    def press(self, who: str, path: str, **fields: str) -> bytes:
        return self.browsers[who].post(path, **fields).data

    def settle(self) -> None:
        self.air.line.now = datetime.now(UTC) + timedelta(milliseconds=1)
        self.air.line.work()


@pytest.fixture
def here(desk: Desk, air: OnAir) -> Here:
    air.switch(on=False)
    return Here(air, {role: desk.signed_in(role) for role in ("presenter", "producer")})


def test_an_evening_holds_every_rule(here: Here) -> None:
    found = Evening(here.air.line.site, here, evening(240, 6, 7, "7799", "7788")).play()
    assert found.broken == []
    assert (found.tips, found.told) == (6, 6)
    assert sum(found.votes.values()) > 150
    assert found.laid >= 6
    assert found.pages > 10


def test_a_broken_count_is_noticed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    real = polls.cast
    monkeypatch.setattr(polls, "cast", lambda session, votes: real(session, list(votes)[:-1]))
    found = Evening(here.air.line.site, here, evening(60, 1, 7, "7799", "7788")).play()
    assert [sentence for sentence in found.broken if sentence.startswith("votes were counted as")]


def test_a_tip_on_a_screen_is_noticed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = evening(20, 1, 7, "7799", "7788")
    (tip,) = [act for act in acts if act.tip]
    real = here.look
    monkeypatch.setattr(here, "look", lambda who, path: real(who, path) + tip.body.encode())
    assert "words of a tip stood on a screen of the station" in Evening(here.air.line.site, here, acts).play().broken
