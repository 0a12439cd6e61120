"""Pace: workers that share one Redis share one rate, and a Redis that is away slows them down and stops nobody."""

import time
from multiprocessing import get_context

import pytest
from redis import Redis

from hotline.config import Settings, load
from hotline.models import Lane
from hotline.outbound.pace import PATIENCE, Pace

NOWHERE = "redis://127.0.0.1:9/0"
RATE = 40


@pytest.fixture
def redis(redis_url: str) -> str:
    Redis.from_url(redis_url).flushall()
    return redis_url


def given(pace: Pace, lane: Lane, seconds: float, wanted: int = 10) -> int:
    """Take all one can get for so long."""
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += pace.room(lane, {"twilio": wanted})["twilio"]
    return number


def work(url: str, seconds: float) -> int:
    return given(Pace(url, {"twilio": RATE}), Lane.LIFE, seconds)


def test_two_workers_share_one_rate(redis: str) -> None:
    with get_context("spawn").Pool(2) as workers:
        workers.starmap(time.sleep, [(0,), (0,)])
        taken = workers.starmap(work, [(redis, 2.0)] * 2)
    assert all(taken), "both get some"
    assert 0.6 * RATE * 2 <= sum(taken) <= 1.15 * RATE * 3, "and together no more than the rate, with the second that was free"


def test_a_broadcast_leaves_a_quarter_free_for_alerts(redis: str) -> None:
    pace = Pace(redis, {"twilio": RATE})
    assert pace.room(Lane.BULK, {"twilio": 1000}) == {"twilio": RATE * 3 // 4}
    assert pace.room(Lane.LIFE, {"twilio": 100})["twilio"] >= RATE // 4 - 1


def test_a_life_always_gets_one_through_and_the_others_wait_no_longer_than_a_moment(redis: str) -> None:
    pace = Pace(redis, {"twilio": 1})
    assert pace.room(Lane.LIFE, {"twilio": 5}) == {"twilio": 1}
    started = time.monotonic()
    assert pace.room(Lane.LIFE, {"twilio": 5}) == {"twilio": 1}
    assert time.monotonic() - started < PATIENCE + 0.5


def test_each_gateway_has_a_rate_of_its_own(redis: str) -> None:
    pace = Pace(redis, {"twilio": 2, "other": 50})
    assert pace.room(Lane.LIFE, {"twilio": 30, "other": 30}) == {"twilio": 2, "other": 30}


@pytest.mark.parametrize("lane", [Lane.LIFE, Lane.BULK])
def test_without_redis_a_worker_keeps_to_a_quarter_by_itself_and_is_not_held_up(lane: Lane) -> None:
    pace = Pace(NOWHERE, {"twilio": RATE})
    started = time.monotonic()
    assert 1 <= pace.room(lane, {"twilio": 1000})["twilio"] <= RATE // 4
    assert time.monotonic() - started < 1.5
    assert given(pace, lane, 2.0) <= RATE // 4 * 3


def test_when_redis_is_back_it_counts_again(redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.outbound.pace.AGAIN", 0.0)
    pace = Pace(NOWHERE, {"twilio": RATE})
    assert pace.room(Lane.LIFE, {"twilio": 1000})["twilio"] <= RATE // 4
    pace._url = redis
    assert pace.room(Lane.LIFE, {"twilio": 1000})["twilio"] == RATE


def test_rates_are_read_by_name_and_a_wrong_one_is_refused() -> None:
    assert Settings(gateway_rates="twilio:10, africastalking:30", _env_file=None).rates == {"twilio": 10, "africastalking": 30}
    for wrong in ("twilio", "twilio:0", "twilio:-1", "twilio:1.5", ":10"):
        with pytest.raises(SystemExit, match="GATEWAY_RATES"):
            load(gateway_rates=wrong, _env_file=None)
