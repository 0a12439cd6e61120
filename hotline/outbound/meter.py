"""What a text costs on the air, counted as the operator will count it, and how to make it cheaper.

A text comes in; out goes its encoding, its length in units and its number of segments, with the characters that make it
dear. `repair` swaps those for ones a plain phone has. Neither ever shortens a text or drops a word.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hotline.gsm7 import COST

# 140 octets a segment; a joined segment gives 6 of them to the header that puts it in order (3GPP TS 23.040, 9.2.3.24.1).
SEPTETS_ALONE: Final = 160
SEPTETS_JOINED: Final = 153
UTF16_ALONE: Final = 70
UTF16_JOINED: Final = 67

# Phone keyboards and word processors write these by themselves; Unicode gives them no plain decomposition.
PLAIN: Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02bb\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2039\u203a", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
    "\u0153": "oe",
    "\u0152": "OE",
    "\u2022": "-",
    "\u00d7": "x",
    "\t": " ",
}


class Encoding(StrEnum):
    """How the text travels: 7-bit units, or 16-bit ones as soon as one character is outside the GSM alphabet."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Measure:
    """What one text costs.

    `units` are septets in GSM-7 and 16-bit units in UCS-2. `costly` names each character, with its position from 0, that
    forces UCS-2; or, in GSM-7, that takes two septets.
    """

    encoding: Encoding
    characters: int
    units: int
    segments: int
    costly: tuple[tuple[str, int], ...]


def measure(text: str) -> Measure:
    """Count a text as it will be sent. An empty text is still one segment."""
    foreign = tuple((char, at) for at, char in enumerate(text) if char not in COST)
    if foreign:
        widths = [2 if ord(char) > 0xFFFF else 1 for char in text]
        segments = _segments(widths, UTF16_ALONE, joined=UTF16_JOINED)
        return Measure(Encoding.UCS_2, len(text), sum(widths), segments, foreign)
    widths = [COST[char] for char in text]
    doubled = tuple((char, at) for at, char in enumerate(text) if COST[char] == 2)
    segments = _segments(widths, SEPTETS_ALONE, joined=SEPTETS_JOINED)
    return Measure(Encoding.GSM_7, len(text), sum(widths), segments, doubled)


def repair(text: str) -> str:
    """Write a text with characters of the GSM alphabet wherever the meaning stays the same.

    The curly apostrophe and quotes become straight, dashes become hyphens, letters lose the accents the alphabet lacks and
    keep those it has. What has no plain form, such as an emoji, stays and shows in `measure(...).costly`.
    """
    return "".join(_plain(char) for char in unicodedata.normalize("NFC", text))


def _segments(widths: list[int], alone: int, *, joined: int) -> int:
    """Fill segments from the front; a character of two units is never cut in half over two segments."""
    if sum(widths) <= alone:
        return 1
    count, room = 1, joined
    for width in widths:
        if width > room:
            count, room = count + 1, joined
        room -= width
    return count


def _plain(char: str) -> str:
    if char in COST:
        return char
    if char in PLAIN:
        return PLAIN[char]
    decomposed = unicodedata.normalize("NFKD", char)
    letters = "".join(PLAIN.get(part, part) for part in decomposed if not unicodedata.combining(part))
    return letters if letters and all(part in COST for part in letters) else char
