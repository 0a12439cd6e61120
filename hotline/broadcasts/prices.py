"""What texts and calls cost: a file an operator edits, by gateway and by the digits a number begins with."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class PriceError(ValueError):
    """The file of prices cannot be used. Says why in one sentence."""


@dataclass(frozen=True)
class Prices:
    """Prices of one segment, and of a minute of a call, in one currency. `agreed`: they are a contract's and no examples."""

    currency: str
    agreed: bool
    by_gateway: Mapping[str, Mapping[str, float]]
    of_calls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, gateway: str, prefix: str) -> float | None:
        """Return what a segment to numbers that begin so costs by a gateway, or None where nobody has written it down."""
        return _longest(self.by_gateway.get(gateway, {}), prefix)

    def of_call(self, gateway: str, prefix: str) -> float | None:
        """Return what each begun minute of a call to such numbers costs by a gateway, or None where that is not written down."""
        return _longest(self.of_calls.get(gateway, {}), prefix)


def load(path: Path) -> Prices:
    """Read the file. Raises PriceError."""
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        calls = read.pop("calls", {})
        return Prices(str(read["currency"]), bool(read.get("agreed")), _tables(read), _tables(calls))
    except (OSError, tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise PriceError(f"The file of prices cannot be used ({type(error).__name__}).") from None


def _tables(read: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {name: {str(begin): float(price) for begin, price in of.items()} for name, of in read.items() if type(of) is dict}


def _longest(known: Mapping[str, float], prefix: str) -> float | None:
    matches = [begin for begin in known if prefix.startswith(begin)]
    return known[max(matches, key=len)] if matches else None
