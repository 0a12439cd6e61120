"""Logs by allow-list: a line holds named fields known to be harmless, and nothing else gets through.

A library may log whatever it likes; of its line only the logger's name and level remain. The message of our own lines is a
fixed sentence. A last filter masks anything shaped like a number and counts it, a count that must stay at nought.
"""

import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

SAFE_FIELDS = (
    "accepted",
    "action",
    "attempts",
    "case",
    "category",
    "claimed",
    "code",
    "contacts",
    "count",
    "error",
    "failed",
    "gateway",
    "kind",
    "lane",
    "pid",
    "queue",
    "reason",
    "row",
    "seconds",
    "state",
    "step",
    "told",
    "unknown",
    "urgency",
    "version",
)
OURS = ("hotline", "workers")
NUMBER = re.compile(r"(?<!\w)\+?\d[\d\s().-]{6,}\d(?!\w)")


class AllowList(logging.Formatter):
    """Formats a record as time, logger, fixed sentence and allowed fields."""

    masked = 0
    hidden: frozenset[str] = frozenset()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Foreign loggers lose their message: it may carry anything."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        ours = record.name.partition(".")[0] in OURS
        sentence = str(record.msg) if ours else "(not shown)"
        fields = " ".join(f"{name}={getattr(record, name)}" for name in SAFE_FIELDS if name in record.__dict__) if ours else ""
        clean, hits = NUMBER.subn("•", without_secrets(f"{sentence} {fields}".rstrip()))
        AllowList.masked += hits
        return f"{at} {record.levelname.lower():7} {record.name}: {clean}{_failure(record)}"


def hide(secrets: Iterable[str]) -> None:
    """Mask these words in every line from now on. No line of ours names one; this is for the line we have not thought of."""
    AllowList.hidden |= frozenset(filter(None, secrets))


def without_secrets(line: str) -> str:
    """Return a line with every hidden word masked."""
    for secret in AllowList.hidden:
        line = line.replace(secret, "•")
    return line


def _failure(record: logging.LogRecord) -> str:
    """Name an exception's class and where it rose; its text may quote the data it choked on."""
    kind, _, trace = record.exc_info or (None, None, None)
    if kind is None:
        return ""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f" error={kind.__name__}{where}"


def configure(level: str = "INFO") -> None:
    """Send all logs of this process to standard error through the allow-list."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AllowList())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING")
    for name in OURS:
        logging.getLogger(name).setLevel(level)
