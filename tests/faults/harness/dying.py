"""Acts that need a process which ends itself at one exact step: the tests that do so, each in a fork, counted one by one."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.faults.harness.facts import Act
from tests.faults.harness.parts import HOUSE
from tests.faults.harness.stage import Stage


def deadly_steps(stage: Stage) -> Act:
    """`os._exit` at every step of ingest, of the spool and of its flush."""
    proved, failed = _tried(stage, "tests/faults/test_failpoints.py")
    return Act("T-IN-3", "os._exit before and after each step", proved, measured={"steps": proved, "steps that lost": failed})


def deadly_texts(stage: Stage) -> Act:
    """Texts whose reading kills the reader, among texts that do not."""
    proved, failed = _tried(stage, "tests/faults/test_poison.py")
    return Act("T-Q-3", "a text that kills its reader", proved, measured={"runs": proved, "runs that lost": failed})


def _tried(stage: Stage, module: str) -> tuple[int, int]:
    """Return how many tests of a module held and how many did not, on the database of this stage."""
    world = stage.world
    result: Path = world.record.with_name(f"{Path(module).stem}.xml")
    words = ["-q", "-p", "no:cacheprovider", "--basetemp", str(world.record.with_name("deaths")), f"--junitxml={result}", module]
    environment = world.running.environment | {"HOTLINE_TEST_DATABASE_URL": world.cluster.url if world.cluster else ""}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-k", world.store],
        cwd=HOUSE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if not result.exists():
        raise RuntimeError(ended.stdout + ended.stderr)
    # The file is pytest's own of a moment ago.
    suite = ET.parse(result).getroot().find("testsuite")  # noqa: S314
    assert suite is not None
    failed = sum(int(suite.attrib[name]) for name in ("failures", "errors"))
    return int(suite.attrib["tests"]) - failed - int(suite.attrib["skipped"]), failed
