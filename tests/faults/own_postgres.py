"""A PostgreSQL of a test's own, to be stopped, frozen and killed: the server other tests share is never touched."""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.running import free_port

ROLE = "postgres"  # a server refuses to run as root


@dataclass
class Cluster:
    """One server on loopback, in a folder that goes with it."""

    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="hotline-pg-")))

    @property
    def url(self) -> str:
        return f"postgresql://hotline@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> "Cluster":
        if os.geteuid() == 0:
            shutil.chown(self.folder, ROLE, ROLE)
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "hotline", "-E", "UTF8", "--no-sync")
        return self.start()

    def start(self) -> "Cluster":
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c log_min_error_statement=panic"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")
        return self

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def freeze(self) -> None:
        """Stop every process of it in its tracks: it accepts, and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        self.thaw()
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        with suppress(OSError, ValueError):
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
            for pid in (postmaster, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _run(self, program: str, *words: str) -> None:
        as_role = ["runuser", "-u", ROLE, "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_role, _found(program), *words], check=True, stdout=subprocess.DEVNULL, timeout=60, cwd=self.folder)


def _found(program: str) -> str:
    """Debian keeps the server's programs off the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(installed[-1]) if installed else shutil.which(program) or program
