"""`hotline up`: everything on one machine, from the Procfile's own lines, kept running.

A process that ends is started again, after a pause that grows while it keeps ending. Ctrl-C, or closing the terminal, ends
every child. Should the supervisor itself be killed, its children go on working; the next `hotline up` ends them before it
starts its own.

On Linux a line that runs a Python module is forked from the supervisor, which has loaded that module once for all of them:
a killed worker is back before another could have read its code. The supervisor therefore has one thread and no connection.
"""

import fcntl
import gc
import json
import multiprocessing
import os
import runpy
import selectors
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from honcho.environ import parse_procfile

from hotline.config import PROJECT, Settings, adopt, child_environment
from hotline.embedded import command as redis_command

STOP_SECONDS = 8.0
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0
ROUND_SECONDS = 0.1
REDIS = "redis"
MODULE = ["exec", "python", "-m"]  # how a line of the Procfile begins that can be forked
OURS_TO_HEAR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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
    """One supervised process, the leader of its own session."""

    name: str
    command: str
    process: BaseProcess | None = None
    started: float = 0.0
    pause: float = 0.2
    start_at: float = 0.0

    @property
    def pid(self) -> int:
        """The process started last; 0 before the first."""
        return (self.process and self.process.pid) or 0

    @property
    def module(self) -> str | None:
        """The Python module this child runs, where it can be forked. Other systems' libraries do not survive a fork."""
        words = shlex.split(self.command)
        return words[3] if sys.platform == "linux" and words[:3] == MODULE else None


@dataclass
class Supervisor:
    """Starts children, passes on what they print, and starts again whatever ends."""

    settings: Settings
    say: Printer
    children: list[Child] = field(default_factory=list)
    _stopping: bool = False
    _printing: selectors.PollSelector = field(default_factory=selectors.PollSelector)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the instance folder, and end what a killed supervisor left in it. Raises AlreadyRunning."""
        self.settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _InstanceLock(self.settings.instance / "up.lock", self._pids)
        self._lock = lock.handle
        with lock:
            yield

    def run(self, ready: Callable[[], bool]) -> None:
        """Run until told to stop, inside `alone`. Once all children are started `ready` is called each round until it gives True.

        Raises PortInUse.
        """
        self._need_ports()
        self.children = [Child(name, line) for name, line in commands(self.settings).items()]
        for module in {child.module for child in self.children} - {None}:
            _load(str(module))
        gc.freeze()  # shared by all who are forked, and not looked through again
        for number in OURS_TO_HEAR:
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                self._start(child)
            told = False
            while not self._stopping:
                self._pass_on()
                self._revive()
                told = told or ready()
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
        self._stopping = True

    def _start(self, child: Child) -> None:
        reading, writing = os.pipe()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, OURS_TO_HEAR)
        try:
            child.process = multiprocessing.get_context("fork").Process(target=self._become, args=(child, writing, held))
            child.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            os.close(writing)
        child.started = time.monotonic()
        child.start_at = 0.0
        self._printing.register(reading, selectors.EVENT_READ, [child.name, b""])
        self._write_pids()

    def _become(self, child: Child, writing: int, held: set[signal.Signals]) -> None:
        """Turn this fork into the child: a session, an output and an environment of its own, and nothing else of ours."""
        os.setsid()
        for number in OURS_TO_HEAR:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.chdir(PROJECT)
        os.set_inheritable(self._lock, True)
        environment = child_environment(self.settings)
        if child.module is None:
            os.execve("/bin/sh", ["sh", "-c", child.command], environment)  # noqa: S606  it is a shell
        kept = {0, 1, 2, self._lock}  # another's output held open here would stop it once the supervisor is gone
        for handle in {int(entry.name) for entry in Path("/proc/self/fd").iterdir()} - kept:
            with suppress(OSError):
                os.close(handle)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  for as long as the process lives
        sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        Path("/proc/self/comm").write_text(child.name)  # what `ps -o comm` and `top` show
        adopt(environment)
        _run(shlex.split(child.command)[3:])

    def _pass_on(self) -> None:
        """Wait for a moment for what children print, and say it: a full pipe would stop them."""
        for key, _ in self._printing.select(ROUND_SECONDS):
            name, begun = key.data
            read = os.read(key.fd, 1 << 16)
            *lines, key.data[1] = (begun + read).split(b"\n")
            if not read:
                self._printing.unregister(key.fd)
                os.close(key.fd)
                lines = list(filter(None, [key.data[1]]))
            for line in lines:
                self.say(name, line.decode(errors="replace"))

    def _revive(self) -> None:
        for child in self.children:
            if child.start_at and time.monotonic() >= child.start_at:
                self._start(child)
            elif not child.start_at and child.process is not None and child.process.exitcode is not None:
                _signal_group(child.pid, signal.SIGKILL)
                steady = time.monotonic() - child.started > STEADY_SECONDS
                child.pause = 0.2 if steady else min(child.pause * 2, LONGEST_PAUSE)
                child.start_at = time.monotonic() + child.pause
                self.say("up", f"{child.name} ended ({child.process.exitcode}); starting it again")

    def _end_all(self) -> None:
        """End all children, Redis last: a worker that loses its Redis takes it for a fault and works on by itself."""
        self._end([child for child in self.children if child.name != REDIS])
        self._end([child for child in self.children if child.name == REDIS])
        self._pids.unlink(missing_ok=True)

    def _end(self, children: Sequence[Child]) -> None:
        """Ask children to end, and kill what has not within the time. Only leaders are asked: they know how to end their own."""
        asked = [child.process for child in children if child.process is not None]
        for process in asked:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        while any(process.exitcode is None for process in asked) and time.monotonic() < until:
            self._pass_on()
        for process in asked:
            _kill_session(process.pid or 0)
            process.exitcode  # noqa: B018  reading it takes the dead away

    @property
    def _pids(self) -> Path:
        return self.settings.instance / "up.pids"

    def _write_pids(self) -> None:
        pids = {child.name: child.pid for child in self.children if child.process is not None}
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


def _load(module: str) -> None:
    """Import what a line of the Procfile will run, with all that it imports."""
    package = import_module(module)
    if hasattr(package, "__path__"):
        import_module(f"{module}.__main__")


def _run(words: Sequence[str]) -> None:
    """Run a module as `python -m` does: its own code anew, all that it imports as it was loaded."""
    module = words[0]
    for name in (module, f"{module}.__main__"):
        if not hasattr(sys.modules.get(name), "__path__"):
            sys.modules.pop(name, None)  # else runpy warns of it
    sys.argv = [*words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_pids(pids: Sequence[int]) -> None:
    """Ask processes that are no children of ours to end, and kill what has not within the time."""
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
