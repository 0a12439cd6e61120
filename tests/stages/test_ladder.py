"""The ladder counts from the first alert, ends only in repetition, and after an outage does not fire in a volley."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.config import load
from hotline.routing.ladder import Rung, Step, due, parse, reached, step_at

START = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
LIFE = parse(("300:next", "600:call", "1200:supervisor", "1800:everyone", "900:everyone"))

rising = st.lists(st.integers(1, 5000), min_size=1, max_size=5).map(lambda gaps: [sum(gaps[: at + 1]) for at in range(len(gaps))])
ladders = st.tuples(rising, st.integers(1, 5000)).map(
    lambda parts: tuple(Step(timedelta(seconds=after), Rung.NEXT) for after in (*parts[0], parts[1]))
)


def minutes(moment: datetime) -> float:
    return (moment - START).total_seconds() / 60


def test_a_ladder_is_read_from_seconds_and_an_action() -> None:
    assert LIFE[0] == Step(timedelta(minutes=5), Rung.NEXT)
    assert [step.rung for step in LIFE] == ["next", "call", "supervisor", "everyone", "everyone"]


@pytest.mark.parametrize("entry", ["", "300", "300:", ":next", "soon:next", "300:shout", "300 next", "3.5:next"])
def test_what_is_no_step_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=entry or "''"):
        parse(("300:next", entry))


def test_a_ladder_has_at_least_one_step() -> None:
    with pytest.raises(ValueError, match="at least one"):
        parse(())


def test_both_shipped_ladders_can_be_climbed() -> None:
    settings = load(_env_file=None)
    assert parse(settings.ladder_life) == LIFE
    assert parse(settings.ladder_normal)[0] == Step(timedelta(hours=1), Rung.NEXT)


@given(st.integers(0, 100))
def test_past_its_end_the_last_step_repeats(number: int) -> None:
    assert step_at(LIFE, number) is LIFE[min(number, 4)]


def test_a_clock_on_time_climbs_at_5_10_20_30_and_then_every_15_minutes() -> None:
    at, climbed = START + LIFE[0].after, []
    for number in range(10):
        climbed.append(minutes(at))
        at = due(LIFE, number + 1, started=START, previous=at, now=at)
    assert climbed == [5, 10, 20, 30, 45, 60, 75, 90, 105, 120]


@given(st.lists(st.floats(0, 14.9), min_size=12, max_size=12))
def test_a_clock_that_comes_late_each_time_does_not_stretch_the_ladder(late: list[float]) -> None:
    at = START + LIFE[0].after
    for number, seconds in enumerate(late):
        assert minutes(at) == [5, 10, 20, 30, 45, 60, 75, 90, 105, 120, 135, 150][number]
        at = due(LIFE, number + 1, started=START, previous=at, now=at + timedelta(seconds=seconds))


def test_after_an_outage_the_repeated_step_starts_anew() -> None:
    now = START + timedelta(hours=5)
    assert due(LIFE, 6, started=START, previous=START + timedelta(minutes=45), now=now) == now + timedelta(minutes=15)


@pytest.mark.parametrize(("at", "last"), [(5, 0), (9.9, 0), (10, 1), (19, 1), (20, 2), (30, 3), (31, 3), (44, 3), (400, 3)])
def test_steps_an_outage_swallowed_are_taken_together(at: float, last: int) -> None:
    assert reached(LIFE, 0, started=START, now=START + timedelta(minutes=at)) == last


@given(ladders, st.lists(st.integers(1, 20_000), max_size=20))
def test_however_long_the_clock_is_away_no_ladder_ends_or_fires_in_a_volley(ladder: tuple[Step, ...], pauses: list[int]) -> None:
    number, previous = 0, START + ladder[0].after
    now = previous
    for pause in pauses:
        upto = reached(ladder, number, started=START, now=now)
        if upto > number:
            previous = START + ladder[upto].after
        following = due(ladder, upto + 1, started=START, previous=previous, now=now)
        assert following > now, "two steps are never due at once"
        assert following - now <= max(step.after for step in ladder), "nor is there a gap"
        number, previous = upto + 1, following
        now = max(now + timedelta(seconds=pause), following)


def test_a_ladder_of_one_step_repeats_it() -> None:
    ladder = parse(("900:everyone",))
    assert minutes(due(ladder, 0, started=START, previous=START, now=START)) == 15
    assert minutes(due(ladder, 1, started=START, previous=START + timedelta(minutes=15), now=START + timedelta(minutes=15))) == 30
