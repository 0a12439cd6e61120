"""Twilio: programmable messaging, both directions.

Twilio sells no two-way SMS in Rwanda; it serves as an outgoing route and for numbers abroad. Its signature carries no time,
so a replay is recognised only by the message SID, which is the row's unique key. Sources: twilio.com/docs/usage/security
(signature), /docs/messaging/guides/webhook-request (fields), /docs/api/errors (codes).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from hotline.config import Settings
from hotline.gateways.contract import (
    Answer,
    Certainty,
    Forged,
    Found,
    InboundText,
    NotListed,
    OutboundText,
    Page,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    form,
    plain_id,
    words,
)
from hotline.privacy import Keyring

SIGNATURE = "x-twilio-signature"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
THREADS = 8
PAGE_SIZE = 200
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
RETRY = {"20429", "30001", "30003", "30008", "30410", "63018"}


class Twilio:
    """One Twilio account."""

    name = "twilio"
    kinds = frozenset({"sms", "status"})
    methods = frozenset({"POST"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = [token.get_secret_value() for token in settings.twilio_auth_tokens]
        self._public_url = settings.public_url.rstrip("/")
        self._client: Client | None = None
        self.secrets = tuple(self._tokens)

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
            message_id=plain_id(_query(webhook.target).get("message") or None),
            progress=PROGRESS[status],
            code=code,
            opted_out=code in OPTED_OUT,
        )

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Send each text by its own request, several at a time."""
        if len(texts) == 1:
            return [self._send(texts[0])]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._send, texts))

    def listed(self, cursor: str | None, since: datetime) -> Iterator[Page]:
        """Yield inbound messages to our number, newest first, from a little before the last complete listing.

        Twilio sends no webhook again once it and its fallback have failed; the message stays in its list
        (twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources).
        """
        began = datetime.now(UTC)
        start = max(since, datetime.fromisoformat(cursor) - LIST_OVERLAP) if cursor else since
        try:
            messages = self._api().messages
            page = messages.page(to=self._settings.twilio_from, date_sent_after=start, page_size=PAGE_SIZE)
            while page is not None:
                following = page.next_page_url
                found = tuple(_found(message) for message in page if message.direction == "inbound" and message.sid)
                yield Page(found, None if following else began.isoformat())
                page = page.next_page() if following else None
        except (TwilioRestException, TwilioServiceException) as error:
            raise NotListed(_code(str(error.code or error.status)) or "refused") from None
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
        except (TwilioRestException, TwilioServiceException) as error:
            return _refusal(text, error)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError):
            return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)
        except requests.exceptions.ConnectionError as error:
            refused = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            certainty = Certainty.REFUSED if refused else Certainty.UNKNOWN
            return Sent(text.id, certainty, code="connection", retry=refused)
        except Exception as error:  # noqa: BLE001  an answer of any other shape breaks the SDK anywhere; we know nothing then
            return Sent(text.id, Certainty.UNKNOWN, code=type(error).__name__)
        if not isinstance(message.sid, str) or not message.sid:
            return Sent(text.id, Certainty.UNKNOWN, code="no sid")
        return Sent(text.id, Certainty.ACCEPTED, provider_id=plain_id(message.sid))

    def _api(self) -> Client:
        if self._client is None:
            chosen = self._settings
            self._client = Client(chosen.twilio_account_sid, self._tokens[0], http_client=ApiHttp(chosen))
        return self._client


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
        """Send a request to the configured base address; redirects are not followed."""
        kwargs["allow_redirects"] = False
        return super().request(method, url.replace("https://api.twilio.com", self._base, 1), *args, **kwargs)


class Patience(HTTPAdapter):
    """Connections with room for our threads, a time-out to connect and one to read; the SDK knows only one for both."""

    def __init__(self, connect: float, read: float) -> None:
        super().__init__(pool_maxsize=THREADS)
        self._limits = (connect, read)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send with our time-outs."""
        return super().send(request, *args, **{**kwargs, "timeout": self._limits})


def make(settings: Settings, keyring: Keyring) -> Twilio | None:  # noqa: ARG001  every gateway is made alike; Twilio's key is its token
    """Return the gateway when an auth token is set."""
    return Twilio(settings) if settings.twilio_auth_tokens else None


def _found(message: MessageInstance) -> Found:
    """Return a listed message as the webhook that would have told of it."""
    fields = {"MessageSid": message.sid, "From": message.from_ or "", "To": message.to or "", "Body": message.body or ""}
    body = urlencode({**fields, "NumMedia": str(message.num_media or "0")}, errors="surrogatepass").encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    at = message.date_sent or message.date_created or datetime.now(UTC)
    return Found(Webhook("sms", "/in/twilio/sms", headers, body), at)


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


def _refusal(text: OutboundText, error: TwilioRestException | TwilioServiceException) -> Sent:
    code = _code(str(error.code or error.status))
    if error.status >= 500:
        return Sent(text.id, Certainty.UNKNOWN, code=code)
    retry = error.status < 400 or error.status == 429 or code in RETRY
    return Sent(text.id, Certainty.REFUSED, code=code, retry=retry, opted_out=code in OPTED_OUT)


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


def _query(target: str) -> dict[str, str]:
    return {words(key): words(value) for key, value in form(target.partition("?")[2].encode())}
