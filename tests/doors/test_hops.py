"""The dialled code at the door: each answer is on disk on the hop it came with, and every hop hears a page, whatever is away.

Everything goes through the real WSGI application, on both stores. Numbers and words are invented.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.hops import Hops
from hotline.intake import spool
from hotline.intake.ussd.heard import HEADER
from hotline.models import Case, CaseState, DialledSession, Inbox, InboxState, Message, Quarantine
from tests.dialling import Dialled, post
from tests.gateways.vendors import PUBLIC_URL, SECRET, THEIR_ADDRESS
from tests.line import Line, fill_directory, in_three_sizes

WHOLE = ("8", "5", "1", "1", "3", "NYA", "2", "five girls behind the market")


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    return Line(deployment)


def test_each_answer_is_on_disk_on_the_hop_it_came_with(line: Line) -> None:
    phone = Dialled(line)
    assert phone.dial().startswith("CON IJWI")
    assert line.rows(Inbox) == [], "a dial that says nothing leaves nothing"
    for number, typed in enumerate(WHOLE, start=1):
        phone.answer(typed)
        rows = line.rows(Inbox)
        assert [row["kind"] for row in rows] == ["ussd"] * number
    assert phone.page.startswith("END ")
    raw = [Webhook.unpacked(line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}")) for row in line.rows(Inbox)]
    assert raw[-1].fields == phone.fields(text="*".join(WHOLE))


def test_no_row_of_a_session_holds_a_word_or_a_number_in_clear(line: Line) -> None:
    phone = Dialled(line)
    phone.dial()
    phone.answer(*WHOLE)
    for row in (*line.rows(Inbox), *line.rows(DialledSession)):
        said = repr(dict(row))
        assert not [word for word in ("market", "780000101", "Nyaka", phone.session) if word in said]


def test_the_networks_repeat_is_the_same_page_and_adds_nothing(line: Line) -> None:
    phone = Dialled(line)
    phone.dial()
    for typed in WHOLE:
        page = phone.answer(typed)
        rows = line.rows(Inbox), line.rows(DialledSession)
        assert [phone.hop() for _ in range(3)] == [page] * 3
        assert (line.rows(Inbox), line.rows(DialledSession)) == rows


def test_a_repeat_from_eight_threads_at_once_is_one_row(line: Line) -> None:
    phone = Dialled(line)
    phone.dial()
    phone.answer("1", "1")
    fields = phone.fields(text="1*1*1")
    with ThreadPoolExecutor(8) as pool:
        pages = set(pool.map(lambda _: post(line, "ussd", fields).text, range(8)))
    assert len(pages) == 1
    assert len(line.rows(Inbox)) == 3


def test_a_first_hop_may_carry_answers_already(line: Line) -> None:
    ahead, walked = Dialled(line), Dialled(line)
    walked.dial()
    assert ahead.dial("1*2") == walked.answer("1", "2")
    line.work()
    assert line.told(line.case()["id"])[:2] == ["Someone needs help", "What is happening? Made to work, not paid"]


def test_whatever_happened_before_the_first_page_is_the_same(line: Line) -> None:
    fresh = Dialled(line, "+250780000155").dial()
    phone = "+250780000101"
    for before in ((), ("1", "1"), ("2", "2"), ("8", "5"), ("8", "5", "1", "4", "1"), WHOLE):
        session = Dialled(line, phone)
        assert session.dial() == fresh
        session.answer(*before)
        line.work()
    line.text(phone, "STOP")
    line.text("+250780000201", "an officer")
    line.work()
    assert {Dialled(line, number).dial() for number in (phone, "+250780000201", "", "MTN")} == {fresh}


def test_a_text_that_shrinks_begins_anew_and_loses_nothing(line: Line) -> None:
    phone = Dialled(line)
    first = phone.dial()
    phone.answer("1", "4")
    phone.text = "1"
    assert phone.hop() == first
    assert phone.answer("1").startswith("CON ")
    phone.answer("2")
    line.work()
    told = line.told(line.case()["id"])
    assert "What is happening? A child in danger" in told
    assert "What is happening? Made to work, not paid" in told
    assert line.case()["minors"] == "true", "an answer that was replaced still counts"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text=1",
        b"sessionId=&text=1",
        b"sessionId=%ff%fe&text=%ff%00%C3*1",
        b"sessionId=a&sessionId=b&text=1&text=2",
        b"sessionId=a%00b&phoneNumber=%00&text=1*1",
        b"sessionId=s&text=" + b"1*" * 30_000,
        b"sessionId=s&text=" + b"%F0%9F%9A%A8" * 2_000,
        b"sessionId=" + b"s" * 9_000 + b"&text=1",
        b"{}",
        b"\xff\x00",
    ],
)
def test_what_cannot_be_read_hears_a_page_and_is_kept(line: Line, body: bytes) -> None:
    answer = post(line, "ussd", body)
    assert answer.status_code == 200
    assert answer.text[:4] in {"CON ", "END "}
    line.work()
    assert [row["state"] for row in line.rows(Inbox)] in ([InboxState.PARKED], [InboxState.DONE])


def test_every_refusal_is_a_page_too_and_names_the_code_that_takes_texts(line: Line) -> None:
    fields = Dialled(line).fields(text="1*1")
    forged = post(line, "ussd", fields, signed=False)
    large = post(line, "ussd", b"x" * (line.site.settings.max_body_kib * 1024 + 1))
    wrong = line.client.get("/in/simulator/ussd")
    assert [answer.status_code for answer in (forged, large, wrong)] == [403, 413, 405]
    for answer in (forged, large, wrong):
        assert answer.text.startswith("END ")
        assert line.site.settings.tips_code in answer.text
    assert len(line.rows(Quarantine)) == 1
    assert line.rows(Inbox) == []


def test_when_the_dialogue_itself_fails_the_hop_is_kept_and_a_worker_makes_it_out(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Hops, "_before", broken)
    assert Dialled(line).dial("1*4*1*KAM").startswith("END ")
    (row,) = line.rows(Inbox)
    stored = Webhook.unpacked(line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}"))
    assert HEADER not in stored.headers
    line.work()
    assert (line.case()["category"], line.case()["urgency"]) == ("child_protection", "immediate")
    assert line.told(line.case()["id"])[-1] == "Kamembe"


def test_nobody_can_put_an_understanding_into_a_hop_from_outside(line: Line) -> None:
    phone = Dialled(line)
    network = line.carriers["simulator"].real
    body = b"sessionId=s&phoneNumber=%2B250780000101&text=1"
    headers = {"X-Simulator-Signature": network.sign("/in/simulator/ussd", body), HEADER: '["en",[],true,true]'}
    assert line.client.post("/in/simulator/ussd", data=body, headers=headers).text.startswith("CON ")
    line.work()
    assert line.told(line.case()["id"]) == ["Someone needs help"]
    assert phone.number == line.site.sender("+250780000101").address


# ---- with the database away


@pytest.fixture
def away(line: Line, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take the door's database away until the patch is undone."""

    def gone(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(line.site.hurried_db, "writing", gone)
    monkeypatch.setattr(line.site.hurried_db, "reading", gone)
    return monkeypatch


def test_with_the_database_away_a_session_goes_on_by_its_text_and_is_spooled(line: Line, away: pytest.MonkeyPatch) -> None:
    phone = Dialled(line)
    assert phone.dial().startswith("CON ")
    for typed in WHOLE[:-1]:
        assert phone.answer(typed).startswith("CON ")
    assert phone.answer(WHOLE[-1]).startswith("END ")
    assert phone.hop() == phone.page
    assert line.rows(Inbox) == []
    away.undo()
    assert spool.flush(line.site) == len(WHOLE) + 1
    assert len(line.rows(Inbox)) == len(WHOLE), "the repeat is the same hop"
    line.work()
    told = line.told(line.case()["id"])
    assert told[0] == "Someone needs help"
    assert told[-2:] == ["Nyakarenzo", "five girls behind the market"]
    assert line.case()["state"] == CaseState.NEW


def test_a_session_that_began_before_an_outage_goes_on_in_it_and_after_it(line: Line, away: pytest.MonkeyPatch) -> None:
    away.undo()
    phone = Dialled(line)
    phone.dial()
    phone.answer("8", "5", "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line.site.hurried_db, "writing", None)
        patch.setattr(line.site.hurried_db, "reading", None)
        assert "danger" in phone.answer("4")
    time.sleep(2.1)  # the door looks at a database that failed every other second
    assert "sector" in phone.answer("1")
    spool.flush(line.site)
    line.work()
    told = line.told(line.case()["id"])
    assert {"What is happening? A child in danger", "Is anyone in danger now? Yes, now"} <= set(told)


def test_no_page_promises_what_no_disk_takes(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("a file is no folder")
    nowhere = Deployment(deployment.settings.model_copy(update={"spool_folder": tmp_path / "file" / "spool"}))
    line = Line(nowhere)
    monkeypatch.setattr(nowhere.hurried_db, "writing", None)
    page = Dialled(line).dial("1*4*1")
    nowhere.close()
    assert page.startswith("END ")
    assert nowhere.settings.tips_code in page


def test_a_database_that_hangs_costs_a_hop_seconds_and_never_its_page(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def hanging(_: object) -> Session:
        go_on.wait(20)
        raise OSError

    monkeypatch.setattr(line.site.hurried_db, "reading", hanging)
    monkeypatch.setattr(line.site.hurried_db, "writing", hanging)
    started = time.monotonic()
    page = Dialled(line).dial("1*4*1")
    took = time.monotonic() - started
    go_on.set()
    assert page.startswith("CON "), "the spool has taken it"
    assert took < 3


def test_what_hangs_altogether_ends_before_the_networks_patience(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(Hops, "page", lambda *_: go_on.wait(30))
    started = time.monotonic()
    page = Dialled(line).dial("1*4*1")
    took = time.monotonic() - started
    go_on.set()
    assert page.startswith("END ")
    assert took < 5


# ---- T-IN-8: dropped anywhere, walked anyhow


def dropped_after(line: Line, sessions: int) -> None:
    """Drop sessions after each of their answers in turn, and ask for every answer on the queue within the minute."""

    def drop(number: int) -> None:
        phone = Dialled(line, f"+25078{1_000_000 + number}")
        phone.dial()
        phone.answer(*WHOLE[: 3 + number % (len(WHOLE) - 2)])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(drop, range(sessions)))
    line.work()
    cases = line.rows(Case)
    assert len(cases) == sessions
    told = sorted(len(line.told(case["id"])) for case in cases)
    assert told == sorted(number % (len(WHOLE) - 2) + 1 for number in range(sessions)), "each answer is one line of its case"
    whole = sum(number % (len(WHOLE) - 2) == len(WHOLE) - 3 for number in range(sessions))
    assert sum(case["state"] == CaseState.UNFINISHED for case in cases) == sessions - whole


@pytest.mark.parametrize("sessions", in_three_sizes(60, 1000, 5000))
def test_sessions_dropped_at_each_step_lose_no_answer(line: Line, sessions: int) -> None:
    dropped_after(line, sessions)


def wander(line: Line, walks: int) -> None:
    """Walk at random, as people and networks do: digits, words, stars, repeats, shrinking texts, drops."""
    inputs = [*"0123456789", "", "*", "1*2", "BUG", "NYA", "yego", "mudufashe vuba", "x"]

    def walk(number: int) -> None:
        chance = random.Random(number)
        phone = Dialled(line, f"+25079{1_000_000 + number % 500}")
        phone.dial(chance.choice(["", "", "1", "2*1", "1*1*1"]))
        for _ in range(chance.randint(1, 9)):
            kind = chance.random()
            if kind < 0.1:
                phone.hop()
            elif kind < 0.16:
                phone.text = phone.text[: chance.randint(0, len(phone.text))]
                phone.hop()
            else:
                phone.answer(chance.choice(inputs))
        if chance.random() < 0.5:
            phone.end(chance.choice(["Incomplete", "Failed", "Success"]))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(walk, range(walks)))
    while any(row["state"] != InboxState.DONE for row in line.rows(Inbox)):
        before = [row["id"] for row in line.rows(Inbox) if row["state"] != InboxState.DONE]
        line.work()
        assert before != [row["id"] for row in line.rows(Inbox) if row["state"] != InboxState.DONE], "a row stands still"
    assert {row["channel"] for row in line.rows(Case)} == {"ussd"}
    assert all(row["direction"] == "out" or row["case_id"] for row in line.rows(Message))
    assert not [text for text in line.sent if text.to.startswith("+25079")], "nobody who dialled is texted"


@pytest.mark.parametrize("walks", in_three_sizes(200, 2000, 10_000))
def test_random_walks_hear_a_page_at_every_hop_and_leave_nothing_unread(line: Line, walks: int) -> None:
    wander(line, walks)


# ---- Africa's Talking's own way in


def test_a_session_of_africas_talking_is_answered_to_its_end_by_its_secret_address_alone(
    deployment: Deployment, tmp_path: Path
) -> None:
    real = deployment.settings.model_copy(
        update={
            "africastalking_username": "invented",
            "africastalking_addresses": ("203.0.113.0/28",),
            "hook_secrets": (SecretStr(SECRET),),
            "public_url": PUBLIC_URL,
        }
    )
    site = Deployment(real)
    fill_directory(site, tmp_path)
    line = Line(site)
    gateway = site.shelf.get("africastalking")
    assert gateway
    known = {"sessionId": "ATUid_1", "phoneNumber": "+250780000101", "networkCode": "63510", "serviceCode": "*384*778#"}

    def ask(kind: str, peer: str = THEIR_ADDRESS, **more: str) -> TestResponse:
        path = line.carriers["africastalking"].real.address(kind).removeprefix(PUBLIC_URL)
        return line.client.post(path, data=known | more, environ_overrides={"REMOTE_ADDR": peer})

    assert ask("ussd", text="").text.startswith("CON IJWI")
    for text in ("8", "8*5", "8*5*1", "8*5*1*4", "8*5*1*4*1"):
        answer = ask("ussd", text=text)
        assert (answer.status_code, answer.text[:4]) == (200, "CON ")
    ended = {"date": "2026-11-23 20:30:00", "status": "Incomplete", "input": "8*5*1*4*1", "hopsCount": "6", "cost": "None"}
    assert ask("ussd_end", **ended).status_code == 200
    assert ask("ussd", peer="198.51.100.9", text="1*4*1").status_code == 403
    forged = line.client.post("/in/africastalking/ussd/guessed", data=known | {"text": "1"})
    assert (forged.status_code, forged.text[:4]) == (403, "END ")
    line.work()
    assert (line.case()["category"], line.case()["urgency"], line.case()["state"]) == (
        "child_protection",
        "immediate",
        CaseState.UNFINISHED,
    )
    assert len({text.to for text in line.sent}) == 2
    site.close()
