"""The officers' network of a benchmark: takes alerts over HTTP as the browser phones' network does, and counts them."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANDLE = re.compile(r"[0-9A-Z]{2}-[0-9A-Z]{4}")


class Alerts:
    """Which cases an officer has been alerted to, and when the last one was new."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._turn = threading.Condition()
        self.last_at = 0.0

    @property
    def cases(self) -> int:
        """How many different cases."""
        return len(self._seen)

    def take(self, texts: list[dict[str, str]]) -> None:
        """Count the cases named in these texts."""
        found = {match.group() for entry in texts if (match := HANDLE.search(entry["text"]))}
        with self._turn:
            if not found <= self._seen:
                self._seen |= found
                self.last_at = time.monotonic()
                self._turn.notify_all()

    def wait_for(self, count: int, *, until: float) -> None:
        """Wait until so many cases were alerted, or the time is up."""
        with self._turn:
            while len(self._seen) < count and (left := until - time.monotonic()) > 0:
                self._turn.wait(left)


@contextmanager
def serve(port: int) -> Iterator[Alerts]:
    """Serve on loopback for as long as the block lasts."""
    alerts = Alerts()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            alerts.take(sent if isinstance(sent, list) else [])  # else it is a call to whoever is on duty
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]")

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield alerts
    finally:
        server.shutdown()
        server.server_close()
