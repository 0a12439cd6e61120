"""The supervisor over lines of a test's own: one a shell runs, one that is forked."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from hotline import up
from hotline.config import Settings
from tests.servers import free_port, until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="forks elsewhere are started by a shell as everything is")
FORKED = "exec python -m tests.ground.forked"


class Kept(list[tuple[str, str]]):
    """What the supervisor said: pairs of a child's name and a line."""

    def by(self, name: str) -> list[str]:
        return [line for who, line in self if who == name]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(instance=tmp_path / "instance", web_port=free_port(), desk_port=free_port(), _env_file=None)


@pytest.fixture
def said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """What is said while two children run until both have spoken twice, one of them by ending in between."""
    said, rounds = Kept(), iter(range(600))
    lines = {"shell": "echo from a shell; exec sleep 60", "fork": f"{FORKED} a 'b c'", "bad": f"{FORKED} break"}
    monkeypatch.setattr(up, "commands", lambda _: lines)
    monkeypatch.setenv("HOTLINE_OF_THE_TEST", "1")
    supervisor = up.Supervisor(settings, lambda name, line: said.append((name, line)))

    def ready() -> bool:
        if next(rounds, None) is None or (said.by("shell") and said.by("fork") and len(said.by("up")) >= 2):
            os.kill(os.getpid(), signal.SIGTERM)
            return True
        return False

    before = {number: signal.getsignal(number) for number in up.OURS_TO_HEAR}
    with supervisor.alone():
        supervisor.run(ready)
    for number, handler in before.items():
        signal.signal(number, handler)
    assert all(child.process is not None and child.process.exitcode is not None for child in supervisor.children)
    return said


@LINUX
def test_a_forked_child_is_what_python_m_would_have_started_and_holds_nothing_of_the_others(
    said: Kept, settings: Settings
) -> None:
    assert said.by("shell") == ["from a shell"]
    first = json.loads(said.by("fork")[0])
    assert first["argv"][1:] == ["a", "b c"]
    assert first["name"] == "__main__"
    assert first["leads"] is True
    assert first["hears"] == ["default", "default", "default"]
    assert first["mark"] == ["1", str(settings.instance)]
    assert first["comm"] == "fork"
    assert first["said"] == ""
    assert first["held"] == sorted(["/dev/null", "pipe", "pipe", str(settings.instance / "up.lock")])
    assert said.by("fork")[1] == "and to standard error"


@LINUX
def test_one_that_breaks_says_why_and_is_started_again(said: Kept) -> None:
    assert "ValueError: on purpose" in said.by("bad")
    assert said.by("up")[0] == "bad ended (1); starting it again"
    assert sum(line == "ValueError: on purpose" for line in said.by("bad")) >= 2


@LINUX
def test_the_lines_that_face_gateways_and_officers_read_their_code_themselves(settings: Settings) -> None:
    """The supervisor has made keys: what was forked from it could hold more than the webhook listener may read."""
    forked = {name for name, line in up.commands(settings).items() if up.Child(name, line).module is not None}
    assert forked == {"intake", "life", "life2", "reply", "bulk", "tapes", "clock"}


def test_output_without_an_end_of_line_is_said_when_the_child_ends(settings: Settings) -> None:
    said = Kept()
    supervisor = up.Supervisor(settings, lambda name, line: said.append((name, line)))
    with supervisor.alone():
        supervisor._start(child := up.Child("short", "printf 'one\\nand no more'"))
        until(lambda: supervisor._pass_on() or len(said) == 2, 20, "both lines were said")
        supervisor._end([child])
    assert said == [("short", "one"), ("short", "and no more")]
