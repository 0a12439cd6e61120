"""Twilio's own lists of what it received, each entry as the webhook that should have told of it.

Sources: twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources, /docs/voice/api/call-resource.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hotline.gateways.contract import Found, Webhook
from hotline.gateways.twilio_calls import ENDED

if TYPE_CHECKING:  # the SDK reads half of itself for these names, in every process that starts
    from twilio.rest import Client
    from twilio.rest.api.v2010.account.call import CallInstance
    from twilio.rest.api.v2010.account.message import MessageInstance

PAGE_SIZE = 200
HEADERS = {"content-type": "application/x-www-form-urlencoded"}


def texts(client: "Client", number: str, since: datetime) -> Iterator[tuple[Found, ...]]:
    """Yield the texts that came to a number of ours, newest first, a page at a time."""
    for page in _pages(client.messages.page(to=number, date_sent_after=since, page_size=PAGE_SIZE)):
        yield tuple(_text(one) for one in page if one.direction == "inbound" and one.sid)


def calls(client: "Client", missed_calls_to: str, since: datetime) -> Iterator[tuple[Found, ...]]:
    """Yield the calls that came and are over, newest first, a page at a time.

    One to the number on which missed calls are taken rang there. Any other came to where callers are spoken with: if we said no
    page, they heard Twilio's own error and told nothing, and an officer is to see that they called.
    """
    for page in _pages(client.calls.page(start_time_after=since, page_size=PAGE_SIZE)):
        ended = [one for one in page if one.direction == "inbound" and one.sid and one.status in ENDED]
        yield tuple(_call(one, missed_calls_to) for one in ended)


def _pages(page: Any) -> Iterator[Any]:
    while page is not None:
        yield page
        page = page.next_page() if page.next_page_url else None


def _text(one: "MessageInstance") -> Found:
    fields = {"MessageSid": one.sid, "From": one.from_ or "", "To": one.to or "", "Body": one.body or ""}
    at = one.date_sent or one.date_created or datetime.now(UTC)
    return Found(_webhook("sms", {**fields, "NumMedia": str(one.num_media or "0")}), at)


def _call(one: "CallInstance", missed_calls_to: str) -> Found:
    kind, status = ("beep", "ringing") if missed_calls_to and one.to == missed_calls_to else ("voice_event", one.status)
    caller = one._from or ""  # noqa: SLF001  the SDK has no other name for it
    fields = {"CallSid": one.sid, "From": caller, "To": one.to or "", "CallStatus": status, "Direction": "inbound"}
    return Found(_webhook(kind, fields), one.start_time or one.date_created or datetime.now(UTC), one.sid)


def _webhook(kind: str, fields: dict[str, str]) -> Webhook:
    return Webhook(kind, f"/in/twilio/{kind}", HEADERS, urlencode(fields, errors="surrogatepass").encode())
