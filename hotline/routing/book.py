"""The rules in force: the ones published to this deployment, else those that are shipped.

Read again when the file changes, so that workers follow a publication without a restart. A file that is not fit any more is not
obeyed and not fatal: the rules that held before hold on, and the doctor says so.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from hotline import audit
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.routing.rules import SHIPPED, Rules, Unfit, parse, read

log = logging.getLogger(__name__)

_held: dict[Path, tuple[int, Rules]] = {}


def place(settings: Settings) -> Path:
    """Return where published rules lie."""
    return settings.instance / "rules.toml"


def sentences(deployment: Deployment) -> Rules:
    """Return the rules in force."""
    path = place(deployment.settings)
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        path, changed = SHIPPED, 0
    kept = _held.get(path)
    if kept is None or kept[0] != changed:
        _held[path] = (changed, _read(path, kept[1] if kept else None))
    return _held[path][1]


def publish(session: Session, deployment: Deployment, text: str, now: datetime, *, actor: str) -> Rules:
    """Put rules in force, keep the file of before beside them, and put it on record. Raises Unfit, and then nothing changed."""
    rules, path = parse(text), place(deployment.settings)
    audit.record(session, now, actor=actor, action="rules.published", subject=rules.version, rules=len(rules.rule))
    if path.exists():
        kept = path.with_name(f"rules-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.toml")
        kept.write_bytes(path.read_bytes())
    put(path, text)
    return rules


def put(path: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old text or the new one, and never half."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path, before: Rules | None) -> Rules:
    try:
        return read(path)
    except Unfit:
        log.exception("rules are not fit")
        return before or read(SHIPPED)
