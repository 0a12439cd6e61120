"""A surge: votes are counted and not answered, what says the same is read once, and one phone does not fill the screen."""

from datetime import timedelta

import pytest

from hotline.models import Card, Case, Episode, Question
from hotline.radio import moderation, surge
from hotline.simulator.evening import voices
from tests.radio.conftest import OnAir
from tests.radio.test_listening import JEAN, MARIE, PAUL

SONG = "Please play a nice song tonight"


def measured(air: OnAir) -> bool:
    with air.line.site.db.transaction() as session:
        surge.measure(session, air.line.site, air.line.now)
    (row,) = air.line.rows(Episode)
    return bool(row["flood"])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surge, "MOST_ON_AIR", 20)
    monkeypatch.setattr(surge, "MOST_OFF_AIR", 4)


@pytest.mark.usefixtures("few")
def test_a_surge_turns_answers_off_and_its_end_turns_them_on(air: OnAir) -> None:
    air.begin("poll")
    for number in range(12):
        air.says(f"+2507880009{number:02}", "1")
    assert not measured(air), "a show on air may have many"
    for number in range(12, 22):
        air.line.text(f"+2507880009{number:02}", "2", to="7799")
    air.line.work()
    assert measured(air)
    assert air.says(MARIE, "1") == []
    assert air.counts() == {"1": 13, "2": 10}
    assert air.says(JEAN, SONG), "a question is answered all the same"
    air.line.now += timedelta(seconds=90)
    assert measured(air), "it does not flicker"
    air.line.now += timedelta(minutes=1)
    assert not measured(air)
    assert air.says(PAUL, "1")


@pytest.mark.usefixtures("few")
def test_off_air_fewer_are_a_surge_and_a_person_is_not_overruled(air: OnAir) -> None:
    air.begin("poll")
    for number in range(6):
        air.line.text(f"+2507880009{number:02}", "1", to="7799")
    air.line.work()
    assert not measured(air)
    air.switch(on=False)
    assert measured(air)
    with air.line.site.db.transaction() as session:
        surge.decide(session, air.episode_id, on=False)
    assert not measured(air)


def test_one_phone_does_not_fill_the_screen_of_a_moderator(air: OnAir) -> None:
    air.begin("open_lines")
    for asked in voices()["en"]["questions"][:5]:
        air.says(JEAN, asked)
    air.says(MARIE, SONG)
    with air.line.reading() as session:
        read = moderation.to_read(session, air.line.site, air.episode_id, "waiting", limit=5)
    assert read[3].words == SONG, "after three of one phone come all others"
    assert [one.often for one in read] == [False, False, False, False, True], "and nothing is lost"


def test_what_says_the_same_is_decided_about_once_and_follows_what_was_moved(air: OnAir) -> None:
    air.begin("open_lines")
    for sender, words in ((MARIE, SONG), (JEAN, f"{SONG.upper()} !!"), (PAUL, SONG)):
        air.says(sender, words)
    with air.line.reading() as session:
        (read,) = moderation.to_read(session, air.line.site, air.episode_id, "waiting")
    assert read.times == 3
    with air.line.site.db.transaction() as session:
        assert moderation.approve(session, read.id, "Which song shall we play?", personal=False, by="p", now=air.line.now)
    assert {row["state"] for row in air.line.rows(Question)} == {"approved"}
    with air.line.site.db.transaction() as session:
        assert moderation.move(session, read.id)
    assert [row["text"] for row in air.line.rows(Card)] == [""]
    air.line.later(minutes=2)
    air.line.work()
    assert len(air.line.rows(Case)) == 3, "each of them is heard by the hotline"
    air.says("+250788000777", SONG)
    assert len(air.line.rows(Case)) == 4
    assert air.waiting() == []
