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
