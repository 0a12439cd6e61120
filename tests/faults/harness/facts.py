"""What a run saw, as plain values: what was posted, what the rows say, what the gateway took. All moments are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

AMBIGUOUS = (None, "unknown")  # a try whose worker died has no result at all


@dataclass(frozen=True)
class Acked:
    """A text whose webhook heard 2xx: our promise.

    `seconds` runs from the first time it was posted to the answer, over every try; `words` is what the person wrote.
    """

    external_id: str
    body: bytes
    words: str
    at: datetime
    seconds: float
    act: str
    readable: bool = True


@dataclass(frozen=True)
class Row:
    """A row of the inbox: `body` is the webhook's, `told` the words of each message made of it; None where no seal opens."""

    external_id: str
    state: str
    body: bytes | None
    told: tuple[str | None, ...]
    case: str | None


@dataclass(frozen=True)
class Try:
    """One try to hand a text to a gateway."""

    started: datetime
    ended: datetime | None
    result: str | None

    def over(self, moment: datetime) -> bool:
        """Whether its outcome was known at a moment."""
        return self.ended is not None and self.ended <= moment


@dataclass(frozen=True)
class Out:
    """A text that was to leave: to a contact about a case, or to the caller of it."""

    id: str
    kind: str
    life: bool
    state: str
    case: str | None
    to: str
    created: datetime
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True)
class Accept:
    """What the gateway took: it went out, whatever we heard of it."""

    text: str
    gateway: str
    at: datetime


@dataclass(frozen=True)
class Act:
    """One thing done to the hotline while texts came in: what, how often and when, and what had to be measured on the spot."""

    name: str
    injected: str
    times: int
    at: tuple[datetime, ...] = ()
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Everything one run has to answer for."""

    store: str
    acts: tuple[Act, ...]
    acked: tuple[Acked, ...]
    rows: tuple[Row, ...]
    out: tuple[Out, ...]
    accepts: tuple[Accept, ...]
    receipts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def and_of(self, other: "Facts") -> "Facts":
        """Return these with those of another hotline on the same kind of database."""
        return Facts(
            self.store,
            self.acts + other.acts,
            self.acked + other.acked,
            self.rows + other.rows,
            self.out + other.out,
            self.accepts + other.accepts,
            {**self.receipts, **other.receipts},
        )
