"""Signed webhooks to a partner's server that behaves badly on purpose. Addresses and keys are invented."""

import base64
import hmac
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.gateways import webhook
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.webhook import Target, WebhookOut, taken_apart
from hotline.privacy import Keyring
from tests.gateways.far_end import Behaviour, FarEnd, Handler, far_end, hang, reset, say
from tests.gateways.post_office import certificate_in
from tests.gateways.vendors import made

BODY = '{"type": "referral.told", "data": {"code": "K7-4QM9"}}'
LOOPBACK = {"webhook_networks": ("127.0.0.0/8", "::1/128")}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificate_in(tmp_path)


@pytest.fixture
def partner(certificate: Path) -> Iterator[FarEnd]:
    with far_end(certificate) as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path, certificate: Path) -> WebhookOut:
    return made("webhook", tmp_path, **LOOPBACK, partners_ca=str(certificate), read_timeout_seconds=2.0)  # type: ignore[return-value]


def to(partner: FarEnd, path: str = "/hook?n=1") -> OutboundText:
    return OutboundText("01a", partner.url + path, BODY)


def test_whoever_has_the_secret_can_check_what_came_and_nobody_else(gateway: WebhookOut, partner: FarEnd, tmp_path: Path) -> None:
    partner.next = [say(204)]
    text = to(partner)
    (sent,) = gateway.send([text])
    assert sent.certainty is Certainty.ACCEPTED
    (asked,) = partner.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/hook?n=1", BODY.encode())
    assert asked.headers["webhook-id"] == "01a"
    # As standardwebhooks.com says it, worked out here by hand.
    key = base64.b64decode(webhook.secret(Keyring(tmp_path / "keys"), text.to).removeprefix("whsec_"))
    signed = b".".join([b"01a", asked.headers["webhook-timestamp"].encode(), BODY.encode()])
    assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert len(key) == 32
    assert webhook.secret(Keyring(tmp_path / "keys"), f"{text.to}&again") != webhook.secret(Keyring(tmp_path / "keys"), text.to)


def a_letter_at_a_time(handler: Handler) -> None:
    """Answer so slowly that each wait for the next letter is short and the whole is without end."""
    handler.wfile.write(b"HTTP/1.1")
    while not handler.far.released.wait(0.05):
        try:
            handler.wfile.write(b"x")
        except OSError:
            break
    handler.close_connection = True


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (say(301, Location="https://elsewhere.example/"), Sent("01a", Certainty.REFUSED, code="301", retry=True, theirs=True)),
        (say(401), Sent("01a", Certainty.REFUSED, code="401", retry=True, theirs=True)),
        (say(410), Sent("01a", Certainty.REFUSED, code="410", theirs=True)),
        (say(503), Sent("01a", Certainty.UNKNOWN, code="503", theirs=True)),
        (reset, Sent("01a", Certainty.UNKNOWN, code="no answer", theirs=True)),
        (hang, Sent("01a", Certainty.UNKNOWN, code="no answer", theirs=True)),
        (a_letter_at_a_time, Sent("01a", Certainty.UNKNOWN, code="no answer", theirs=True)),
    ],
)
def test_what_a_partner_answers_decides_and_is_never_the_gateways_fault(
    gateway: WebhookOut, partner: FarEnd, does: Behaviour, expected: Sent
) -> None:
    partner.next, before = [does], threading.active_count()
    (sent,) = gateway.send([to(partner)])
    assert sent == expected
    assert not sent.faulty
    assert len(partner.asked) == 1
    assert threading.active_count() < before + 50


def test_only_who_proves_a_name_is_written_to(tmp_path: Path, partner: FarEnd, certificate: Path) -> None:
    distrustful = made("webhook", tmp_path, **LOOPBACK)
    assert distrustful.send([to(partner)]) == [Sent("01a", Certainty.REFUSED, code="certificate", retry=True, theirs=True)]
    other = made("webhook", tmp_path, **LOOPBACK, partners_ca=str(certificate_in(tmp_path, name="other.example")))
    assert other.send([to(partner)])[0].code == "certificate"
    assert partner.asked == []


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "0.0.0.0", "[fe80::1]"],  # noqa: S104  refused, not bound
)
def test_nothing_inside_is_reached_unless_its_network_is_named(tmp_path: Path, host: str) -> None:
    gateway = made("webhook", tmp_path)
    text = OutboundText("01a", f"https://{host}:9/", BODY)
    assert gateway.send([text]) == [Sent("01a", Certainty.REFUSED, code="private address", retry=True, theirs=True)]


def test_nobody_there_means_surely_not_sent(gateway: WebhookOut, certificate: Path) -> None:
    with far_end(certificate) as gone:
        pass
    assert gateway.send([to(gone)]) == [Sent("01a", Certainty.REFUSED, code="unreachable", retry=True, theirs=True)]
    nowhere = OutboundText("01a", "https://nowhere.invalid/", BODY)
    assert gateway.send([nowhere])[0].code == "unreachable"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://agency.example/in?k=1", Target("agency.example", 443, "/in?k=1")),
        ("https://agency.example:8443", Target("agency.example", 8443, "/")),
        ("http://agency.example/", None),
        ("https://user:secret@agency.example/", None),
        ("https://agency.example/#x", None),
        ("https:///x", None),
        ("https://agency.example:99999/", None),
        ("https://agency.example/\r\nX: y", None),
        ("agency.example", None),
        ("", None),
    ],
)
def test_an_address_is_https_and_a_name(address: str, expected: Target | None) -> None:
    assert taken_apart(address) == expected
