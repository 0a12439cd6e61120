"""Only who holds our token may speak as Twilio. Checked against the published vector and Twilio's own validator."""

import base64
import hashlib
import hmac
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from hotline.config import load
from hotline.gateways.contract import Forged, Webhook
from hotline.gateways.twilio import SIGNATURE, Twilio, sign, signed_bytes

TARGET = "/in/twilio/sms"
URL = "https://hooks.example.org" + TARGET
FIELDS = {"MessageSid": "SM" + "0" * 32, "From": "+250780000101", "To": "7788", "Body": "Mudufashe"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FORMS = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=10)


def gateway(*tokens: str, public_url: str = "https://hooks.example.org") -> Twilio:
    return Twilio(load(instance=Path("unused"), public_url=public_url, twilio_auth_tokens=tokens, _env_file=None))


def webhook(body: bytes, signature: str | None, target: str = TARGET) -> Webhook:
    return Webhook("sms", target, {} if signature is None else {SIGNATURE: signature}, body)


def theirs(token: str, url: str, pairs: list[tuple[str, str]]) -> str:
    return str(RequestValidator(token).compute_signature(url, MultiDict(pairs)))


def refusal(site: Twilio, hook: Webhook) -> str:
    with pytest.raises(Forged) as forged:
        site.verify(hook)
    return forged.value.reason


def test_the_vector_twilio_publishes() -> None:
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    body = urlencode(fields | dict.fromkeys(("From", "Caller"), "+14158675309")).encode()
    hook = webhook(body, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "/myapp.php?foo=1&bar=2")
    gateway("12345", public_url="https://mycompany.com").verify(hook)
    assert (
        sign("12345", signed_bytes("https://mycompany.com/myapp.php?foo=1&bar=2", hook.pairs)) == b"RSOYDt4T1cUTdK1PDd93/VVr8B8="
    )


@given(token=TEXT.filter(bool), pairs=FORMS)
def test_what_twilios_own_validator_signs_is_genuine(token: str, pairs: list[tuple[str, str]]) -> None:
    gateway(token).verify(webhook(urlencode(pairs).encode(), theirs(token, URL, pairs)))


@given(pairs=FORMS, extra=st.tuples(TEXT.filter(bool), TEXT.filter(bool)))
def test_a_field_added_by_somebody_else_shows(pairs: list[tuple[str, str]], extra: tuple[str, str]) -> None:
    longer = [*pairs, extra]
    signature = theirs("token", URL, pairs)
    if theirs("token", URL, longer) != signature:  # a pair repeated is signed once
        assert refusal(gateway("token"), webhook(urlencode(longer).encode(), signature)) == "signature"


@given(body=st.binary(), token=st.text(min_size=1).filter(lambda text: text.isascii()))
def test_bytes_that_are_no_text_are_signed_as_they_came(body: bytes, token: str) -> None:
    signed = signed_bytes(URL, webhook(body, None).pairs)
    gateway(token).verify(webhook(body, sign(token, signed).decode()))


@pytest.mark.parametrize("name", FIELDS)
def test_an_altered_field_shows(name: str) -> None:
    signature = theirs("token", URL, list(FIELDS.items()))
    altered = FIELDS | {name: FIELDS[name] + "1"}
    assert refusal(gateway("token"), webhook(urlencode(altered).encode(), signature)) == "signature"


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_shows(name: str) -> None:
    signature = theirs("token", URL, list(FIELDS.items()))
    fewer = {key: value for key, value in FIELDS.items() if key != name}
    assert refusal(gateway("token"), webhook(urlencode(fewer).encode(), signature)) == "signature"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/in/twilio/sms",
        "https://evil.example.org/in/twilio/sms",
        "https://hooks.example.org/in/twilio/status",
        "https://hooks.example.org/in/twilio/sms?message=x",
        "https://hooks.example.org/in/twilio/sms/",
    ],
)
def test_a_signature_for_another_address_is_none_for_ours(url: str) -> None:
    signature = theirs("token", url, list(FIELDS.items()))
    assert refusal(gateway("token"), webhook(urlencode(FIELDS).encode(), signature)) == "signature"


def test_the_query_is_signed_as_it_was_sent() -> None:
    target = "/in/twilio/status?message=01a%2Fb&x=%27"
    signature = theirs("token", "https://hooks.example.org" + target, list(FIELDS.items()))
    gateway("token").verify(webhook(urlencode(FIELDS).encode(), signature, target))
    assert refusal(gateway("token"), webhook(urlencode(FIELDS).encode(), signature, target.replace("%2F", "/"))) == "signature"


def test_a_slash_after_the_public_address_makes_no_difference() -> None:
    signature = theirs("token", URL, list(FIELDS.items()))
    gateway("token", public_url="https://hooks.example.org/").verify(webhook(urlencode(FIELDS).encode(), signature))


def test_while_a_token_is_rotated_both_are_good_and_no_third() -> None:
    rotating = gateway("current-token", "former-token")
    body = urlencode(FIELDS).encode()
    for token in ("current-token", "former-token"):
        rotating.verify(webhook(body, theirs(token, URL, list(FIELDS.items()))))
    assert refusal(rotating, webhook(body, theirs("other-token", URL, list(FIELDS.items())))) == "signature"
    assert refusal(gateway("current-token"), webhook(body, theirs("former-token", URL, list(FIELDS.items())))) == "signature"


@pytest.mark.parametrize("signature", [None, ""])
def test_no_signature_is_told_apart_from_a_wrong_one(signature: str | None) -> None:
    assert refusal(gateway("token"), webhook(b"Body=x", signature)) == "unsigned"


@pytest.mark.parametrize("signature", ["x", "=", "\xff\xfe", "é" * 100, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "0" * 10_000])
def test_a_signature_of_any_shape_is_only_wrong(signature: str) -> None:
    assert refusal(gateway("token"), webhook(urlencode(FIELDS).encode(), signature)) == "signature"


def test_a_signature_made_with_sha256_or_cut_short_is_wrong() -> None:
    body = urlencode(FIELDS).encode()
    signed = signed_bytes(URL, webhook(body, None).pairs)
    longer = base64.b64encode(hmac.digest(b"token", signed, hashlib.sha256)).decode()
    assert refusal(gateway("token"), webhook(body, longer)) == "signature"
    assert refusal(gateway("token"), webhook(body, sign("token", signed).decode()[:-1])) == "signature"


def test_a_json_body_is_never_taken_for_a_signed_form() -> None:
    body = b'{"MessageSid": "SM1"}'
    digest = hashlib.sha256(body).hexdigest()
    target = f"{TARGET}?bodySHA256={digest}"
    url_only = theirs("token", "https://hooks.example.org" + target, [])
    assert refusal(gateway("token"), webhook(body, url_only, target)) == "signature"
