"""Sending through Twilio, with every way the other side can fail: what we then know, and never more than we know."""

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from hotline.config import Settings
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.twilio import Twilio, _never_began
from tests.fakes import faults as fake
from tests.fakes.faults import Behaviour
from tests.fakes.gateway import FakeGateway
from tests.fakes.store import sid_of

NUMBER = "+250780000101"
TEXT = OutboundText("0193563e0b7a7c3e8d5a1f2e3d4c5b6a", NUMBER, "Murakoze. Ubutumwa bwawe bwakiriwe.", valid_for=300)
REFUSED, UNKNOWN = Certainty.REFUSED, Certainty.UNKNOWN
BUSY = Sent(TEXT.id, REFUSED, code="20429", retry=True, retry_after=1)


def test_a_text_is_handed_over_with_our_id_in_the_address_of_its_receipt(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    assert twilio.send([TEXT]) == [Sent(TEXT.id, Certainty.ACCEPTED, provider_id=sid_of(1))]
    (request,) = fake_twilio.requests
    assert request.path == f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    assert request.form == {
        "To": [NUMBER],
        "From": ["7788"],
        "Body": [TEXT.body],
        "StatusCallback": [f"https://hooks.example.org/in/twilio/status?message={TEXT.id}"],
        "ValidityPeriod": ["300"],
    }
    assert request.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(("valid_for", "period"), [(None, None), (1, ["1"]), (36_000, ["36000"]), (36_001, None)])
def test_a_life_span_twilio_cannot_keep_is_left_out(
    twilio: Twilio, fake_twilio: FakeGateway, valid_for: int | None, period: list[str] | None
) -> None:
    twilio.send([OutboundText(TEXT.id, NUMBER, "x", valid_for)])
    assert fake_twilio.requests[0].form.get("ValidityPeriod") == period


def test_each_outcome_stands_in_the_place_of_its_text(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    texts = [OutboundText(f"{number:032x}", NUMBER, f"text {number}") for number in range(40)]
    outcomes = twilio.send(texts)
    assert [sent.id for sent in outcomes] == [text.id for text in texts]
    assert {sent.certainty for sent in outcomes} == {Certainty.ACCEPTED}
    assert sorted(request.form["Body"][0] for request in fake_twilio.requests) == sorted(text.body for text in texts)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(fake.refuse(400, 21211), Sent(TEXT.id, REFUSED, code="21211"), id="no such number"),
        pytest.param(fake.refuse(400, 21614), Sent(TEXT.id, REFUSED, code="21614"), id="not a mobile"),
        pytest.param(fake.refuse(400, 21608), Sent(TEXT.id, REFUSED, code="21608", retry=True), id="trial account"),
        pytest.param(fake.refuse(400, 21408), Sent(TEXT.id, REFUSED, code="21408", retry=True), id="country not enabled"),
        pytest.param(fake.refuse(401, 20003), Sent(TEXT.id, REFUSED, code="20003", retry=True), id="wrong token"),
        pytest.param(fake.refuse(400, 21610), Sent(TEXT.id, REFUSED, code="21610", opted_out=True), id="stopped at Twilio"),
        pytest.param(fake.refuse(429, 20429), BUSY, id="too many at once"),
        pytest.param(fake.too_many("30"), replace(BUSY, retry_after=30), id="too many at once, and until when"),
        pytest.param(fake.too_many(" 7 "), replace(BUSY, retry_after=7), id="with spaces"),
        pytest.param(
            fake.too_many("Thu, 24 Aug 2023 05:01:45 GMT"), replace(BUSY, retry_after=0), id="until a date that is past"
        ),
        pytest.param(fake.too_many("soon"), BUSY, id="until nobody knows when"),
        pytest.param(fake.too_many("9" * 400), replace(BUSY, retry_after=999_999_999), id="until the sun is cold"),
        pytest.param(fake.say(429, b"slow down"), replace(BUSY, code="429"), id="too many, said by a proxy"),
        pytest.param(fake.failed("30008"), Sent(TEXT.id, REFUSED, sid_of(1), "30008", retry=True), id="taken and failed at once"),
        pytest.param(fake.failed("21610"), Sent(TEXT.id, REFUSED, sid_of(1), "21610", opted_out=True), id="taken and stopped"),
        pytest.param(fake.refuse(400, 30001), Sent(TEXT.id, REFUSED, code="30001", retry=True), id="queue overflow"),
        pytest.param(fake.refuse(400, None), Sent(TEXT.id, REFUSED, code="400"), id="no code"),
        pytest.param(fake.refuse(400, [21610]), Sent(TEXT.id, REFUSED, code="not a code"), id="a code that is a list"),
        pytest.param(fake.refuse(400, f"no {NUMBER}"), Sent(TEXT.id, REFUSED, code="not a code"), id="a code that quotes"),
        pytest.param(fake.say(404, b""), Sent(TEXT.id, REFUSED, code="404"), id="empty refusal"),
        pytest.param(fake.say(400, b"[]"), Sent(TEXT.id, REFUSED, code="400"), id="refusal of another shape"),
        pytest.param(fake.refuse(500, 20500), Sent(TEXT.id, UNKNOWN, code="20500"), id="server error"),
        pytest.param(fake.say(503, b"<html>"), Sent(TEXT.id, UNKNOWN, code="503"), id="server error of a proxy"),
        pytest.param(
            fake.say(503, b"", **{"Retry-After": "9"}), Sent(TEXT.id, UNKNOWN, code="503", retry_after=9), id="closed for a while"
        ),
    ],
)
def test_a_refusal_says_whether_to_try_again(
    twilio: Twilio, fake_twilio: FakeGateway, behaviour: Behaviour, expected: Sent
) -> None:
    fake_twilio.plan.next = [behaviour]
    assert twilio.send([TEXT]) == [expected]
    assert len(fake_twilio.requests) == 1


def test_a_refusal_in_the_newer_form_is_a_refusal_too(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    body = b'{"type": "about:blank", "title": "Too many", "status": 429, "code": 20429}'
    fake_twilio.plan.next = [fake.say(429, body)]
    assert twilio.send([TEXT]) == [BUSY]


@pytest.mark.parametrize("status", [b'"429"', b"null", b"[]"])
def test_a_refusal_in_the_newer_form_counts_by_the_status_it_came_with(
    twilio: Twilio, fake_twilio: FakeGateway, status: bytes
) -> None:
    body = b'{"type": "about:blank", "title": "Too many", "status": ' + status + b', "code": 20429}'
    fake_twilio.plan.next = [fake.say(429, body)]
    assert twilio.send([TEXT]) == [BUSY]


UNREADABLE = [
    b"",
    b"garbage",
    b"[]",
    b"null",
    b"5",
    b'"text"',
    b"{}",
    b'{"sid": null}',
    b'{"sid": 5}',
    b'{"sid": ["x"]}',
    b'{"sid": "SM1", "date_created": 5}',
    b"\xff\xfe",
    b'{"sid": ' + b"[" * 5000,
    b"<html>Sign in to this network</html>",
]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(fake.reset, id="reset after the request"),
        pytest.param(fake.hang, id="no answer"),
        *(pytest.param(fake.say(201, body), id=f"201 {body[:20]!r}") for body in UNREADABLE),
    ],
)
def test_whatever_leaves_room_for_doubt_is_unknown(twilio: Twilio, fake_twilio: FakeGateway, behaviour: Behaviour) -> None:
    fake_twilio.plan.next = [behaviour]
    (sent,) = twilio.send([TEXT])
    assert (sent.certainty, sent.provider_id, sent.retry) == (UNKNOWN, None, False)
    assert len(fake_twilio.requests) == 1, "a text in doubt is never sent again by the gateway itself"


def test_a_silent_twilio_holds_a_worker_no_longer_than_its_time_out(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    fake_twilio.plan.next = [fake.hang]
    started = time.monotonic()
    twilio.send([TEXT])
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_was_surely_no_sending(twilio: Twilio, fake_twilio: FakeGateway, status: int) -> None:
    fake_twilio.plan.next = [fake.say(status, b"", Location=f"{fake_twilio.url}/elsewhere")]
    assert twilio.send([TEXT]) == [Sent(TEXT.id, REFUSED, code=str(status), retry=True)]
    assert [request.path.rpartition("/")[2] for request in fake_twilio.requests] == ["Messages.json"]


def test_an_absurd_sid_is_stored_as_its_hash(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    fake_twilio.plan.next = [fake.say(201, b'{"sid": "SM\\u0000"}')]
    (sent,) = twilio.send([TEXT])
    assert sent.certainty is Certainty.ACCEPTED
    assert str(sent.provider_id).startswith("h-")


def test_one_bad_answer_among_many_spoils_no_other(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    fake_twilio.plan.next = [fake.say(201, b"[]"), fake.reset, fake.refuse(400, 21211)]
    outcomes = twilio.send([OutboundText(f"{number:032x}", NUMBER, "x") for number in range(10)])
    found = sorted(sent.certainty for sent in outcomes)
    assert found == [Certainty.ACCEPTED] * 7 + [REFUSED] + [UNKNOWN] * 2


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full, so that the handshake itself gets no answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at(account: Settings, url: str) -> Twilio:
    return Twilio(account.model_copy(update={"twilio_api_url": url}))


def test_a_refused_connection_is_surely_not_sent(account: Settings) -> None:
    assert at(account, f"http://127.0.0.1:{closed_port()}").send([TEXT]) == [
        Sent(TEXT.id, REFUSED, code="unreachable", retry=True)
    ]


def test_a_name_that_cannot_be_resolved_is_surely_not_sent(account: Settings) -> None:
    assert at(account, fake.NOWHERE).send([TEXT]) == [Sent(TEXT.id, REFUSED, code="unreachable", retry=True)]


def test_tls_that_breaks_after_the_handshake_leaves_doubt() -> None:
    began = requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] (_ssl.c:2580)"))
    refused = requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1000)"))
    refused.args[0].reason = "CERTIFICATE_VERIFY_FAILED"
    began.args[0].reason = "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"
    assert (_never_began(refused), _never_began(began)) == (True, False)


# ---- looked for before it goes again ----------------------------------------------------------------------------

NOW = datetime.now(UTC)


def test_a_text_in_doubt_is_found_by_number_words_and_time(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    fake_twilio.plan.next = [fake.sent_and(fake.reset)]
    assert [sent.certainty for sent in twilio.send([TEXT])] == [UNKNOWN]
    twilio.send([replace(TEXT, body="other words"), replace(TEXT, to="+250780000102")])
    fake_twilio.store.arrive({"from": "7788", "to": NUMBER, "body": TEXT.body})
    assert twilio.find(TEXT, NOW) == [sid_of(1)], "what came in, other words and other numbers are not it"
    assert twilio.find(TEXT, NOW + timedelta(hours=1)) == [], "and neither is what was sent before"
    twilio.send([TEXT])
    assert twilio.find(TEXT, NOW) == [sid_of(1), sid_of(5)], "the older one first"


def test_what_failed_at_once_has_not_gone_out(twilio: Twilio, fake_twilio: FakeGateway) -> None:
    fake_twilio.plan.next = [fake.failed("30008")]
    twilio.send([TEXT])
    assert twilio.find(TEXT, NOW) == []


def test_a_gateway_that_does_not_answer_knows_of_nothing(account: Settings) -> None:
    assert at(account, f"http://127.0.0.1:{closed_port()}").find(TEXT, NOW) == ()


def test_a_handshake_without_answer_is_surely_not_sent(account: Settings, full_port: int) -> None:
    sent = at(account, f"http://127.0.0.1:{full_port}").send([TEXT])
    assert sent == [Sent(TEXT.id, REFUSED, code="unreachable", retry=True)]


def test_a_broken_certificate_is_surely_not_sent(account: Settings, fake_twilio: FakeGateway) -> None:
    plain_where_tls_was_meant = fake_twilio.url.replace("http://", "https://")
    assert at(account, plain_where_tls_was_meant).send([TEXT]) == [Sent(TEXT.id, REFUSED, code="unreachable", retry=True)]
    assert fake_twilio.requests == []


def test_neither_number_nor_words_are_logged_whatever_happens(
    twilio: Twilio, fake_twilio: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    fake_twilio.plan.next = [fake.refuse(400, 21211), fake.say(201, b"garbage"), fake.reset]
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            twilio.send([TEXT])
    assert "250780000101" not in caplog.text
    assert TEXT.body not in caplog.text
