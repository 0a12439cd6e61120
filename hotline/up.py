"""`hotline up`: everything on one machine, from the Procfile's own lines, kept running.

A process that ends is started again, after a pause that grows while it keeps ending. Ctrl-C, or closing the terminal, ends
every child. Should the supervisor itself be killed, its children go on working; the next `hotline up` ends them before it
starts its own.
"""

import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from honcho.environ import parse_procfile

from hotline.config import PROJECT, Settings, child_environment
from hotline.embedded import command as redis_command

STOP_SECONDS = 8.0
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0
REDIS = "redis"

Printer = Callable[[str, str], None]


class AlreadyRunning(Exception):
    """Another supervisor holds this instance folder."""


class PortInUse(Exception):
    """Somebody else listens where we want to. `setting` names what chooses the port."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(port)
        self.port, self.setting = port, setting


@dataclass
class Child:
    """One supervised process, the leader of its own group."""

    name: str
    command: str
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    pause: float = 0.2
    start_at: float = 0.0


@dataclass
class Supervisor:
    """Starts children, passes on what they print, and starts again whatever ends."""

    settings: Settings
    say: Printer
    children: list[Child] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the instance folder, and end what a killed supervisor left in it. Raises AlreadyRunning."""
        self.settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _InstanceLock(self.settings.instance / "up.lock", self._pids)
        self._lock = lock.handle
        with lock:
            yield

    def run(self, ready: Callable[[], None]) -> None:
        """Run until told to stop, inside `alone`. `ready` is called once, in a thread, when all children have been started.

        Raises PortInUse.
        """
        self._need_ports()
        self.children = [Child(name, line) for name, line in commands(self.settings).items()]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                self._start(child)
            threading.Thread(target=ready, daemon=True).start()
            while not self._stopping.wait(0.1):
                self._revive()
        finally:
            self._end_all()

    def _need_ports(self) -> None:
        """Refuse to start where a port is taken: granian would try again for ever. Raises PortInUse."""
        chosen = self.settings
        for setting, host, port in (
            ("HOTLINE_WEB_PORT", chosen.web_host, chosen.web_port),
            ("HOTLINE_DESK_PORT", chosen.desk_host, chosen.desk_port),
        ):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError:
                    raise PortInUse(port, setting) from None

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping.set()

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            ["/bin/sh", "-c", child.command],
            cwd=PROJECT,
            env=child_environment(self.settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=(self._lock,),
        )
        child.started = time.monotonic()
        child.start_at = 0.0
        threading.Thread(target=self._pass_on, args=(child.name, child.process), daemon=True).start()
        self._write_pids()

    def _pass_on(self, name: str, process: subprocess.Popen[str]) -> None:
        """Take what a child prints for as long as it lives: a full pipe would stop it."""
        for line in process.stdout or ():
            self.say(name, line.rstrip("\n"))

    def _revive(self) -> None:
        for child in self.children:
            if child.start_at and time.monotonic() >= child.start_at:
                self._start(child)
            elif not child.start_at and child.process is not None and child.process.poll() is not None:
                _signal_group(child.process.pid, signal.SIGKILL)
                steady = time.monotonic() - child.started > STEADY_SECONDS
                child.pause = 0.2 if steady else min(child.pause * 2, LONGEST_PAUSE)
                child.start_at = time.monotonic() + child.pause
                self.say("up", f"{child.name} ended ({child.process.returncode}); starting it again")

    def _end_all(self) -> None:
        """End all children, Redis last: a worker that loses its Redis takes it for a fault and works on by itself."""
        running = [(child.name, child.process) for child in self.children if child.process is not None]
        _end([process for name, process in running if name != REDIS])
        _end([process for name, process in running if name == REDIS])
        self._pids.unlink(missing_ok=True)

    @property
    def _pids(self) -> Path:
        return self.settings.instance / "up.pids"

    def _write_pids(self) -> None:
        pids = {child.name: child.process.pid for child in self.children if child.process is not None}
        self._pids.write_text(json.dumps({"up": os.getpid(), **pids}))


class _InstanceLock:
    """Holds the instance folder. Children inherit the handle, so the lock tells whether any of them still lives."""

    def __init__(self, path: Path, pids: Path) -> None:
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._pids = pids

    def __enter__(self) -> None:
        if self._taken():
            self._end_orphans()
        if not _within(STOP_SECONDS, lambda: not self._taken()):
            raise AlreadyRunning

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def _end_orphans(self) -> None:
        """End what a killed supervisor left behind. The lock is held, so the pids on file are still ours."""
        left: Mapping[str, int] = json.loads(self._pids.read_text()) if self._pids.exists() else {}
        if _alive(left.get("up", 0)):
            raise AlreadyRunning
        _end_pids([pid for name, pid in left.items() if name not in ("up", REDIS)])
        _end_pids([pid for name, pid in left.items() if name == REDIS])


def commands(settings: Settings) -> dict[str, str]:
    """Return what to run: the Procfile's lines, and Redis before them unless one was named."""
    lines = dict(parse_procfile((PROJECT / "Procfile").read_text()).processes)
    embedded = None if settings.redis_url else redis_command(settings)
    return ({REDIS: f"exec {shlex.join(embedded)}"} if embedded else {}) | lines


def _end(processes: Iterable[subprocess.Popen[str]]) -> None:
    """Ask processes to end, and kill what has not within the time. Only leaders are asked: they know how to end their own."""
    asked = list(processes)
    for process in asked:
        process.terminate()
    until = time.monotonic() + STOP_SECONDS
    for process in asked:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, until - time.monotonic()))
        _kill_session(process.pid)


def _end_pids(pids: Sequence[int]) -> None:
    """Do the same with processes that are no children of ours."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
    _within(STOP_SECONDS, lambda: not any(_alive(pid) for pid in pids))
    for pid in pids:
        _kill_session(pid)


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    """Wait until something is so; False when it is not within the time."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _kill_session(leader: int) -> None:
    """Kill whatever is left of a child. RQ gives each running job a group of its own, so its group alone is not enough."""
    _signal_group(leader, signal.SIGKILL)
    for entry in Path("/proc").glob("[0-9]*"):  # other systems have no such folder, and make do with the group
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return pid > 0
