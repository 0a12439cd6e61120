"""Files of the spool that could not be stored. Name, size and age are all that anybody sees; what is in them is sealed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hotline.config import Settings

SETTLED = "settled"


@dataclass(frozen=True)
class BadFile:
    """One file: where it lies, its size in bytes, and since when."""

    path: Path
    size: int
    at: datetime


def bad_files(settings: Settings) -> list[BadFile]:
    """Return the files, oldest first. Raises OSError when the folder is there and cannot be read."""
    folder = settings.instance / "spool" / "bad"
    if not folder.is_dir():
        return []
    stats = [(path, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return [BadFile(path, stat.st_size, datetime.fromtimestamp(stat.st_ctime, UTC)) for path, stat in stats]


def put_back(file: BadFile) -> None:
    """Give a file back to the spool, for the clock to try once more."""
    file.path.rename(file.path.parent.parent / file.path.name)


def put_away(file: BadFile) -> None:
    """Keep a file where nobody is called for it any more."""
    away = file.path.parent / SETTLED
    away.mkdir(exist_ok=True, mode=0o700)
    file.path.rename(away / file.path.name)
