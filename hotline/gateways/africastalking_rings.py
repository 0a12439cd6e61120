"""Missed calls and call-backs through Africa's Talking: everything of a call comes to the one address of its number.

Sources: developers.africastalking.com/docs/voice (actions, handle_calls, making_calls). `isActive` 0 is the bill, not a question.
"""

from hotline.gateways.contract import Answer, Certainty, Sent, Unreadable, Webhook, plain_id, said
from hotline.gateways.ringing import GO_ON_KEY, Ring, Stage, asking, verb, xml
from hotline.gateways.wire import Reply

FIELDS = ("sessionId", "isActive", "direction", "callerNumber", "destinationNumber", "dtmfDigits", "clientRequestId")


def event_id(webhook: Webhook) -> str | None:
    """Return the call's id with what this event of it says."""
    fields = webhook.fields
    if not fields.get("sessionId"):
        return None
    return ":".join(fields.get(name, "") for name in ("sessionId", "isActive", "dtmfDigits"))


def read(webhook: Webhook) -> Ring:
    """Read a call; one of ours carries our id as `clientRequestId`. Raises Unreadable."""
    fields, active = webhook.fields, webhook.fields.get("isActive") != "0"
    if fields.get("direction", "").lower() == "outbound":
        reference = plain_id(fields.get("clientRequestId") or None)
        if reference is None:
            raise Unreadable("clientRequestId")
        if not active:
            return Ring(Stage.OVER, reference=reference)
        pressed = fields.get("dtmfDigits", "")
        if pressed:
            return Ring(Stage.PRESSED if pressed == GO_ON_KEY else Stage.MACHINE, reference=reference)
        return Ring(Stage.ANSWERED, reference=reference)
    if not active:
        return Ring(Stage.OVER)
    if not fields.get("callerNumber"):
        raise Unreadable("callerNumber")
    return Ring(Stage.MISSED, number=fields["callerNumber"])


def page(stage: Stage, words: str, address: str) -> Answer:
    """Return a page as its XML; nothing for what is over. A call with no further action ends by itself."""
    if stage is Stage.MISSED:
        return Answer(xml(verb("Reject")), "text/xml")
    if stage is Stage.ANSWERED:
        return Answer(xml(asking("GetDigits", words, timeout="10", callbackUrl=address)), "text/xml")
    if stage is Stage.PRESSED:
        return Answer(xml(verb("Say", words)), "text/xml")
    return Answer("" if stage is Stage.OVER else xml(), "text/xml")


def outcome(reference: str, reply: Reply) -> Sent:
    """Return what is known of a call after the answer to asking for it."""
    if reply.status not in (200, 201):
        certainty = Certainty.UNKNOWN if reply.status >= 500 else Certainty.REFUSED
        return Sent(reference, certainty, code=str(reply.status))
    entries = reply.json.get("entries") if isinstance(reply.json, dict) else None
    first = entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], dict) else {}
    if said(first.get("status")) != "Queued":
        return Sent(reference, Certainty.REFUSED, code="not queued")
    return Sent(reference, Certainty.ACCEPTED, provider_id=plain_id(said(first.get("sessionId")) or None))
