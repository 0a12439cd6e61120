"""Follow-up: what is still unknown about a report, and which one question to ask next.

At most one question at a time, the one whose answer helps most, as IOM and ILO interview guides advise; the words of each
question are in message_templates/<language>/questions.toml under the same key. Never asks what the message has already said.
"""

from collections.abc import Sequence

from hotline.triage.facts import Facts
from hotline.triage.judge import Category, Minors

QUESTIONS = ("place", "still_there", "age", "papers", "safe_to_text")
_ASKED = {
    Category.TRAFFICKING: QUESTIONS,
    Category.SMUGGLING: ("place", "still_there", "age"),
    Category.GBV: ("place", "still_there", "safe_to_text"),
    Category.CHILD_PROTECTION: ("place", "still_there", "age", "safe_to_text"),
    Category.MISSING_PERSON: ("place", "age"),
    Category.LABOUR_ABUSE: ("place", "papers"),
}


def missing(facts: Facts, *, categories: Sequence[Category], minors: Minors, places: int) -> tuple[str, ...]:
    """Return the keys of what the message leaves open and its category needs, most helpful first."""
    known = {
        "place": places > 0,
        "still_there": facts.says("now", "past", "recent", "upcoming", "immediate_danger"),
        "age": minors is not Minors.UNKNOWN,
        "papers": facts.says("doc_confiscation", "debt_bondage", "wage_withholding"),
        "safe_to_text": facts.says("safe_contact"),
    }
    return tuple(key for key in _ASKED.get(categories[0], ()) if not known[key])


def next_question(open_facts: Sequence[str]) -> str | None:
    """Return the key of the one question to ask next, or None when nothing is open."""
    return open_facts[0] if open_facts else None
