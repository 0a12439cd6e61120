"""Room kept for the worst day: a file that holds nothing and is given up when its disk is full.

It is released by whoever finds no room for a report, or by the clock when almost nothing is left; earlier, and whatever
fills the disk would have filled that room as well. It is made again when there is plenty.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ALMOST_FULL = 8  # released when less is free than this part of it
PLENTY = 2  # made again when so many times as much is free


@dataclass(frozen=True)
class Ballast:
    """One file of so many bytes; 0 for none."""

    path: Path
    size: int

    @property
    def there(self) -> bool:
        """Whether it stands."""
        with suppress(OSError):
            return self.path.stat().st_size >= self.size > 0
        return False

    @property
    def free(self) -> int:
        """Bytes free on its disk beside it. Raises OSError."""
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail * disk.f_frsize

    def release(self) -> bool:
        """Give the room back; False when there was none."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True

    def tend(self) -> None:
        """Release it on a disk that is almost full, make it on one with plenty of room. Raises OSError."""
        if not self.size:
            self.release()
        elif self.there:
            if self.free < self.size // ALMOST_FULL:
                self.release()
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self.free >= self.size * PLENTY:
                self._make()

    def _make(self) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, self.size)
        except OSError:
            self.release()
            raise
        finally:
            os.close(handle)
