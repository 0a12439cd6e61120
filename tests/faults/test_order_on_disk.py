"""What the kernel is really asked, in which order: a file of the spool is on disk before its name is, and both before the 200."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.faults]

CALLS = "openat,write,fsync,fdatasync,rename,renameat,renameat2,close"
KEEP = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from hotline.intake.spool import Spool
row = {"id": "0" * 32, "gateway": "twilio", "kind": "sms", "external_id": "SM1", "sealed": b"sealed"}
row["received_at"] = datetime.now(UTC)
os.mkdir(sys.argv[1])
Spool((Path(sys.argv[1]),)).keep(row)
os.write(1, b"promised")
"""


def test_file_then_name_then_folder_then_promise(tmp_path: Path) -> None:
    folder, trace = tmp_path / "spool", tmp_path / "trace"
    traced = ["strace", "-f", "-y", "-e", f"trace={CALLS}", "-o", str(trace), sys.executable, "-c", KEEP, str(folder)]
    subprocess.run(traced, check=True, capture_output=True, timeout=120)
    assert [step for line in trace.read_text().splitlines() if (step := seen(line, folder))] == [
        "made alone",
        "written",
        "file flushed",
        "named",
        "folder flushed",
        "promised",
    ]


def seen(line: str, folder: Path) -> str | None:
    """Say what one line of the trace means for us, None where it means nothing."""
    half, here = re.escape(f"{folder}/{'0' * 32}.half"), re.escape(str(folder))
    for pattern, meaning in (
        (rf'openat\(.*"{half}", .*O_CREAT\|O_EXCL', "made alone"),
        (rf"write\(\d+<{half}>", "written"),
        (rf"f(data)?sync\(\d+<{half}>\) += 0", "file flushed"),
        (rf'rename.*"{half}".*\.row"\) += 0|rename.*"{half}".*\.row".*= 0', "named"),
        (rf"f(data)?sync\(\d+<{here}>\) += 0", "folder flushed"),
        (r'write\(1.*"promised"', "promised"),
    ):
        if re.search(pattern, line):
            return meaning
    return None
