"""Whoever must not know of a case meets nothing of it, whichever address of the console they try."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import bindparam, select, text

from hotline import audit, sight
from hotline.models import (
    Case,
    CaseKey,
    Cause,
    Exclusion,
    ExclusionState,
    Message,
    MessageKind,
    MessageState,
    NamedClue,
    Note,
    Officer,
    Report,
    new_id,
    table,
)
from hotline.roles import Role
from hotline.watch import alarm
from tests.console.desk import Browser, Desk

CONSOLE = Path(__file__).parents[2] / "hotline" / "console"
STATION = "Bugarama police post"


@pytest.fixture
def excluded(desk: Desk) -> Browser:
    """A supervisor who serves at a station, signed in: may do most, so that most doors are tried."""
    desk.enrol("inside", Role.SUPERVISOR)
    with desk.site.db.transaction() as session:
        session.scalars(select(Officer).where(Officer.name == "inside")).one().station = STATION
    return desk.signed_in("inside")


def keep_from(desk: Desk, case: Case, whom: str, state: ExclusionState = ExclusionState.EXCLUDED) -> str:
    row_id, now = new_id(), datetime.now(UTC)
    with desk.site.db.transaction() as session:
        wrapped = session.get_one(CaseKey, case.id).wrapped
        sealed = desk.site.keyring.case_key(case.id, wrapped).seal_text("", f"exclusion|sealed|{row_id}")
        session.add(
            Exclusion(
                id=row_id, case_id=case.id, subject=whom, cause=Cause.NAMED, state=state, sealed=sealed, at=now, decided_at=now
            )
        )
    return row_id


def addresses(desk: Desk, **named: str) -> Iterator[tuple[str, str]]:
    """Every method and address of the console, with the names of a route filled in."""
    for rule in sorted(desk.app.url_map.iter_rules(), key=lambda one: one.rule):
        if rule.endpoint.startswith("console.") and not rule.endpoint.startswith(
            ("console.static", "console.demo", "console.sign_in", "console.welcome")
        ):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda one: named.get(one.group(1), "none"), rule.rule)
            for method in sorted(rule.methods & {"GET", "POST"}):
                yield method, path


def loaded(desk: Desk) -> Case:
    """A case with everything a page could count: an alert that failed, a clue others name, a note, a long wait."""
    case = desk.case(ago=timedelta(hours=1))
    contact = desk.tell(case, f"Somebody {new_id()}")
    now = datetime.now(UTC) - timedelta(minutes=5)
    with desk.site.db.transaction() as session:
        plain = {
            "case_id": case.id,
            "contact_id": contact.id,
            "sealed": b"",
            "gateway": "simulator",
            "created_at": now,
            "settled_at": now,
        }
        session.add(Message(direction="out", kind=MessageKind.ALERT, lane="life", state=MessageState.DEAD, **plain))
        session.add(NamedClue(case_id=case.id, value_index=b"plate", kind="plate", at=now))
        alarm.recount(session, desk.site, datetime.now(UTC))
    return case


def pages(desk: Desk, browser: Browser, *, of: str = "", **named: str) -> dict[tuple[str, str], tuple[int, bytes]]:
    """What every page answers, or every one whose address has this name in it."""
    seen, csrf = {}, browser.token()
    for method, path in addresses(desk, **named):
        if of not in path:
            continue
        # A word for the next shift is about no case, and each adds one; a browser that hangs as a wall shows nothing else; one
        # that asks to be the studio's screen shows its code.
        if method == "POST" and path in ("/handover", "/wall/hang", "/screen"):
            continue
        answer = (
            browser.get(path)
            if method == "GET"
            else browser.post(path, token=csrf, text="x", version="0", decision="exclude", whom="x")
        )
        # The directory, and setup that counts it, grow with each contact a test adds, the rules with a draft that was begun; they
        # know of no case.
        if path.startswith(("/rota", "/directory")) or path in ("/rules", "/setup"):
            continue
        token = rb'(?:csrf_token|known_as)" value="[^"]+"|nonce-[^"]+|/new/[0-9a-f]+|"challenge": "[^"]+"'
        seen[method, path] = answer.status_code, re.sub(token, b"", answer.data)
    return seen


@pytest.fixture
def _no_clock() -> Iterator[None]:
    """Time stands still: what a page says of this minute is no difference."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.mark.usefixtures("_no_clock")
def test_every_page_is_as_if_the_case_had_never_been(desk: Desk, excluded: Browser) -> None:
    nowhere = {"token": "no-such-token", "exclusion_id": "none", "recording_id": "none"}
    before = pages(desk, excluded, **nowhere)
    cases = [loaded(desk) for _ in range(3)]
    row_ids = [keep_from(desk, case, f"station:{STATION}") for case in cases]
    assert pages(desk, excluded, **nowhere) == before
    for case, row_id in zip(cases, row_ids, strict=True):
        hidden = pages(desk, excluded, of=case.token, token=case.token, exclusion_id=row_id, recording_id="none")
        assert len(hidden) >= 14
        for method, path in hidden:
            status, body = hidden[method, path]
            plain = body.replace(case.token.encode(), b"no-such-token").replace(row_id.encode(), b"none")
            missing = method, path.replace(case.token, "no-such-token").replace(row_id, "none")
            assert (status, plain) == before[missing], f"{method} {path}"
        assert all(case.handle.encode() not in body for _, body in hidden.values())


def test_a_colleague_who_is_not_of_that_station_sees_all_of_it(desk: Desk, excluded: Browser) -> None:
    case = loaded(desk)
    keep_from(desk, case, f"station:{STATION}")
    colleague = desk.signed_in("supervisor")
    for path in ("/queue?view=all", "/dead", f"/case/{case.token}"):
        assert case.handle in colleague.get(path).get_data(as_text=True), path
        assert case.handle not in excluded.get(path).get_data(as_text=True), path


def test_nothing_an_excluded_officer_sends_changes_the_case(desk: Desk, excluded: Browser) -> None:
    case = loaded(desk)
    row_id = keep_from(desk, case, f"station:{STATION}", ExclusionState.PROPOSED)
    before = desk.again(case).version
    pages(desk, excluded, token=case.token, exclusion_id=row_id)
    with desk.site.db.reading() as session:
        assert session.get_one(Exclusion, row_id).state == ExclusionState.PROPOSED
        assert session.scalars(select(Note)).all() == []
    assert desk.again(case).version == before


def test_a_link_to_a_hidden_case_is_not_counted(desk: Desk, excluded: Browser) -> None:
    seen, hidden = loaded(desk), loaded(desk)
    assert "2 independent reports" in excluded.get(f"/case/{seen.token}").get_data(as_text=True)
    keep_from(desk, hidden, f"station:{STATION}")
    assert "independent reports" not in excluded.get(f"/case/{seen.token}").get_data(as_text=True)


@pytest.mark.parametrize("state", [ExclusionState.PROPOSED, ExclusionState.EXCLUDED])
def test_what_is_proposed_holds_like_what_is_decided(desk: Desk, excluded: Browser, state: ExclusionState) -> None:
    case = desk.case()
    keep_from(desk, case, f"station:{STATION}", state)
    assert case.handle not in excluded.get("/queue?view=all").get_data(as_text=True)


def test_what_was_dismissed_is_seen_again(desk: Desk, excluded: Browser) -> None:
    case = desk.case()
    keep_from(desk, case, f"station:{STATION}", ExclusionState.DISMISSED)
    assert case.handle in excluded.get("/queue?view=all").get_data(as_text=True)


def test_a_statement_nothing_can_be_left_out_of_is_refused(desk: Desk) -> None:
    with sight.reading(desk.site.db, desk.officer("intake")) as session, pytest.raises(sight.CannotNarrow):
        session.execute(text("SELECT count(*) FROM message"))


def test_a_table_s_own_query_is_narrowed_however_deep(desk: Desk) -> None:
    case = desk.case()
    officer = desk.officer("intake")
    keep_from(desk, case, f"officer:{officer.id}")
    messages, cases, reports = table(Message), table(Case), table(Report)
    deep = select(reports.c.id).where(reports.c.case_id.in_(select(cases.c.id)))
    within = select(select(messages.c.id).subquery())
    aliased = select(cases.alias("c2").c.id)
    with desk.site.db.reading() as session:
        assert all(session.execute(one).all() for one in (deep, within, aliased))
    with sight.reading(desk.site.db, officer) as session:
        assert [session.execute(one).all() for one in (deep, within, aliased)] == [[], [], []]


def test_a_statement_made_once_leaves_out_for_each_what_is_hidden_from_them(either: Desk) -> None:
    first, second = either.case("one"), either.case("two")
    keep_from(either, first, f"officer:{either.officer('intake').id}")
    keep_from(either, second, f"officer:{either.officer('supervisor').id}")
    cases = table(Case)
    lasting = select(cases.c.id).where(cases.c.id != bindparam("but")).execution_options(**{sight.MADE_ONCE: True})
    for name, but, left in 2 * (("intake", "", second), ("supervisor", "", first), ("admin", first.id, second)):
        with sight.reading(either.site.db, either.officer(name)) as session:
            assert session.scalars(lasting, {"but": but}).all() == [left.id], name
    with either.site.db.reading() as session:
        assert len(session.scalars(lasting, {"but": ""}).all()) == 2, "itself it stays as it was made"


def test_no_screen_reads_past_the_guard() -> None:
    """Sign-in and sessions know no officer yet; every other screen must ask through guard.reading and guard.transaction."""
    before_anybody = {"sign_in.py", "sessions.py", "demo.py", "welcome.py", "passkey.py"}
    of_people = {"team.py"}  # shows no case, and gives back to the queue all that somebody has who leaves
    past = [
        path.name
        for path in CONSOLE.glob("*.py")
        if re.search(r"\.db\.(reading|transaction|looking|writing|engine)", path.read_text()) and path.name != "guard.py"
    ]
    assert set(past) <= before_anybody | of_people


@pytest.mark.usefixtures("_no_clock")
def test_the_record_has_neither_a_row_nor_a_gap_of_what_is_hidden(either: Desk) -> None:
    either.enrol("reader", Role.AUDITOR)
    with either.site.db.transaction() as session:
        session.scalars(select(Officer).where(Officer.name == "reader")).one().station = STATION
    case, other = either.case("hidden"), either.case("seen")
    acts = (case, other, case, case, other)
    with either.site.db.transaction() as session:
        for one in acts:
            audit.record(session, datetime.now(UTC), actor="officer:second", action="case.read", subject=one.handle)
    keep_from(either, case, f"station:{STATION}")
    reader, colleague = either.signed_in("reader"), either.signed_in("auditor")
    page, everything = (browser.get("/record").get_data(as_text=True) for browser in (reader, colleague))
    assert (page.count(case.handle), page.count(other.handle) > 0, case.handle in everything) == (0, True, True)
    rows = list(csv.DictReader(io.StringIO(reader.get("/record.csv").get_data(as_text=True))))
    numbers = [int(row["number"]) for row in rows]
    assert numbers == list(range(len(rows), 0, -1))
    assert [row for row in rows if row["about"] == case.handle] == []
    shown = re.findall(r"its hash <code>(\w+)</code></small><small>the one before <code>(\w+)</code>", page)
    assert [before for _, before in shown[:-1]] == [own for own, _ in shown[1:]]


def test_what_fails_for_a_hidden_case_alone_is_said_nowhere_and_for_another_it_is(either: Desk) -> None:
    either.enrol("inside", Role.SUPERVISOR)
    with either.site.db.transaction() as session:
        session.scalars(select(Officer).where(Officer.name == "inside")).one().station = STATION
    reader, colleague = either.signed_in("inside"), either.signed_in("supervisor")
    watched(either)
    before = gates(reader)
    case = either.case(ago=timedelta(hours=1))  # a danger to life with no ladder and no alert: I2
    plain = {
        "case_id": case.id,
        "sealed": b"",
        "gateway": "simulator",
        "created_at": case.opened_at,
        "settled_at": case.opened_at,
    }
    with either.site.db.transaction() as session:
        session.add(Message(direction="out", kind=MessageKind.ALERT, lane="life", state=MessageState.DEAD, **plain))
    keep_from(either, case, f"station:{STATION}")
    watched(either)
    assert gates(reader) == before
    assert all(one in gates(colleague) for one in ("watch I2", "dead letters"))
    assert ("(I2)" in reader.get("/queue").text, "(I2)" in colleague.get("/queue").text) == (False, True)
    either.case(ago=timedelta(hours=1))
    watched(either)
    assert "watch I2" in gates(reader)
    assert "(I2)" in reader.get("/queue").text


def gates(browser: Browser) -> str:
    """What the page of setup says still lacks."""
    page = browser.get("/setup").text
    return re.sub(r'name="csrf_token" value="[^"]+"|nonce-[^"]+', "", page[page.index("<main") : page.index("</main>")])


def watched(desk: Desk) -> None:
    """Let the clock look at what must hold."""
    with desk.site.db.transaction() as session:
        alarm.sound(session, desk.site, datetime.now(UTC))
    desk.later()
