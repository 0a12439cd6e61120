"""May we write to this caller now? Never first, never after a stop, never at an hour nobody agreed to."""

from datetime import UTC, datetime, timedelta

import pytest

from hotline.config import load
from hotline.deployment import Deployment
from hotline.models import SafeContact
from hotline.outbound.window import may_write

TEN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # ten in the morning in Kigali
STOPPED, UNSAFE = "asked us to stop", "said it is not safe to write"
QUIET, OUTSIDE = "quiet hours", "outside the hours the caller named"
TOO_LONG = "the caller wrote too long ago and has not said that it is safe"


def site(**chosen: object) -> Deployment:
    return Deployment(load(_env_file=None, **chosen))


def caller(**known: object) -> dict[str, object]:
    plain = {"last_inbound_at": TEN, "opted_out_at": None, "panic_at": None, "safe_contact": SafeContact.UNKNOWN}
    return plain | {"safe_hours": None} | known


def at(clock: str) -> datetime:
    """Return a point in time on the next day, by the clock in Kigali."""
    hour, minute = map(int, clock.split(":"))
    return TEN.replace(hour=0, minute=0) + timedelta(days=1, hours=hour - 2, minutes=minute)


@pytest.mark.parametrize(
    ("minutes", "answer"), [(0, None), (14, None), (15, None), (15.01, TOO_LONG), (60, TOO_LONG), (60 * 24, TOO_LONG)]
)
def test_for_a_quarter_of_an_hour_an_answer_is_an_answer(minutes: float, answer: str | None) -> None:
    assert may_write(site(), caller(), TEN + timedelta(minutes=minutes)) == answer


def test_the_quarter_of_an_hour_can_be_set() -> None:
    assert may_write(site(reply_window_minutes=5), caller(), TEN + timedelta(minutes=6)) == TOO_LONG


@pytest.mark.parametrize("stop", ["opted_out_at", "panic_at"])
@pytest.mark.parametrize("safe", SafeContact)
def test_after_a_stop_nobody_is_written_to_whatever_was_said_before(stop: str, safe: SafeContact) -> None:
    for later in (0, 1, 10, 600):
        now = TEN + timedelta(minutes=later)
        assert may_write(site(), caller(safe_contact=safe, safe_hours="morning", **{stop: TEN}), now) == STOPPED


def test_a_stop_that_is_older_than_the_callers_last_text_has_passed() -> None:
    for stop in ("opted_out_at", "panic_at"):
        assert may_write(site(), caller(**{stop: TEN - timedelta(seconds=1)}), TEN) is None


def test_whoever_said_never_is_not_even_answered_at_once() -> None:
    assert may_write(site(), caller(safe_contact=SafeContact.NEVER), TEN) == UNSAFE


@pytest.mark.parametrize(
    ("clock", "answer"),
    [("10:00", None), ("19:59", None), ("20:00", QUIET), ("23:59", QUIET), ("00:00", QUIET), ("06:59", QUIET), ("07:00", None)],
)
def test_whoever_said_any_time_is_left_to_sleep(clock: str, answer: str | None) -> None:
    assert may_write(site(), caller(safe_contact=SafeContact.ANY), at(clock)) == answer


@pytest.mark.parametrize(
    ("start", "end", "clock", "quiet"),
    [
        ("13:00", "14:00", "13:30", True),
        ("13:00", "14:00", "14:00", False),
        ("13:00", "14:00", "03:00", False),
        ("22:30", "05:15", "22:29", False),
        ("22:30", "05:15", "22:30", True),
        ("22:30", "05:15", "05:14", True),
        ("22:30", "05:15", "05:15", False),
        ("00:00", "00:00", "00:00", False),
        ("12:00", "12:00", "12:00", False),
    ],
)
def test_quiet_hours_may_lie_over_midnight_or_be_none(start: str, end: str, clock: str, *, quiet: bool) -> None:
    chosen = site(quiet_from=start, quiet_until=end)
    assert (may_write(chosen, caller(safe_contact=SafeContact.ANY), at(clock)) == QUIET) is quiet


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("morning", ("07:00", "11:59"), ("06:59", "12:00", "18:00")),
        ("midday", ("12:00", "14:59"), ("11:59", "15:00")),
        ("evening", ("17:00", "19:59"), ("16:59", "20:00", "02:00")),
        (None, (), ("00:00", "08:00", "13:00", "18:00")),
        ("whenever", (), ("00:00", "08:00", "13:00", "18:00")),
    ],
)
def test_whoever_named_hours_is_written_to_in_those_alone(
    hours: str | None, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    asked = caller(safe_contact=SafeContact.HOURS, safe_hours=hours)
    assert [may_write(site(), asked, at(clock)) for clock in inside] == [None] * len(inside)
    assert [may_write(site(), asked, at(clock)) for clock in outside] == [OUTSIDE] * len(outside)


def test_the_hours_are_those_of_the_deployments_zone() -> None:
    asked = caller(safe_contact=SafeContact.HOURS, safe_hours="morning")
    ten_in_kigali = at("10:00")
    assert may_write(site(), asked, ten_in_kigali) is None
    assert may_write(site(timezone="Asia/Tokyo"), asked, ten_in_kigali) == OUTSIDE


def test_somebody_who_never_wrote_is_nobody_to_write_to() -> None:
    with pytest.raises(TypeError):
        may_write(site(), caller(last_inbound_at=None), TEN)
