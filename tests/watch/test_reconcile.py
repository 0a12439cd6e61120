"""Reconcile: a text whose webhook never came is taken in from the gateway's own list, once, and nobody waits for a gateway."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from hotline.deployment import Deployment
from hotline.gateways.contract import Listing, NotListed
from hotline.gateways.shelf import Shelf
from hotline.gateways.twilio import Twilio
from hotline.intake.reconcile import able, reconcile
from hotline.models import Beep, Case, Inbox, Message, MessageKind, Reconciled, Report, VoiceCall, table
from tests.journeys.running import until
from tests.line import Line, fill_directory
from tests.watch.scripted import Handler, Scripted, hang, refuse, reset, say, sid_of
from workers.reconciling import asking

WORDS = "They locked us in a house in Kamembe, help us"


class Inboxed(Scripted):
    """A small Twilio that has received texts and calls, and lists texts newest first, a page at a time."""

    received: list[dict[str, object]]
    called: list[dict[str, object]]
    page = 8

    def text(self, number: int, *, at: datetime | None = None, direction: str = "inbound", body: str = WORDS) -> dict[str, str]:
        """Receive a text, and return the fields of its webhook."""
        moment, sender = at or datetime.now(UTC), f"+2507800{number:05}"
        told = {"sid": sid_of(number), "from": sender, "to": "7788", "body": body, "direction": direction, "num_media": "0"}
        self.received.append({**told, "date_sent": format_datetime(moment), "moment": moment})
        return {"MessageSid": sid_of(number), "From": sender, "To": "7788", "Body": body}

    def rang(self, number: int, to: str, *, status: str = "completed", direction: str = "inbound") -> dict[str, str]:
        """Take a call, and return the fields of the webhook that says it is over."""
        told = {"sid": f"CA{number:032x}", "from": f"+2507800{number:05}", "to": to, "status": status, "direction": direction}
        self.called.append({**told, "start_time": format_datetime(datetime.now(UTC))})
        return {"CallSid": told["sid"], "From": told["from"], "To": to, "CallStatus": status, "Direction": direction}

    def list(self, handler: Handler) -> None:
        if "/Calls.json" in handler.path:
            return handler.answer(200, json.dumps({"calls": self.called, "next_page_uri": None, "page": 0}).encode())
        asked = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        since, start = datetime.fromisoformat(asked["DateSent>"]), int(asked.get("Page", "0")) * self.page
        wanted = [one for one in reversed(self.received) if one["to"] == asked["To"] and one["moment"] >= since]
        shown = [{name: value for name, value in one.items() if name != "moment"} for one in wanted[start : start + self.page]]
        following = None
        if len(wanted) > start + self.page:
            path = urlsplit(handler.path)
            query = f"To={asked['To']}&DateSent%3E={asked['DateSent>']}&Page={int(asked.get('Page', '0')) + 1}"
            following = f"{path.path}?{query}"
        return handler.answer(200, json.dumps({"messages": shown, "next_page_uri": following, "page": 0}).encode())


@pytest.fixture
def network() -> Iterator[Inboxed]:
    server = Inboxed()
    server.received, server.called = [], []
    server.start()
    yield server
    server.stop()


@pytest.fixture
def site(deployment: Deployment, network: Inboxed, tmp_path: Path) -> Deployment:
    chosen = {"twilio_api_url": network.url, "connect_timeout_seconds": 0.5, "read_timeout_seconds": 0.5}
    deployment.settings = deployment.settings.model_copy(update=chosen)
    fill_directory(deployment, tmp_path)
    return deployment


@pytest.fixture
def line(site: Deployment) -> Line:
    made = Line(site, now=datetime.now(UTC))
    listing = made.carriers["twilio"].real
    site.__dict__["shelf"] = Shelf({**made.carriers, "twilio": listing})
    made.listing = listing  # type: ignore[attr-defined]
    return made


def ask(line: Line, network: Inboxed, *, pages: int = 1) -> int:
    network.next = [network.list] * (pages + 1)  # and one of calls
    return reconcile(line.site, "twilio")


def sending(line: Line) -> None:
    """Let what is sent go to the carrier again, as the line's own shelf has it."""
    line.site.__dict__["shelf"] = Shelf(line.carriers)


def test_twenty_texts_that_came_while_the_web_was_down_are_there_after_one_look_and_none_twice(
    line: Line, network: Inboxed
) -> None:
    late = [network.text(number) for number in range(20)]
    assert ask(line, network, pages=3) == 20
    assert len(network.requests) == 4
    for fields in late:
        assert line.post(fields).status_code == 200
    assert len(line.rows(Inbox)) == 20
    sending(line)
    line.work()
    assert len(line.rows(Report)) == 20
    assert {row["found_at"] is not None for row in line.rows(Inbox)} == {True}


def test_what_the_webhook_brought_is_not_taken_in_again(line: Line, network: Inboxed) -> None:
    for number in range(5):
        assert line.post(network.text(number)).status_code == 200
    network.text(7)
    assert ask(line, network) == 1
    assert [row["found_at"] is not None for row in line.rows(Inbox)] == [False] * 5 + [True]
    assert ask(line, network) == 0
    assert line.rows(Reconciled)[0]["found"] == 1


def test_a_found_text_is_stored_as_its_webhook_would_have_been(line: Line, network: Inboxed) -> None:
    odd = "Ndi hano + 100% & \u00e9 \U0001f198"
    network.text(1, body=odd)
    ask(line, network)
    sending(line)
    line.work()
    assert line.told(str(line.case()["id"])) == [odd]
    (row,) = line.rows(Inbox)
    assert odd.encode() not in row["sealed"]
    assert b"780000001" not in row["sealed"]


def test_a_call_that_got_no_page_is_seen_and_one_we_spoke_in_is_left_alone(line: Line, network: Inboxed) -> None:
    unheard, heard = network.rang(1, "+250788000009"), network.rang(2, "+250788000009")
    network.rang(3, "+250788000009", direction="outbound-api")
    network.rang(4, "+250788000009", status="in-progress")
    assert line.post({**heard, "CallStatus": "in-progress"}, kind="voice").status_code == 200
    assert ask(line, network) == 1, "its step waits to be read still, and is known all the same"
    sending(line)
    line.work()
    assert len(line.rows(VoiceCall)) == len(line.rows(Report)) == 2
    assert line.rows(Message, kind=MessageKind.ALERT) == [], "nothing was told in either"
    line.site.__dict__["shelf"] = Shelf({**line.carriers, "twilio": line.carriers["twilio"].real})
    assert ask(line, network) == 0
    assert line.post(unheard, kind="voice_event").status_code == 200
    assert len(line.rows(Inbox)) == 2


def test_a_missed_call_whose_webhook_never_came_rang_once(line: Line, network: Inboxed) -> None:
    line.site.settings = line.site.settings.model_copy(update={"voice_number": "+250788000000"})
    line.carriers["twilio"].real._settings = line.site.settings
    known = network.rang(1, "+250788000000", status="busy")
    network.rang(2, "+250788000000")
    assert line.post({**known, "CallStatus": "ringing"}, kind="beep").status_code == 200
    assert ask(line, network) == 1
    assert ask(line, network) == 0
    sending(line)
    line.work()
    assert [row["times"] for row in line.rows(Beep)] == [1, 1]
    assert line.rows(Report) == []


def test_our_own_texts_and_other_numbers_are_no_arrivals(line: Line, network: Inboxed) -> None:
    network.text(1, direction="outbound-api")
    network.received[0]["to"] = "7788"
    network.text(2)
    network.received[1]["to"] = "7799"
    assert ask(line, network) == 0


def test_the_next_look_begins_a_little_before_the_last_ended(line: Line, network: Inboxed) -> None:
    ask(line, network)
    first = datetime.fromisoformat(line.rows(Reconciled)[0]["cursor"])
    ask(line, network)
    since = parse_qs(urlsplit(network.requests[-2].path).query)["DateSent>"][0]
    assert datetime.fromisoformat(since) == (first - timedelta(minutes=15)).replace(microsecond=0)


def test_however_long_we_were_away_everything_since_is_asked_for_but_nothing_that_was_removed_here(
    line: Line, network: Inboxed
) -> None:
    ask(line, network)
    for days, expected in ((3, 3), (60, 6)):
        away = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        with line.site.db.transaction() as session:
            session.execute(update(table(Reconciled)).values(cursor=away))
        ask(line, network)
        since = datetime.fromisoformat(parse_qs(urlsplit(network.requests[-2].path).query)["DateSent>"][0])
        assert (datetime.now(UTC) - since).days == expected


@pytest.mark.parametrize(
    "behaviour",
    [
        refuse(401, 20003),
        refuse(429, 20429),
        refuse(500, 20500),
        say(200, b"<html>"),
        say(200, b"{}"),
        say(302, b""),
        reset,
        hang,
    ],
)
def test_a_gateway_that_fails_moves_no_cursor_and_says_no_number(line: Line, network: Inboxed, behaviour: object) -> None:
    network.text(1)
    network.next = [behaviour]  # type: ignore[list-item]
    with pytest.raises(NotListed) as failure:
        reconcile(line.site, "twilio")
    assert "780" not in f"{failure.value.code}{failure.value}{failure.value.__cause__}"
    assert line.rows(Reconciled) == []
    assert ask(line, network) == 1


def test_a_list_that_breaks_off_keeps_what_it_gave_and_is_asked_for_again(line: Line, network: Inboxed) -> None:
    for number in range(20):
        network.text(number)
    network.next = [network.list, refuse(500, 20500)]
    with pytest.raises(NotListed):
        reconcile(line.site, "twilio")
    assert (len(line.rows(Inbox)), line.rows(Reconciled)) == (8, [])
    assert ask(line, network, pages=3) == 12


def test_whoever_was_found_late_gets_no_answer_on_a_phone_that_may_be_in_other_hands(line: Line, network: Inboxed) -> None:
    network.text(1, at=datetime.now(UTC) - timedelta(minutes=40))
    network.text(2, at=datetime.now(UTC) - timedelta(seconds=20))
    ask(line, network)
    sending(line)
    line.work()
    answered = {row["caller_id"] for row in line.rows(Message, kind=MessageKind.AUTO)}
    assert (len(line.rows(Case)), len(answered)) == (2, 1)
    alerts = line.rows(Message, kind=MessageKind.ALERT)
    assert {row["case_id"] for row in alerts} == {row["id"] for row in line.rows(Case)}, "officers are told all the same"


def test_only_gateways_that_keep_a_list_are_asked(line: Line) -> None:
    assert able(line.site) == ["twilio"]
    assert isinstance(line.site.shelf.get("twilio"), Listing)
    assert not isinstance(line.site.shelf.get("simulator"), Listing)


def test_a_gateway_that_hangs_holds_up_nobody(line: Line, network: Inboxed) -> None:
    network.next = [hang] * 50
    started = time.monotonic()
    with asking(line.site):
        until(lambda: network.requests, 5, "the gateway is asked")
        entered = time.monotonic()
    left = time.monotonic()
    still = any(thread.name == "reconcile twilio" for thread in threading.enumerate())
    assert still or left - entered < 0.2, "it is left to itself"
    assert entered - started < 5


def test_it_is_asked_as_soon_as_a_clock_leads_and_again_after_its_pause(line: Line, network: Inboxed) -> None:
    line.site.settings = line.site.settings.model_copy(update={"reconcile_seconds": 0.05})
    network.text(1)
    network.next = [network.list] * 500
    with asking(line.site):
        until(lambda: len(network.requests) >= 3, 10, "it is asked again and again")
        until(lambda: line.rows(Inbox), 5, "the text is there")
    until(lambda: not any(thread.name == "reconcile twilio" for thread in threading.enumerate()), 5, "it ends with the block")
    assert len(line.rows(Inbox)) == 1


def test_twilio_is_asked_with_the_time_and_the_number_alone(line: Line, network: Inboxed) -> None:
    ask(line, network)
    asked = parse_qs(urlsplit(network.requests[-2].path).query)
    assert set(asked) == {"To", "DateSent>", "PageSize"}
    assert isinstance(line.site.shelf.get("twilio"), Twilio)
