"""No input breaks the door or is altered by it: every naughty string, as words and as sender, through two gateways.

Whatever comes, the answer is no server error, the bytes stored are the bytes sent, and no worker stumbles.
"""

from collections.abc import Callable
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.gateways.contract import Webhook
from hotline.intake.commands import Kind, recognise
from hotline.models import Case, Inbox, InboxState
from tests.doors.naughty import NAUGHTY
from tests.line import Line

Post = Callable[[Line, str, bytes, bytes], bytes]
PHONE = b"+250780000101"


def twilio(line: Line, event: str, sender: bytes, said: bytes) -> bytes:
    body = b"&".join((b"MessageSid=" + event.encode(), b"From=" + quoted(sender), b"To=7788", b"Body=" + quoted(said)))
    answer = line.post(body)
    assert answer.status_code == 200, answer.status
    return body


def simulator(line: Line, event: str, sender: bytes, said: bytes) -> bytes:
    body = b"&".join((b"id=" + event.encode(), b"from=" + quoted(sender), b"to=7788", b"text=" + quoted(said)))
    phones = line.site.shelf.get("simulator")
    signed = {"X-Simulator-Signature": phones.real.sign("/in/simulator/sms", body)}  # type: ignore[union-attr]
    answer = line.client.post("/in/simulator/sms", data=body, headers=signed)
    assert answer.status_code == 200, answer.status
    return body


GATEWAYS = pytest.mark.parametrize("post", [twilio, simulator])


def quoted(raw: bytes) -> bytes:
    return quote_from_bytes(raw, safe="").encode()


@pytest.fixture
def line(deployment: object) -> Line:
    return Line(deployment)  # type: ignore[arg-type]


def stored(line: Line) -> dict[str, bytes]:
    opened = {}
    for row in line.rows(Inbox):
        raw = line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}")
        opened[str(row["external_id"])] = Webhook.unpacked(raw).body
    return opened


def states(line: Line) -> set[tuple[str, str | None]]:
    return {(str(row["state"]), row["reason"]) for row in line.rows(Inbox)}


def test_there_are_enough_of_them_and_no_two_alike() -> None:
    assert len(NAUGHTY) == len(set(NAUGHTY))
    assert len(NAUGHTY) >= 180


def obeyed(said: bytes) -> bool:
    """Whether a text is a word we obey, as STOP is however it is spelled; from a stranger it is kept in the inbox alone."""
    command = recognise(said.decode("utf-8", "surrogateescape"))
    return command is not None and command.kind in {Kind.STOP, Kind.PANIC, Kind.START, Kind.INFO}


@GATEWAYS
def test_naughty_words_are_stored_to_the_byte_and_told_to_the_character(line: Line, post: Post) -> None:
    sent = {f"E{number}": post(line, f"E{number}", b"+2507800%05d" % number, said) for number, said in enumerate(NAUGHTY)}
    assert stored(line) == sent
    line.work()
    assert states(line) == {(InboxState.DONE, None), (InboxState.DONE, "a word we obey")}
    told = {words.encode("utf-8", "surrogateescape") for case in line.rows(Case) for words in line.told(str(case["id"]))}
    assert told <= set(NAUGHTY)
    untold = {said for said in set(NAUGHTY) - told if not obeyed(said)}
    assert untold == set(), "words of a person that reached no case"


@GATEWAYS
def test_a_naughty_sender_is_a_sender(line: Line, post: Post) -> None:
    sent = {f"E{number}": post(line, f"E{number}", sender, b"Mudufashe") for number, sender in enumerate(NAUGHTY)}
    assert stored(line) == sent
    line.work()
    assert states(line) <= {(InboxState.DONE, None), (InboxState.PARKED, "without From"), (InboxState.PARKED, "without from")}
    parked = [row for row in line.rows(Inbox) if row["state"] == InboxState.PARKED]
    assert len(parked) == 1, "only no sender at all waits for a person"


@GATEWAYS
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(said=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_bytes_are_said_are_the_bytes_stored(line: Line, post: Post, said: bytes) -> None:
    event = f"E{len(line.rows(Inbox))}"
    body = post(line, event, PHONE, said)
    assert stored(line)[event] == body
