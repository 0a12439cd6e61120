"""Replays a file of texts through the signed webhook and says what became of each.

In comes JSON lines with an id and a text; each is sent from an invented number of its own, a few at once. Then the database
is read, for a bounded time, until every text is with an officer, kept at the desk, or known to have failed. Words of the file
never go into an error or a log. Only a demo is replayed into: invented reports must not stand among real ones.
"""

import json
import math
import secrets
import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hotline.deployment import Deployment
from hotline.simulator.fates import Fate, fates
from hotline.simulator.send import Carrier, Exchange, fresh_id

TRIES = 3
LOOK_EVERY = 0.2
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NUMBERS = "+250780{:06d}"
FIRST, LAST = 10_000, 900_000


class NotADemo(Exception):
    """Replaying here would mix invented reports with real ones, or text people who know nothing of it."""


@dataclass(frozen=True)
class Line:
    """One text of the file."""

    id: str
    text: str


@dataclass(frozen=True)
class Posted:
    """One text as it was sent: under which id of the gateway, when, and what the webhook answered in the end."""

    line: Line
    external_id: str
    at: datetime
    exchange: Exchange


@dataclass(frozen=True)
class Step:
    """How far a replay is; `fates` counts texts."""

    sent: int
    total: int
    fates: Mapping[Fate, int]

    @property
    def settled(self) -> int:
        """Texts nothing more is awaited of."""
        return sum(count for fate, count in self.fates.items() if fate.settled)


@dataclass(frozen=True)
class Replayed:
    """What became of every text, by its line's id in the file's order; times in seconds."""

    fates: tuple[tuple[str, Fate], ...]
    answered: tuple[float, ...]
    told: tuple[float, ...]
    seconds: float

    @property
    def counts(self) -> Mapping[Fate, int]:
        """Texts by fate."""
        return Counter(fate for _, fate in self.fates)

    @property
    def stored(self) -> int:
        """Texts the webhook promised to keep and the inbox holds."""
        return sum(fate not in {Fate.REFUSED, Fate.LOST} for _, fate in self.fates)

    @property
    def triaged(self) -> int:
        """Texts that triage has read as part of a report."""
        return sum(fate in {Fate.QUEUED, Fate.DESK, Fate.TOLD} for _, fate in self.fates)

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of lines that were refused, lost or could not be read."""
        return tuple(line_id for line_id, fate in self.fates if fate in {Fate.REFUSED, Fate.LOST, Fate.PARKED})

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Ids of lines still on their way when the wait was over."""
        return tuple(line_id for line_id, fate in self.fates if not fate.settled)


def replay(
    deployment: Deployment, path: Path, *, gateway: str = "simulator", at_once: int = 4, wait_seconds: float = 60.0
) -> Generator[Step, None, Replayed]:
    """Send every line of a file, then wait for all of them to arrive. Yields progress, returns the result.

    Raises NotADemo, NoSuchLine, and ValueError with the line's number when the file cannot be read.
    """
    only_in_a_demo(deployment, gateway)
    lines = read_lines(path)
    began = time.monotonic()
    posted: list[Posted] = []
    with Carrier(deployment) as carrier, ThreadPoolExecutor(at_once) as pool:
        for one in pool.map(partial(_send, carrier, gateway), lines, _numbers(len(lines))):
            posted.append(one)
            yield Step(len(posted), len(lines), {})
    known: dict[str, tuple[Fate, datetime | None]] = {}
    until = time.monotonic() + wait_seconds
    while True:
        pending = [one.external_id for one in posted if one.exchange.taken and not _settled(known.get(one.external_id))]
        known |= fates(deployment, gateway, pending)
        yield Step(len(posted), len(lines), Counter(_fate(one, known) for one in posted))
        if all(_fate(one, known).settled for one in posted) or time.monotonic() > until:
            return _result(posted, known, time.monotonic() - began)
        time.sleep(LOOK_EVERY)


def read_lines(path: Path) -> list[Line]:
    """Return the texts of a JSON lines file. Raises ValueError with the number of a line without id or text."""
    lines = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if raw.strip():
            try:
                entry = json.loads(raw)
                lines.append(Line(str(entry["id"]), str(entry["text"])))
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"line {number} has no id and text") from None
    return lines


def only_in_a_demo(deployment: Deployment, gateway: str) -> None:
    """Return if nobody real can be reached or disturbed by a replay. Raises NotADemo."""
    chosen = deployment.settings
    if not chosen.demo:
        raise NotADemo("This deployment is not a demo.")
    texts_by_twilio = "twilio" in {gateway, chosen.gateway, chosen.second_gateway} and bool(chosen.twilio_account_sid)
    if texts_by_twilio and urlsplit(chosen.twilio_api_url).hostname not in LOOPBACK:
        raise NotADemo("Answers to the invented numbers would go out through a real Twilio account.")


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that `share` of all values do not exceed (nearest rank), None of no values."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def _send(carrier: Carrier, gateway: str, line: Line, number: str) -> Posted:
    """Post one text, again under the same id while the webhook asks for it, as gateways do."""
    external_id, at = fresh_id(gateway), datetime.now(UTC)
    for attempt in range(1, TRIES + 1):
        exchange = carrier.text(number, line.text, gateway=gateway, external_id=external_id)
        if exchange.taken or attempt == TRIES or (exchange.status or 503) < 500:
            break
        time.sleep(LOOK_EVERY * attempt)
    return Posted(line, external_id, at, exchange)


def _numbers(count: int) -> Iterable[str]:
    """Return invented numbers, another block in every run so that a second run is no answer to the first."""
    start = FIRST + secrets.randbelow(LAST - FIRST)
    return (NUMBERS.format(FIRST + (start + step) % (LAST - FIRST)) for step in range(count))


def _settled(seen: tuple[Fate, datetime | None] | None) -> bool:
    return seen is not None and seen[0].settled


def _fate(one: Posted, known: Mapping[str, tuple[Fate, datetime | None]]) -> Fate:
    return known.get(one.external_id, (Fate.LOST, None))[0] if one.exchange.taken else Fate.REFUSED


def _result(posted: Sequence[Posted], known: Mapping[str, tuple[Fate, datetime | None]], seconds: float) -> Replayed:
    told = [(one.at, moment) for one in posted if (moment := known.get(one.external_id, (Fate.LOST, None))[1]) is not None]
    return Replayed(
        fates=tuple((one.line.id, _fate(one, known)) for one in posted),
        answered=tuple(one.exchange.seconds for one in posted),
        told=tuple((moment - at).total_seconds() for at, moment in told),
        seconds=seconds,
    )
