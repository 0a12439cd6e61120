"""A server whose every answer is scripted, for what the fake gateway does not do: a list that breaks off in its middle.

Each request takes the next behaviour from a list. What was asked is kept, so that a test can look at it.
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
class Scripted:
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
            return self.next.pop(0)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    twilio: Scripted

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
