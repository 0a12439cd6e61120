"""What texts cost: a file an operator edits, by gateway and by the digits a number begins with."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class PriceError(ValueError):
    """The file of prices cannot be used. Says why in one sentence."""


@dataclass(frozen=True)
class Prices:
    """Prices of one segment in one currency. `agreed` says that they are a contract's and no examples."""

    currency: str
    agreed: bool
    by_gateway: Mapping[str, Mapping[str, float]]

    def of(self, gateway: str, prefix: str) -> float | None:
        """Return what a segment to numbers that begin so costs by a gateway, or None where nobody has written it down."""
        known = self.by_gateway.get(gateway, {})
        matches = [begin for begin in known if prefix.startswith(begin)]
        return known[max(matches, key=len)] if matches else None


def load(path: Path) -> Prices:
    """Read the file. Raises PriceError."""
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = {
            name: {str(begin): float(price) for begin, price in of.items()} for name, of in read.items() if type(of) is dict
        }
        return Prices(str(read["currency"]), bool(read.get("agreed")), tables)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise PriceError(f"The file of prices cannot be used ({type(error).__name__}).") from None
