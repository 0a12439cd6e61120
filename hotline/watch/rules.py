"""What a person may do about something that was set aside, and the rule behind it. Pure.

The rules are those of docs/safety.md: an alert may go twice, an answer to a caller that may have arrived never does.
"""

from dataclasses import dataclass
from enum import StrEnum

from hotline.models import InboxKind, Lane, MessageKind, MessageState


class Act(StrEnum):
    """What a person can do with a dead letter."""

    REPLAY = "replay"
    VERIFY = "verify"
    SETTLE = "settle"


class What(StrEnum):
    """What was set aside."""

    ALERT = "alert"
    NOTICE = "notice"
    REPLY = "reply"
    AUTO = "auto"
    SENDING = "sending"
    TEXT = "text"
    RECEIPT = "receipt"
    FILE = "file"
    FORGED = "forged"
    UNTOLD = "untold"


class Rule(StrEnum):
    """The rule of a kind, as a sentence for whoever decides."""

    ALERT = "An alert may go again: two copies harm nobody, none may cost a life."
    NOTICE = "A note to an officer may go again."
    REPLY_UNSENT = "It surely did not leave. It may go again if we may still write to the person; that is asked anew."
    REPLY_PERHAPS = "It may have arrived. A reply is never sent twice: open the item and write anew, or leave it."
    AUTO = "An automatic answer is never sent late and never twice. Nothing is to be done."
    SENDING = "A text to many is never sent again from here."
    TEXT = "Somebody's text that nobody has read. Try again once its cause is mended; it is stored until then."
    RECEIPT = "A delivery report for a text we do not know. No person's words are in it."
    FILE = "Taken in while the database was away, and could not be stored. It may be somebody's text."
    FORGED = "Refused, because the signature was wrong. If the wrong token was ours, mend it and have them checked again."
    UNTOLD = "Nobody in the directory could be told. Add a contact on duty, or call somebody and acknowledge the item."


@dataclass(frozen=True)
class Judgement:
    """What something is, its rule, and what may be done about it."""

    what: What
    rule: Rule
    acts: tuple[Act, ...]


AGAIN, ONLY_SETTLE = (Act.REPLAY, Act.SETTLE), (Act.SETTLE,)
FILE = Judgement(What.FILE, Rule.FILE, AGAIN)
FORGED = Judgement(What.FORGED, Rule.FORGED, (Act.VERIFY, Act.SETTLE))
UNTOLD = Judgement(What.UNTOLD, Rule.UNTOLD, (Act.REPLAY,))


def of_message(kind: MessageKind, lane: Lane, state: MessageState) -> Judgement:
    """Judge a message that did not get out, or of which we do not know whether it did."""
    if lane is Lane.BULK or kind is MessageKind.BROADCAST:
        return Judgement(What.SENDING, Rule.SENDING, ONLY_SETTLE)
    if kind is MessageKind.ALERT:
        return Judgement(What.ALERT, Rule.ALERT, AGAIN)
    if kind is MessageKind.NOTICE:
        return Judgement(What.NOTICE, Rule.NOTICE, AGAIN)
    if kind is not MessageKind.REPLY:
        return Judgement(What.AUTO, Rule.AUTO, ONLY_SETTLE)
    if state is MessageState.UNKNOWN:
        return Judgement(What.REPLY, Rule.REPLY_PERHAPS, ONLY_SETTLE)
    return Judgement(What.REPLY, Rule.REPLY_UNSENT, AGAIN)


def of_webhook(kind: str) -> Judgement:
    """Judge a genuine webhook that could not be read, or that broke whoever read it."""
    if kind == InboxKind.STATUS:
        return Judgement(What.RECEIPT, Rule.RECEIPT, AGAIN)
    return Judgement(What.TEXT, Rule.TEXT, AGAIN)
