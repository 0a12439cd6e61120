"""The phrasebook: every text we send to a person, in each language, with what it costs and whether a native speaker signed it."""

import string
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, request

from hotline.catalog import PLACEHOLDERS, REFERENCE, Catalog
from hotline.console import guard, listing
from hotline.console.reply_box import PHRASES
from hotline.outbound.meter import Measure, measure
from hotline.roles import May

screen = Blueprint("phrasebook", __name__)

BOOKS: Final = ("phrases", "sms", "news")
# What stands in a text for what is only known when it is sent.
EXAMPLES: Final = {"number": "000 000 0000", "time": "21:30", "choice": "1"}


@dataclass(frozen=True)
class Line:
    """One text in one language. `borrowed`: it has none of its own, and another language's is sent."""

    key: str
    text: str
    cost: Measure
    reference: str
    borrowed: bool


@screen.get("/phrases")
@guard.may(May.REPLY)
def show() -> str:
    """Show the texts of one language beside the English ones."""
    words = guard.deployment().words
    asked = request.args.get("language", "")
    language = asked if asked in words.languages else words.default
    with guard.reading() as session:
        rail = listing.rail(session, guard.officer())
    lines = [_line(words, key, language) for key in _keys(words)]
    return render_template(
        "console/phrasebook.html",
        here="phrases",
        language=language,
        languages=[(code, words.name(code)) for code in words.languages],
        draft=words.is_draft(language),
        by_hand=[line for line in lines if line.key in PHRASES],
        by_itself=[line for line in lines if line.key not in PHRASES],
        reference=REFERENCE,
        **rail,
    )


def _keys(words: Catalog) -> list[str]:
    texts = words.by_code[REFERENCE].texts
    return [*PHRASES, *(key for key in texts if key.partition(".")[0] in BOOKS and key not in PHRASES)]


def _line(words: Catalog, key: str, language: str) -> Line:
    template = words.by_code[REFERENCE].texts[key]
    open_ones = {name for _, name, _, _ in string.Formatter().parse(template) if name} - words.deployment.keys()
    values = {name: EXAMPLES.get(name, PLACEHOLDERS[name].longest) for name in open_ones}
    text = words.text(key, language, **values)
    borrowed = key not in words.by_code[language].texts
    return Line(key, text, measure(text), words.text(key, REFERENCE, **values), borrowed)
