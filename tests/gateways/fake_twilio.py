"""A small Twilio on 127.0.0.1: takes messages over HTTP as the REST API does, and fails in every way a provider can.

Each request takes the next behaviour from a list, or is accepted when the list is empty. What was asked is kept, so that a
test can look at it. All numbers are invented.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Request:
    """One request as it came. Of a doubled field the list holds both."""

    path: str
    headers: Mapping[str, str]
    form: Mapping[str, list[str]]


@dataclass
class FakeTwilio:
    """The server: its address, what it was asked, and what it is to do next."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    next: list[Behaviour] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"twilio": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def asked(self, request: Request) -> Behaviour:
        with self._lock:
            self.requests.append(request)
            return self.next.pop(0) if self.next else accept


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    twilio: FakeTwilio

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.form = parse_qs(body, keep_blank_values=True)
        self.twilio.asked(Request(self.path, dict(self.headers), self.form))(self)

    def do_GET(self) -> None:
        self.do_POST()

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
        """Keep quiet."""


def sid_of(number: int) -> str:
    """Return an invented message SID."""
    return f"SM{number:032x}"


def accept(handler: Handler) -> None:
    """Accept the message as Twilio does: 201 and the message resource."""
    account = handler.path.split("/")[3]
    sid = sid_of(len(handler.twilio.requests))
    message = {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": handler.form["Body"][0],
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
        "date_sent": None,
        "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": handler.form["From"][0],
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{account}/Messages/{sid}/Media.json"},
        "to": handler.form["To"][0],
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }
    handler.answer(201, json.dumps(message).encode())


def refuse(status: int, code: object, message: str = "invented refusal of +250 780 000 101") -> Behaviour:
    """Refuse as the REST API does, with a message that quotes the number."""
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return lambda handler: handler.answer(status, json.dumps(body).encode())


def say(status: int, body: bytes, **headers: str) -> Behaviour:
    """Answer these very bytes."""
    return lambda handler: handler.answer(status, body, headers)


def reset(handler: Handler) -> None:
    """Read the request, then break the connection: nobody knows whether the text went out."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Read the request and say nothing until the test is over."""
    handler.twilio.released.wait(10)
    handler.close_connection = True
