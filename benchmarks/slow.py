"""A fake gateway that answers after a fixed time, as one far away does; and nothing else."""

import itertools
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Slow(BaseHTTPRequestHandler):
    """Takes texts as Twilio does, one a request, after a while."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency = 0.05
    numbers = itertools.count()

    def do_POST(self) -> None:
        """Take one."""
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.latency)
        answer = b'{"sid": "SM%032x", "status": "queued"}' % next(self.numbers)
        self.wfile.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


def serve(latency: float) -> None:
    """Take texts on a free port, which is printed, until killed; each is answered after so many seconds."""
    Slow.latency = latency
    quietly = {"request_queue_size": 256, "daemon_threads": True, "handle_error": lambda *_: None}  # clients end as they like
    server = type("Server", (ThreadingHTTPServer,), quietly)(("127.0.0.1", 0), Slow)
    print(server.server_port, flush=True)
    server.serve_forever()
