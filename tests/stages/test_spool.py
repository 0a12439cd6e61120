"""The spool: a file is promised only when a power cut would leave it, and what was promised is stored, once, oldest first.

Real files, both stores. Numbers and texts are invented.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from hotline.cli import doctor
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.in_time import Unavailable
from hotline.intake import spool
from hotline.intake.ballast import Ballast
from hotline.intake.spool import Spool, Torn, flush, pack, unpack
from hotline.models import Counter, Inbox, InboxState, new_id
from hotline.watch import checkup
from tests.faults.dying import own_os
from tests.line import Line
from workers import clock

AT = datetime(2026, 11, 23, 20, 30, 0, 123456, tzinfo=UTC)
PHONE = "+250780000101"


@pytest.fixture
def line(deployment: Deployment) -> Line:
    return Line(deployment)


@pytest.fixture
def kept(deployment: Deployment) -> Spool:
    return Spool.of(deployment.settings)


@pytest.fixture
def away(deployment: Deployment) -> Iterator[Line]:
    """The same hotline, its database gone."""
    nowhere = Deployment(deployment.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/nothing"}))
    yield Line(nowhere)
    nowhere.close()


def row(**more: object) -> dict[str, object]:
    row_id = new_id()
    whole = {
        "id": row_id,
        "gateway": "twilio",
        "kind": "sms",
        "external_id": row_id,
        "sealed": b"sealed\n\x00",
        "received_at": AT,
    }
    return {**whole, "state": InboxState.RECEIVED, "attempts": 0, **more}


def folder(site: Deployment) -> Path:
    return site.settings.spool_folder


# ---- a file -----------------------------------------------------------------------------------------------------


def test_a_row_comes_back_as_it_was(kept: Spool) -> None:
    one = row()
    assert unpack(pack(one)) == one
    assert unpack(pack(row(sealed=b"")))["sealed"] == b""


def test_every_single_byte_that_is_changed_or_missing_shows() -> None:
    packed = pack(row())
    for at in range(len(packed)):
        for spoilt in (packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :], packed[:at], packed[:at] + packed[at + 1 :]):
            with pytest.raises((Torn, ValueError)):
                unpack(spoilt)


def test_a_file_is_flushed_before_it_has_its_name_and_the_folder_after_it(kept: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    names: dict[int, str] = {}
    monkeypatch.setattr(spool, "os", os)
    mine = own_os(spool)

    def opened(path: str | Path, flags: int, *mode: int) -> int:
        handle = os.open(path, flags, *mode)
        names[handle] = Path(path).suffix or "folder"
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            done.append("open")
        return handle

    def flushed(handle: int) -> None:
        os.fsync(handle)
        done.append(f"fsync {names[handle]}")

    mine.open, mine.fsync = opened, flushed
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, to: (done.append("rename"), rename(path, to))[1])
    kept.keep(row())
    done.clear()
    kept.keep(row())
    assert done == ["open", "fsync .half", "rename", "fsync folder"]


def test_nobody_else_can_read_the_spool(line: Line, away: Line) -> None:
    away.text(PHONE, "Mudufashe, ndi i Kamembe")
    (file,) = Spool.of(line.site.settings).waiting()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"Mudufashe" not in file.read_bytes()
    assert b"780000101" not in file.read_bytes()


@pytest.mark.parametrize("broken", ["open", "fsync", "write", "rename"])
@pytest.mark.parametrize("why", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE])
def test_where_a_step_fails_nothing_is_promised_and_nothing_stays(
    kept: Spool, monkeypatch: pytest.MonkeyPatch, broken: str, why: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(why, "no")

    kept.keep(row())
    before = kept.waiting()
    monkeypatch.setattr(spool, "os", os)
    mine = own_os(spool)
    if broken == "rename":
        monkeypatch.setattr(Path, "rename", fail)
    elif broken == "write":
        mine.fdopen = lambda handle, _: _Full(handle, fail)
    else:
        setattr(mine, broken, fail)
    with pytest.raises(Unavailable):
        kept.keep(row())
    monkeypatch.undo()
    assert list(kept.folders[0].iterdir()) == before


class _Full:
    """A file that takes nothing."""

    def __init__(self, handle: int, write: Callable[..., None]) -> None:
        self.write, self._handle = write, handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def test_a_second_folder_takes_what_the_first_does_not(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    chosen = {"spool_folder": tmp_path / "file" / "spool", "second_spool_folder": str(tmp_path / "other disk")}
    two = Deployment(deployment.settings.model_copy(update=chosen))
    one = row()
    Spool.of(two.settings).keep(one)
    assert [file.parent.name for file in Spool.of(two.settings).waiting()] == ["other disk"]
    assert Spool.of(two.settings).usable
    assert flush(two) == 1
    assert [stored["id"] for stored in Line(deployment).rows(Inbox)] == [one["id"]]
    two.close()


# ---- emptying it ------------------------------------------------------------------------------------------------


def test_the_clock_stores_what_was_spooled_and_the_workers_read_it(line: Line, away: Line) -> None:
    for number in range(3):
        away.text(PHONE, f"Text {number}")
    clock.round_(line.site)
    line.work()
    assert line.told(line.case()["id"]) == ["Text 0", "Text 1", "Text 2"]
    assert Spool.of(line.site.settings).waiting() == []


def test_a_row_keeps_its_hour_and_its_bytes(line: Line, kept: Spool) -> None:
    one = row()
    kept.keep(one)
    assert flush(line.site) == 1
    (stored,) = line.rows(Inbox)
    assert {name: stored[name] for name in one} == one


def test_the_oldest_is_stored_first_from_whichever_folder(deployment: Deployment, kept: Spool, tmp_path: Path) -> None:
    both = Spool((kept.folders[0], tmp_path / "other"))
    rows = [row(id=f"{number:032x}") for number in range(6)]
    for number, one in enumerate(rows):
        Spool((both.folders[number % 2],)).keep(one)
    assert [file.stem for file in both.waiting()] == [one["id"] for one in rows]


def test_many_are_stored_in_batches_and_in_bounded_time(line: Line, kept: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(25):
        kept.keep(row())
    monkeypatch.setattr(spool, "AT_ONCE", 10)
    monkeypatch.setattr(spool, "LONGEST_FLUSH", 0.0)
    assert flush(line.site) == 10, "the ladder must not wait for a full spool"
    assert flush(line.site) + flush(line.site) == 15
    assert len(line.rows(Inbox)) == 25


def test_while_the_database_is_away_the_files_stay(away: Line, kept: Spool) -> None:
    kept.keep(row())
    with pytest.raises(OperationalError):
        flush(away.site)
    assert len(kept.waiting()) == 1


def test_what_was_altered_goes_to_bad_is_counted_and_holds_up_no_other(line: Line, kept: Spool) -> None:
    for _ in range(3):
        kept.keep(row())
    first = kept.waiting()[0]
    first.write_bytes(first.read_bytes()[:-1])
    (folder(line.site) / "zzz.row").mkdir()
    assert flush(line.site) == 2
    assert kept.waiting() == []
    assert [bad.path.name for bad in kept.bad()] == [first.name, "zzz.row"]
    assert kept.bad()[0].size == len(kept.bad()[0].path.read_bytes())
    assert {row["name"]: row["value"] for row in line.rows(Counter)} == {Counter.SPOOL_BAD: 2}


def test_a_row_the_database_refuses_goes_to_bad_and_the_others_are_stored(line: Line, kept: Spool) -> None:
    for gateway in ("twilio", None, "twilio"):
        kept.keep(row(gateway=gateway))
    assert flush(line.site) == 2
    assert len(kept.bad()) == 1
    assert len(line.rows(Inbox)) == 2


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_left_half_done_is_stored_when_whole_and_else_was_never_promised(
    line: Line,
    kept: Spool,
    whole: bool,  # noqa: FBT001
) -> None:
    kept.keep(row())
    (file,) = kept.waiting()
    half = file.with_suffix(".half")
    file.rename(half)
    if not whole:
        half.write_bytes(half.read_bytes()[:40])
    assert kept.waiting() == [], "somebody may be writing it"
    os.utime(half, (0, 0))
    assert flush(line.site) == whole
    assert len(line.rows(Inbox)) == whole
    assert list(folder(line.site).iterdir()) == []
    assert kept.bad() == []


def test_a_clock_that_does_not_lead_empties_the_spool_of_its_machine(
    line: Line, kept: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep(row())
    monkeypatch.setattr(clock, "Deployment", lambda _: line.site)

    class Enough(Exception):
        pass

    def stop(_: float) -> None:
        raise Enough

    monkeypatch.setattr(clock, "time", SimpleNamespace(sleep=stop))
    monkeypatch.setattr(clock, "configure", lambda: None)
    with line.site.db.leading(clock.LEADER) as leads:
        assert leads
        with pytest.raises(Enough):
            clock.main()
    assert len(line.rows(Inbox)) == 1


# ---- ballast ----------------------------------------------------------------------------------------------------


class Disk:
    """A disk with so much room, for a ballast that asks."""

    def __init__(self, free: int) -> None:
        self.free = free

    def ballast(self, path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> Ballast:
        monkeypatch.setattr(Ballast, "free", property(lambda _: self.free))
        return Ballast(path, size)


def test_the_ballast_is_made_kept_released_and_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1 << 20
    disk = Disk(free=2 * size - 1)
    ballast = disk.ballast(tmp_path / "spool" / "ballast", size, monkeypatch)
    ballast.tend()
    assert not ballast.there, "no room to spare"
    disk.free = 2 * size
    ballast.tend()
    assert ballast.there
    assert ballast.path.stat().st_blocks * 512 >= size, "its room is really taken"
    disk.free = size // 8
    ballast.tend()
    assert ballast.there
    disk.free = size // 8 - 1
    ballast.tend()
    assert not ballast.there
    disk.free = size
    ballast.tend()
    assert not ballast.there, "not made and released in turns"
    assert not ballast.release()


def test_no_ballast_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "ballast"
    path.write_bytes(b"x")
    Ballast(path, 0).tend()
    assert not path.exists()
    Ballast(path, 0).tend()


def test_on_a_full_disk_the_ballast_is_given_for_the_report(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = deployment.settings.model_copy(update={"ballast_mib": 1})
    kept = Spool.of(chosen)
    tended = Deployment(chosen)
    clock.tend_spool(tended)
    tended.close()
    (ballast,) = kept.ballasts
    assert ballast.there
    monkeypatch.setattr(spool, "os", os)
    mine = own_os(spool)

    def flushed(handle: int) -> None:
        if ballast.there:
            raise OSError(errno.ENOSPC, "full")
        os.fsync(handle)

    mine.fsync = flushed
    one = row()
    kept.keep(one)
    assert not ballast.there
    assert [file.stem for file in kept.waiting()] == [one["id"]]
    assert flush(deployment) == 1


# ---- what is said about it --------------------------------------------------------------------------------------


def line_of(site: Deployment, what: str) -> dict[str, str]:
    """Return the doctor's line."""
    found = CliRunner(env={"HOTLINE_INSTANCE": str(site.settings.instance), "HOTLINE_DATABASE_URL": site.settings.database_url})
    said = json.loads(found.invoke(doctor.doctor, ["--json"]).stdout)
    return {line["what"]: line for line in said}[what]


def test_the_doctor_says_what_waits_and_what_is_bad(deployment: Deployment, kept: Spool, tmp_path: Path) -> None:
    assert line_of(deployment, "spool")["says"] == "empty, and takes files"
    assert line_of(deployment, "ballast")["health"] == "warning"
    kept.keep(row())
    long_ago = (datetime.now(UTC) - timedelta(seconds=90)).timestamp()
    os.utime(kept.waiting()[0], (long_ago, long_ago))
    waiting = line_of(deployment, "spool")
    assert waiting["health"] == "warning"
    assert waiting["says"].startswith("1 webhooks wait for the database, the oldest for 9")
    kept.waiting()[0].write_bytes(b"rot")
    flush(deployment)
    assert line_of(deployment, "spool")["says"] == "1 files could not be stored"
    (tmp_path / "file").touch()
    nowhere = Deployment(Settings(instance=tmp_path / "file", _env_file=None))
    (broken,) = [line for line in checkup.spooled(nowhere) if line.what == "spool"]
    assert (broken.health, broken.says) == (checkup.Health.BROKEN, f"{tmp_path / 'file' / 'spool'} takes no file")
