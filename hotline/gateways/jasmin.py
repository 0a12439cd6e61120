"""Jasmin: an SMPP gateway of one's own for a short code, over HTTP on this machine.

It wants to hear `ACK/Jasmin` and nothing else, and never comes again after a 404. It puts the pieces of a long text together
by itself before it calls. Sources: docs.jasminsms.com (apis/ja-http, apis/ja-ami), jasmin 0.11 routing/throwers.py.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from hotline import gsm7
from hotline.config import Settings
from hotline.gateways.contract import (
    Answer,
    Certainty,
    InboundText,
    OutboundText,
    Progress,
    Sent,
    StatusUpdate,
    Unreadable,
    Webhook,
    plain_id,
    words,
)
from hotline.gateways.unsigned import Hook
from hotline.gateways.wire import Wire, by_status
from hotline.privacy import Keyring

FIELDS = {
    "sms": ("id", "from", "to", "content", "binary", "coding", "origin-connector"),
    "status": ("id", "message_status", "level", "connector"),
}
# States of a receipt, SMPP 3.4 section 5.2.28; at level 1 the network only says whether it took the text.
PROGRESS = {
    "ESME_ROK": Progress.SENT,
    "ACCEPTD": Progress.SENT,
    "ENROUTE": Progress.SENT,
    "DELIVRD": Progress.DELIVERED,
    "UNDELIV": Progress.UNDELIVERED,
    "EXPIRED": Progress.UNDELIVERED,
    "UNKNOWN": Progress.UNDELIVERED,
    "DELETED": Progress.FAILED,
    "REJECTD": Progress.FAILED,
}
REFUSED_BY_NETWORK = re.compile(r"ESME_[A-Z0-9_]{1,40}")
ERROR = re.compile(r"[0-9A-Za-z]{1,8}")
UCS2 = "8"
CODINGS = {"1": "ascii", "3": "latin-1", UCS2: "utf-16-be"}  # SMPP 3.4 section 5.2.19; 0 is GSM 03.38
SUCCESS = re.compile(r'Success "([!-~]{1,128})"')


class Jasmin:
    """One Jasmin and one user of it."""

    name = "jasmin"
    kinds = frozenset(FIELDS)
    per_request = 1
    folds_copies = False
    methods = frozenset({"GET", "POST"})

    def __init__(self, settings: Settings) -> None:
        self._url, self._from = settings.jasmin_send_url, settings.jasmin_from
        self._user, self._password = settings.jasmin_username, settings.jasmin_password.get_secret_value()
        self._hook = Hook(self.name, self.kinds, settings, base=settings.inner_url)
        self._wire = Wire(settings)
        self.secrets = (*self._hook.secrets, *filter(None, [self._password]))

    def address(self, kind: str) -> str:
        """Return the address for Jasmin's HTTP client connector; a receipt's is given with each text."""
        return self._hook.address(kind)

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {
            "HOTLINE_HOOK_SECRETS": self._hook.secrets,
            "HOTLINE_JASMIN_USERNAME": self._user,
            "HOTLINE_JASMIN_PASSWORD": self._password,
            "HOTLINE_JASMIN_FROM": self._from,
        }
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if the secret in the path is ours. Raises Forged."""
        self._hook.verify(webhook, FIELDS[webhook.kind])

    def external_id(self, webhook: Webhook) -> str | None:
        """Return Jasmin's id of a text; of a receipt also what it says, at which level."""
        given = _given(webhook)
        if webhook.kind == "sms" or not given.get("id"):
            return given.get("id") or None
        return ":".join([given["id"], given.get("level", ""), given.get("message_status", "")])

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; Jasmin wants the same for both
        """Return the one answer after which Jasmin takes a text out of its queue."""
        return Answer("ACK/Jasmin", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read from, to and words, from the octets where there are any. Raises Unreadable when there is no sender."""
        given = _given(webhook)
        if not given.get("from"):
            raise Unreadable("from")
        return InboundText(given["from"], given.get("to", ""), _told(given))

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read a receipt; our own id stands in the query we gave with the text. Raises Unreadable."""
        given = _given(webhook)
        status, theirs, ours = given.get("message_status", ""), given.get("id"), webhook.query.get("message")
        refused = REFUSED_BY_NETWORK.fullmatch(status) is not None and status not in PROGRESS
        if not refused and status not in PROGRESS:
            raise Unreadable("message_status")
        if not theirs and not ours:
            raise Unreadable("id")
        code = status if refused else _error(given.get("err", ""))
        progress = Progress.FAILED if refused else PROGRESS[status]
        return StatusUpdate(plain_id(theirs or None) or "", plain_id(ours or None), progress, code)

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand each text to Jasmin, which queues it."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        fields = {
            "username": self._user,
            "password": self._password,
            "from": self._from,
            "to": text.to,
            "dlr": "yes",
            "dlr-level": "3",
            "dlr-method": "POST",
            "dlr-url": f"{self.address('status')}?{urlencode({'message': text.id})}",
            **_content(text.body),
            **({"validity-period": str(max(1, text.valid_for // 60))} if text.valid_for else {}),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = self._wire.ask("POST", self._url, body=urlencode(fields).encode(), headers=headers)
        if reply.status == 200:
            done = SUCCESS.match(reply.text)
            return Sent(text.id, Certainty.ACCEPTED if done else Certainty.UNKNOWN, provider_id=done[1] if done else None)
        return by_status(text, reply)


def make(settings: Settings, keyring: Keyring) -> Jasmin | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when the address of Jasmin's HTTP API is set."""
    return Jasmin(settings) if settings.jasmin_send_url else None


def _given(webhook: Webhook) -> dict[str, str]:
    return {**webhook.query, **webhook.fields}


def _content(body: str) -> dict[str, str]:
    """Return a text as octets: Jasmin's own conversion would write a question mark for what it does not know."""
    if gsm7.fits(body):
        return {"coding": "0", "hex-content": gsm7.encode(body).hex()}
    return {"coding": UCS2, "hex-content": body.encode("utf-16-be", "replace").hex()}


def _told(given: dict[str, str]) -> str:
    """Read the octets by their coding; `content` has already been taken for text by somebody who could not know."""
    content, coding = given.get("content", ""), given.get("coding", "0")
    try:
        octets = bytes.fromhex(given.get("binary", ""))
    except ValueError:
        return content
    if not octets:
        return content
    try:
        return gsm7.decode(octets) if coding == "0" else octets.decode(CODINGS[coding])
    except (KeyError, UnicodeDecodeError):
        return content or words(octets)


def _error(code: str) -> str | None:
    return code if ERROR.fullmatch(code) and code.strip("0") else None
