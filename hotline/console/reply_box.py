"""What the reply box shows for a text that is being typed: what it costs, how a phone shows it, and phrases to begin with.

A text goes in and comes back measured. The rules of cost are the ones texts are sent by (hotline.outbound.meter): the browser
asks here and has none of its own. Phrases are texts of message_templates/, filled in as they would be sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hotline.catalog import Catalog
from hotline.models import new_id
from hotline.outbound.meter import measure, repair

LOCK_SCREEN: Final = 30  # characters a locked phone shows to whoever looks
LONGEST_TEXT: Final = 1000
# In the order in which a conversation needs them; the rest of a book stands behind.
PHRASES: Final = (
    "sms.s8", "phrases.now", "phrases.nearest", "phrases.sector", "phrases.still_there", "phrases.age", "phrases.papers",
    "phrases.hours", "phrases.choose", "phrases.call", "sms.s9", "sms.s10", "phrases.word", "sms.s11", "sms.s12",
)  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """One text an officer may send as it is. `draft`: no native speaker has signed its language."""

    key: str
    text: str
    draft: bool


@dataclass(frozen=True)
class Typed:
    """What stands in the box. `seen` is the newest text of the person on the page it is typed on."""

    text: str = ""
    language: str = ""
    seen: str = ""
    wrote_again: bool = False


def phrases(words: Catalog, language: str) -> Sequence[Phrase]:
    """Return the phrases in a language, or in the nearest one that has them."""
    draft = language in words.languages and words.is_draft(language)
    return [Phrase(key, words.text(key, language), draft) for key in PHRASES]


def box(words: Catalog, typed: Typed) -> dict[str, object]:
    """Return what the whole box shows. Each box that is drawn has an id of its own, so that it is sent once."""
    language = typed.language if typed.language in words.languages else words.default
    return {
        "typed": typed,
        "language": language,
        "languages": [(code, words.name(code)) for code in words.languages],
        "phrases": phrases(words, language),
        "known_as": new_id(),
        "longest": LONGEST_TEXT,
        **measured(words, typed.text),
    }


def measured(words: Catalog, text: str) -> dict[str, object]:
    """Return what the meter shows: the cost, the characters that cause it, what plain ones would save, and how it looks."""
    cost, plain = measure(text), repair(text)
    return {
        "measured": cost,
        "costly": list(dict.fromkeys(char for char, _ in cost.costly)),
        "saves": cost.segments - measure(plain).segments,
        "repairable": cost.encoding != measure(plain).encoding,
        "glance": text[:LOCK_SCREEN],
        "cut": len(text) > LOCK_SCREEN,
        "telling": words.telling(text),
        "text": text,
    }
