"""The short name of a case, such as K7-4QM9, that officers say aloud and text back from small phones.

Five random characters and one check character, in Crockford's base32 (no I, L, O, U). It is a name, not a secret: it proves
nothing and opens nothing. It must never be derived from a caller, a place or a time.

The check character is one parity symbol over the field GF(32), the shortest Reed-Solomon code: with weights 1, a, a2 ... a5
of a primitive element, all different and none zero, any one wrong character and any two characters that changed places
(neighbours or not) always show. ISO 7064's check characters were not taken because theirs can be I, L, O or U.
"""

import secrets
import unicodedata
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 6

_VALUES: Final = {char: value for value, char in enumerate(ALPHABET)}
_MISREAD: Final = str.maketrans("OIL", "011")
_PRIMITIVE: Final = 0b100101  # x^5 + x^2 + 1


def make() -> str:
    """Draw a new handle, written XX-XXXX. 32^5 = 33.5 million exist, so whoever stores it must try again on a clash."""
    bits = secrets.randbits(5 * (LENGTH - 1))
    drawn = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(LENGTH - 1))
    # The last character has weight 1: equal to what the others add up to, it brings the sum to zero.
    check = ALPHABET[_doubled(_parity(drawn))]
    return _written(drawn + check)


def parse(text: str) -> str | None:
    """Read a handle as people type it and give it back as XX-XXXX, or None where the check character does not agree.

    Case, spaces, hyphens, brackets and dots do not matter; O is read as 0, I and L as 1, as Crockford's base32 asks.
    """
    read = tidy(text)
    return _written(read) if looks_like(read) and _parity(read) == 0 else None


def tidy(text: str) -> str:
    """Keep the letters and digits of a typed handle, upper case, with the look-alikes replaced."""
    upper = unicodedata.normalize("NFKC", text).upper()
    return "".join(char for char in upper if char.isalnum()).translate(_MISREAD)


def looks_like(read: str) -> bool:
    """Say whether a tidied text has the shape of a handle, be its check character right or wrong."""
    return len(read) == LENGTH and all(char in _VALUES for char in read)


def _parity(read: str) -> int:
    """Horner's rule over GF(32): zero for a handle without error."""
    total = 0
    for char in read:
        total = _doubled(total) ^ _VALUES[char]
    return total


def _doubled(value: int) -> int:
    """Multiply by the primitive element of GF(32)."""
    shifted = value << 1
    return shifted ^ _PRIMITIVE if shifted & 0b100000 else shifted


def _written(read: str) -> str:
    return f"{read[:2]}-{read[2:]}"
