"""No person's words or number reach a log, whoever writes the line. The number and the words are invented."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.log import OURS, SAFE_FIELDS, AllowList, configure

NUMBER = "+250780000101"
WORDS = "Mudufashe, bampaye akazi"


def line(name: str = "hotline.x", message: object = "delivered", *, args: tuple[object, ...] = (), **extra: object) -> str:
    record = logging.LogRecord(name, logging.INFO, "x.py", 1, message, args, None)
    record.__dict__.update(extra)
    return AllowList().format(record)


def test_a_line_is_its_sentence_and_the_allowed_fields() -> None:
    assert line(lane="life", count=3, text=WORDS, number=NUMBER).endswith("info    hotline.x: delivered count=3 lane=life")


def test_what_is_filled_into_a_sentence_is_not_shown() -> None:
    assert WORDS not in line(message="received %s", args=(WORDS,))


@pytest.mark.parametrize(
    "name", ["rq.worker", "sqlalchemy.engine", "urllib3", "twilio.http_client", "hotlines", "root", "", "xhotline"]
)
def test_of_a_librarys_line_only_its_name_and_level_remain(name: str) -> None:
    shown = line(name, f"job failed: intake('{NUMBER}', '{WORDS}')", lane="life", error=WORDS)
    assert shown.endswith(f"info    {name}: (not shown)")


@pytest.mark.parametrize("name", ["hotline", "hotline.intake.receive", "workers", "workers.clock"])
def test_our_own_lines_are_shown(name: str) -> None:
    assert line(name).endswith(f"{name}: delivered")


@pytest.mark.parametrize(
    "leak",
    [
        *(NUMBER, "250780000101", "0780 000 101", "0780-000-101", "(0780) 000 101", "+250 780 000 101", "00250780000101"),
        *("25779000101", "\uff10\uff17\uff18\uff10\uff10\uff10\uff10\uff11\uff10\uff11"),
    ],
)
def test_what_looks_like_a_number_is_masked_and_counted(leak: str) -> None:
    for shown in (f"to {leak}", f"'{leak}'", f"{leak}:", leak):
        before = AllowList.masked
        assert leak not in line(message=shown)
        assert leak not in line(reason=shown)
        assert AllowList.masked == before + 2


@pytest.mark.parametrize("harmless", ["K7-4QM9", "0193563e0b7a7c3e8d5a1f2e3d4c5b6a", "21610", "count 1234567", "12:34:56"])
def test_what_officers_need_is_not_masked(harmless: str) -> None:
    before = AllowList.masked
    assert line(reason=harmless).endswith(f"reason={harmless}")
    assert AllowList.masked == before


def choke(*, quietly: bool = False) -> None:
    try:
        dict[str, str]()[NUMBER]
    except KeyError as error:
        if quietly:
            raise
        raise RuntimeError(f"cannot store {NUMBER}: {WORDS}") from error


@pytest.mark.parametrize(("quietly", "kind"), [(True, "KeyError"), (False, "RuntimeError")])
def test_an_exception_shows_its_kind_and_its_place_and_not_what_it_choked_on(*, quietly: bool, kind: str) -> None:
    try:
        choke(quietly=quietly)
    except (KeyError, RuntimeError):
        record = logging.LogRecord("hotline.x", logging.ERROR, "x.py", 1, "row failed", (), sys.exc_info())
    shown = AllowList().format(record)
    assert f"error={kind} at test_log.py:" in shown
    assert NUMBER not in shown
    assert WORDS not in shown


@given(st.text(), st.text())
def test_no_record_breaks_the_log_and_no_other_field_gets_through(message: str, secret: str) -> None:
    shown = line(message=message, whatever=secret)
    assert shown == line(message=message)


@pytest.fixture
def configured() -> Iterator[io.StringIO]:
    root, heard = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    ours = {name: logging.getLogger(name).level for name in OURS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", heard)
        configure()
        yield heard
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in ours.items():
        logging.getLogger(name).setLevel(was)


def test_once_configured_nothing_gets_past_the_list(configured: io.StringIO) -> None:
    logging.getLogger("hotline.intake").info("new report", extra={"case": "K7-4QM9", "words": WORDS})
    logging.getLogger("rq.worker").warning("could not run job for %s", NUMBER)
    logging.getLogger("rq.worker").info("quiet")
    shown = configured.getvalue()
    assert "new report case=K7-4QM9" in shown
    assert "rq.worker: (not shown)" in shown
    assert "quiet" not in shown
    assert NUMBER not in shown
    assert WORDS not in shown


def test_no_allowed_field_is_one_that_names_a_person() -> None:
    assert not {"number", "sender", "to", "from", "text", "body", "words", "name", "address", "caller", "phone"} & set(
        SAFE_FIELDS
    )
