"""What somebody told an officer by phone or in person, on its way from the desk to a worker.

The desk seals what the officer wrote into the inbox, as a gateway's webhook is, and cannot open it again. The worker reads it
here. `number` is as it was said, empty where none was given.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from hotline.models import InboxKind, InboxState, SafeContact
from hotline.privacy import InboxSeal

DESK: Final = "desk"  # stands where the inbox names a gateway


class Way(StrEnum):
    """How somebody told it."""

    PHONE = "phone"
    WALK_IN = "walk_in"
    PROGRAM = "program"


@dataclass(frozen=True)
class Told:
    """What an officer took down, or without one a partner's program wrote. Category and urgency may be left to triage."""

    officer_id: str | None
    way: Way
    words: str = field(repr=False)
    number: str = field(default="", repr=False)
    language: str = ""
    safe: SafeContact = SafeContact.UNKNOWN
    hours: str | None = None
    category: str | None = None
    urgency: str | None = None
    minors: bool = False

    def packed(self) -> bytes:
        """Return this as bytes to be sealed."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, plain: bytes) -> Self:
        """Read what `packed` wrote."""
        read = json.loads(plain)
        return cls(**read | {"way": Way(read["way"]), "safe": SafeContact(read["safe"])})


def enclose(seal: InboxSeal, told: Told, row_id: str, at: datetime) -> dict[str, object]:
    """Return the row of the inbox. The same page sent twice has the same `row_id`, and is told once."""
    return {
        "id": row_id,
        "gateway": DESK,
        "kind": InboxKind.DESK,
        "external_id": row_id,
        "sealed": seal.seal(told.packed(), f"inbox|sealed|{row_id}"),
        "received_at": at,
        "state": InboxState.RECEIVED,
        "attempts": 0,
    }
