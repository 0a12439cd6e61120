"""A long text comes in pieces: each counts at once, none is taken for an answer, and officers read one text."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from hotline.casework.read import key_of, open_case, put_on_record
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.intake.pieces import is_full
from hotline.models import Caller, Case, Message, Officer, table
from hotline.pieces import Told, whole
from hotline.routing.grow import words_of
from tests.gateways.vendors import SETTINGS
from tests.line import Line

ME = "+250780000101"
LONG = "Bampaye akazi i Goma, ariko ubu barankubita kandi sinshobora gusohoka. Ndi mu nzu hafi y'isoko. "
HEAD, TAIL = (LONG * 2)[:153], (LONG * 2)[153:]


@pytest.fixture
def line(district: Deployment) -> Iterator[Line]:
    site = Deployment(Settings(**{**district.settings.model_dump(), **SETTINGS, "_env_file": None}))
    yield Line(site)
    site.close()


def piece(line: Line, words: str, number: int, total: int = 2, reference: int = 42, sender: str = ME) -> None:
    """Text one piece as Kannel brings it."""
    gateway = line.site.shelf.get("kannel")
    assert gateway is not None
    line.texts += 1
    target = gateway.address("sms").partition("?")[0].removeprefix("http://127.0.0.1:8000") + f"?id=k{line.texts}&udh="
    headers = {
        "X-Kannel-From": sender,
        "X-Kannel-To": "7788",
        "X-Kannel-Udh": f"%05%00%03%{reference:02x}%{total:02x}%{number:02x}",
    }
    answer = line.client.post(target, data=words.encode(), headers={"Content-Type": 'text/plain; charset="UTF-8"', **headers})
    assert (answer.status_code, answer.data) == (200, b"")


def told(line: Line) -> str:
    case = line.case()
    with line.reading() as session:
        return words_of(session, case["id"], line.key(case["id"]))


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_pieces_are_one_text_whichever_comes_first(line: Line, order: tuple[int, int]) -> None:
    words = {1: HEAD, 2: TAIL}
    for number in order:
        piece(line, words[number], number)
        line.work()
    assert told(line) == HEAD + TAIL
    assert len(line.rows(Message, direction="in")) == 2, "each is stored as it came"


def test_pieces_in_one_batch_are_one_text(line: Line) -> None:
    for number, words in ((3, "c"), (1, HEAD), (2, "b")):
        piece(line, words, number, total=3)
    line.work()
    assert told(line) == HEAD + "bc"


def test_an_alert_never_waits_for_the_rest(line: Line) -> None:
    piece(line, HEAD, 1)
    line.work()
    alerts = [text for text in line.sent if text.to != ME]
    assert alerts, "the first piece alone raises the alert"


@pytest.mark.parametrize("tail", ["1", "2", "0", "Oya", "STOP", "YEGO"])
def test_the_end_of_a_text_is_no_answer_and_no_command(line: Line, tail: str) -> None:
    piece(line, HEAD, 1)
    line.work()
    before = line.to(ME)
    piece(line, tail, 2)
    line.work()
    assert told(line) == HEAD + tail
    assert line.to(ME) == before, "nothing is said to a piece"


def test_two_long_texts_at_once_are_kept_apart(line: Line) -> None:
    for number in (1, 2):
        for reference in (7, 8):
            piece(line, f"[{reference}:{number}]", number, reference=reference)
    line.work()
    assert told(line).splitlines() == ["[7:1][7:2]", "[8:1][8:2]"]


def test_the_same_reference_of_two_phones_is_two_texts(line: Line) -> None:
    piece(line, "a", 1)
    piece(line, "b", 2, sender="+250780000102")
    line.work()
    assert len(line.rows(Case)) == 2


def test_a_gateway_that_tells_of_no_pieces_is_joined_by_length_and_time(line: Line) -> None:
    line.text(ME, HEAD)
    line.work()
    line.later(seconds=5)
    line.text(ME, TAIL)
    line.work()
    assert told(line) == HEAD + TAIL


@pytest.mark.parametrize(
    ("first", "pause"), [(HEAD, 31), (HEAD[:140], 5), ("Mudufashe", 1)], ids=["too late", "not full", "short"]
)
def test_what_only_follows_is_a_text_of_its_own(line: Line, first: str, pause: int) -> None:
    line.text(ME, first)
    line.work()
    shift(line, pause)
    line.text(ME, "Vuba")
    line.work()
    assert told(line) == f"{first}\nVuba"


def shift(line: Line, seconds: int) -> None:
    """Let the first text have come earlier: the door's own clock runs on."""
    of = table(Message)
    with line.site.db.transaction() as session:
        (row,) = line.rows(Message, direction="in")
        session.execute(update(of).where(of.c.id == row["id"]).values(created_at=row["created_at"] - timedelta(seconds=seconds)))


@pytest.mark.parametrize("tail", ["0", "STOP"])
def test_where_joining_is_a_guess_stop_still_counts(line: Line, tail: str) -> None:
    line.text(ME, HEAD)
    line.work()
    line.text(ME, tail)
    line.work()
    (caller,) = line.rows(Caller)
    assert caller["opted_out_at"] == line.now
    assert (caller["panic_at"] == line.now) == (tail == "0")
    assert told(line) == HEAD


@pytest.mark.parametrize(
    ("words", "full"),
    [("a" * 153, True), ("a" * 152, True), ("a" * 149 + "€€", True), ("a" * 160, True), ("a" * 154, False), ("a" * 140, False),
     ("é" * 153, True), ("ё" * 67, True), ("ё" * 70, True), ("ё" * 60, False), ("\U0001f44d" * 33, True), ("", False)],
)  # fmt: skip
def test_a_full_piece_is_known_by_its_length_on_the_air(words: str, full: bool) -> None:  # noqa: FBT001
    assert is_full(words) == full


def test_texts_keep_the_order_in_which_they_began() -> None:
    pieces = [Told("a", None, None, "one"), Told("b", None, 2, "wo"), Told("c", None, None, "three"), Told("d", "b", 1, "t")]
    assert whole(pieces) == {"a": "one", "b": "two", "c": "three"}


def test_an_officer_reads_one_text(line: Line) -> None:
    piece(line, HEAD, 1)
    piece(line, TAIL, 2)
    line.work()
    with line.site.db.transaction() as session:
        case = session.get(Case, line.case()["id"])
        officer = session.query(Officer).first()
        assert case is not None
        assert officer is not None
        put_on_record(session, case, officer, now=line.now)
        opened = open_case(session, case, key_of(session, line.site, case), officer=officer, now=line.now)
    assert [text.words for text in opened.texts if text.message.direction == "in"] == [HEAD + TAIL]
