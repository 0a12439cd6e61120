"""What is named in one place and must exist in another: jobs, queues, processes, log fields, keys of texts."""

import ast
import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from hotline.catalog import shipped
from hotline.log import SAFE_FIELDS
from hotline.queue import JOBS, QueueName

HOUSE = Path(__file__).parents[2]
PROCESSES = dict(parse_procfile((HOUSE / "Procfile").read_text()).processes)
MODULES = sorted(path for folder in ("hotline", "workers") for path in (HOUSE / folder).rglob("*.py"))


@pytest.mark.parametrize("queue", list(QueueName))
def test_every_queue_has_a_job_that_is_there(queue: QueueName) -> None:
    module, _, name = JOBS[queue].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_every_queue_has_a_process_of_its_own_and_the_clock_one() -> None:
    served = [line.split("-m workers ")[1].split() for line in PROCESSES.values() if "-m workers " in line]
    assert sorted(served) == sorted([str(queue)] for queue in (*QueueName, QueueName.LIFE)), "life has two: one may hang"
    assert PROCESSES["clock"].endswith("-m workers.clock")


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_every_process_runs_a_program_and_a_module_that_are_there(name: str) -> None:
    words = PROCESSES[name].split()
    assert words[0] == "exec", "without exec a shell stands between the supervisor and the process"
    assert shutil.which(words[1], path=str(Path(sys.executable).parent))
    if "-m" in words:
        target = words[words.index("-m") + 1]
        assert importlib.util.find_spec(target)
    else:
        module, _, factory = words[-1].partition(":")
        assert callable(getattr(importlib.import_module(module), factory))


def test_every_field_we_log_is_one_the_log_lets_through() -> None:
    named = {
        (path.relative_to(HOUSE).as_posix(), key.value)
        for path in MODULES
        for call in calls(path)
        for keyword in call.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant)
    }
    assert named, "the search itself finds nothing"
    assert {(path, key) for path, key in named if key not in SAFE_FIELDS} == set()


def test_every_log_line_is_a_fixed_sentence() -> None:
    loose = [
        f"{path.relative_to(HOUSE)}:{call.lineno}"
        for path in MODULES
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        and not (len(call.args) == 1 and isinstance(call.args[0], ast.Constant))
    ]
    assert loose == []


def test_every_text_the_code_asks_for_is_in_the_catalog() -> None:
    known = shipped().by_code["en"].texts
    asked = {
        (path.relative_to(HOUSE).as_posix(), text)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for text in re.findall(r"^(?:sms|staff)\.[a-z0-9_]+$", node.value)
    }
    assert asked, "the search itself finds nothing"
    assert {(path, text) for path, text in asked if text not in known} == set()


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
