"""The language of the console: English as it stands in the templates, and for each other language a file of the same sentences.

A template says `_("Sign in")`; `message_templates/<language>/console.toml` holds what that is in another language, under the
English itself. What comes from elsewhere stays English and is marked so on the page. See docs/adr/0045.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from flask import Flask, current_app, g, request
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from markupsafe import Markup, escape

from hotline.deployment import Deployment

ENGLISH: Final = "en"
HOUSE: Final = Path(__file__).parent.parent
TEMPLATES: Final = (HOUSE / "console" / "templates", HOUSE / "studio" / "templates")
MARKS: Final = ("_", "_n", "later")
NO_PLURAL_OF_ZERO: Final = frozenset({"fr"})  # CLDR: in French nought takes the singular
NOT_WORDS: Final = re.compile(
    r"\{% block body_class %\}[\w-]*\{% endblock %\}|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"
    r"|<code>.*?</code>|<kbd>.*?</kbd>|<(?:\{[{%].*?[%}]\}|[^>])*>",
    re.DOTALL,
)
SPOKEN: Final = re.compile(r'\b(?:aria-label|title)="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"', re.DOTALL)
# What scripts say by themselves; a page carries it to them.
SCRIPTS: Final = (
    "now",
    "due now",
    "in %(time)s",
    "New item %(handle)s",
    "%(num)s new items",
    "%(num)s ticked:",
    "This item changed.",
    "leaves in %(seconds)s s",
    "Live",
    "Live updates stopped %(seconds)s s ago.",
    "%(num)s urgent",
)
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Said = str | tuple[str, str]


@dataclass(frozen=True)
class Tongue:
    """One language of the console. `draft`: no native speaker has signed it. A plural is kept under its English singular."""

    code: str
    name: str
    draft: bool
    words: Mapping[str, Said]


class Later:
    """A sentence that is put into the reader's language when it is shown: for tables that are read once for everybody."""

    __slots__ = ("_english",)

    def __init__(self, english: str) -> None:
        """Keep the English."""
        self._english = english

    def __str__(self) -> str:
        """Return it in the language of the page that is being drawn."""
        return str(say(self._english))

    def __html__(self) -> str:
        """Return the same, for a page."""
        return str(say(self._english))


def install(app: Flask, deployment: Deployment) -> None:
    """Give templates their marks, and each request its language."""
    tongues = load(deployment.settings.templates)
    app.extensions["tongues"] = tongues
    app.jinja_env.globals.update(_=say, _n=say_many, later=Later, english=english)


def chosen() -> Tongue:
    """Return the language of this request: what the officer chose; at the door what its address says; else English."""
    if "tongue" not in g:
        tongues, officer = _tongues(), g.get("officer")
        asked = officer.language if officer else request.args.get("lang", "")
        g.tongue = tongues.get(asked or ENGLISH, tongues[ENGLISH])
    found: Tongue = g.tongue
    return found


def say(english: str, /, **named: object) -> Markup:
    """Return a sentence in the language of the page, with what it names put in and escaped."""
    found = chosen().words.get(english, english)
    return _filled(found if isinstance(found, str) else found[0], named)


def say_many(one: str, many: str, num: int, /, **named: object) -> Markup:
    """Return a sentence about a number of things."""
    tongue = chosen()
    found = tongue.words.get(one, (one, many))
    forms = found if isinstance(found, tuple) else (found, found)
    single = num == 1 or (num == 0 and tongue.code in NO_PLURAL_OF_ZERO)
    return _filled(forms[0] if single else forms[1], {"num": num, **named})


def english(text: str, /) -> Markup:
    """Return a text of ours that is English in every language, marked so where the page is in another."""
    return escape(text) if chosen().code == ENGLISH else Markup('<span lang="en">%s</span>') % text


def scripts() -> dict[str, str]:
    """Return what scripts say, by its English."""
    words = chosen().words
    return {english: str(words.get(english, english)) for english in SCRIPTS}


def offered() -> list[Tongue]:
    """Return the languages somebody may choose."""
    return list(_tongues().values())


def known(code: str) -> bool:
    """Whether the console has this language."""
    return code in _tongues()


@lru_cache
def load(folder: Path) -> Mapping[str, Tongue]:
    """Read every language of the console. Raises OSError or ValueError for a file that cannot be read."""
    tongues = {ENGLISH: Tongue(ENGLISH, _name(folder / ENGLISH), draft=False, words=MappingProxyType({}))}
    for file in sorted(folder.glob("*/console.toml")):
        held: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        words = {key: tuple(said) if isinstance(said, list) else said for key, said in held["words"].items()}
        tongues[file.parent.name] = Tongue(file.parent.name, _name(file.parent), bool(held.get("draft", True)), words)
    return MappingProxyType(tongues)


def wanted() -> dict[str, Said]:
    """Return every sentence that templates mark, by its English; a plural with both its forms."""
    env, found = Environment(autoescape=True), dict[str, Said]()
    for file in _templates():
        for _, mark, message in extract_from_ast(env.parse(file.read_text(encoding="utf-8")), MARKS):
            texts = message if isinstance(message, tuple) else (message,)
            if mark == "_n" and texts[0] and texts[1]:
                found[texts[0]] = (texts[0], texts[1])
            elif texts[0]:
                found.setdefault(texts[0], texts[0])
    return found | {one: one for one in (*SCRIPTS, *WEEKDAYS, *MONTHS)}


def unmarked() -> dict[str, int]:
    """Return how many pieces of text in each template no mark reaches: they stay English in every language."""
    counted = {}
    for file in _templates():
        text = file.read_text(encoding="utf-8")
        pieces = [*NOT_WORDS.split(text), *(NOT_WORDS.sub("", spoken) for spoken in SPOKEN.findall(text))]
        if count := sum(bool(re.search(r"[A-Za-z]{2}", piece)) for piece in pieces):
            counted[f"{file.parent.name}/{file.name}"] = count
    return counted


def _filled(text: str, named: Mapping[str, object]) -> Markup:
    safe = Markup(text)  # noqa: S704  a sentence of the house, not of a person; what it names is escaped below
    return safe % {name: escape(value) for name, value in named.items()} if named else safe


def _templates() -> list[Path]:
    return sorted(file for folder in TEMPLATES for file in folder.rglob("*.html"))


def _tongues() -> Mapping[str, Tongue]:
    found: Mapping[str, Tongue] = current_app.extensions["tongues"]
    return found


def _name(folder: Path) -> str:
    return str(tomllib.loads((folder / "language.toml").read_text(encoding="utf-8"))["name"])
