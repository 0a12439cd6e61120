"""Why a text did not arrive, or a call was not heard, in plain words, from the codes that gateways give."""

from collections.abc import Mapping
from typing import Final

OFF: Final = "The phone is off or out of reach."
NO_NUMBER: Final = "No phone has this number."
REFUSES: Final = "The network or the phone refuses such texts."
NO_CREDIT: Final = "The account at the gateway has no credit."
VANISHED: Final = "A worker ended while it was sending: whether it left is not known."
SILENT: Final = "The gateway did not answer: whether it left is not known."
BROKEN: Final = "The gateway could not be reached."
UNHEARD: Final = "Nobody picked up, or whoever did pressed no key. It is not called again."
NO_MORE: Final = "Whoever picked up asked for no more calls."
MUTE: Final = "The gateway carries no calls."
OTHER: Final = "The gateway gives another reason: {code}."
NONE: Final = "The gateway gives no reason."

# Twilio: twilio.com/docs/api/errors; Africa's Talking: developers.africastalking.com, delivery reports, failureReason.
KNOWN: Final[Mapping[str, str]] = {
    **dict.fromkeys(("30003", "30008", "UserIsInactive", "AbsentSubscriber", "unreachable"), OFF),
    **dict.fromkeys(
        ("30005", "30006", "21211", "21614", "UserDoesNotExist", "NotNetworkSubscriber", "InvalidPhoneNumber"), NO_NUMBER
    ),
    **dict.fromkeys(("30004", "30007", "UserInBlackList", "UserNotSubscribedToProduct", "Rejected"), REFUSES),
    **dict.fromkeys(("InsufficientCredit", "InsufficientBalance"), NO_CREDIT),
    "nobody pressed a key": UNHEARD,
    "asked for no more calls": NO_MORE,
    "carries no calls": MUTE,
    "worker vanished": VANISHED,
    **dict.fromkeys(("no answer", "ReadTimeoutError", "ProtocolError"), SILENT),
    **dict.fromkeys(("ConnectTimeoutError", "NewConnectionError", "gateway shut"), BROKEN),
}


def plain(code: str | None) -> str:
    """Return the words for a code."""
    return KNOWN.get(code, OTHER.format(code=code)) if code else NONE
