"""Africa's Talking: SMS in and out, receipts, opt-outs, a dialled code (USSD), calls, and the list of what came in.

It signs nothing, so its hooks are guarded as hotline.gateways.unsigned says, and a number it names is never proof of who
writes. Its own Python SDK has no time-outs; this calls the REST API itself. Sources: developers.africastalking.com (sms/sending,
sms/notifications, sms/fetch), and what the service really answers: a 201 may carry a total failure.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import urlencode, urlsplit

import urllib3

from hotline.config import Settings
from hotline.gateways import africastalking_calls
from hotline.gateways.bridging import Joining
from hotline.gateways.contract import (
    Answer,
    Certainty,
    Found,
    InboundText,
    NotListed,
    OptOut,
    OutboundText,
    Page,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    moment,
    plain_id,
    said,
)
from hotline.gateways.ringing import Ring
from hotline.gateways.unsigned import Hook
from hotline.gateways.voice import CallPage, CallStep
from hotline.gateways.wire import Reply, Wire, by_status
from hotline.privacy import Keyring

FIELDS = {
    "sms": ("from", "to", "text", "id", "linkId", "date", "networkCode"),
    "status": ("id", "status", "phoneNumber", "failureReason", "retryCount"),
    "optout": ("phoneNumber", "senderId"),
    "ussd": ("sessionId", "phoneNumber", "text", "serviceCode", "networkCode"),
    "ussd_end": ("sessionId", "phoneNumber", "status", "input", "serviceCode", "networkCode"),
    **africastalking_calls.FIELDS,
}
PROGRESS = {
    "submitted": Progress.SENT,
    "sent": Progress.SENT,
    "buffered": Progress.SENT,
    "success": Progress.DELIVERED,
    "rejected": Progress.FAILED,
    "failed": Progress.FAILED,
    "expired": Progress.UNDELIVERED,
    "absentsubscriber": Progress.UNDELIVERED,
}
# Codes of one recipient inside a 201.
ACCEPTED = {100, 101, 102}  # processed, sent, queued
OPTED_OUT = 406  # UserInBlacklist
NEVER = {403, 404, OPTED_OUT}  # also InvalidPhoneNumber, UnsupportedNumberType: this text to this number never goes
DOUBTFUL = {500, 501}  # InternalServerError, GatewayError; 502 is a plain RejectedByGateway
BLACKLISTED = "UserInBlackList"
REASON = re.compile(r"[A-Za-z]{1,40}")


class AfricasTalking:
    """One application of an account."""

    name = "africastalking"
    kinds = frozenset(FIELDS)
    per_request = 1
    folds_copies = False
    methods = frozenset({"POST"})
    voices = africastalking_calls.VOICES

    def __init__(self, settings: Settings) -> None:
        self._user, self._from = settings.africastalking_username, settings.africastalking_from
        self._key = settings.africastalking_api_key.get_secret_value()
        self._url = settings.africastalking_api_url.rstrip("/") + "/version1/messaging"
        self._voice_url, self.shown = settings.africastalking_voice_url.rstrip("/") + "/call", settings.voice_number
        self._networks = [ip_network(network) for network in settings.africastalking_addresses]
        self._hook = Hook(self.name, self.kinds, settings, base=settings.public_url, networks=self._networks)
        self._wire = Wire(settings)
        self._tapes = africastalking_calls.Tapes(settings)
        self.secrets = (*self._hook.secrets, *filter(None, [self._key]))

    def address(self, kind: str) -> str:
        """Return the callback address to enter at Africa's Talking for a kind."""
        return self._hook.address(kind)

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set: the addresses too, since nothing else tells Africa's Talking from anybody who has the path."""
        wanted = {
            "HOTLINE_HOOK_SECRETS": self._hook.secrets,
            "HOTLINE_AFRICASTALKING_API_KEY": self._key,
            "HOTLINE_AFRICASTALKING_FROM": self._from,
            "HOTLINE_AFRICASTALKING_ADDRESSES": self._networks,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if path, address and shape are right. Raises Forged."""
        self._hook.verify(webhook, FIELDS[webhook.kind])

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the text's id; for a receipt also what it says, since each status is its own event.

        An opt-out has none, and is no repeat of one that the same person took back: each is an event of its own.
        """
        fields = webhook.fields
        if webhook.kind == "optout":
            return secrets.token_hex(16)
        if webhook.kind in africastalking_calls.FIELDS:
            return africastalking_calls.event_id(webhook)
        if not fields.get("id"):
            return None
        if webhook.kind == "sms":
            return fields["id"]
        return ":".join([fields["id"], fields.get("status", ""), fields.get("failureReason", "")])

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; only USSD and voice want words
        """Return an empty body."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read from, to and text. Raises Unreadable when there is no sender.

        Nothing promises that a text has the same id in their list as in their webhook; `doubled` lets intake fold the two.
        """
        fields = webhook.fields
        if not fields.get("from"):
            raise Unreadable("from")
        at = moment(fields.get("date", ""))
        return InboundText(fields["from"], fields.get("to", ""), fields.get("text", ""), sent_at=at, doubled=True)

    def read_status(self, webhook: Webhook) -> StatusUpdate | OptOut:
        """Read a receipt or an opt-out. Raises Unreadable."""
        fields = webhook.fields
        if webhook.kind == "optout":
            if not fields.get("phoneNumber"):
                raise Unreadable("phoneNumber")
            return OptOut(fields["phoneNumber"])
        status = fields.get("status", "").lower()
        if status not in PROGRESS or not fields.get("id"):
            raise Unreadable("status" if fields.get("id") else "id")
        reason = fields.get("failureReason") or None
        code = reason if reason is None or REASON.fullmatch(reason) else "not a code"
        return StatusUpdate(str(plain_id(fields["id"])), None, PROGRESS[status], code, opted_out=code == BLACKLISTED)

    def read_call(self, webhook: Webhook) -> CallStep:
        """Read a step of a call or an event of it. Raises Unreadable."""
        return africastalking_calls.read(webhook)

    def speak(self, page: CallPage) -> Answer:
        """Return a page as its XML."""
        return africastalking_calls.speak(page)

    def fetch(self, tape: str) -> tuple[bytes, str]:
        """Return a recording. Raises NotFetched."""
        return self._tapes.fetch(tape)

    def recorded(self, call: str) -> Sequence[Webhook]:  # noqa: ARG002  the contract names it
        """Return nothing: its API lists no recordings."""
        return ()

    def remove(self, tape: str) -> None:
        """Say that it cannot be removed by us. Raises NotFetched."""
        self._tapes.remove(tape)

    def read_ring(self, webhook: Webhook) -> Ring:
        """Read a missed call, or the word that it is over. Raises Unreadable."""
        return africastalking_calls.ring(webhook)

    def ours(self, webhook: Webhook) -> bool:
        """Whether a call is one that we placed."""
        return africastalking_calls.ours(webhook)

    def turn_away(self) -> Answer:
        """Return what ends a call before it is answered."""
        return africastalking_calls.turn_away()

    def call(self, number: str, reference: str) -> Sent:
        """Place one call; what becomes of it comes to the address of our number, with our id as `clientRequestId`."""
        fields = {"username": self._user, "from": self.shown, "to": number, "clientRequestId": reference}
        headers = {"apiKey": self._key, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}

        def place(_: OutboundText) -> Sent:
            return africastalking_calls.placed(
                reference, self._wire.ask("POST", self._voice_url, body=urlencode(fields).encode(), headers=headers)
            )

        return self._wire.each([OutboundText(reference, number, "")], place)[0]

    def ring_first(self, number: str, reference: str) -> Sent:
        """Place a call like any other: how long two people may be joined in it is said where they are."""
        return self.call(number, reference)

    def join(self, joining: Joining) -> Answer:
        """Return its XML that dials the second phone."""
        return africastalking_calls.join(joining, self.shown)

    def listed(self, cursor: str | None, since: datetime) -> Iterator[Page]:
        """Yield what came in after the last id that was listed, oldest first, until a page is empty.

        The list begins at its beginning without an id; what is older than `since` is passed over. Each text comes as the
        webhook that should have told of it, under the same id.
        """
        last = cursor or "0"
        while found := self._page(last):
            last = max((said(one.get("id")) for one in found), key=lambda external: (len(external), external))
            heard = [self._found(one) for one in found]
            yield Page(tuple(one for one in heard if one.at >= since), last)

    def _page(self, last: str) -> list[dict[str, object]]:
        """Return the texts after an id. Raises NotListed."""
        asked = urlencode({"username": self._user, "lastReceivedId": last})
        headers = {"apiKey": self._key, "Accept": "application/json"}
        try:
            reply = self._wire.ask("GET", f"{self._url}?{asked}", headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotListed(type(error).__name__) from None
        messages = _data(reply).get("Messages")
        if reply.status != 200 or not isinstance(messages, list):
            raise NotListed(str(reply.status))
        found = [one for one in messages if isinstance(one, dict) and said(one.get("id"))]
        return [one for one in found if said(one["id"]) != last]

    def _found(self, one: dict[str, object]) -> Found:
        at = moment(said(one.get("date"))) or datetime.now(UTC)
        fields = {name: said(one.get(name)) for name in FIELDS["sms"] if said(one.get(name))}
        target = urlsplit(self.address("sms")).path
        return Found(Webhook("sms", target, {}, urlencode(fields, errors="surrogatepass").encode(), heard_at=at.timestamp()), at)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Send each text by its own request: one request may name many numbers, but only one text."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        fields = {"username": self._user, "to": text.to, "message": text.body, "bulkSMSMode": "1", "enqueue": "1"}
        body = urlencode({**fields, **({"from": self._from} if self._from else {})}).encode()
        headers = {"apiKey": self._key, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return _outcome(text, self._wire.ask("POST", self._url, body=body, headers=headers))


def make(settings: Settings, keyring: Keyring) -> AfricasTalking | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when a username is set."""
    return AfricasTalking(settings) if settings.africastalking_username else None


def _outcome(text: OutboundText, reply: Reply) -> Sent:
    """Read what became of one text: the code of its recipient counts, never the status of the answer."""
    if reply.status not in (200, 201):
        return by_status(text, reply)
    recipients = _data(reply).get("Recipients")
    if recipients == []:
        message = said(_data(reply).get("Message"))
        return Sent(text.id, Certainty.REFUSED, code=message if REASON.fullmatch(message) else "nobody", retry=True)
    if not isinstance(recipients, list):
        return Sent(text.id, Certainty.UNKNOWN, code="no recipients")
    recipient = recipients[0]
    code = int(recipient["statusCode"])
    if code in ACCEPTED:
        return Sent(text.id, Certainty.ACCEPTED, provider_id=plain_id(said(recipient.get("messageId")) or None))
    if code in DOUBTFUL:
        return Sent(text.id, Certainty.UNKNOWN, code=str(code))
    return Sent(text.id, Certainty.REFUSED, code=str(code), retry=code not in NEVER, opted_out=code == OPTED_OUT)


def _data(reply: Reply) -> dict[str, object]:
    whole = reply.json
    data = whole.get("SMSMessageData") if isinstance(whole, dict) else None
    return data if isinstance(data, dict) else {}
