"""What a batch of texts, hops or calls brought, for the stages that follow."""

from dataclasses import dataclass, field

from hotline.intake.arrivals import Arrival
from hotline.intake.ussd.tree import NOTHING, Said
from hotline.models import Lane, Reading, Verb
from hotline.privacy import Key
from hotline.radio.polls import Cast


@dataclass(frozen=True)
class Opened:
    """A new case with the reading of its first text; `channel` and `arrival` say by what way and code it came, and when.

    `begun`: its row has the ladder begun already.
    """

    case_id: str
    handle: str
    key: Key
    reading: Reading
    channel: str
    arrival: Arrival
    begun: bool = False


@dataclass(frozen=True)
class Grown:
    """A case that got more words; it is to be read again as a whole, with what answers `said` beside them in a language."""

    case_id: str
    key: Key
    said: Said = NOTHING
    language: str | None = None


@dataclass(frozen=True)
class OfficersAnswer:
    """A contact's answer to an alert: with the digit that chose, and their whole text where it says more than that."""

    contact_id: str
    verb: Verb
    code: str | None
    choice: int | None = None
    words: str = ""


@dataclass
class Received:
    """What a batch brought.

    `obeyed` says, by inbox row, what became of texts that no message keeps; `votes` wait to be counted.
    """

    opened: list[Opened] = field(default_factory=list)
    grown: dict[str, Grown] = field(default_factory=dict)
    answers: list[OfficersAnswer] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)
    obeyed: dict[str, str] = field(default_factory=dict)
    votes: list[Cast] = field(default_factory=list)


@dataclass(frozen=True)
class Conversation:
    """A caller's open report."""

    case_id: str
    report_id: str
    key: Key
