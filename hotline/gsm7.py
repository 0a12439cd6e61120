"""The alphabet a plain phone can show, and what each character of it costs on the air.

3GPP TS 23.038 packs a text into 7-bit units, septets. Most characters take one; ten sit behind an escape and take two. One
character outside this alphabet moves the whole text to 16-bit units and more than halves what fits. Only the table lives
here, so that whoever loads texts and whoever sends them share it; segments are counted in `hotline.outbound.meter`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# TS 23.038 section 6.2.1, in the order of its columns. Position 0x1B is the escape itself, not a character.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

# TS 23.038 section 6.2.1.1.
EXTENSION: Final = "\f^{}\\[~]|€"

COST: Final[Mapping[str, int]] = MappingProxyType({**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENSION, 2)})
"""Septets each character takes; a character that is not a key is not in the alphabet."""

ESCAPE: Final = 0x1B
_ALPHABET: Final = frozenset(COST)
_SINGLE: Final = dict(zip([code for code in range(128) if code != ESCAPE], BASIC, strict=True))
_ESCAPED: Final = dict(zip((0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), EXTENSION, strict=True))
_CODES: Final = {char: bytes([code]) for code, char in _SINGLE.items()} | {
    char: bytes([ESCAPE, code]) for code, char in _ESCAPED.items()
}


def fits(text: str) -> bool:
    """Whether a plain phone can show this text as it is."""
    return _ALPHABET.issuperset(text)


def septets(text: str) -> int:
    """Return how many septets a text that fits takes."""
    return len(text) + sum(map(text.count, EXTENSION))


def encode(text: str) -> bytes:
    """Return a text that fits as one septet an octet, as SMPP carries it. Raises KeyError for any other."""
    return b"".join(_CODES[char] for char in text)


def decode(octets: bytes) -> str:
    """Read one septet an octet, as SMPP carries it (TS 23.038 section 6.2.1).

    An escape before a code that has no second meaning is passed over, as the standard wants. Raises KeyError for an octet
    that is no septet.
    """
    read, escaped = [], False
    for octet in octets:
        if octet == ESCAPE:
            escaped = True
            continue
        read.append(_ESCAPED.get(octet, _SINGLE[octet]) if escaped else _SINGLE[octet])
        escaped = False
    return "".join(read)
