"""What Twilio really posts, and what we read in it. Field names and values are as in Twilio's guides; the people are invented."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hotline.config import load
from hotline.gateways.contract import InboundText, Progress, StatusUpdate, Unreadable, Webhook
from hotline.gateways.shelf import stock
from hotline.gateways.twilio import Twilio
from hotline.privacy import Keyring

SID = "SM" + "a" * 32
MINE = "0193563e0b7a7c3e8d5a1f2e3d4c5b6a"
NINETEEN = {
    "ToCountry": "RW",
    "ToState": "",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ToCity": "",
    "FromZip": "",
    "SmsSid": SID,
    "FromState": "",
    "SmsStatus": "received",
    "FromCity": "",
    "Body": "Mudufashe, bampaye akazi i Goma",
    "FromCountry": "RW",
    "To": "7788",
    "ToZip": "",
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": "AC" + "0" * 32,
    "From": "+250780000101",
    "ApiVersion": "2010-04-01",
}


@dataclass(frozen=True)
class Case:
    """One body and what is read in it; `unreadable` names the field whose lack parks the row."""

    label: str
    body: bytes
    text: InboundText | None = None
    external_id: str | None = SID
    unreadable: str | None = None


def without(*names: str) -> bytes:
    return urlencode({name: value for name, value in NINETEEN.items() if name not in names}).encode()


def with_(**fields: str) -> bytes:
    return urlencode(NINETEEN | fields).encode()


def said(body: str, sender: str = "+250780000101", to: str = "7788") -> InboundText:
    return InboundText(sender, to, body)


FULL = said(NINETEEN["Body"])
CASES = [
    Case("all nineteen fields", with_(), FULL),
    Case("a field nobody has announced", with_(NewThing="1", Latitude="-2.48"), FULL),
    Case("a body of nothing", with_(Body=""), said("")),
    Case("no body at all", without("Body"), said("")),
    Case("spaces and line breaks stay", with_(Body="  a\r\nb "), said("  a\r\nb ")),
    Case("a picture and no words", with_(Body="", NumMedia="1", MediaUrl0="https://api.example.org/m"), said("")),
    Case("stop, already answered by Twilio", with_(Body="STOP", OptOutType="STOP"), said("STOP")),
    Case("a doubled body: the first counts", with_() + b"&Body=second", FULL),
    Case("a doubled sender: the first counts", with_() + b"&From=%2B250780000199", FULL),
    Case("a doubled id: the first counts", with_() + b"&MessageSid=SMother", FULL),
    Case("only the old names of the id", without("MessageSid"), FULL),
    Case("only the oldest name of the id", without("MessageSid", "SmsSid"), FULL),
    Case("no id", without("MessageSid", "SmsSid", "SmsMessageSid"), FULL, external_id=None),
    Case("a blank id falls back", with_(MessageSid=""), FULL),
    Case("a sender that is a name", with_(From="MTN"), said(NINETEEN["Body"], "MTN")),
    Case("no sender", without("From"), unreadable="From"),
    Case("a blank sender", with_(From=""), unreadable="From"),
    Case("no addressee", without("To"), said(NINETEEN["Body"], to="")),
    Case("emoji", with_(Body="\U0001f6a8\U0001f1f7\U0001f1fc"), said("\U0001f6a8\U0001f1f7\U0001f1fc")),
    Case("bytes that are no text", without("Body") + b"&Body=%ff%fea", said("\udcff\udcfea")),
    Case("NUL", with_(Body="a\x00b"), said("a\x00b")),
    Case("an empty request", b"", external_id=None, unreadable="From"),
    Case("no form at all", b'{"From": "+250780000101"}', external_id=None, unreadable="From"),
]


@pytest.fixture
def account() -> Twilio:
    return Twilio(load(instance=Path("unused"), twilio_auth_tokens=("token",), _env_file=None))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_text_is_read_as_it_was_written(account: Twilio, case: Case) -> None:
    hook = Webhook("sms", "/in/twilio/sms", {}, case.body)
    assert account.external_id(hook) == case.external_id
    if case.unreadable:
        with pytest.raises(Unreadable) as lacking:
            account.read_text(hook)
        assert lacking.value.field == case.unreadable
    else:
        assert account.read_text(hook) == case.text


def receipt(status: str | None, target: str = f"/in/twilio/status?message={MINE}", **more: str) -> Webhook:
    fields = {"SmsSid": SID, "SmsStatus": status, "MessageStatus": status, "To": "+250780000101", "MessageSid": SID,
              "AccountSid": "AC" + "0" * 32, "From": "7788", "ApiVersion": "2010-04-01"} | more  # fmt: skip
    body = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
    return Webhook("status", target, {}, body)


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("accepted", Progress.ACCEPTED),
        ("scheduled", Progress.ACCEPTED),
        ("queued", Progress.ACCEPTED),
        ("sending", Progress.SENT),
        ("sent", Progress.SENT),
        ("delivered", Progress.DELIVERED),
        ("read", Progress.DELIVERED),
        ("partially_delivered", Progress.UNDELIVERED),
        ("undelivered", Progress.UNDELIVERED),
        ("failed", Progress.FAILED),
        ("canceled", Progress.FAILED),
    ],
)
def test_every_status_twilio_can_say_of_an_outgoing_text_is_known(account: Twilio, status: str, progress: Progress) -> None:
    assert account.read_status(receipt(status)) == StatusUpdate(SID, MINE, progress, None)
    assert account.external_id(receipt(status)) == f"{SID}:{status}"


@pytest.mark.parametrize("status", ["received", "receiving", "DELIVERED", "", "delivered ", "new-in-2031"])
def test_a_status_nobody_knows_is_set_aside_for_a_person(account: Twilio, status: str) -> None:
    with pytest.raises(Unreadable, match="MessageStatus"):
        account.read_status(receipt(status))


def test_a_receipt_without_id_is_set_aside_for_a_person(account: Twilio) -> None:
    nameless = Webhook("status", "/in/twilio/status", {}, b"MessageStatus=delivered")
    assert account.external_id(nameless) is None
    with pytest.raises(Unreadable):
        account.read_status(nameless)


@pytest.mark.parametrize(("code", "opted_out"), [("30003", False), ("30005", False), ("21610", True), ("30007", False)])
def test_an_error_code_is_kept_and_21610_means_the_person_has_stopped_us(account: Twilio, code: str, *, opted_out: bool) -> None:
    update = account.read_status(receipt("undelivered", ErrorCode=code))
    assert (update.code, update.opted_out) == (code, opted_out)


@pytest.mark.parametrize("code", ["9" * 5000, "\x00", "+250780000101 is unreachable", "é", "\u0662\u0661\u0666\u0661\u0660"])
def test_an_error_code_that_is_none_is_not_kept_for_it_may_quote_a_number(account: Twilio, code: str) -> None:
    update = account.read_status(receipt("failed", ErrorCode=code))
    assert update.code == "not a code"
    assert not update.opted_out


def test_absurd_ids_in_a_receipt_become_plain(account: Twilio) -> None:
    update = account.read_status(receipt("sent", "/in/twilio/status?message=%00%ff", MessageSid="SM\x00"))
    assert update.provider_id.startswith("h-")
    assert str(update.message_id).startswith("h-")


def test_a_receipt_without_our_id_names_theirs(account: Twilio) -> None:
    for target in ("/in/twilio/status", "/in/twilio/status?", "/in/twilio/status?message=", "/in/twilio/status?other=1"):
        assert account.read_status(receipt("sent", target)) == StatusUpdate(SID, None, Progress.SENT, None)


def test_old_field_names_serve_where_the_new_are_missing(account: Twilio) -> None:
    old = Webhook("status", "/in/twilio/status", {}, urlencode({"SmsSid": SID, "SmsStatus": "sent"}).encode())
    assert account.read_status(old).progress is Progress.SENT
    assert account.external_id(old) == f"{SID}:sent"


def test_each_status_of_one_text_is_an_event_of_its_own(account: Twilio) -> None:
    ids = {account.external_id(receipt(status)) for status in ("queued", "sent", "delivered")}
    assert len(ids) == 3


@pytest.mark.parametrize("kind", ["sms", "status"])
def test_the_answer_is_empty_twiml_because_plain_text_would_be_sent_to_the_caller(account: Twilio, kind: str) -> None:
    answer = account.answer(kind)
    assert answer.content_type == "text/xml"
    assert answer.body == '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def test_the_shelf_holds_twilio_with_a_token_and_the_browser_phones_only_in_a_demo(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.create_missing()
    assert stock(load(instance=tmp_path, _env_file=None), keyring).names == ()
    with_token = stock(load(instance=tmp_path, twilio_auth_tokens=("token",), _env_file=None), keyring)
    assert with_token.names == ("twilio",)
    assert with_token.get("simulator") is None
