"""The effect of a broadcast on a month that is simulated: a lift that was put in is found, none is found where there is none."""

import random
from datetime import timedelta
from operator import itemgetter

import pytest
from sqlalchemy import insert, update

from hotline import handle
from hotline.broadcasts.effect import Arm, Compared, Effect, effect, told
from hotline.broadcasts.making import make
from hotline.models import Caller, Case, Message, MessageState, Report, Subscriber, new_id, table
from hotline.outbound.recipients import HELD_OUT
from tests.broadcasts.casting import Casts, fill, number

SECTORS = {"Kamembe": 1600, "Bugarama": 1200, "Nkombo": 40}
USUAL = 0.03  # of people who report in a month, invented


def a_month(casts: Casts, lift: float) -> Effect:
    """Send to two thousand and hold out the rest; then let people report by chance, those reached by `lift` more often."""
    start = 100
    for sector, people in SECTORS.items():
        fill(casts.site, sector.lower(), [number(start + at) for at in range(people)], casts.now, language="rw", sector=sector)
        start += people
    made = casts.begin(*map(str.lower, SECTORS), held_out=30)
    while make(casts.site):
        with casts.site.db.transaction() as session:
            left = update(table(Message)).where(table(Message).c.state == MessageState.QUEUED)
            session.execute(left.values(state=MessageState.DELIVERED, accepted_at=casts.now))
    chance = random.Random(11)
    rows = [(row["subscriber_id"], row["reason"] == HELD_OUT) for row in casts.line.rows(Message, broadcast_id=made)]
    index = {row["id"]: row["number_index"] for row in casts.line.rows(Subscriber)}
    callers, cases, reports = [], [], []
    for subscriber_id, held in sorted(rows, key=itemgetter(1, 0)):  # so that the lot, which ids draw, hardly moves what comes out
        if chance.random() >= USUAL + (0 if held else lift):
            continue
        at = casts.now + timedelta(days=chance.uniform(0, 27.9))
        caller, case = new_id(), new_id()
        whose = {"id": caller, "number_index": index[subscriber_id], "number_sealed": b""}
        callers.append(whose | {"last_inbound_at": at})
        about = {"category": "trafficking", "urgency": "soon", "rank": 1, "minors": "unknown", "language": "rw"}
        named = {"id": case, "handle": f"{handle.make()}{len(cases)}", "channel": "sms"}
        cases.append(named | {"opened_at": at, "updated_at": at} | about)
        told = {"case_id": case, "caller_id": caller, "channel": "sms", "gateway": "simulator"}
        reports.append({"id": new_id(), "opened_at": at, "last_inbound_at": at} | told)
    with casts.site.db.transaction() as session:
        for model, some in ((Caller, callers), (Case, cases), (Report, reports)):
            session.execute(insert(model), some)
    with casts.site.db.reading() as session:
        found = effect(session, casts.row(made))
    assert found is not None
    return found


def test_a_known_lift_is_found_with_its_interval(casts: Casts) -> None:
    found = a_month(casts, lift=0.04)
    assert found.whole is not None
    assert found.whole.found
    assert 0 < found.whole.low < 40 < found.whole.high
    assert found.whole.high - found.whole.low < 60
    print(f"\n{found.whole.more:+.1f} in a thousand, {found.whole.low:+.1f} to {found.whole.high:+.1f}")  # noqa: T201  seen with -s
    assert {"Kamembe", "Bugarama"} >= {line.name for line in found.by_sector if line.name}
    assert "Nkombo" not in {line.name for line in found.by_sector}, "forty people are too few to be told apart"
    assert sum(line.sent.reported for line in found.by_week) == found.whole.sent.reported


def test_where_there_is_no_lift_none_is_found(casts: Casts) -> None:
    found = a_month(casts, lift=0.0)
    assert found.whole is not None
    assert not found.whole.found
    assert found.whole.low < 0 < found.whole.high


def test_nobody_held_out_is_nothing_to_compare(casts: Casts) -> None:
    casts.people("a", 30)
    made = casts.begin("a")
    with casts.site.db.reading() as session:
        assert effect(session, casts.row(made)) is None


def test_while_nobody_has_reported_nothing_is_compared(casts: Casts) -> None:
    casts.people("a", 200)
    made = casts.begin("a", held_out=30)
    while make(casts.site):
        pass
    with casts.site.db.reading() as session:
        assert effect(session, casts.row(made)) == Effect(None, (), ())


@pytest.mark.parametrize("reported", [1, 4])
def test_a_small_cell_is_neither_shown_nor_to_be_reckoned_from_the_others(reported: int) -> None:
    """The small one is put together with the smallest of the others, as often as it takes."""
    large = [Compared(name, Arm(500 + at, 30), Arm(300, 20)) for at, name in enumerate("ABC")]
    small = Compared("D", Arm(40, reported), Arm(30, 0))
    lines = told([*large, small])
    assert [line.name for line in lines] == ["B", "C", ""]
    assert lines[-1].sent == Arm(540, 30 + reported)
    assert told([small]) == []


def test_the_interval_is_newcombe_s() -> None:
    """His own example: 56 of 70 beside 48 of 80 differ by 0.0524 to 0.3339."""
    line = Compared("", Arm(70, 56), Arm(80, 48))
    assert (round(line.low, 1), round(line.high, 1)) == (52.4, 333.9)
