"""The one next question in the reporter's language, as an officer may send it.

A language and the key of a question come in; its words go out, from message_templates/<language>/questions.toml.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parents[2] / "message_templates"


def asked_in(language: str, key: str) -> str:
    """Return a question's words; empty for a language or a key that has none."""
    return _questions().get(language, {}).get(key, "")


@cache
def _questions() -> Mapping[str, Mapping[str, str]]:
    files = {file.parent.name: file for file in TEMPLATES.glob("*/questions.toml")}
    return {language: tomllib.loads(file.read_text(encoding="utf-8"))["questions"] for language, file in files.items()}
