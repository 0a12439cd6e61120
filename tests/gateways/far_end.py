"""The far end of a wire: a server on 127.0.0.1 that keeps what it was asked and answers, or fails, as it is told."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Behaviour = Callable[["Handler"], None]


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FarEnd:
    """The server. Each request takes the next behaviour; without one the test has forgotten something, and hears 599."""

    asked: list[Asked] = field(default_factory=list)
    next: list[Behaviour] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, asked: Asked) -> Behaviour:
        with self._lock:
            self.asked.append(asked)
            return self.next.pop(0) if self.next else say(599, "nothing was expected")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    far: FarEnd

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.far.take(Asked(self.command, self.path, headers, body))(self)

    do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815  the library calls them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
        """Keep quiet."""


def say(status: int, body: object = "", **headers: str) -> Behaviour:
    """Answer these words, or this as JSON."""
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return answer


def reset(handler: Handler) -> None:
    """Read the request, then break the connection: nobody knows whether the text went out."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang(handler: Handler) -> None:
    """Read the request and say nothing until the test is over."""
    handler.far.released.wait(10)
    handler.close_connection = True


@contextmanager
def far_end(certificate: Path | None = None) -> Iterator[FarEnd]:
    """Run a far end for as long as the block lasts; with a certificate and its key in one file it speaks TLS."""
    far = FarEnd()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"far": far}))
    server.daemon_threads = True
    far.url = f"http://127.0.0.1:{server.server_port}"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        far.url = f"https://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield far
    finally:
        far.released.set()
        server.shutdown()
        server.server_close()
