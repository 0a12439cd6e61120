"""What is sealed opens only where it belongs, only whole, and only for whoever holds the key."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.privacy import CannotOpen, InboxSeal, Key, Keyring

KEY = Key(bytes(range(32)))
HERE = "message|sealed|01"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    ring = Keyring(tmp_path / "keys")
    ring.create_missing()
    return ring


@given(st.text())
def test_no_character_a_person_wrote_is_refused_or_altered(text: str) -> None:
    assert KEY.open_text(KEY.seal_text(text, HERE), HERE) == text


@given(st.text(st.characters(categories=["Cs"])))
def test_halves_of_characters_are_kept_too(text: str) -> None:
    assert KEY.open_text(KEY.seal_text(text, HERE), HERE) == text


def test_a_sealed_value_moved_to_another_row_column_or_table_does_not_open() -> None:
    sealed = KEY.seal(b"Mudufashe", HERE)
    for elsewhere in ("message|sealed|02", "note|sealed|01", "message|other|01", ""):
        with pytest.raises(CannotOpen):
            KEY.open(sealed, elsewhere)


def test_every_single_byte_that_is_changed_shows() -> None:
    sealed = KEY.seal(b"Mudufashe", HERE)
    for place in range(len(sealed)):
        for flip in (0x01, 0x80):
            altered = sealed[:place] + bytes([sealed[place] ^ flip]) + sealed[place + 1 :]
            with pytest.raises(CannotOpen):
                KEY.open(altered, HERE)


def test_a_value_cut_short_or_made_longer_does_not_open() -> None:
    sealed = KEY.seal(b"Mudufashe", HERE)
    for altered in (*(sealed[:length] for length in range(len(sealed))), sealed + b"\x00"):
        with pytest.raises(CannotOpen):
            KEY.open(altered, HERE)


def test_another_key_does_not_open() -> None:
    with pytest.raises(CannotOpen):
        Key(bytes(32)).open(KEY.seal(b"Mudufashe", HERE), HERE)


def test_the_same_words_are_sealed_differently_every_time() -> None:
    assert len({KEY.seal(b"Mudufashe", HERE) for _ in range(100)}) == 100


def test_an_error_carries_nothing_of_what_was_sealed(keyring: Keyring) -> None:
    with pytest.raises(CannotOpen) as refused:
        keyring.fields.open(keyring.fields.seal(b"+250780000101", "caller|number|01"), "caller|number|02")
    assert refused.value.args == ()
    assert refused.value.__suppress_context__


def test_a_case_key_opens_only_for_its_case(keyring: Keyring) -> None:
    key, wrapped = keyring.new_case_key("case-1")
    assert keyring.case_key("case-1", wrapped).raw == key.raw
    assert key.raw not in wrapped
    with pytest.raises(CannotOpen):
        keyring.case_key("case-2", wrapped)


def test_a_number_is_found_by_its_index_and_cannot_be_read_from_it(keyring: Keyring, tmp_path: Path) -> None:
    index = keyring.blind_index("phone", "+250780000101")
    assert index == keyring.blind_index("phone", "+250780000101")
    assert len(index) == 16
    assert index != keyring.blind_index("phone", "+250780000102")
    assert index != keyring.blind_index("caller", "+250780000101")
    other = Keyring(tmp_path / "other")
    other.create_missing()
    assert index != other.blind_index("phone", "+250780000101"), "without our key a list of all numbers is of no use"
    assert keyring.blind_index("phone", "\ud800\x00") != index


def test_a_webhook_sealed_by_one_process_opens_in_another(keyring: Keyring) -> None:
    script = (
        "import sys; from pathlib import Path; from hotline.privacy import Keyring;"
        "sys.stdout.buffer.write(Keyring(Path(sys.argv[1])).inbox_seal().seal(sys.stdin.buffer.read(), 'inbox|sealed|01'))"
    )
    raw = b"From=%2B250780000101&Body=\xff\x00"
    sealed = subprocess.run(
        [sys.executable, "-c", script, str(keyring.folder)], input=raw, capture_output=True, check=True
    ).stdout
    assert raw not in sealed
    assert keyring.inbox_opener().open(sealed, "inbox|sealed|01") == raw


def test_whoever_seals_webhooks_needs_no_private_key(keyring: Keyring) -> None:
    for name in ("field.key", "index.key", "inbox.private", "session.key", "simulator.key"):
        (keyring.folder / name).rename(keyring.folder / f"{name}.away")
    sealed = Keyring(keyring.folder).inbox_seal().seal(b"x", "inbox|sealed|01")
    with pytest.raises(FileNotFoundError):
        Keyring(keyring.folder).inbox_opener()
    (keyring.folder / "inbox.private.away").rename(keyring.folder / "inbox.private")
    assert Keyring(keyring.folder).inbox_opener().open(sealed, "inbox|sealed|01") == b"x"


def test_a_sealed_webhook_is_bound_to_its_row_and_every_changed_byte_shows(keyring: Keyring) -> None:
    sealed = keyring.inbox_seal().seal(b"Body=x", "inbox|sealed|01")
    opener = keyring.inbox_opener()
    with pytest.raises(CannotOpen):
        opener.open(sealed, "inbox|sealed|02")
    for place in range(len(sealed)):
        with pytest.raises(CannotOpen):
            opener.open(sealed[:place] + bytes([sealed[place] ^ 0x80]) + sealed[place + 1 :], "inbox|sealed|01")
    for length in (0, 1, 79, 80, 81, len(sealed) - 1):
        with pytest.raises(CannotOpen):
            opener.open(sealed[:length], "inbox|sealed|01")


def test_the_key_of_a_minute_is_forgotten_after_it(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = keyring.inbox_seal()
    one, two = seal.seal(b"a", "1"), seal.seal(b"b", "2")
    assert one[:80] == two[:80]
    monkeypatch.setattr(InboxSeal, "EPOCH_SECONDS", 0.0)
    fresh = keyring.inbox_seal()
    three, four = fresh.seal(b"c", "3"), fresh.seal(b"d", "4")
    assert len({one[:80], three[:80], four[:80]}) == 3
    opener = keyring.inbox_opener()
    assert [opener.open(two, "2"), opener.open(three, "3"), opener.open(four, "4")] == [b"b", b"c", b"d"]


def test_webhooks_sealed_by_many_threads_while_the_minute_turns_all_open(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InboxSeal, "EPOCH_SECONDS", 0.001)
    seal, sealed = keyring.inbox_seal(), list[bytes]()

    def work() -> None:
        sealed.extend(seal.seal(b"x", "row") for _ in range(500))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    opener = keyring.inbox_opener()
    assert len({one[:80] for one in sealed}) > 1, "the minute did turn"
    assert [opener.open(one, "row") for one in sealed] == [b"x"] * 2000


def test_key_files_are_for_their_owner_alone(keyring: Keyring) -> None:
    assert sorted(file.name for file in keyring.folder.iterdir()) == sorted(Keyring.FILES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in keyring.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(keyring.folder.stat().st_mode) == 0o700
    assert {file.stat().st_size for file in keyring.folder.iterdir()} == {32}


def test_a_key_that_is_there_is_never_overwritten(keyring: Keyring) -> None:
    before = {file.name: file.read_bytes() for file in keyring.folder.iterdir()}
    assert len(set(before.values())) == len(before)
    assert Keyring(keyring.folder).create_missing() == []
    assert {file.name: file.read_bytes() for file in keyring.folder.iterdir()} == before


def test_a_key_that_is_missing_is_made_beside_the_others(keyring: Keyring) -> None:
    kept = (keyring.folder / "field.key").read_bytes()
    (keyring.folder / "simulator.key").unlink()
    (keyring.folder / "inbox.public").unlink()
    assert Keyring(keyring.folder).create_missing() == ["simulator.key", "inbox.public"]
    assert (keyring.folder / "field.key").read_bytes() == kept
    sealed = Keyring(keyring.folder).inbox_seal().seal(b"x", "row")
    assert Keyring(keyring.folder).inbox_opener().open(sealed, "row") == b"x"


def test_the_name_of_a_key_tells_two_apart_and_not_the_key(keyring: Keyring, tmp_path: Path) -> None:
    other = Keyring(tmp_path / "other")
    other.create_missing()
    assert keyring.kid != other.kid
    assert bytes.fromhex(keyring.kid) not in keyring.secret("field.key")
