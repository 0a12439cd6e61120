"""The page of missed calls: who was not reached and why, without a number."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from hotline.models import Beep, BeepState, new_id, table
from tests.console.desk import Desk

NUMBER = "+250780000177"


def rang(desk: Desk, state: BeepState, reason: str | None = None, *, times: int = 1, ago: timedelta = timedelta(hours=1)) -> None:
    beep_id, at = new_id(), datetime.now(UTC) - ago
    row = {
        "id": beep_id,
        "number_index": desk.site.number_index(f"{NUMBER}{beep_id[-4:]}"),
        "number_sealed": desk.site.keyring.fields.seal_text(NUMBER, f"beep|number|{beep_id}"),
        "gateway": "twilio",
        "times": times,
        "first_at": at,
        "last_at": at,
        "state": state,
        "reason": reason,
        "due_at": at,
        "dialled_at": at if state in (BeepState.REACHED, BeepState.UNREACHED) else None,
    }
    with desk.site.db.transaction() as session:
        session.execute(insert(table(Beep)), [row])


def shown(desk: Desk) -> str:
    return desk.signed_in("intake").get("/missed").get_data(as_text=True)


def test_nobody_missed_is_said_so(desk: Desk) -> None:
    rang(desk, BeepState.REACHED)
    rang(desk, BeepState.UNREACHED, "no word of the call", ago=timedelta(days=20))
    page = shown(desk)
    assert "Nobody was missed" in page
    assert "no word of the call" not in page


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (BeepState.UNREACHED, "no word of the call", "Not reached"),
        (BeepState.REFUSED, "not a number we call", "Not called, by rule"),
        (BeepState.CANCELLED, "asked us to stop", "Called off"),
    ],
)
def test_whoever_was_not_reached_is_listed_with_the_reason_and_no_number(
    desk: Desk, state: BeepState, reason: str, words: str
) -> None:
    rang(desk, state, reason, times=3)
    page = shown(desk)
    assert words in page
    assert reason in page
    assert "3 times" in page
    assert NUMBER[4:] not in page.replace(" ", "")


def test_the_list_is_bounded_and_says_when_the_days_calls_are_used_up(desk: Desk) -> None:
    for _ in range(51):
        rang(desk, BeepState.UNREACHED, "night", ago=timedelta(0))
    desk.site.settings = desk.site.settings.model_copy(update={"beep_daily_budget": 50})
    page = shown(desk)
    assert page.count("data-row") == 50
    assert "The newest 50 are shown" in page
    assert "calls are used up" in page


def test_what_waits_to_be_called_is_counted(desk: Desk) -> None:
    rang(desk, BeepState.WAITING)
    assert "1 is about to be called" in shown(desk)
