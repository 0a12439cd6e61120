"""Missed calls and call-backs through Twilio.

Sources: twilio.com/docs/voice/twiml/reject (as the first verb nothing is answered or billed), /voice/twiml/gather,
/voice/make-calls (StatusCallback, MachineDetection, TimeLimit).
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from hotline.gateways.contract import Answer, Unreadable, Webhook, plain_id
from hotline.gateways.ringing import ANSWER_WITHIN, GO_ON_KEY, LONGEST_CALL, Ring, Stage, asking, verb, xml

BACK, OVER = "back", "over"
HUMAN = ("", "human", "unknown")


def event_id(webhook: Webhook) -> str | None:
    """Return the call's id with what this event of it says."""
    fields = webhook.fields
    said = [fields.get(name, "") for name in ("CallSid", "CallStatus", "Digits")]
    return ":".join([*said, webhook.query.get(OVER, "")]) if fields.get("CallSid") else None


def read(webhook: Webhook) -> Ring:
    """Read a call. One of ours carries our id in the query of its address. Raises Unreadable."""
    fields, reference = webhook.fields, plain_id(webhook.query.get(BACK) or None)
    if reference is None:
        if not fields.get("From"):
            raise Unreadable("From")
        return Ring(Stage.MISSED, number=fields["From"])
    if webhook.query.get(OVER):
        return Ring(Stage.OVER, reference=reference)
    if fields.get("AnsweredBy", "") not in HUMAN:
        return Ring(Stage.MACHINE, reference=reference)
    if "Digits" in fields:
        return Ring(Stage.PRESSED if fields["Digits"] == GO_ON_KEY else Stage.MACHINE, reference=reference)
    return Ring(Stage.ANSWERED, reference=reference)


def page(stage: Stage, words: str, address: str, reference: str) -> Answer:
    """Return a page as TwiML."""
    if stage is Stage.MISSED:
        made = xml(verb("Reject", reason="busy"))
    elif stage is Stage.ANSWERED:
        made = xml(asking("Gather", words, timeout="8", action=back(address, reference)), verb("Hangup"))
    elif stage is Stage.PRESSED:
        made = xml(verb("Say", words), verb("Hangup"))
    else:
        made = xml(verb("Hangup"))
    return Answer(made, "text/xml")


def wish(address: str, reference: str) -> Mapping[str, object]:
    """Return how a call is asked for, in the words of Twilio's library."""
    return {
        "url": back(address, reference),
        "status_callback": f"{back(address, reference)}&{OVER}=1",
        "status_callback_event": ["completed"],
        "machine_detection": "Enable",
        "timeout": ANSWER_WITHIN,
        "time_limit": LONGEST_CALL,
    }


def back(address: str, reference: str) -> str:
    """Return the address that is asked for the pages of a call of ours."""
    return f"{address}?{urlencode({BACK: reference})}"
