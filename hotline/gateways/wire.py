"""How we call gateways: one pool of connections with both time-outs, no redirect followed, and every doubt named.

A gateway gives `each` a function that sends one text. What goes wrong on the way becomes an outcome: only a connection that
never stood has surely sent nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import urllib3

from hotline.config import Settings
from hotline.gateways.contract import Certainty, OutboundText, Sent, seconds_to_wait, words
from hotline.gateways.voice import NotFetched

THREADS = 8
LONGEST_REPLY = 64 * 1024
NEVER_STOOD = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
# Any other refusal, for a key, a balance, a rate or a path, is ours to mend, and the text may still go.
THE_TEXTS_FAULT = (400, 413, 422)


@dataclass(frozen=True)
class Reply:
    """What a gateway answered. `wait` is for how many seconds it asks us to stay away, if it does."""

    status: int
    body: bytes
    wait: float | None = None

    @property
    def text(self) -> str:
        """The body as text."""
        return words(self.body)

    @cached_property
    def json(self) -> object:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Wire:
    """The connections to one gateway. Used from many threads."""

    def __init__(self, settings: Settings) -> None:
        limits = urllib3.Timeout(connect=settings.connect_timeout_seconds, read=settings.read_timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=THREADS, timeout=limits, retries=False)

    def ask(self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request and return the answer, at most 64 KiB of it. Raises urllib3's HTTPError."""
        reply = self._pool.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)
        read = b""
        try:
            read = reply.read(LONGEST_REPLY)
            return Reply(reply.status, read, seconds_to_wait(reply.status, reply.headers.get("Retry-After")))
        finally:
            (reply.release_conn if 0 < len(read) < LONGEST_REPLY else reply.close)()  # only what was read to its end serves again

    def each(self, texts: Sequence[OutboundText], send: Callable[[OutboundText], Sent]) -> list[Sent]:
        """Send each text by its own request, several at a time, and say what is known of each."""
        if len(texts) == 1:
            return [_surely(texts[0], send)]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda text: _surely(text, send), texts))


def _surely(text: OutboundText, send: Callable[[OutboundText], Sent]) -> Sent:
    try:
        return send(text)
    except NEVER_STOOD:
        return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)
    except urllib3.exceptions.HTTPError:
        return Sent(text.id, Certainty.UNKNOWN, code="no answer")
    except Exception as error:  # noqa: BLE001  an answer of a shape nobody has seen; we know nothing then
        return Sent(text.id, Certainty.UNKNOWN, code=type(error).__name__)


def by_status(text: OutboundText, reply: Reply) -> Sent:
    """Return what an HTTP status other than success says: a clear refusal is one, anything else leaves us in doubt."""
    status, code = reply.status, str(reply.status)
    if not 400 <= status < 500 or status == 408:
        return Sent(text.id, Certainty.UNKNOWN, code=code, retry_after=reply.wait)
    return Sent(text.id, Certainty.REFUSED, code=code, retry=status not in THE_TEXTS_FAULT, retry_after=reply.wait)


class Download:
    """Fetches and removes what a provider keeps for us: a recording of two minutes is two megabytes, no answer of an API."""

    LARGEST = 4 * 1024 * 1024  # twice of what two minutes take; a small MP3 can hold hours

    def __init__(self, settings: Settings) -> None:
        limits = urllib3.Timeout(connect=settings.connect_timeout_seconds, read=settings.read_timeout_seconds)
        self._pool = urllib3.PoolManager(maxsize=THREADS, timeout=limits, retries=False)

    def get(self, url: str, headers: Mapping[str, str]) -> tuple[bytes, str]:
        """Return a body and its content type. Raises NotFetched; what is too large, too, is not fetched."""
        try:
            reply = self._pool.request("GET", url, headers=headers, redirect=False, preload_content=False)
            body = reply.read(self.LARGEST + 1)
            reply.close()
        except urllib3.exceptions.HTTPError as error:
            raise NotFetched(type(error).__name__) from None
        if reply.status != 200:
            raise NotFetched(str(reply.status), gone=reply.status in (404, 410))
        if not body or len(body) > self.LARGEST:
            raise NotFetched("too large" if body else "empty")
        return body, reply.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()

    def remove(self, url: str, headers: Mapping[str, str]) -> None:
        """Remove it; what is not there need not be. Raises NotFetched."""
        try:
            status = self._pool.request("DELETE", url, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError as error:
            raise NotFetched(type(error).__name__) from None
        if not 200 <= status < 300 and status not in (404, 410):
            raise NotFetched(str(status))
