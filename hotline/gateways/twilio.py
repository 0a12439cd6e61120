"""Twilio: programmable messaging, both directions.

Twilio sells no two-way SMS in Rwanda; it serves as an outgoing route and for numbers abroad. Its signature carries no time,
so a replay is recognised only by the message SID, which is the row's unique key. Sources: twilio.com/docs/usage/security
(signature), /docs/messaging/guides/webhook-request (fields), /docs/api/errors (codes).
"""

import base64
import hashlib
import hmac
import json
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from hotline.config import Settings
from hotline.gateways import twilio_calls, twilio_lists
from hotline.gateways.bridging import LONGEST_OF_ALL, Joining
from hotline.gateways.contract import (
    Answer,
    Certainty,
    Forged,
    InboundText,
    NotListed,
    OutboundText,
    Page,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    plain_id,
    seconds_to_wait,
    words,
)
from hotline.gateways.ringing import LONGEST_CALL, Ring
from hotline.gateways.voice import CallPage, CallStep
from hotline.privacy import Keyring

SIGNATURE = "x-twilio-signature"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
CONNECTIONS = 64
LIST_OVERLAP = timedelta(minutes=15)  # what came in while the list was read, and what reached it late
CODE = re.compile(r"[0-9]{1,6}")
VALIDITY = range(1, 36_001)  # seconds Twilio accepts as ValidityPeriod

PROGRESS = {
    "accepted": Progress.ACCEPTED,
    "scheduled": Progress.ACCEPTED,
    "queued": Progress.ACCEPTED,
    "sending": Progress.SENT,
    "sent": Progress.SENT,
    "delivered": Progress.DELIVERED,
    "read": Progress.DELIVERED,
    "partially_delivered": Progress.UNDELIVERED,
    "undelivered": Progress.UNDELIVERED,
    "failed": Progress.FAILED,
    "canceled": Progress.FAILED,
}
OPTED_OUT = {"21610"}
# Worth another try: queues that were full, phones that were off; and what only the operator of this hotline can mend (a wrong
# token, a sender or a country that is not enabled), since it may be mended in time and another gateway may not mind.
RETRY = {"20429", "30001", "30003", "30008", "30410", "63018"}
OURS = {"20003", "20404", "21212", "21408", "21606", "21608", "21611", "21612"}
FAILED = {"failed", "undelivered", "canceled"}
CLOCKS_DIFFER = timedelta(seconds=30)
NO_HANDSHAKE = ("CERTIFICATE_VERIFY_FAILED", "HANDSHAKE", "WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "UNRECOGNIZED_NAME")


class Twilio:
    """One Twilio account."""

    name = "twilio"
    kinds = frozenset({"sms", "status"}) | twilio_calls.KINDS
    voices = frozenset(twilio_calls.LOCALES)
    per_request = 1
    folds_copies = False
    methods = frozenset({"POST"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = [token.get_secret_value() for token in settings.twilio_auth_tokens]
        self._public_url = settings.public_url.rstrip("/")
        self._client: Client | None = None
        self.secrets = tuple(self._tokens)
        self.shown = settings.voice_number or settings.twilio_from

    def address(self, kind: str) -> str:
        """Return the address to enter at Twilio for a kind; a receipt's is given with each text."""
        return f"{self._public_url}/in/{self.name}/{kind}"

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {
            "HOTLINE_TWILIO_ACCOUNT_SID": self._settings.twilio_account_sid,
            "HOTLINE_TWILIO_FROM": self._settings.twilio_from,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if one of our tokens signed this URL and these fields. Raises Forged.

        The URL is the configured public one, never the request's own: a proxy or a forger chooses those.
        """
        given = webhook.headers.get(SIGNATURE)
        if not given:
            raise Forged("unsigned")
        signed = signed_bytes(self._public_url + webhook.target, webhook.pairs)
        if not any(hmac.compare_digest(given.encode(), sign(token, signed)) for token in self._tokens):
            raise Forged("signature")

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the message SID; for a callback also the status, since each status is its own event."""
        if webhook.kind in twilio_calls.KINDS:
            return twilio_calls.event_id(webhook)
        if webhook.kind == "sms":
            return _first(webhook, b"MessageSid", b"SmsSid", b"SmsMessageSid")
        sid, status = _first(webhook, b"MessageSid", b"SmsSid"), _first(webhook, b"MessageStatus", b"SmsStatus")
        return f"{sid}:{status or ''}" if sid else None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; Twilio wants TwiML for every kind
        """Return empty TwiML. Plain text would be sent to the caller as an SMS."""
        return Answer(EMPTY_TWIML, "text/xml")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read From, To and Body. Raises Unreadable when there is no sender."""
        fields = webhook.fields
        if not fields.get("From"):
            raise Unreadable("From")
        return InboundText(sender=fields["From"], to=fields.get("To", ""), body=fields.get("Body", ""))

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read a status callback; our own id stands in the callback's query. Raises Unreadable."""
        fields = webhook.fields
        status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
        sid = fields.get("MessageSid") or fields.get("SmsSid")
        if status not in PROGRESS or not sid:
            raise Unreadable("MessageStatus")
        code = _code(fields.get("ErrorCode") or None)
        return StatusUpdate(
            provider_id=str(plain_id(sid)),
            message_id=plain_id(webhook.query.get("message") or None),
            progress=PROGRESS[status],
            code=code,
            opted_out=code in OPTED_OUT,
        )

    def read_call(self, webhook: Webhook) -> CallStep:
        """Read a step of a call, an event of it or word of a recording. Raises Unreadable."""
        return twilio_calls.read(webhook)

    def speak(self, page: CallPage) -> Answer:
        """Return a page as TwiML."""
        return twilio_calls.speak(page, self.address("recording"))

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording. Raises NotFetched."""
        return self._tapes().fetch(tape)

    def recorded(self, call: str) -> Sequence[Webhook]:
        """Return what was recorded in a call. Raises NotFetched."""
        return self._tapes().recorded(call)

    def remove(self, tape: str) -> None:
        """Remove a recording. Raises NotFetched."""
        self._tapes().remove(tape)

    def _tapes(self) -> twilio_calls.Tapes:
        return twilio_calls.Tapes(self._settings, self._settings.twilio_account_sid, self._tokens[0])

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read a missed call. Raises Unreadable."""
        return twilio_calls.ring(webhook)

    def ours(self, webhook: Webhook) -> bool:
        """Whether a call is one that we placed."""
        return twilio_calls.ours(webhook)

    def turn_away(self) -> Answer:
        """Return what ends a call before it is answered."""
        return twilio_calls.turn_away()

    def call(self, number: str, reference: str) -> Sent:
        """Place one call with a look whether a machine answers."""
        return self._call(number, reference, LONGEST_CALL)

    def ring_first(self, number: str, reference: str) -> Sent:
        """Place one that lasts as long as two people may be joined in it."""
        return self._call(number, reference, LONGEST_OF_ALL)

    def join(self, joining: Joining) -> Answer:
        """Return TwiML that dials the second phone."""
        return twilio_calls.join(joining, self.shown, self.address("voice_event"))

    def _call(self, number: str, reference: str, longest: int) -> Sent:
        wish = twilio_calls.wish(self.address("voice"), self.address("voice_event"), reference, longest)
        try:
            placed = self._api().calls.create(to=number, from_=self.shown, **wish)
        except Refusal as refusal:
            return refusal.of(OutboundText(reference, number, ""))
        except Exception as error:  # noqa: BLE001  as with texts: an answer of any other shape breaks the SDK anywhere
            certainty = Certainty.REFUSED if _never_began(error) else Certainty.UNKNOWN
            return Sent(reference, certainty, code=type(error).__name__, retry=certainty is Certainty.REFUSED)
        return Sent(reference, Certainty.ACCEPTED, provider_id=plain_id(str(placed.sid)))

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Send each text by its own request."""
        return [self._send(text) for text in texts]

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:
        """Look through the newest messages to this number for ones with these words.

        Twilio keeps no reference of ours. `DateSent` would leave out what it has taken and not sent yet, so it is not asked by.
        """
        try:
            listed = self._api().messages.list(to=text.to, limit=50, page_size=50)
            theirs = [message for message in listed if message.body == text.body and message.status not in FAILED]
            recent = [one for one in theirs if one.date_created is not None and one.date_created >= since - CLOCKS_DIFFER]
            ours = [one for one in recent if str(one.direction).startswith("outbound")]
            return [str(plain_id(str(one.sid))) for one in reversed(ours)]  # listed newest first
        except Exception:  # noqa: BLE001  whatever Twilio's answer breaks, we know no more than before
            return ()

    def listed(self, cursor: str | None, since: datetime) -> Iterator[Page]:
        """Yield inbound messages to our number and inbound calls, from a little before the last complete listing.

        Twilio sends no webhook again once it and its fallback have failed; the message or call stays in its list.
        """
        began = datetime.now(UTC)
        start = max(since, datetime.fromisoformat(cursor) - LIST_OVERLAP) if cursor else since
        try:
            for found in twilio_lists.texts(self._api(), self._settings.twilio_from, start):
                yield Page(found, None)
            for found in twilio_lists.calls(self._api(), self._settings.voice_number, start):
                yield Page(found, None)
            yield Page((), began.isoformat())
        except Refusal as refusal:
            raise NotListed(refusal.code or "refused") from None
        except (requests.exceptions.RequestException, TwilioException, ValueError, KeyError, TypeError) as error:
            raise NotListed(type(error).__name__) from None

    def _send(self, text: OutboundText) -> Sent:
        try:
            message = self._api().messages.create(
                to=text.to,
                from_=self._settings.twilio_from,
                body=text.body,
                status_callback=f"{self.address('status')}?message={text.id}",
                **({"validity_period": text.valid_for} if text.valid_for in VALIDITY else {}),
            )
        except Refusal as refusal:
            return refusal.of(text)
        except Exception as error:  # noqa: BLE001  an answer of any other shape breaks the SDK anywhere; we know nothing then
            if _never_began(error):
                return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)
            return Sent(text.id, Certainty.UNKNOWN, code=type(error).__name__)
        if not isinstance(message.sid, str) or not message.sid:
            return Sent(text.id, Certainty.UNKNOWN, code="no sid")
        if message.status in FAILED:
            code = _code(str(message.error_code))
            return Sent(text.id, Certainty.REFUSED, plain_id(message.sid), code, retry=code in RETRY, opted_out=code in OPTED_OUT)
        return Sent(text.id, Certainty.ACCEPTED, provider_id=plain_id(message.sid))

    def _api(self) -> Client:
        if self._client is None:
            chosen = self._settings
            self._client = Client(chosen.twilio_account_sid, self._tokens[0], http_client=ApiHttp(chosen))
        return self._client


class Refusal(Exception):
    """Twilio answered, and not with success. Its own error would keep neither the header nor, in the newer form, the status."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.status: int = response.status_code
        self.code = _code(str(_said(response.text).get("code") or self.status))
        self.retry_after = seconds_to_wait(self.status, (response.headers or {}).get("Retry-After"))

    def of(self, text: OutboundText) -> Sent:
        """Return what is known of a text after this answer: a server error may come after the text went out."""
        if self.status >= 500:
            return Sent(text.id, Certainty.UNKNOWN, code=self.code, retry_after=self.retry_after)
        retry = self.status < 400 or self.status == 429 or self.code in RETRY | OURS
        stopped = self.code in OPTED_OUT
        return Sent(text.id, Certainty.REFUSED, None, self.code, retry=retry, opted_out=stopped, retry_after=self.retry_after)


class ApiHttp(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """Twilio's HTTP client with both time-outs, which theirs lacks, and a base address that can be changed."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(timeout=settings.read_timeout_seconds)
        self._base = settings.twilio_api_url.rstrip("/")
        if self.session is not None:
            patient = Patience(settings.connect_timeout_seconds, settings.read_timeout_seconds)
            self.session.mount("https://", patient)
            self.session.mount("http://", patient)

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        """Send a request to the configured base address; redirects are not followed. Raises Refusal."""
        kwargs["allow_redirects"] = False
        response = super().request(method, url.replace("https://api.twilio.com", self._base, 1), *args, **kwargs)
        if response.status_code >= 300:
            raise Refusal(response)
        return response


class Patience(HTTPAdapter):
    """Connections with room for our threads, a time-out to connect and one to read; the SDK knows only one for both."""

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)
        self._limits = (connect, read)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send with our time-outs."""
        return super().send(request, *args, **{**kwargs, "timeout": self._limits})


def make(settings: Settings, keyring: Keyring) -> Twilio | None:  # noqa: ARG001  every gateway is made alike; Twilio's key is its token
    """Return the gateway when an auth token is set."""
    return Twilio(settings) if settings.twilio_auth_tokens else None


def signed_bytes(url: str, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return what Twilio signs: the URL, then each field's name and distinct values, sorted by name.

    Works on bytes, so a body that is not UTF-8 is checked as it came (twilio.com/docs/usage/security).
    """
    values: dict[bytes, set[bytes]] = {}
    for key, value in pairs:
        values.setdefault(key, set()).add(value)
    return url.encode() + b"".join(key + value for key in sorted(values) for value in sorted(values[key]))


def sign(token: str, signed: bytes) -> bytes:
    """Return the base64 HMAC-SHA1 of `signed` under an auth token, as X-Twilio-Signature carries it."""
    return base64.b64encode(hmac.digest(token.encode(), signed, hashlib.sha1))


def _said(body: str) -> dict[str, object]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _never_began(error: BaseException) -> bool:
    """Whether a failure came before the request was written: no name, no connection or no handshake, and so surely not sent."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(error, requests.exceptions.SSLError):
        reasons = [one.reason or "" for one in _causes(error) if isinstance(one, ssl.SSLError)]
        return any(word in reason for reason in reasons for word in NO_HANDSHAKE)
    if isinstance(error, requests.exceptions.ConnectionError):
        return any(isinstance(one, NewConnectionError) for one in _causes(error))
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error with all that it was made of: urllib3 and requests keep the one before as an argument or a reason."""
    below = [error]
    while below:
        one = below.pop()
        yield one
        inner = [*one.args, getattr(one, "reason", None), one.__cause__]
        below += [found for found in inner if isinstance(found, BaseException)]


def _code(said: str | None) -> str | None:
    """Keep an error code if it is one; anything else Twilio may say could quote a number."""
    return said if said is None or CODE.fullmatch(said) else "not a code"


def _first(webhook: Webhook, *names: bytes) -> str | None:
    """Return the first of these fields that is not empty, without reading all the others."""
    for name in names:
        for key, value in webhook.pairs:
            if key == name and value:
                return words(value)
    return None
