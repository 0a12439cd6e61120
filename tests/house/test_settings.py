"""Every setting stands in the operator's page as it is in the code: its name, its default and its meaning; and none beside."""

import re
from datetime import time
from pathlib import Path

import click
import pytest
from pydantic import SecretStr

from hotline.cli import main
from hotline.config import PROJECT, Settings
from hotline.deployment import Deployment
from hotline.watch import checkup

HOUSE = Path(__file__).parents[2]
PAGE = (HOUSE / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(HOTLINE_[A-Z_]+)` \| (.+) \|$", PAGE, re.MULTILINE))


def shown(value: object) -> str:
    """A default as the page writes it: as it would stand in the environment."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, SecretStr):
        return shown(value.get_secret_value())
    if isinstance(value, tuple):
        return shown(",".join(value))
    if isinstance(value, time):
        return f"`{value:%H:%M}`"
    if isinstance(value, Path):
        return shown(str(value.relative_to(PROJECT) if value.is_absolute() else value))
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if value != "" else "empty"


def test_every_setting_stands_in_the_page_with_its_default_and_meaning() -> None:
    plain = Settings(_env_file=None)
    expected = {
        f"HOTLINE_{name.upper()}": f"{shown(getattr(plain, name))} | {field.description}"
        for name, field in Settings.model_fields.items()
    }
    assert expected == ROWS


def test_no_setting_is_named_anywhere_in_the_docs_that_does_not_exist() -> None:
    known = {f"HOTLINE_{name.upper()}" for name in Settings.model_fields} | {"HOTLINE_TEST_DATABASE_URL"}
    pages = [*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")]
    named = {
        (page.name, name) for page in pages for name in re.findall(r"HOTLINE_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8"))
    }
    assert {(page, name) for page, name in named if name not in known} == set()


def test_every_command_stands_in_the_page_and_every_command_of_the_docs_exists() -> None:
    there = set(commands(main, "hotline"))
    pages = "\n".join(page.read_text(encoding="utf-8") for page in [*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")])
    named = {f"hotline{words}" for words in re.findall(r"(?:`|\.venv/bin/)hotline((?: [a-z]+)+)", pages)}
    assert len(named) > 8
    assert {command for command in there if f"`{command}" not in PAGE} == set()
    assert {words for words in named if not any(words == known or words.startswith(f"{known} ") for known in there)} == set()


def test_every_line_of_the_doctor_is_explained(district: Deployment) -> None:
    lines = {finding.what for check in checkup.CHECKS for finding in check(district)}
    assert {"keys", "database", "redis", "clock", "rota"} <= {line.partition(" ")[0] for line in lines}
    assert {line for line in lines if f"| `{line.partition(' ')[0]}" not in PAGE} == set()


@pytest.mark.parametrize("name", ["HOTLINE_DATABASE_URL", "HOTLINE_REDIS_URL"])
def test_what_hosts_set_without_our_prefix_is_said(name: str) -> None:
    assert f"`{name.removeprefix('HOTLINE_')}`" in PAGE


def commands(group: click.Group, path: str) -> list[str]:
    found, context = [], click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += commands(command, f"{path} {name}") if isinstance(command, click.Group) else [f"{path} {name}"]
    return found
