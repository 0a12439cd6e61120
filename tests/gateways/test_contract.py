"""What all gateways share: a body read as bytes, nothing altered, and ids any index can hold."""

from io import BytesIO
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from hotline.gateways.contract import PLAIN_ID, Webhook, form, plain_id, words

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"", []),
        (b"&&&", []),
        (b"From=%2B250780000101&Body=Ndi+hano", [(b"From", b"+250780000101"), (b"Body", b"Ndi hano")]),
        (b"Body=a=b=c", [(b"Body", b"a=b=c")]),
        (b"Body", [(b"Body", b"")]),
        (b"Body=", [(b"Body", b"")]),
        (b"=x", [(b"", b"x")]),
        (b"a=1&a=2&a=1", [(b"a", b"1"), (b"a", b"2"), (b"a", b"1")]),
        (b"Body=%ff%FE%00", [(b"Body", b"\xff\xfe\x00")]),
        (b"Body=100%&x=%zz", [(b"Body", b"100%"), (b"x", b"%zz")]),
        (b"B%6Fdy=%2B%26%3D", [(b"Body", b"+&=")]),
        (b"Body=\xff\x00\n", [(b"Body", b"\xff\x00\n")]),
    ],
)
def test_a_body_is_split_into_raw_pairs_in_order_with_doubles_and_blanks(body: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert form(body) == pairs


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=8))
def test_what_a_browser_would_write_is_read_as_flask_reads_it(pairs: list[tuple[str, str]]) -> None:
    body = urlencode(pairs).encode()
    request = Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
    )
    assert MultiDict([(words(name), words(value)) for name, value in form(body)]) == request.form


@given(st.binary())
def test_any_bytes_of_a_field_can_be_had_back_from_its_words(raw: bytes) -> None:
    assert words(raw).encode("utf-8", "surrogateescape") == raw


@given(
    kind=st.sampled_from(["sms", "status"]),
    target=st.text(),
    headers=st.dictionaries(st.text(), st.text(), max_size=3),
    body=st.binary(),
)
def test_a_packed_webhook_comes_back_byte_for_byte(kind: str, target: str, headers: dict[str, str], body: bytes) -> None:
    webhook = Webhook(kind, target, headers, body)
    assert Webhook.unpacked(webhook.packed()) == webhook


@given(st.text())
def test_an_id_becomes_plain_and_keeps_telling_two_events_apart(external_id: str) -> None:
    plain = plain_id(external_id)
    assert plain is not None
    assert PLAIN_ID.fullmatch(plain)
    assert plain == plain_id(external_id)
    assert plain != plain_id(external_id + "\x00")


@pytest.mark.parametrize("absurd", ["", "SM\x00", "x" * 129, "x" * 10_000, "é", "\ud800", "two words", "a\n"])
def test_an_absurd_id_is_hashed(absurd: str) -> None:
    assert str(plain_id(absurd)).startswith("h-")


def test_an_ordinary_id_stays_as_it_is_and_no_id_stays_none() -> None:
    assert plain_id("SM" + "0" * 32 + ":delivered") == "SM" + "0" * 32 + ":delivered"
    assert plain_id(None) is None
