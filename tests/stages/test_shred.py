"""T-SHRED: once its days are over nobody can read a case again, nobody's number is left of it, and its counts and record stay."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Table, event, select, update

from hotline import audit
from hotline.casework import read, shred
from hotline.cli.erase import erase
from hotline.models import (
    Assessed,
    AuditEvent,
    Base,
    Caller,
    Case,
    CaseKey,
    KeptFor,
    Message,
    NamedClue,
    Note,
    Officer,
    Report,
    table,
)
from hotline.outbound.compose import bound_to
from hotline.privacy import CannotOpen
from tests.line import Line
from workers.clock import round_

ANNA, PAUL = "+250788000811", "+250788000812"  # invented
TEXT = "They locked six girls in a house in Bugarama, plate RAB 123 C"
CASE = table(Case)


def close(line: Line, *, ago: timedelta = timedelta()) -> None:
    with line.site.db.transaction() as session:
        session.execute(update(CASE).values(state="closed", closed_at=line.now - ago, next_step_at=None, outcome="safe"))


def everything_sealed(line: Line) -> list[bytes]:
    """Every sealed value of the database that is of a case or a caller."""
    found = []
    with line.site.db.reading() as session:
        for of in Base.metadata.sorted_tables:
            names = [name for name in ("sealed", "wrapped") if name in of.c and "case_id" in of.c]
            found += [row[0] for name in names for row in session.execute(select(of.c[name])) if row[0]]
        return found + [row[0] for row in session.execute(select(Caller.number_sealed)) if row[0]]


def files_of(line: Line) -> bytes:
    base = Path(str(line.site.db.engine.url.database))
    return b"".join(path.read_bytes() for path in base.parent.glob(f"{base.name}*") if path.is_file())


def test_what_is_past_its_days_is_gone_from_tables_and_files_and_its_counts_and_record_stay(line: Line) -> None:
    line.says(ANNA, TEXT)
    line.says(PAUL, "they keep our papers at the farm in Muganza")
    was, sealed = line.rows(Case), everything_sealed(line)
    close(line, ago=timedelta(days=364))
    round_(line.site)
    assert len(line.rows(CaseKey)) == 2, "their days are not over"
    line.later(days=2)
    round_(line.site)
    for model in (CaseKey, Assessed, NamedClue):
        assert line.rows(model) == [], model.__tablename__
    assert everything_sealed(line) == []
    assert [row["handle"] for row in line.rows(Case)] == [row["handle"] for row in was]
    assert {row["category"] for row in line.rows(Case)} == {row["category"] for row in was}
    assert all(row["shredded_at"] for row in line.rows(Case))
    assert {row["actor"] for row in line.rows(AuditEvent) if row["action"] == "case.shredded"} == {"clock"}
    with line.site.db.reading() as session:
        assert audit.verify(session, line.site.settings.instance / "audit.anchors") is None
    if line.site.db.sqlite:
        files = files_of(line)
        assert len(sealed) > 6
        assert [value for value in sealed if value in files] == []


def test_whoever_held_the_key_of_another_case_opens_nothing_of_it(line: Line) -> None:
    line.says(ANNA, TEXT)
    (before,) = [row for row in line.rows(Message) if row["direction"] == "in"]
    close(line)
    with line.site.db.transaction() as session:
        shred.shred(session, [before["case_id"]], actor="clock", now=line.now)
        other, _ = line.site.keyring.new_case_key(before["case_id"])
    with pytest.raises(CannotOpen):
        other.open_text(before["sealed"], bound_to(before["id"]))
    with line.site.db.reading() as session, pytest.raises(read.Shredded):
        read.key_of(session, line.site, session.get_one(Case, before["case_id"]))


def test_a_number_is_kept_while_a_case_of_it_can_be_read_and_then_forgotten(line: Line) -> None:
    line.says(ANNA, TEXT)
    close(line)
    line.later(days=40)
    line.says(ANNA, "another man took our papers in Muganza")
    first, second = line.rows(Case)
    index = line.site.number_index(ANNA)
    with line.site.db.transaction() as session:
        assert shred.shred(session, [first["id"]], actor="clock", now=line.now) == 1
    assert [row["number_index"] for row in line.rows(Caller)] == [index]
    close(line)
    with line.site.db.transaction() as session:
        assert shred.shred(session, [first["id"], second["id"]], actor="clock", now=line.now) == 1, "the first is gone already"
    (caller,) = line.rows(Caller)
    assert caller["number_index"] != index
    assert caller["number_sealed"] == b""
    line.says(ANNA, TEXT)
    assert len(line.rows(Report)) == 3, "a later text is somebody new's, and is served as any"
    assert line.to(ANNA)


def test_nothing_is_shredded_that_is_open_kept_or_where_nothing_ever_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.says(ANNA, TEXT)
    line.later(days=400)
    (case,) = line.rows(Case)
    with line.site.db.transaction() as session:
        assert shred.over_age(session, line.site, line.now) == 0
        with pytest.raises(shred.Kept):
            shred.shred(session, [case["id"]], actor="clock", now=line.now)
    close(line, ago=timedelta(days=390))
    with line.site.db.transaction() as session:
        officer = Officer(name="desk", display_name="D", role="supervisor", password_hash="", totp_sealed=b"")
        session.add(officer)
        session.flush()
        found = session.get_one(Case, case["id"])
        shred.keep(session, found, KeptFor.COURT, officer=officer, now=line.now)
        assert shred.over_age(session, line.site, line.now) == 0
        with pytest.raises(shred.Kept):
            shred.shred(session, [case["id"]], actor="clock", now=line.now)
        shred.keep(session, found, None, officer=officer, now=line.now)
        with monkeypatch.context() as patch:
            patch.setattr(line.site, "settings", line.site.settings.model_copy(update={"case_days": 0}))
            assert shred.over_age(session, line.site, line.now) == 0
        assert shred.over_age(session, line.site, line.now) == 1
    assert [row["action"] for row in line.rows(AuditEvent)][-3:] == ["case.kept", "case.kept_no_more", "case.shredded"]


def test_one_that_was_frozen_since_keeps_no_other_from_its_day(line: Line) -> None:
    line.says(ANNA, TEXT)
    line.says(PAUL, TEXT)
    close(line, ago=timedelta(days=400))
    with line.site.db.transaction() as session:
        session.execute(update(CASE).where(CASE.c.id == line.rows(Case)[0]["id"]).values(state="frozen"))
    with line.site.db.transaction() as session:
        assert shred.over_age(session, line.site, line.now) == 1
    assert len(line.rows(CaseKey)) == 1


def test_what_is_due_is_found_by_an_index_however_many_are_closed(line: Line) -> None:
    line.says(ANNA, TEXT)
    close(line, ago=timedelta(days=400))
    with line.site.db.transaction() as session:
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        assert shred.over_age(session, line.site, line.now) == 1
        if line.site.db.sqlite:
            question = asked[0].partition("LIMIT")[0].replace("?", "'2026-01-01'")
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {question}").all()
            assert "ix_case_whole" in str(plan)


@pytest.fixture
def command(line: Line, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr("hotline.cli.lists.Deployment", lambda _: line.site)
    monkeypatch.setattr(line.site, "close", lambda: None)
    return CliRunner()


def test_who_asks_is_forgotten_by_number_and_no_argument_holds_it(line: Line, command: CliRunner) -> None:
    line.says(ANNA, TEXT)
    line.says(PAUL, TEXT)
    mine = line.rows(Report)[0]["case_id"]
    answer = command.invoke(erase, ["--number", "--yes"], input="0788 000 811\n")
    assert (answer.exit_code, "close first" in answer.output) == (1, True)
    close(line)
    assert command.invoke(erase, ["--number"], input="0788 000 811\nn\n").exit_code == 1
    assert len(line.rows(CaseKey)) == 2
    answer = command.invoke(erase, ["--number", "--yes"], input="0788 000 811\n")
    assert (answer.exit_code, "Erased: 1" in answer.output, "0788" in answer.output) == (0, True, False)
    assert [row["case_id"] for row in line.rows(CaseKey)] != [mine]
    assert len(line.rows(CaseKey)) == 1
    assert line.site.number_index(ANNA) not in [row["number_index"] for row in line.rows(Caller)]


def test_cases_are_erased_by_handle_once_they_are_closed(line: Line, command: CliRunner) -> None:
    line.says(ANNA, TEXT)
    (case,) = line.rows(Case)
    for words, why in (([], "handles"), (["ZZ-ZZZZ"], "no case"), ([case["handle"]], "close first")):
        answer = command.invoke(erase, [*words, "--yes"])
        assert answer.exit_code != 0
        assert why in answer.output
    close(line)
    assert command.invoke(erase, [case["handle"]], input="y\n").exit_code == 0
    assert line.rows(CaseKey) == []
    assert line.rows(Note) == []


def test_every_table_that_holds_words_of_a_case_is_emptied() -> None:
    """A new table with words of a case must be named in one of the two lists, or say here why not."""
    of_case: set[Table] = {
        of for of in Base.metadata.sorted_tables if "case_id" in of.c and ("sealed" in of.c or "wrapped" in of.c)
    }
    assert of_case <= {*shred.GONE, *shred.EMPTIED}
