"""Every field of every genuine webhook dropped, doubled, with NUL, with bytes that are no text, of 70 kB: none is lost.

All of it goes through the real door, on both stores, and through the workers. A genuine webhook is stored as it came and
becomes a text of a report, or is parked for a person with the name of what it lacks. Nothing answers with a server error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import RowMapping, select

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Gateway, Webhook
from hotline.intake.envelope import enclose
from hotline.models import CALLS, Inbox, InboxFlag, InboxState, Message, VoiceCall, table
from hotline.outbound.compose import bound_to
from tests.gateways.vendors import SETTINGS, Knock, Pairs, knock
from tests.line import Line

MESSAGE = table(Message)
DOUBLING = ("africastalking", "smsgate", "httpsms")


@dataclass(frozen=True)
class Genuine:
    """One real payload. `identity` is the field that makes it an event of its own."""

    gateway: str
    kind: str
    identity: str
    pairs: Pairs
    method: str = "POST"


GENUINE = [
    Genuine("africastalking", "sms", "id", [
        ("from", b"+250780000101"), ("to", b"7788"), ("text", b"Mudufashe"), ("id", b"ATXid_1"), ("linkId", b"L1"),
        ("date", b"2026-05-03 06:04:45"), ("networkCode", b"63510")]),
    Genuine("africastalking", "status", "id", [
        ("id", b"ATXid_2"), ("status", b"Failed"), ("phoneNumber", b"+250780000101"), ("networkCode", b"63510"),
        ("failureReason", b"DeliveryFailure"), ("retryCount", b"1")]),
    Genuine("africastalking", "voice", "sessionId", [
        ("isActive", b"1"), ("sessionId", b"ATVId_1"), ("direction", b"Inbound"), ("callerNumber", b"+250780000101"),
        ("destinationNumber", b"+250780000900"), ("callerCountryCode", b"250"), ("callSessionState", b"Ringing"),
        ("callStartTime", b"2026-05-03+06:04:45")]),
    Genuine("africastalking", "voice", "sessionId", [
        ("isActive", b"0"), ("sessionId", b"ATVId_2"), ("direction", b"Inbound"), ("callerNumber", b"+250780000101"),
        ("destinationNumber", b"+250780000900"), ("durationInSeconds", b"41"), ("currencyCode", b"RWF"), ("amount", b"12.0"),
        ("recordingUrl", b"https://voice.africastalking.com/r/1.mp3"), ("hangupCause", b"NORMAL_CLEARING"),
        ("status", b"Success")]),
    Genuine("africastalking", "voice_event", "sessionId", [
        ("sessionId", b"ATVId_3"), ("callSessionState", b"Completed"), ("direction", b"Inbound"),
        ("callerNumber", b"+250780000101"), ("destinationNumber", b"+250780000900")]),
    Genuine("africastalking", "beep", "sessionId", [
        ("isActive", b"1"), ("sessionId", b"ATVId_4"), ("direction", b"Inbound"), ("callerNumber", b"+250780000101"),
        ("destinationNumber", b"+250780000900"), ("callSessionState", b"Ringing")]),
    Genuine("twilio", "beep", "CallSid", [
        ("CallSid", b"CA" + b"1" * 32), ("AccountSid", b"AC" + b"0" * 32), ("From", b"+250780000101"), ("To", b"+250780000900"),
        ("CallStatus", b"ringing"), ("ApiVersion", b"2010-04-01"), ("Direction", b"inbound")]),
    Genuine("twilio", "voice", "CallSid", [
        ("CallSid", b"CA" + b"0" * 32), ("AccountSid", b"AC" + b"0" * 32), ("From", b"+250780000101"), ("To", b"+250780000900"),
        ("CallStatus", b"ringing"), ("ApiVersion", b"2010-04-01"), ("Direction", b"inbound"), ("Digits", b"1"),
        ("RecordingUrl", b"https://api.twilio.com/2010-04-01/Accounts/AC/Recordings/RE" + b"a" * 32),
        ("RecordingSid", b"RE" + b"a" * 32), ("RecordingDuration", b"12")]),
    Genuine("twilio", "voice_event", "CallSid", [
        ("CallSid", b"CB" + b"0" * 32), ("From", b"+250780000101"), ("CallStatus", b"completed"), ("CallDuration", b"41"),
        ("SequenceNumber", b"2"), ("Timestamp", b"Tue, 24 Nov 2026 10:00:00 +0000")]),
    Genuine("twilio", "recording", "RecordingSid", [
        ("CallSid", b"CC" + b"0" * 32), ("RecordingSid", b"RE" + b"b" * 32), ("RecordingStatus", b"completed"),
        ("RecordingUrl", b"https://api.twilio.com/2010-04-01/Accounts/AC/Recordings/RE" + b"b" * 32),
        ("RecordingDuration", b"12"), ("RecordingChannels", b"1"), ("RecordingSource", b"RecordVerb")]),
    Genuine("africastalking", "optout", "senderId", [("senderId", b"7788"), ("phoneNumber", b"+250780000101")]),
    Genuine("kannel", "sms", "id", [
        ("id", b"aa-bb"), ("udh", b""), ("from", b"250780000101"), ("to", b"7788"), ("text", b"Mudufashe")]),
    Genuine("kannel", "sms", "id", [
        ("id", b"cc-dd"), ("udh", b""), ("from", b"250780000101"), ("to", b"7788"), ("text", b"Mudufashe")], "GET"),
    Genuine("kannel", "status", "foreign", [("message", b"01a"), ("type", b"1"), ("foreign", b"smsc-1")]),
    Genuine("jasmin", "sms", "id", [
        ("id", b"e1"), ("from", b"250780000101"), ("to", b"7788"), ("origin-connector", b"mtn"), ("priority", b"0"),
        ("coding", b"0"), ("content", b"Mudufashe"), ("binary", b"Mudufashe".hex().encode())]),
    Genuine("jasmin", "sms", "id", [
        ("id", b"e2"), ("from", b"250780000101"), ("to", b"7788"), ("coding", b"8"), ("content", b"?"),
        ("binary", "Mudufashe \u0451".encode("utf-16-be").hex().encode())], "GET"),
    Genuine("jasmin", "status", "id", [
        ("id", b"e3"), ("level", b"2"), ("message_status", b"DELIVRD"), ("connector", b"mtn"), ("id_smsc", b"7"),
        ("sub", b"001"), ("dlvrd", b"001"), ("subdate", b"2611240800"), ("donedate", b"2611240801"), ("err", b"000")]),
    Genuine("smsgate", "sms", "id", [
        ("id", b"Ey6E"), ("webhookId", b"w"), ("deviceId", b"d"), ("event", b"sms:received"), ("messageId", b"abc"),
        ("message", b"Mudufashe"), ("sender", b"+250780000101"), ("recipient", b"+250780000900"),
        ("receivedAt", b"2026-06-22T15:46:11.000+02:00")]),
    Genuine("smsgate", "status", "id", [
        ("id", b"Ey6F"), ("event", b"sms:failed"), ("messageId", b"01a"), ("phoneNumber", b"+250780000101"),
        ("reason", b"RESULT_ERROR_NO_SERVICE")]),
    Genuine("httpsms", "sms", "id", [
        ("specversion", b"1.0"), ("id", b"ce-1"), ("source", b"/v1/messages/receive"), ("type", b"message.phone.received"),
        ("time", b"2026-06-22T15:46:11Z"), ("message_id", b"m-1"), ("owner", b"+250780000900"), ("contact", b"+250780000101"),
        ("timestamp", b"2026-06-22T15:46:11Z"), ("content", b"Mudufashe")]),
    Genuine("httpsms", "status", "id", [
        ("id", b"ce-2"), ("type", b"message.phone.delivered"), ("message_id", b"m-1"), ("request_id", b"01a"),
        ("owner", b"+250780000900"), ("contact", b"+250780000101")]),
    Genuine("external", "sms", "messageId", [
        ("msisdn", b"250780000101"), ("shortcode", b"7788"), ("message", b"Mudufashe"), ("messageId", b"x-1")]),
    Genuine("external", "sms", "messageId", [
        ("msisdn", b"250780000101"), ("shortcode", b"7788"), ("message", b"Mudufashe"), ("messageId", b"x-2")], "GET"),
    Genuine("external", "status", "messageId", [
        ("messageId", b"x-3"), ("clientRef", b"01a"), ("state", b"DELIVRD"), ("error", b"000")]),
]  # fmt: skip


def mutations(genuine: Genuine) -> Iterator[tuple[str, Pairs]]:
    """Yield the payload with each field spoiled in each way."""
    for at, (name, value) in enumerate(genuine.pairs):
        others = [*genuine.pairs[:at]], [*genuine.pairs[at + 1 :]]
        spoiled: dict[str, Sequence[tuple[str, bytes]]] = {
            "dropped": [],
            "doubled": [(name, value), (name, b"second")],
            "with NUL": [(name, value + b"\x00x")],
            "no UTF-8": [(name, value + b"\xff\xfe\xc3")],
            "of 70 kB": [(name, value + b"7" * 70_000)],
            "blank": [(name, b"")],
        }
        for how, instead in spoiled.items():
            yield f"{name} {how}", [*others[0], *instead, *others[1]]


def numbered(genuine: Genuine, pairs: Pairs, number: int) -> Pairs:
    """Make an event of its own of a spoiled one, where its identity is left, and not a phone's second telling of the same."""
    own = {genuine.identity, *(("message", "content", "text") if genuine.gateway in DOUBLING else ())}
    return [(name, value + f"-{number}".encode() if name in own and value else value) for name, value in pairs]


@pytest.fixture
def line(deployment: Deployment) -> Iterator[Line]:
    """A line whose every gateway has settings."""
    chosen = {**deployment.settings.model_dump(), **SETTINGS, "_env_file": None}
    site = Deployment(Settings(**chosen))
    yield Line(site)
    site.close()


def send(line: Line, one: Knock) -> int:
    path, _, query = one.target.partition("?")
    return line.client.open(
        path,
        query_string=query,
        method=one.method,
        data=one.body,
        headers=dict(one.headers),
        environ_overrides={"REMOTE_ADDR": one.peer},
    ).status_code


def stored(line: Line) -> list[tuple[RowMapping, Webhook]]:
    opened = line.site.opener.open
    return [(row, Webhook.unpacked(opened(row["sealed"], f"inbox|sealed|{row['id']}"))) for row in line.rows(Inbox)]


def told(line: Line) -> dict[str, str]:
    """Return the words of every text of a report by the row of the inbox it came from."""
    found = {}
    with line.reading() as session:
        for row in session.execute(select(MESSAGE).where(MESSAGE.c.inbox_id.is_not(None))).mappings():
            found[row["inbox_id"]] = line.key(row["case_id"]).open_text(row["sealed"], bound_to(row["id"]))
    return found


@pytest.mark.parametrize("genuine", GENUINE, ids=lambda genuine: f"{genuine.gateway} {genuine.kind} {genuine.method}")
def test_no_genuine_webhook_is_lost_however_it_is_spoiled(line: Line, genuine: Genuine) -> None:
    gateway = line.site.shelf.get(genuine.gateway)
    assert gateway is not None
    sent: dict[str, Knock] = {}
    for number, (label, pairs) in enumerate(mutations(genuine)):
        sent[label] = knock(gateway, genuine.kind, numbered(genuine, pairs, number), method=genuine.method)
    assert {label: send(line, one) for label, one in sent.items()} == dict.fromkeys(sent, 200)

    if genuine.kind in CALLS:  # each is a call of its own, so each is a row of its own
        assert {webhook.body for _, webhook in stored(line)} == {one.body for one in sent.values()}
        line.work()
        _as_steps(line)
        return
    events: dict[object, bytes] = {}
    seal = line.site.keyring.inbox_seal()
    for one in sent.values():  # what stands under the same key is the same event: the first is kept
        key = enclose(line.site, seal, gateway, one.webhook(genuine.kind), line.now)["external_id"]
        events.setdefault(key, one.body + one.target.encode())
    assert {webhook.body + webhook.target.encode() for _, webhook in stored(line)} == set(events.values())
    line.work()
    _whole(line, genuine, gateway)


def _as_steps(line: Line) -> None:
    """A step is part of a report, waits for its call, or is parked for want of its call's name; none is poison."""
    states = {InboxState.DONE: None, InboxState.CLAIMED: "no such message"}
    for row, webhook in stored(line):
        if row["state"] == InboxState.PARKED:
            assert row["reason"] in ("without CallSid", "without sessionId", "without RecordingSid")
        else:
            assert row["reason"] == states[row["state"]], webhook.kind
    began = {row["id"] for row, webhook in stored(line) if webhook.kind == "voice" and row["state"] == InboxState.DONE}
    assert len(line.rows(VoiceCall)) >= len(began)


def _whole(line: Line, genuine: Genuine, gateway: Gateway) -> None:
    words = told(line)
    for row, webhook in stored(line):
        if row["state"] == InboxState.PARKED:
            assert str(row["reason"]).startswith("without "), row["reason"]
        elif row["flag"] == InboxFlag.TWIN:
            assert gateway.read_text(webhook).body == "", "texts without words are alike"
        elif genuine.kind == "sms":
            assert row["state"] == InboxState.DONE
            assert words[row["id"]] == gateway.read_text(webhook).body
        else:
            known = {(InboxState.DONE, None), (InboxState.CLAIMED, "no such message")}
            assert (row["state"], row["reason"]) in known
    if genuine.kind == "sms":
        assert len(words) >= len(stored(line)) * 2 // 3, "a text is parked only where its sender is gone"
