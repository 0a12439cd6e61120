"""Masks: names of places and long numbers, hidden from the statistical judge.

Comes in: a folded message and the places it names. Goes out: its words, with a mask in place of what is only a name. What is
said of Bugarama is true of Kamembe: without masks the model learns that one of them is dangerous.
"""

from collections.abc import Sequence

from hotline.triage.folding import Folded
from hotline.triage.places import Place

_HERE, _NEAR, _FAR, _NUMBER, _YEAR = "_placehere", "_placenear", "_placefar", "_number", "_year"
MASKS = frozenset({_HERE, _NEAR, _FAR, _NUMBER, _YEAR})
_NEIGHBOURS = frozenset({"CD", "BI", "UG", "TZ"})
_CENTURIES = ("19", "20")


def mask(message: Folded, places: Sequence[Place]) -> list[str]:
    """Return the words of a message with a mask for each word of a place's name and for each number of three digits or more."""
    hidden = {word: _of(place) for place in places for word in _named(message, place)}
    return [hidden.get(word) or (_of_number(word) if word.isdigit() else word) for word in message.words]


def _named(message: Folded, place: Place) -> list[str]:
    within = zip(message.words, message.starts, strict=True)
    return [word for word, start in within if place.start <= start < place.end]


def _of(place: Place) -> str:
    return _HERE if place.country == "RW" else _NEAR if place.country in _NEIGHBOURS else _FAR


def _of_number(word: str) -> str:
    if len(word) < 3:
        return word
    return _YEAR if len(word) == 4 and word.startswith(_CENTURIES) else _NUMBER
