"""What a view of the queue is narrowed to: facts of a case, never its words. The address holds it, so a bookmark keeps it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from hotline.casework.correct import CATEGORIES
from hotline.models import RANK, Case

CHILD = ("true", "yes", "likely")


@dataclass(frozen=True)
class Narrow:
    """Facts a case must have; empty ones do not narrow."""

    urgency: str = ""
    category: str = ""
    language: str = ""
    channel: str = ""
    child: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """Return what stands in the address."""
        named = {"urgency": self.urgency, "category": self.category, "language": self.language, "channel": self.channel}
        return {name: value for name, value in named.items() if value} | ({"child": "1"} if self.child else {})

    def where(self) -> Iterator[ColumnElement[bool]]:
        """Yield what to ask of a case."""
        for name in ("urgency", "category", "language", "channel"):
            if value := getattr(self, name):
                yield getattr(Case, name) == value
        if self.child:
            yield Case.minors.in_(CHILD)


def of(given: Mapping[str, str]) -> Narrow:
    """Read it from an address or a form; what is not known is left out."""
    urgency, category = given.get("urgency", ""), given.get("category", "")
    return Narrow(
        urgency=urgency if urgency in RANK else "",
        category=category if category in CATEGORIES else "",
        language=_short(given.get("language", "")),
        channel=_short(given.get("channel", "")),
        child=given.get("child") == "1",
    )


def _short(value: str) -> str:
    return value if value.isascii() and value.replace("_", "").isalnum() and len(value) <= 12 else ""
