"""Any aggregator that speaks HTTP: templates for what we send and a map of the fields it sends, all of them settings.

With it an operator takes on a new aggregator without a line of code; docs/deploy-a-short-code.md shows one as an example. It
reads queries, forms and JSON. Like most aggregators it signs nothing, so its hooks hold a secret in their path.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

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
    said,
)
from hotline.gateways.unsigned import Hook
from hotline.gateways.wire import Reply, Wire, by_status
from hotline.privacy import Keyring

PLACE = re.compile(r"\{\{(to|digits|from|text|id|receipt|key)\}\}")
ID_OR_CODE = re.compile(r"[!-~]{1,40}")
NUMBER = re.compile(r"\d{7,}")
ESCAPES: Sequence[tuple[str, Callable[[str], str]]] = (
    ("json", lambda value: json.dumps(value)[1:-1]),
    ("xml", escape),
    ("form", lambda value: quote(value, safe="", errors="replace")),
)


class External:
    """One aggregator."""

    name = "external"
    kinds = frozenset({"sms", "status"})
    per_request = 1
    folds_copies = False
    methods = frozenset({"GET", "POST"})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = settings.external_key.get_secret_value()
        self._names = {"sms": pairs(settings.external_fields), "status": pairs(settings.external_receipt_fields)}
        self._states = {
            theirs.lower(): Progress(ours) for ours, said_ in pairs(settings.external_states).items() for theirs in said_.split()
        }
        self._hook = Hook(self.name, self.kinds, settings, base=settings.public_url)
        self._wire = Wire(settings)
        self.secrets = (*self._hook.secrets, *filter(None, [self._key]))

    def address(self, kind: str) -> str:
        """Return the callback address to enter at the aggregator for a kind."""
        return self._hook.address(kind)

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set."""
        wanted = {"HOTLINE_HOOK_SECRETS": self._hook.secrets, "HOTLINE_EXTERNAL_SEND_URL": self._settings.external_send_url}
        return tuple(name for name, value in wanted.items() if not value)

    def verify(self, webhook: Webhook) -> None:
        """Return if the secret in the path is ours. Raises Forged."""
        self._hook.verify(webhook, self._names[webhook.kind].values())

    def external_id(self, webhook: Webhook) -> str | None:
        """Return the aggregator's id of a text; of a receipt also what it says."""
        names = ("id",) if webhook.kind == "sms" else ("id", "message", "status")
        found = [self._field(webhook, name) for name in names]
        return ":".join(found) if any(found[:2]) else None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it; aggregators want the same for all
        """Return what this aggregator wants to hear."""
        return Answer(self._settings.external_answer, "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:
        """Read the fields under the names the settings give them. Raises Unreadable when there is no sender."""
        sender = self._field(webhook, "from")
        if not sender:
            raise Unreadable("from")
        return InboundText(sender, self._field(webhook, "to"), self._field(webhook, "text"))

    def read_status(self, webhook: Webhook) -> StatusUpdate:
        """Read a receipt in the aggregator's own words. Raises Unreadable."""
        state = self._field(webhook, "status").lower()
        if state not in self._states:
            raise Unreadable("status")
        theirs = plain_id(self._field(webhook, "id") or None)
        ours = plain_id(self._field(webhook, "message") or webhook.query.get("message") or None)
        if theirs is None and ours is None:
            raise Unreadable("id")
        code = self._field(webhook, "code")
        plain = code if ID_OR_CODE.fullmatch(code) and not NUMBER.search(code) else None
        return StatusUpdate(theirs or "", ours, self._states[state], plain)

    def _field(self, webhook: Webhook, ours: str) -> str:
        """Return a field by our name for it: from the JSON body, else from form or query. A dot leads into JSON objects."""
        theirs = self._names[webhook.kind].get(ours, "")
        inside: object = webhook.json
        for step in theirs.split("."):
            inside = inside.get(step) if isinstance(inside, dict) else None
        return said(inside) or webhook.fields.get(theirs) or webhook.query.get(theirs, "")

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what it was sent is not looked up here."""
        return ()

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Send each text by its own request, made from the templates."""
        return self._wire.each(texts, self._send)

    def _send(self, text: OutboundText) -> Sent:
        chosen, values = self._settings, self._values(text)
        headers = dict(line.split(": ", 1) for line in filled(chosen.external_send_headers, values, str).split("|") if line)
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "form")
        escaped = next((how for word, how in ESCAPES if word in kind), str)
        url = filled(chosen.external_send_url, values, ESCAPES[-1][1])
        body = filled(chosen.external_send_body, values, escaped).encode("utf-8", "replace")
        reply = self._wire.ask(chosen.external_send_method, url, body=body or None, headers=headers)
        return self._outcome(text, reply)

    def _values(self, text: OutboundText) -> Mapping[str, str]:
        receipt = f"{self.address('status')}?{urlencode({'message': text.id})}"
        sender = self._settings.external_from
        number = {"to": text.to, "digits": text.to.lstrip("+")}
        return {**number, "from": sender, "text": text.body, "id": text.id, "receipt": receipt, "key": self._key}

    def _outcome(self, text: OutboundText, reply: Reply) -> Sent:
        """Say what is known: a success whose body lacks the words that mean success may be a refusal, or a wrong pattern."""
        if not 200 <= reply.status < 300:
            return by_status(text, reply)
        if not re.search(self._settings.external_accepted, reply.text):
            return Sent(text.id, Certainty.UNKNOWN, code="not accepted")
        wanted = self._settings.external_id_pattern
        found = re.search(wanted, reply.text) if wanted else None
        return Sent(text.id, Certainty.ACCEPTED, provider_id=plain_id(found[1]) if found else None)


def make(settings: Settings, keyring: Keyring) -> External | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when the aggregator's field names are set."""
    return External(settings) if settings.external_fields else None


def pairs(written: Sequence[str]) -> dict[str, str]:
    """Read `ours=theirs` pairs."""
    return {ours: theirs for ours, _, theirs in (pair.partition("=") for pair in written)}


def filled(template: str, values: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    """Put values into the places of a template, each made harmless for where it stands."""
    return PLACE.sub(lambda place: escaped(values[place[1]]), template)
