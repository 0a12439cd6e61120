"""The database: what is committed stays, what is rolled back never was, and no two workers ever hold the same row."""

import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, RowMapping, Update, create_mock_engine, insert, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from hotline.db import Database, Given, add_rows, after_commit, among, change_each, claim, insert_unless_there
from hotline.deployment import Deployment
from hotline.in_time import Glance, GroupCommit, Unavailable
from hotline.models import Base, Counter, Inbox, InboxState, Moment, new_id, table
from tests import lasting
from tests.journeys.running import until

AT = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
COUNTER, INBOX = table(Counter), table(Inbox)


@pytest.fixture
def db(deployment: Deployment) -> Database:
    return deployment.db


@pytest.fixture
def beside(deployment: Deployment) -> Iterator[Database]:
    """The same database as another process would open it."""
    other = Database(deployment.settings.database)
    yield other
    other.close()


def row(external_id: str, **more: object) -> dict[str, object]:
    return {
        "id": new_id(),
        "gateway": "twilio",
        "kind": "sms",
        "external_id": external_id,
        "sealed": b"sealed",
        "received_at": AT,
        "state": InboxState.RECEIVED,
        "attempts": 0,
    } | more


def stored(db: Database) -> list[str]:
    with db.reading() as session:
        return list(session.scalars(select(INBOX.c.external_id).order_by(INBOX.c.external_id)))


def fill(db: Database, number: int) -> None:
    with db.transaction() as session:
        session.execute(insert(INBOX), [row(f"{at:04}") for at in range(number)])


def take(session: Session, limit: int) -> Sequence[RowMapping]:
    return claim(
        session,
        INBOX,
        where=[INBOX.c.state == InboxState.RECEIVED],
        order_by=[INBOX.c.id],
        limit=limit,
        values={"state": InboxState.CLAIMED, "attempts": INBOX.c.attempts + 1},
    )


def together(*work: Callable[[], object]) -> None:
    """Start all at the same moment and wait for all; a failure of any is raised."""
    gate = threading.Barrier(len(work))

    def start(one: Callable[[], object]) -> object:
        gate.wait(10)
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(start, work))


def test_migrations_lead_to_the_shape_the_models_have(db: Database) -> None:
    with db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_transaction_inside_a_transaction_is_an_error_and_no_wait_for_ever(db: Database) -> None:
    with db.transaction() as session:
        with pytest.raises(RuntimeError, match="inside a transaction"), db.transaction():
            pass
        session.execute(insert(INBOX).values(row("outer")))
    with db.transaction() as session:
        assert session.scalars(select(INBOX.c.external_id)).all() == ["outer"]


def test_eight_workers_never_hold_the_same_row(db: Database, beside: Database) -> None:
    fill(db, 200)
    taken: list[str] = []

    def work(mine: Database) -> None:
        while True:
            with mine.transaction() as session:
                rows = take(session, 7)
            assert len(rows) <= 7
            taken.extend(found["external_id"] for found in rows)
            if not rows:
                return

    together(*(lambda mine=mine: work(mine) for mine in (db, beside) * 4))
    assert Tally(taken) == Tally(f"{at:04}" for at in range(200))
    with db.reading() as session:
        assert set(session.scalars(select(INBOX.c.attempts))) == {1}


def test_a_worker_never_waits_for_the_rows_another_is_claiming(db: Database, beside: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite lets one writer in at a time, and its turn is short")
    fill(db, 6)
    with db.transaction() as session, beside.transaction() as other:
        other.execute(text("SET LOCAL lock_timeout = '1s'"))
        first = {row["id"] for row in take(session, 4)}
        second = {row["id"] for row in take(other, 4)}
    assert (len(first), len(second), first & second) == (4, 2, set())


def test_a_claim_that_is_rolled_back_leaves_the_rows_to_others(db: Database) -> None:
    fill(db, 3)

    def crash() -> None:
        with db.transaction() as session:
            assert len(take(session, 9)) == 3
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    with db.transaction() as session:
        assert len(take(session, 9)) == 3


def test_what_waits_for_the_commit_runs_after_it_and_in_order(db: Database, beside: Database) -> None:
    seen: list[object] = []
    with db.transaction() as session:
        session.execute(insert(INBOX), [row("a")])
        after_commit(session, lambda: seen.append(stored(beside)))
        after_commit(session, lambda: seen.append("second"))
        assert seen == []
    assert seen == [["a"], "second"]


def test_what_waits_for_the_commit_never_runs_when_it_is_rolled_back(db: Database) -> None:
    seen: list[str] = []

    def crash() -> None:
        with db.transaction() as session:
            session.execute(insert(INBOX), [row("a")])
            after_commit(session, lambda: seen.append("hook"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert seen == []
    assert stored(db) == []
    with db.transaction():
        pass
    assert seen == [], "nor does the next transaction run it"


def test_what_waits_for_the_commit_never_runs_when_the_commit_itself_fails(db: Database) -> None:
    seen: list[str] = []

    def clash() -> None:
        with db.transaction() as session:
            after_commit(session, lambda: seen.append("hook"))
            session.add_all([Inbox(**row("same")), Inbox(**row("same"))])

    with pytest.raises(SQLAlchemyError):
        clash()
    assert seen == []


def test_two_transactions_that_read_and_write_lose_no_update(db: Database, beside: Database) -> None:
    with db.transaction() as session:
        session.execute(insert(COUNTER), [{"name": "n", "value": 0}])

    def work(mine: Database) -> None:
        for _ in range(20):
            with mine.transaction() as session:
                value = session.scalars(select(COUNTER.c.value).where(COUNTER.c.name == "n").with_for_update()).one()
                session.execute(update(COUNTER).where(COUNTER.c.name == "n").values(value=value + 1))

    together(*(lambda mine=mine: work(mine) for mine in (db, beside) * 3))
    with db.reading() as session:
        assert session.scalars(select(COUNTER.c.value)).one() == 120


def test_a_reader_never_waits_for_a_writer(db: Database) -> None:
    fill(db, 1)
    with db.transaction() as session:
        session.execute(insert(INBOX), [row("new")])
        started = time.monotonic()
        assert stored(db) == ["0000"]
        assert time.monotonic() - started < 5, "a writer is waited for ten seconds"


def test_a_reader_sees_one_moment(db: Database) -> None:
    with db.reading() as session:
        assert session.scalars(select(INBOX.c.id)).all() == []
        with db.transaction() as beside:
            beside.execute(insert(INBOX), [row("one")])
        assert session.scalars(select(INBOX.c.id)).all() == []
    assert stored(db) == ["one"]


def test_a_row_that_is_there_already_is_left_alone(db: Database) -> None:
    first, again = row("a", sealed=b"first"), row("a", sealed=b"again")
    for one in (first, again, first | {"external_id": "b"}):
        with db.transaction() as session:
            insert_unless_there(session.connection(), INBOX, [one])
    with db.reading() as session:
        assert session.execute(select(INBOX.c.external_id, INBOX.c.sealed)).all() == [("a", b"first")]


def test_a_count_begins_with_its_first_value_and_adds_up(db: Database) -> None:
    for value in (5, 7, -2):
        with db.transaction() as session:
            session.connection().execute(db.insert_or_add(COUNTER), [{"name": "n", "value": value}])
    with db.reading() as session:
        assert session.execute(select(COUNTER.c.name, COUNTER.c.value)).all() == [("n", 10)]


def test_many_rows_go_in_at_once_with_every_kind_of_value(db: Database) -> None:
    rows = [row(f"{at}\t\\\n\"'", sealed=bytes(range(256)), reason=None, lease_until=AT) for at in range(3)]
    with db.transaction() as session:
        add_rows(session, INBOX, rows)
        add_rows(session, INBOX, [])
    with db.reading() as session:
        found = session.execute(select(*(INBOX.c[name] for name in rows[0])).order_by(INBOX.c.external_id)).mappings().all()
    assert [dict(one) for one in found] == rows


def test_many_rows_are_changed_at_once_each_to_its_own_and_no_other(db: Database) -> None:
    rows = [row(f"{at}") for at in range(4)]
    columns = {"row": INBOX.c.id, "why": INBOX.c.reason, "at": INBOX.c.lease_until}
    later = AT + timedelta(microseconds=1)
    changes = [{"row": one["id"], "why": why, "at": at} for one, why, at in zip(rows, "ab", (later, None), strict=False)]

    def change(given: Given) -> Update:
        received = (INBOX.c.id == given["row"], INBOX.c.state == InboxState.RECEIVED)
        return update(INBOX).where(*received).values(reason=given["why"], lease_until=given["at"])

    with db.transaction() as session:
        add_rows(session, INBOX, [*rows[1:], rows[0] | {"state": InboxState.DONE}])
        change_each(session, change, columns, [*changes, {"row": rows[2]["id"], "why": None, "at": AT}])
    with db.reading() as session:
        found = session.execute(select(INBOX.c.reason, INBOX.c.lease_until).order_by(INBOX.c.external_id)).all()
    assert found == [(None, None), ("b", None), (None, AT), (None, None)], "the first was done already"


def test_rows_are_found_by_any_of_many_values_of_text_or_bytes(db: Database) -> None:
    rows = [row(f"{at}", sealed=bytes([at, 0, 255])) for at in range(4)]
    with db.transaction() as session:
        add_rows(session, INBOX, rows)
    with db.reading() as session:

        def found(column: ColumnElement[Any], values: Collection[Any]) -> list[str]:
            return sorted(session.scalars(select(INBOX.c.external_id).where(among(session, column, values))))

        assert found(INBOX.c.id, [rows[1]["id"], rows[3]["id"], "of nobody"]) == ["1", "3"]
        assert found(INBOX.c.sealed, {rows[0]["sealed"], b"\x00"}) == ["0"]
        assert found(INBOX.c.id, []) == found(INBOX.c.sealed, ()) == []


def test_only_one_leads(db: Database, beside: Database) -> None:
    with db.leading("clock") as first, beside.leading("clock") as second, db.leading("clock") as third:
        assert [first, second, third] == [True, False, False]
        with beside.leading("other") as elsewhere:
            assert elsewhere
    with beside.leading("clock") as after:
        assert after


def test_a_leader_that_stumbles_gives_the_lead_away(db: Database, beside: Database) -> None:
    def stumble() -> None:
        with db.leading("clock") as leads:
            assert leads
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()
    with beside.leading("clock") as leads:
        assert leads


def test_the_databases_clock_is_aware_and_now(db: Database) -> None:
    with db.reading() as session:
        assert abs(db.now(session) - datetime.now(UTC)) < timedelta(seconds=5)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  a zone beside it
def test_a_moment_keeps_its_microseconds_in_sqlite(moment: datetime) -> None:
    kept = Moment().process_bind_param(moment, sqlite.dialect())
    assert Moment().process_result_value(kept, sqlite.dialect()) == moment


def test_a_moment_comes_back_aware_in_utc_and_to_the_microsecond(db: Database) -> None:
    moment = datetime(2026, 11, 24, 3, 30, 15, 123457, tzinfo=UTC)
    with db.transaction() as session:
        session.execute(insert(INBOX), [row("a", received_at=moment)])
    with db.reading() as session:
        if not db.sqlite:
            session.execute(text("SET TIME ZONE 'Africa/Kigali'"))
        found = session.scalars(select(INBOX.c.received_at)).one()
    assert (found, found.utcoffset()) == (moment, timedelta(0))


def test_ids_are_in_the_order_of_their_making_and_cannot_be_guessed() -> None:
    made = [new_id() for _ in range(300)]  # most of them within one millisecond
    assert made == sorted(made)
    assert all(len(one) == 32 and one[12] == "7" and one[16] in "89ab" for one in made)
    assert len({new_id() for _ in range(10_000)}) == 10_000
    assert len({one[13:16] + one[17:] for one in (new_id() for _ in range(1000))}) == 1000


# ---- group commit ----------------------------------------------------------------------------------------------


def test_fifty_threads_share_commits_and_each_row_is_stored_once(db: Database) -> None:
    groups: list[int] = []
    writer = GroupCommit(db, wait=10, after=lambda: groups.append(len(stored(db))))
    together(*(lambda at=at: writer.put((INBOX, row(f"{at:04}"))) for at in range(50)))
    assert stored(db) == [f"{at:04}" for at in range(50)]
    assert groups[-1] == 50
    assert len(groups) < 50, "sixteen webhooks pay for one fsync"


def test_whoever_returns_from_the_writer_finds_the_row_on_disk(db: Database, beside: Database) -> None:
    writer = GroupCommit(db, wait=10, after=lambda: None)
    missing: list[str] = []

    def work(at: int) -> None:
        for turn in range(5):
            writer.put((INBOX, row(f"{at}-{turn}")))
            if f"{at}-{turn}" not in stored(beside):
                missing.append(f"{at}-{turn}")

    together(*(lambda at=at: work(at) for at in range(8)))
    assert missing == []


def test_a_row_the_database_refuses_turns_away_no_other(db: Database) -> None:
    writer = GroupCommit(db, wait=10, after=lambda: None)
    refused: list[int] = []

    def work(at: int) -> None:
        bad = {"sealed": None} if at % 5 == 0 else {}
        try:
            writer.put((INBOX, row(f"{at:04}", **bad)))
        except Unavailable:
            refused.append(at)

    together(*(lambda at=at: work(at) for at in range(20)))
    assert sorted(refused) == [0, 5, 10, 15]
    assert stored(db) == [f"{at:04}" for at in range(20) if at % 5]


def test_rows_put_together_are_stored_together_or_not_at_all(db: Database) -> None:
    rung: list[str] = []
    writer = GroupCommit(db, wait=10, after=lambda: rung.append("ring"))
    with pytest.raises(Unavailable):
        writer.put((INBOX, row("a")), (INBOX, row("b", sealed=None)))
    assert stored(db) == []
    assert rung == [], "nobody is rung for what is not there"
    writer.put((INBOX, row("a")), (INBOX, row("b")))
    assert stored(db) == ["a", "b"]


def test_a_commit_that_takes_too_long_is_no_promise(db: Database, beside: Database) -> None:
    rung: list[str] = []
    writer = GroupCommit(db, wait=0.2, after=lambda: rung.append("ring"))
    with beside.transaction() as session:
        if not db.sqlite:
            session.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Unavailable):
            writer.put((INBOX, row("a")))
        assert rung == []
    until(lambda: not writer.outage.known, 5, "the writer goes on by itself once it can")
    writer.put((INBOX, row("b")))
    assert "b" in stored(db)


def test_while_a_database_hangs_nobody_waits_for_it_but_one_every_other_second(db: Database, beside: Database) -> None:
    wait = 1.0
    writer = GroupCommit(db, wait=wait, after=lambda: None)

    def took(external_id: str) -> float:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            writer.put((INBOX, row(external_id)))
        return time.monotonic() - started

    with beside.transaction() as session:
        if not db.sqlite:
            session.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        assert took("first") >= wait
        assert max(took(f"at once {at}") for at in range(50)) < wait, "all the others go another way without waiting"
        until(lambda: not writer.outage.known, 5, "the pause is over")
        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(took, (f"later {at}" for at in range(8))))
        assert sum(waited >= wait for waited in waits) == 1, "one of eight looks whether it is back"
    until(lambda: not writer.outage.known, 5, "the writer is free again")
    writer.put((INBOX, row("back")))
    assert not writer.outage.lasts()
    assert set(stored(db)) <= {"first", "back"} | {f"later {at}" for at in range(8)}


def test_a_row_that_was_given_up_is_not_written_when_its_turn_comes(db: Database, beside: Database) -> None:
    writer = GroupCommit(db, wait=0.2, after=lambda: None)
    busy, write = threading.Event(), writer._write
    writer._write = lambda group: (busy.set(), write(group))  # type: ignore[method-assign,assignment]
    with beside.transaction() as session:
        if not db.sqlite:
            session.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(writer.put, (INBOX, row("in the hand of the writer")))
            assert busy.wait(5)
            second = pool.submit(writer.put, (INBOX, row("still waiting")))
            assert isinstance(first.exception(5), Unavailable)
            assert isinstance(second.exception(5), Unavailable)
    until(lambda: not writer.outage.known, 5, "the pause is over")
    writer.put((INBOX, row("after")))
    assert "still waiting" not in stored(db), "it is in the spool by now"


def test_what_the_database_takes_too_long_for_it_gives_up_itself(deployment: Deployment) -> None:
    hurried = Database(deployment.settings.database, limit=0.2)
    with deployment.db.transaction() as session:
        session.execute(text("SELECT 1" if hurried.sqlite else "LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        with hurried.engine.connect() as connection, pytest.raises(OperationalError):
            connection.exec_driver_sql("DELETE FROM inbox")
    with hurried.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM inbox")
        connection.rollback()
    hurried.close()


def test_whoever_only_looks_does_not_wait_for_a_database_that_hangs(deployment: Deployment) -> None:
    held = threading.Event()
    glance = Glance(deployment.db, wait=10)
    assert glance.at(lambda session: session.scalar(text("SELECT 1"))) == 1
    glance._wait = 0.2
    for _ in range(3):
        with pytest.raises(Unavailable):
            glance.at(lambda _: held.wait(10))
    glance._wait = 10
    before = threading.active_count()
    held.set()
    until(lambda: threading.active_count() < before, 5, "one thread was waiting, not three")
    assert glance.at(lambda session: session.scalar(text("SELECT 2"))) == 2
    with pytest.raises(Unavailable):
        glance.at(lambda session: session.execute(text("SELECT 1 FROM nowhere")))


def test_a_database_that_was_restarted_costs_no_webhook(db: Database, beside: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite has no server to restart")
    writer = GroupCommit(db, wait=10, after=lambda: None)
    writer.put((INBOX, row("before")))
    lasting.close_all()
    with beside.transaction() as session:
        others = "datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))  # noqa: S608  fixed words
    writer.put((INBOX, row("after")))
    assert stored(beside) == ["after", "before"]


def test_the_schema_can_be_written_down_for_both_stores() -> None:
    for url in ("sqlite://", "postgresql+psycopg://"):
        written: list[object] = []
        Base.metadata.create_all(create_mock_engine(url, lambda sql, *_, to=written, **__: to.append(sql)), checkfirst=False)
        assert len(written) > len(Base.metadata.tables)
