"""A fake of Kannel's smsbox on 127.0.0.1, as a process of its own: the second gateway, which takes every text.

    python -m tests.fakes.smsbox --record taken.jsonl

prints its address on one line and serves until it is ended. The record is that of tests/fakes/gateway.py. Source: Kannel 1.4.5
User's Guide, chapter 6: a text that was queued hears 202 and "0: Accepted for delivery".
"""

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    record: Path

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        receipt = dict(parse_qsl(urlsplit(self.headers["X-Kannel-DLR-Url"]).query))
        taken = {"at": round(time.time(), 3), "kind": "text", "api": "kannel", "message": receipt["message"], "taken": True}
        with self.record.open("ab", buffering=0) as record:
            record.write(json.dumps(taken).encode() + b"\n")
        answer = b"0: Accepted for delivery"
        self.send_response(202)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
        """Keep quiet."""


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A second gateway that takes every text.")
    parser.add_argument("--record", type=Path, required=True, help="file to which each text adds a line of JSON")
    bound = type("Bound", (Handler,), {"record": parser.parse_args().record})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201  whoever started it reads its address
        server.serve_forever()


if __name__ == "__main__":
    main()
