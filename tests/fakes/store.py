"""What the fake gateway has taken and what has arrived at it, as Twilio's API shows them: singly, or listed and paged.

The shapes are those of Twilio's published OpenAPI description (twilio_api_v2010.json); tests/fakes/test_gateway.py has them
written down.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlencode

MESSAGE_FIELDS = frozenset(
    [
        "To",
        "From",
        "Body",
        "StatusCallback",
        "ApplicationSid",
        "MaxPrice",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "SmartEncoded",
        "PersistentAction",
        "TrafficType",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "SendAsMms",
        "ContentVariables",
        "MessageIntent",
        "RiskCheck",
        "FallbackFrom",
        "MessagingServiceSid",
        "MediaUrl",
        "ContentSid",
    ]
)
CALL_FIELDS = frozenset(
    [
        "To",
        "From",
        "Url",
        "Twiml",
        "Method",
        "FallbackUrl",
        "FallbackMethod",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "SendDigits",
        "Timeout",
        "TimeLimit",
        "Record",
        "MachineDetection",
        "ApplicationSid",
        "CallerId",
    ]
)
LISTED = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/(Messages|Calls)\.json")
SINGLE = re.compile(r"/2010-04-01/Accounts/AC[0-9a-fA-F]{32}/(?:Messages|Calls)/(\w{34})\.json")


def sid_of(number: int, prefix: int = 0, kind: str = "SM") -> str:
    """Return an invented SID."""
    return f"{kind}{prefix:016x}{number:016x}"


class Store:
    """Messages and calls of one account, both directions. Not locked: the server does that."""

    def __init__(self, prefix: int) -> None:
        self._prefix = prefix
        self._number = itertools.count(1)
        self.messages: dict[str, dict[str, object]] = {}
        self.calls: dict[str, dict[str, object]] = {}

    def take(self, account: str, fields: Mapping[str, str], *, calling: bool, failed: str | None) -> dict[str, object]:
        """Keep what was sent and return its resource."""
        if calling:
            made = _call(account, self._next("CA"), fields)
            self.calls[str(made["sid"])] = made
            return made
        made = _message(account, self._next("SM"), fields["From"], fields["To"], fields["Body"])
        if failed is not None:
            made |= {"status": "failed", "error_code": int(failed), "error_message": "invented"}
        self.messages[str(made["sid"])] = made
        return made

    def arrive(self, text: Mapping[str, str]) -> dict[str, object]:
        """Keep a text from a phone and return its resource."""
        account = text.get("account", "AC" + "0" * 32)
        made = _message(account, text.get("sid") or self._next("SM"), text["from"], text.get("to", "7788"), text["body"])
        made |= {"direction": "inbound", "status": "received", "date_sent": made["date_created"]}
        self.messages[str(made["sid"])] = made
        return made

    def read(self, path: str, query: Mapping[str, str]) -> dict[str, object] | None:
        """Return what a GET shows, or None."""
        if single := SINGLE.fullmatch(path):
            return self.messages.get(single[1]) or self.calls.get(single[1])
        if listed := LISTED.fullmatch(path):
            kept = self.messages if listed[2] == "Messages" else self.calls
            name = listed[2].lower()
            found = [one for one in reversed(kept.values()) if _matches(one, query)]
            return _page(path, query, name, found)
        return None

    def _next(self, kind: str) -> str:
        return sid_of(next(self._number), self._prefix, kind)


def _matches(one: Mapping[str, object], query: Mapping[str, str]) -> bool:
    if any(one[name.lower()] != query[name] for name in ("To", "From") if name in query):
        return False
    sent = parsedate_to_datetime(str(one.get("date_sent") or one["date_created"]))
    if "DateSent>" in query and sent < _moment(query["DateSent>"]):
        return False
    if "DateSent<" in query and sent > _moment(query["DateSent<"]):
        return False
    return "DateSent" not in query or timedelta(0) <= sent - _moment(query["DateSent"][:10]) < timedelta(days=1)


def _moment(said: str) -> datetime:
    """Read a day or a moment, both GMT."""
    read = datetime.fromisoformat(said)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _page(path: str, query: Mapping[str, str], name: str, found: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return one page. As Twilio's, the token of the next one names where to go on, so what is new meanwhile shifts nothing."""
    size = min(int(query.get("PageSize", "50")), 1000)
    token = query.get("PageToken", "").removeprefix("PA")
    start = next((at + 1 for at, one in enumerate(found) if one["sid"] == token), 0)
    shown, number = found[start : start + size], int(query.get("Page", "0"))
    here = {key: value for key, value in query.items() if key not in ("Page", "PageToken")} | {"PageSize": str(size)}
    onward = here | {"Page": str(number + 1), "PageToken": f"PA{shown[-1]['sid']}"} if shown else here
    return {
        name: shown,
        "end": start + len(shown) - 1 if shown else 0,
        "first_page_uri": f"{path}?{urlencode(here | {'Page': '0'})}",
        "next_page_uri": f"{path}?{urlencode(onward)}" if start + size < len(found) else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": None,
        "start": start,
        "uri": f"{path}?{urlencode(query)}",
    }


def _message(account: str, sid: str, sender: str, to: str, body: str) -> dict[str, object]:
    now = format_datetime(datetime.now(UTC))
    uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": to,
        "uri": f"{uri}.json",
    }


def _call(account: str, sid: str, fields: Mapping[str, str]) -> dict[str, object]:
    now = format_datetime(datetime.now(UTC))
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "date_created": now,
        "date_updated": now,
        "direction": "outbound-api",
        "duration": None,
        "end_time": None,
        "from": fields["From"],
        "price": None,
        "sid": sid,
        "start_time": None,
        "status": "queued",
        "to": fields["To"],
        "uri": f"/2010-04-01/Accounts/{account}/Calls/{sid}.json",
    }
