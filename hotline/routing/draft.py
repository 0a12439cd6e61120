"""Rules in the making: one draft a deployment, a file beside the rules in force, changed a sentence at a time.

Nothing here is in force. A draft is written as a whole and read as strictly as the rules themselves, so whatever is tried or
published is what the file says. Its mark names exactly that text: what was rehearsed is what is published, or nothing.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from hotline.config import Settings
from hotline.routing.book import place, put
from hotline.routing.rules import Rule, Rules, Tell, Unfit, When, parse, read


def draft_of(settings: Settings) -> Rules | None:
    """Return the draft, or None where there is none, or none that can be read."""
    path = _place(settings)
    try:
        return read(path) if path.exists() else None
    except Unfit:
        return None


def keep(settings: Settings, rules: Rules) -> None:
    """Keep a draft. Raises Unfit for rules that could not be read again."""
    text = written(rules)
    parse(text)
    put(_place(settings), text)


def drop(settings: Settings) -> None:
    """Forget the draft."""
    _place(settings).unlink(missing_ok=True)


def mark(rules: Rules) -> str:
    """Return what names the text of these rules: 16 hex digits."""
    return hashlib.sha256(written(rules).encode()).hexdigest()[:16]


def former(settings: Settings) -> list[str]:
    """Return the names of the files that were in force before, newest first."""
    return sorted((path.name for path in place(settings).parent.glob("rules-*T*Z.toml")), reverse=True)


def written(rules: Rules) -> str:
    """Return rules as a file has them; `parse` reads the same again."""
    head = f"version = {_word(rules.version)}\n"
    return head + "".join(f"\n[[rule]]\n{line}" for line in map("".join, map(_lines, rules.rule)))


def _lines(rule: Rule) -> Iterator[str]:
    yield f"name = {_word(rule.name)}\n"
    if when := ", ".join(_conditions(rule.when)):
        yield f"when = {{ {when} }}\n"
    yield f"tell = [{', '.join(map(_told, rule.tell))}]\n"
    if rule.only:
        yield "only = true\n"


def _conditions(when: When) -> Iterator[str]:
    for name in ("category", "urgency", "places", "signs", "days"):
        if held := getattr(when, name):
            yield f"{name} = [{', '.join(map(_word, held))}]"
    if when.minors is not None:
        yield f"minors = {_word(when.minors)}"
    if when.hours is not None:
        yield f"hours = {_word(when.hours)}"


def _told(tell: Tell) -> str:
    given = tell.model_dump(exclude_defaults=True, mode="json") or {"kind": tell.kind}
    return f"{{ {', '.join(f'{name} = {_word(value)}' for name, value in given.items())} }}"


def _word(value: str | bool) -> str:  # noqa: FBT001  a TOML value is one or the other
    """Return a value as TOML writes it, which for these is as JSON does, but for the one sign JSON leaves bare."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _place(settings: Settings) -> Path:
    return settings.instance / "rules-draft.toml"
