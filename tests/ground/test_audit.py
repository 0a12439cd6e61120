"""Whoever edits the record of who saw what is found out, whichever way it is done, on both stores."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from hotline import audit
from hotline.audit import GENESIS, Break
from hotline.db import after_commit
from hotline.deployment import Deployment
from hotline.models import AuditEvent, table

AT = datetime(2026, 11, 24, 3, 30, 15, 123456, tzinfo=UTC)
EVENT = table(AuditEvent)
COLUMNS: dict[str, object] = {
    "actor": "officer:somebody-else",
    "action": "case.closed",
    "object": "K7-4QM9",
    "meta": {"count": 2},
    "at": AT - timedelta(microseconds=1),
    "previous": bytes(32),
    "hash": bytes(32),
}


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


@pytest.fixture
def told(deployment: Deployment) -> Deployment:
    """A deployment with twenty acts on record."""
    with deployment.db.transaction() as session:
        for number in range(20):
            audit.record(session, AT, actor="officer:aline", action="case.read", subject=f"case-{number}", count=1, by="sms")
    return deployment


def broken(deployment: Deployment, anchors: Path) -> Break | None:
    with deployment.db.reading() as session:
        return audit.verify(session, anchors)


def tamper(deployment: Deployment, work: Callable[[Session], object]) -> None:
    with deployment.db.transaction() as session:
        work(session)


def test_an_untouched_chain_holds(told: Deployment, anchors: Path) -> None:
    assert broken(told, anchors) is None


def test_a_record_without_any_act_holds(deployment: Deployment, anchors: Path) -> None:
    assert broken(deployment, anchors) is None


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edited_row_shows(told: Deployment, anchors: Path, column: str) -> None:
    tamper(told, lambda session: session.execute(update(EVENT).where(EVENT.c.seq == 9).values({column: COLUMNS[column]})))
    assert broken(told, anchors) == Break(9, "altered")


def test_an_edited_row_shows_though_its_own_hash_was_made_anew(told: Deployment, anchors: Path) -> None:
    def forge(session: Session) -> None:
        row = session.get_one(AuditEvent, 9)
        row.actor = "officer:somebody-else"
        row.hash = audit._hash(row)

    tamper(told, forge)
    assert broken(told, anchors) == Break(10, "altered")


@pytest.mark.parametrize("seq", [1, 10])
def test_a_deleted_row_shows(told: Deployment, anchors: Path, seq: int) -> None:
    tamper(told, lambda session: session.execute(delete(EVENT).where(EVENT.c.seq == seq)))
    assert broken(told, anchors) == Break(seq, "missing")


def test_a_deleted_row_shows_though_the_others_move_up(told: Deployment, anchors: Path) -> None:
    def close_the_gap(session: Session) -> None:
        session.execute(delete(EVENT).where(EVENT.c.seq == 10))
        for seq in range(11, 21):
            session.execute(update(EVENT).where(EVENT.c.seq == seq).values(seq=seq - 1))

    tamper(told, close_the_gap)
    assert broken(told, anchors) == Break(10, "altered")


def test_an_inserted_row_shows(told: Deployment, anchors: Path) -> None:
    row = {"seq": 21, "at": AT, "actor": "x", "action": "y", "object": "z", "meta": {}, "previous": GENESIS, "hash": GENESIS}
    tamper(told, lambda session: session.execute(insert(EVENT), [row]))
    assert broken(told, anchors) == Break(21, "altered")


def test_two_rows_that_changed_places_show(told: Deployment, anchors: Path) -> None:
    def swap(session: Session) -> None:
        for was, becomes in ((5, 100), (6, 5), (100, 6)):
            session.execute(update(EVENT).where(EVENT.c.seq == was).values(seq=becomes))

    tamper(told, swap)
    assert broken(told, anchors) == Break(5, "altered")


def anchored(deployment: Deployment, anchors: Path) -> None:
    with deployment.db.reading() as session:
        audit.anchor(session, anchors)


@pytest.mark.parametrize("left", [0, 19])
def test_a_tail_that_was_cut_off_shows_at_the_anchor(told: Deployment, anchors: Path, left: int) -> None:
    anchored(told, anchors)
    tamper(told, lambda session: session.execute(delete(EVENT).where(EVENT.c.seq > left)))
    assert broken(told, anchors) == Break(left + 1, "cut off")


def test_a_chain_written_anew_from_the_start_shows_at_the_anchor(told: Deployment, anchors: Path) -> None:
    anchored(told, anchors)
    tamper(told, lambda session: session.execute(delete(EVENT)))
    with told.db.transaction() as session:
        for _ in range(25):
            audit.record(session, AT, actor="officer:aline", action="case.read", subject="another story")
    assert broken(told, anchors) == Break(20, "differs from its anchor")


def test_an_anchor_is_written_once_for_each_newest_row(told: Deployment, anchors: Path) -> None:
    for _ in range(3):
        anchored(told, anchors)
    assert len(anchors.read_text().splitlines()) == 1
    with told.db.transaction() as session:
        audit.record(session, AT, actor="clock", action="x", subject="y")
    anchored(told, anchors)
    assert [line.split()[0] for line in anchors.read_text().splitlines()] == ["20", "21"]
    assert broken(told, anchors) is None


def test_no_anchor_is_written_for_no_record(deployment: Deployment, anchors: Path) -> None:
    anchored(deployment, anchors)
    assert not anchors.exists()


def test_a_power_cut_in_the_middle_of_an_anchor_stops_neither_the_clock_nor_the_check(told: Deployment, anchors: Path) -> None:
    anchored(told, anchors)
    with anchors.open("a") as file:
        file.write("21 4f2a")  # the rest was never written
    with told.db.transaction() as session:
        audit.record(session, AT, actor="clock", action="x", subject="y")
        audit.record(session, AT, actor="clock", action="x", subject="z")
    anchored(told, anchors)
    assert broken(told, anchors) is None
    tamper(told, lambda session: session.execute(delete(EVENT).where(EVENT.c.seq == 22)))
    assert broken(told, anchors) == Break(22, "cut off")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    at=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  given a zone beside it
    actor=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    meta=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(
            lambda name: name not in ("session", "now", "actor", "action", "subject")
        ),
        st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"]).filter(bool))),
        max_size=4,
    ),
)
def test_whatever_is_recorded_reads_back_to_the_same_hash(
    deployment: Deployment, anchors: Path, at: datetime, actor: str, meta: dict[str, str | int | bool]
) -> None:
    clean = {name: value.replace("\x00", "") if isinstance(value, str) else value for name, value in meta.items()}
    with deployment.db.transaction() as session:
        audit.record(session, at, actor=actor, action="x", subject="y", **clean)
    assert broken(deployment, anchors) is None


def test_the_chain_holds_whatever_zone_a_moment_was_given_in(deployment: Deployment, anchors: Path) -> None:
    kigali = AT.astimezone(timezone(timedelta(hours=2)))
    with deployment.db.transaction() as session:
        audit.record(session, kigali, actor="officer:aline", action="case.read", subject="K7-4QM9")
    assert broken(deployment, anchors) is None
    with deployment.db.reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET TIME ZONE 'Africa/Kigali'"))
        assert audit.verify(session, anchors) is None


def test_no_record_no_act(deployment: Deployment, anchors: Path) -> None:
    done: list[str] = []

    def act() -> None:
        with deployment.db.transaction() as session:
            after_commit(session, lambda: done.append("act"))
            audit.record(session, AT, actor="officer:aline", action="case.read", subject="K7-4QM9")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with deployment.db.reading() as session:
        assert session.scalars(select(AuditEvent)).all() == []
    assert done == []


def test_acts_of_many_officers_at_once_make_one_chain(deployment: Deployment, anchors: Path) -> None:
    def work(name: str) -> None:
        for _ in range(10):
            with deployment.db.transaction() as session:
                audit.record(session, AT, actor=name, action="case.read", subject="K7-4QM9")

    threads = [threading.Thread(target=work, args=(f"officer:{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken(deployment, anchors) is None
    with deployment.db.reading() as session:
        assert session.scalars(select(AuditEvent.seq).order_by(AuditEvent.seq)).all() == list(range(1, 81))
