"""A whole hotline for a test: `hotline up` as a process, a demo unless told otherwise, on free ports, in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import urllib3
from redis.exceptions import RedisError
from rq import Worker

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.queue import QueueName
from hotline.simulator.handsets import Handsets, Text
from tests.servers import children, free_port, parent_of, until

__all__ = ["Officer", "Running", "answers", "free_port", "until"]

HOTLINE = Path(sys.executable).with_name("hotline")
LANES = frozenset(str(name) for name in QueueName)
LEADERS = {"web", "desk", "clock", *LANES}


@dataclass
class Running:
    """One instance, started and stopped as an operator would; `settings` are what the operator chose besides, by field."""

    folder: Path
    database_url: str = ""
    redis_url: str = ""
    demo: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = None
    _ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def instance(self) -> Path:
        return self.folder / "instance"

    @property
    def log(self) -> Path:
        """What `hotline up` printed, over all of its runs."""
        return self.folder / "up.log"

    @property
    def environment(self) -> dict[str, str]:
        """What the operator set; everything else is as shipped."""
        chosen = {
            "HOTLINE_INSTANCE": str(self.instance),
            "HOTLINE_WEB_PORT": str(self._ports[0]),
            "HOTLINE_DESK_PORT": str(self._ports[1]),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            **{f"HOTLINE_{name.upper()}": value for name, value in self.settings.items()},
        }
        return {**os.environ, **chosen, "COLUMNS": "200"}  # noqa: TID251  a subprocess needs PATH and HOME

    @cached_property
    def site(self) -> Deployment:
        """The same deployment, opened by the test to look into."""
        chosen = {"web_port": self._ports[0], "desk_port": self._ports[1], "demo": self.demo, **self.settings}
        urls = {"database_url": self.database_url, "redis_url": self.redis_url}
        return Deployment(Settings(instance=self.instance, _env_file=None, **chosen, **urls))

    # ---- running it

    def start(self, *, printing_to: int | None = None) -> "Running":
        """Start and return at once; `until_ready` waits."""
        self.folder.mkdir(exist_ok=True)
        self._log = self._log or self.log.open("ab")
        self.process = subprocess.Popen(
            [HOTLINE, "up", *(["--demo"] if self.demo else [])],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log if printing_to is None else printing_to,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def until_ready(self, seconds: float = 60) -> "Running":
        """Wait until both listeners answer and each child, the workers included, is the one the supervisor started last."""
        try:
            until(self._ready, seconds, "everything is up", every=0.2)
        except TimeoutError:
            raise TimeoutError(self.log.read_text()[-3000:]) from None
        return self

    def ended(self, number: int = signal.SIGINT, seconds: float = 30) -> int:
        """Ask it to end and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        """End whatever is left, however the test went."""
        if self.process is not None and self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.ended()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)
        if self._log is not None:
            self._log.close()
        if "site" in self.__dict__:
            self.site.close()

    def command(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run `hotline …` beside it, as an operator in another terminal would."""
        return subprocess.run(
            [HOTLINE, *words],
            env=self.environment,
            input=said,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            start_new_session=True,
        )

    # ---- its processes

    def leader(self, name: str) -> int:
        """Return the process the supervisor started under a name of the Procfile, or itself as "up"."""
        file = self.instance / "up.pids"
        with suppress(OSError, ValueError):
            return int(json.loads(file.read_text()).get(name, 0))
        return 0

    def processes(self) -> dict[int, int]:
        """Return every process of this instance with its parent.

        They carry the instance's name in their environment; Redis writes its title over that, and names it there.
        """
        mark, named = f"HOTLINE_INSTANCE={self.instance}\0".encode(), f"{self.instance}/redis.sock".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes() or named in (entry / "cmdline").read_bytes():
                    found[int(entry.name)] = parent_of(entry)
        return found

    def children(self, name: str) -> list[int]:
        """Return the processes a named one has forked, oldest first."""
        leader = self.leader(name)
        return children(leader) if leader else []

    def with_job(self, lane: str) -> list[int]:
        """Return a worker of a lane and the job it runs at this moment; none while none runs one."""
        for name in (lane, f"{lane}2"):
            if jobs := self.children(name):
                return [self.leader(name), *jobs]
        return []

    def orphans(self) -> list[int]:
        """Return processes of this instance whose parent is gone: jobs that outlive a killed worker, for seconds."""
        ours = self.processes()
        return [pid for pid, parent in ours.items() if parent not in ours and pid != self.leader("up")]

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        if self.leader("up") != self.process.pid or not all(answers(f"{door}/readyz") for door in (self.web, self.desk)):
            return False
        try:
            serving = {(name, worker.pid) for worker in Worker.all(self.site.bell.redis) for name in worker.queue_names()}
        except (RedisError, OSError):
            return False
        alive = all(Path(f"/proc/{self.leader(name)}").exists() for name in LEADERS)
        return alive and {(lane, self.leader(lane)) for lane in LANES} <= serving

    # ---- its doors

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def desk(self) -> str:
        return f"http://127.0.0.1:{self._ports[1]}"

    def phone(self, number: str) -> Sequence[Text]:
        """Return the texts on an invented person's browser phone, oldest first."""
        return Handsets(self.site).thread(number)


class Officer:
    """An invented officer at the desk: signs in with one click and keeps cookies, over real HTTP."""

    def __init__(self, address: str, name: str) -> None:
        self._address = address
        self._http = urllib3.PoolManager(retries=False, timeout=10)
        self._cookies: dict[str, str] = {}
        page = self.get("/sign-in")
        entry = re.search(rf'action="(/demo/\w+)"(?:(?!</form>).)*<b>{re.escape(name)}</b>', page, re.DOTALL)
        assert entry, "the invented officer is not offered"
        assert self.post(entry.group(1), page) == 303

    def get(self, path: str) -> str:
        reply = self._ask("GET", path, None)
        assert reply.status == 200, f"{path}: {reply.status}"
        return reply.data.decode()

    def post(self, path: str, page: str, **fields: str) -> int:
        """Send a form of a page and return the status."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token, "no form on this page"
        return self._ask("POST", path, fields | {"csrf_token": token.group(1)}).status

    def close(self) -> None:
        self._http.clear()

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> urllib3.BaseHTTPResponse:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Origin": self._address, "Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields) if fields is not None else None
        reply = self._http.request(method, self._address + path, headers=headers, body=body, redirect=False)
        for line in reply.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return reply


def answers(url: str) -> bool:
    """Whether something there says that it is ready."""
    with urllib3.PoolManager(retries=False, timeout=2) as http:
        try:
            return http.request("GET", url).status == 200
        except urllib3.exceptions.HTTPError:
            return False
