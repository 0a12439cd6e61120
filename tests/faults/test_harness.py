"""The program that breaks a hotline leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.faults]

HOUSE = Path(__file__).parents[2]
ACTS = ("--store", "sqlite", "--act", "calm", "--act", "workers_die")


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose every file is in a folder of this test; Ctrl-C reaches its whole group, as in a terminal."""
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.harness", *ACTS],
        cwd=HOUSE,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # noqa: TID251  a subprocess needs PATH and HOME
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield run
    assert run.stdout is not None
    run.stdout.close()
    for pid in started_in(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.wait(10)


def started_in(folder: Path) -> list[int]:
    """Processes that were told to keep their files there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"TMPDIR={folder}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def test_ctrl_c_ends_every_process_and_takes_every_file_away(harness: subprocess.Popen[str], tmp_path: Path) -> None:
    assert harness.stdout is not None
    said = []
    for line in harness.stdout:
        said.append(line)
        if "calm" in line:
            break
    assert len(started_in(tmp_path)) > 10, "".join(said)
    os.killpg(harness.pid, signal.SIGINT)
    rest = harness.stdout.read()  # until the last of them has closed it
    assert harness.wait(10) != 0
    assert "Traceback" not in rest, rest
    assert started_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
