"""Numbers: E.164 from whatever a gateway writes, and a masked form that may be shown.

A sender need not be a number: networks write from names ("MTN") and short codes. Such a sender is kept as it came, found by
the same blind index, and never written to.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

SPACING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
NETWORK_DIGITS = 2
DIALLED = re.compile(r"\+?\d+")


@dataclass(frozen=True)
class Sender:
    """Who a text came from. `address` is E.164 when `reachable`, else the sender's own spelling."""

    address: str
    reachable: bool


@lru_cache(maxsize=4096)
def sender(raw: str, region: str) -> Sender:
    """Read a gateway's sender field. Never fails: what is no number is kept as a name."""
    tidy = SPACING.sub("", unicodedata.normalize("NFKC", raw))
    spelled = f"+{tidy[2:]}" if tidy.startswith("00") else tidy
    if _mobiles(region).fullmatch(spelled):
        return Sender(spelled, reachable=True)
    # The parser would find a number inside "MoMo 0780..." and somebody else would get our answer.
    for candidate in (spelled, f"+{spelled}") if DIALLED.fullmatch(spelled) else ():
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return Sender(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), reachable=True)
    return Sender(raw.strip(), reachable=False)


def is_mobile(address: str, region: str) -> bool:
    """Whether an E.164 number is a mobile number of a region."""
    return _mobiles(region).fullmatch(address) is not None


@lru_cache
def _mobiles(region: str) -> re.Pattern[str]:
    """Return the shape of a region's mobile numbers in E.164: what most texts come from, and quicker than reading the number."""
    own = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if own is None or own.mobile is None or own.mobile.national_number_pattern is None:
        return re.compile(r"(?!)")
    return re.compile(rf"\+{own.country_code}(?:{own.mobile.national_number_pattern})", re.ASCII)


def prefix_of(address: str, region: str) -> str:
    """Return the digits of a number that say what a text to it costs: its country's and, at home, its network's.

    They are too few to know whose number it is, and since numbers move between networks they are good for prices alone.
    """
    digits, country = address.removeprefix("+"), str(phonenumbers.country_code_for_region(region))
    return digits[: len(country) + NETWORK_DIGITS] if digits.startswith(country) else digits[:3]


def masked(address: str) -> str:
    """Return a number with only its country and last two digits, enough to tell two apart on one page."""
    if not address.startswith("+") or len(address) < 8:
        return "•••"
    return f"{address[:4]} ••• ••{address[-2:]}"
