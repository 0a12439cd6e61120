"""Keeps webhooks in files while the database is away, so that no 200 is ever given on hope.

A file is the row that could not be stored: what stands in clear in the inbox, and the bytes sealed to the workers, which the
web process cannot open again. It is promised only when it would survive a power cut: written, flushed, renamed, and the
folder flushed. The clock stores what is there, oldest first, under the same unique key, so once more is harmless.
"""

import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hotline.config import Settings
from hotline.db import after_commit, insert_unless_there
from hotline.deployment import Deployment
from hotline.in_time import ROW_FAULTS, Unavailable
from hotline.intake.ballast import Ballast
from hotline.models import Counter, Inbox, InboxState, new_id, table
from hotline.queue import QueueName

log = logging.getLogger(__name__)

WHOLE, HALF = ".row", ".half"
CLEAR = ("id", "gateway", "kind", "external_id")
FULL = (errno.ENOSPC, errno.EDQUOT)
ABANDONED_SECONDS = 60.0
AT_ONCE = 200
LONGEST_FLUSH = 5.0
SETTLED = "settled"


class Torn(Exception):
    """A file of the spool is not what was written there. Carries no content."""


@dataclass(frozen=True)
class BadFile:
    """A file that could not be stored: its path, size in bytes, and when it was set aside."""

    path: Path
    size: int
    at: datetime

    def put_back(self) -> None:
        """Give it back to the spool, for the clock to try once more."""
        self.path.rename(self.path.parent.parent / self.path.name)

    def put_away(self) -> None:
        """Keep it where nobody is called for it any more."""
        away = self.path.parent / SETTLED
        away.mkdir(exist_ok=True, mode=0o700)
        self.path.rename(away / self.path.name)


@dataclass(frozen=True)
class Spool:
    """The folders of one machine, in the order in which they are tried, each with its ballast."""

    folders: tuple[Path, ...]
    ballast_bytes: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "Spool":
        """Return the spool that the settings name."""
        second = (Path(settings.second_spool_folder),) if settings.second_spool_folder else ()
        return cls((settings.spool_folder, *second), settings.ballast_mib * 1024 * 1024)

    @property
    def ballasts(self) -> tuple[Ballast, ...]:
        """The ballast of each folder."""
        return tuple(Ballast(folder / "ballast", self.ballast_bytes) for folder in self.folders)

    def keep(self, row: Mapping[str, object]) -> None:
        """Return once a row of the inbox is in a file that survives a power cut. Raises Unavailable."""
        packed = pack(row)
        for folder, ballast in zip(self.folders, self.ballasts, strict=True):
            try:
                _write_with(ballast, folder, str(row["id"]), packed)
            except OSError as error:
                log.error("spool refused", extra={"error": errno.errorcode.get(error.errno or 0, "OSError")})  # noqa: TRY400
            else:
                return
        raise Unavailable

    @property
    def refusing(self) -> list[Path]:
        """The folders in which no file can be made, not even by giving up the ballast."""
        pairs = zip(self.folders, self.ballasts, strict=True)
        return [folder for folder, ballast in pairs if not (_takes_files(folder) or ballast.there)]

    @property
    def usable(self) -> bool:
        """Whether any of the folders takes files."""
        return len(self.refusing) < len(self.folders)

    def waiting(self) -> list[Path]:
        """Return the files to store, oldest first; with them what was left half done and is nobody's any more."""
        now = time.time()
        found = [Path(entry.path) for folder in self.folders for entry in _entries(folder) if _due(entry, now)]
        return sorted(found, key=lambda path: path.name)

    def bad(self) -> list[BadFile]:
        """Return the files that could not be stored, oldest first; a person must look at them. Raises OSError."""
        entries = [entry for folder in self.folders for entry in _looked_into(folder / "bad") if entry.name != SETTLED]
        stats = ((Path(entry.path), entry.stat()) for entry in sorted(entries, key=lambda entry: entry.name))
        return [BadFile(path, stat.st_size, datetime.fromtimestamp(stat.st_ctime, UTC)) for path, stat in stats]


def flush(deployment: Deployment) -> int:
    """Store what waits in the spool, for a few seconds at most. Returns how many rows were stored.

    Raises SQLAlchemyError when the database is away; the files stay.
    """
    until = time.monotonic() + LONGEST_FLUSH
    files, stored = Spool.of(deployment.settings).waiting(), 0
    for start in range(0, len(files), AT_ONCE):
        stored += _store(deployment, files[start : start + AT_ONCE])
        if time.monotonic() > until:
            break
    if stored:
        log.info("spool flushed", extra={"count": stored})
    return stored


def pack(row: Mapping[str, object]) -> bytes:
    """Return a row of the inbox as a file: a checksum, a line of what is in clear, the sealed bytes."""
    at, sealed = row["received_at"], row["sealed"]
    if not isinstance(at, datetime) or not isinstance(sealed, bytes):
        raise TypeError("not a row of the inbox")
    clear = json.dumps([*(row[name] for name in CLEAR), at.isoformat()]).encode()
    return _sum(clear + b"\n" + sealed) + b"\n" + clear + b"\n" + sealed


def unpack(packed: bytes) -> dict[str, object]:
    """Return the row that was packed, as it was received. Raises Torn."""
    check, _, rest = packed.partition(b"\n")
    if check != _sum(rest):
        raise Torn
    clear, _, sealed = rest.partition(b"\n")
    *values, at = json.loads(clear)
    fields: dict[str, object] = dict(zip(CLEAR, values, strict=True))
    state = {"state": InboxState.RECEIVED, "attempts": 0}
    return {**fields, "sealed": sealed, "received_at": datetime.fromisoformat(at), **state}


def _sum(raw: bytes) -> bytes:
    return hashlib.sha256(raw).hexdigest().encode()


def _write_with(ballast: Ballast, folder: Path, row_id: str, packed: bytes) -> None:
    """Write a file; on a full disk the ballast is given for it."""
    try:
        _write(folder, row_id, packed)
    except OSError as error:
        if error.errno not in FULL or not ballast.release():
            raise
        _write(folder, row_id, packed)


def _write(folder: Path, row_id: str, packed: bytes) -> None:
    half, whole = folder / f"{row_id}{HALF}", folder / f"{row_id}{WHOLE}"
    try:
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        _make(folder)
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        half.rename(whole)
        _sync(folder)
    except OSError:
        for left in (half, whole):  # what was not promised need not stay; where it does, it is stored and harms nobody
            with suppress(OSError):
                left.unlink()
        raise


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _takes_files(folder: Path) -> bool:
    trial = folder / f"{new_id()}.trial"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        trial.write_bytes(b"trial")
    except OSError:
        return False
    finally:
        with suppress(OSError):
            trial.unlink()
    return True


def _looked_into(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what is in a folder, nothing where it was not made yet. Raises OSError: who asks must know that nothing was seen."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        return _looked_into(folder)
    except OSError:  # a disk that is gone: the other folder must not wait for it
        return []


def _due(entry: "os.DirEntry[str]", now: float) -> bool:
    if entry.name.endswith(WHOLE):
        return True
    try:
        return entry.name.endswith(HALF) and now - entry.stat().st_mtime > ABANDONED_SECONDS
    except FileNotFoundError:
        return False


def _store(deployment: Deployment, files: Sequence[Path]) -> int:
    rows = {file: row for file in files if (row := _read(deployment, file)) is not None}
    if not rows:
        return 0
    try:
        _insert(deployment, list(rows.values()))
    except ROW_FAULTS:
        if len(rows) > 1:
            return sum(_store(deployment, [file]) for file in rows)
        _set_aside(deployment, next(iter(rows)))
        return 0
    for file in rows:
        file.unlink(missing_ok=True)
    return len(rows)


def _insert(deployment: Deployment, rows: Sequence[Mapping[str, object]]) -> None:
    with deployment.db.transaction() as session:
        insert_unless_there(session.connection(), table(Inbox), rows)
        after_commit(session, partial(deployment.bell.ring, QueueName.INTAKE))


def _read(deployment: Deployment, file: Path) -> dict[str, object] | None:
    """Return a file's row. What was torn in the middle of its writing was never promised; anything else is set aside."""
    try:
        return unpack(file.read_bytes())
    except FileNotFoundError:
        return None  # another clock was quicker
    except (Torn, ValueError, OSError):
        if file.suffix == HALF:
            file.unlink(missing_ok=True)
        else:
            _set_aside(deployment, file)
        return None


def _set_aside(deployment: Deployment, file: Path) -> None:
    with deployment.db.transaction() as session:
        counted = {"name": Counter.SPOOL_BAD, "value": 1}
        session.connection().execute(deployment.db.insert_or_add(table(Counter)), [counted])
    bad = file.parent / "bad"
    bad.mkdir(exist_ok=True, mode=0o700)
    with suppress(FileNotFoundError):
        file.rename(bad / file.name)
        _sync(bad)
        _sync(file.parent)
    log.error("spool file set aside", extra={"row": file.stem})
