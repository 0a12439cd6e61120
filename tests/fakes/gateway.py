"""A fake gateway on 127.0.0.1, as a process of its own: Twilio's Messages and Calls, and the browser phones' network.

    python -m tests.fakes.gateway --record taken.jsonl --faults 429:10,hang-sent:5 \\
        --callbacks shuffle,double:20 --deliver-to http://127.0.0.1:8000 --token invented-auth-token

prints its address on one line and serves until it is ended. Set HOTLINE_TWILIO_API_URL (or HOTLINE_SIMULATOR_URL) to it. Each
text it was asked to send is one line of JSON in the record, written before the answer, so that an accounting can read it
whatever is killed: `taken` says whether the text went out, `message` is the hotline's own id, `fault` how it was answered.
`POST /control` with JSON changes it while it runs: {"faults": "hang"}, {"callbacks": "-"}, {"next": ["429", "reset"]} or
{"inbound": [{"from": …, "body": …}], "deliver": false}; `GET /control` says how many it has taken. No answer depends on the
order of requests. All numbers are invented; Twilio's shapes are written down in tests/fakes/test_gateway.py with their source.
"""

import argparse
import base64
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.fakes import faults
from tests.fakes.faults import FAULTS, MAGIC_FROM, Plan, refuse
from tests.fakes.receipts import Habit, Receipts
from tests.fakes.store import CALL_FIELDS, MESSAGE_FIELDS, Store

NETWORK = "/simulator/network/texts"


@dataclass(frozen=True)
class Request:
    """One request as it came. Of a doubled field the list holds both."""

    path: str
    headers: Mapping[str, str]
    form: Mapping[str, list[str]]


@dataclass
class FakeGateway:
    """The server: its address, what it was asked, what it has taken, and what it is to do next.

    Without a token any is good; without `deliver_to` no callback leaves. `prefix` begins its SIDs, so that two of them differ.
    """

    token: str = ""
    deliver_to: str = ""
    record_to: Path | None = None
    seed: int = 0
    prefix: int = 0
    port: int = 0
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.plan.seed = self.seed
        self.store = Store(self.prefix)
        self.receipts = Receipts(self.token, self.deliver_to, self.note, seed=self.seed)
        self._record: IO[bytes] | None = self.record_to.open("ab", buffering=0) if self.record_to else None

    def start(self) -> "FakeGateway":
        server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 128, "daemon_threads": True})
        self._server = server(("127.0.0.1", self.port), type("Bound", (Handler,), {"gateway": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        if self.deliver_to:
            self.receipts.start()
        return self

    def stop(self) -> None:
        self.released.set()
        self.receipts.stop()
        self._server.shutdown()
        self._server.server_close()
        with self.lock:
            if self._record is not None:
                self._record.close()
                self._record = None

    def serve(self) -> None:
        """Serve until the process is ended."""
        self.start()
        print(self.url, flush=True)  # noqa: T201  whoever started it reads its address
        self._thread.join()

    def note(self, what: Mapping[str, object]) -> None:
        """Add one line to the record."""
        line = json.dumps({"at": round(time.time(), 3), **what}).encode() + b"\n"
        with self.lock:
            if self._record is not None:
                self._record.write(line)


class Handler(BaseHTTPRequestHandler):
    """One connection; to a behaviour it is the Connection of tests/fakes/faults.py."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gateway: FakeGateway

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path).path
        if path == "/control":
            self._control(json.loads(self.body))
        elif path == NETWORK:
            self._network(json.loads(self.body))
        else:
            self._twilio(path)

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/control":
            with self.gateway.lock:
                self._json(200, {"taken": len(self.gateway.store.messages), "requests": len(self.gateway.requests)})
            return
        with self.gateway.lock:
            self.gateway.requests.append(Request(self.path, dict(self.headers), parse_qs(asked.query)))
            found = None if not self._known() else self.gateway.store.read(asked.path, dict(parse_qsl(asked.query)))
        if not self._known():
            refuse(401, 20003, "Authenticate")(self)
        elif found is None:
            refuse(404, 20404, "Not found")(self)
        else:
            self._json(200, found)

    # ---- Twilio

    def _twilio(self, path: str) -> None:
        self.form = parse_qs(self.body.decode(), keep_blank_values=True)
        with self.gateway.lock:
            self.gateway.requests.append(Request(self.path, dict(self.headers), self.form))
            name, behaviour = self._chosen(path)
        self.fault, self.taken = name, False
        try:
            behaviour(self)
        finally:
            if not self.taken:
                self._note(sid=None)

    def _chosen(self, path: str) -> tuple[str, faults.Behaviour]:
        to, sender, body = (self.form.get(key, [""])[0] for key in ("To", "From", "Body"))
        calling = path.endswith("/Calls.json")
        if not self._known():
            return "401", FAULTS["401"]
        if not calling and not path.endswith("/Messages.json"):
            return "404", refuse(404, 20404, "Not found")
        if unknown := self.form.keys() - (CALL_FIELDS if calling else MESSAGE_FIELDS):
            return "20001", refuse(400, 20001, f"Unknown parameters: {', '.join(sorted(unknown))}")
        if sender in MAGIC_FROM and not self.gateway.plan.next:
            return str(MAGIC_FROM[sender]), refuse(400, MAGIC_FROM[sender])
        if missing := self._missing(to, body, calling=calling):
            return str(missing), refuse(400, missing)
        return self.gateway.plan.choose(to, body)

    def _missing(self, to: str, body: str, *, calling: bool) -> int | None:
        if not to:
            return 21201 if calling else 21604
        return 21602 if not calling and not body else None

    def _known(self) -> bool:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        return not self.gateway.token or base64.b64decode(given).decode().partition(":")[2] == self.gateway.token

    def take(self, *, failed: str | None = None) -> dict[str, object]:
        account, calling = self.path.split("/")[3], "Calls.json" in self.path
        fields = {name: values[0] for name, values in self.form.items()}
        with self.gateway.lock:
            taken = self.gateway.store.take(account, fields, calling=calling, failed=failed)
        self.taken = failed is None
        self._note(sid=str(taken["sid"]))
        if self.gateway.deliver_to and not calling and "StatusCallback" in fields:
            told = {"MessageSid": str(taken["sid"]), "SmsSid": str(taken["sid"]), "AccountSid": account}
            ends = {"From": fields.get("From", ""), "To": fields["To"], "ApiVersion": "2010-04-01"}
            self.gateway.receipts.about(fields["StatusCallback"], told | ends)
        return taken

    def _note(self, *, sid: str | None) -> None:
        fields = {name: values[0] for name, values in self.form.items()}
        callback = dict(parse_qsl(urlsplit(fields.get("StatusCallback", "")).query))
        told = {
            "to": fields.get("To"),
            "from": fields.get("From"),
            "body": fields.get("Body"),
            "message": callback.get("message"),
        }
        self.gateway.note({"kind": "text", "api": "twilio", **told, "sid": sid, "taken": self.taken, "fault": self.fault})

    def show(self, taken: dict[str, object]) -> None:
        self._json(201, taken)

    # ---- the browser phones' network

    def _network(self, texts: list[dict[str, str]]) -> None:
        with self.gateway.lock:
            self.gateway.requests.append(Request(self.path, dict(self.headers), {}))
            name, behaviour = self.gateway.plan.choose(texts[0]["to"], texts[0]["text"])
        batch = Batch(self, texts, name)
        try:
            behaviour(batch)
        finally:
            if not batch.taken:
                batch.note()

    # ---- its own levers

    def _control(self, wanted: Mapping[str, object]) -> None:
        gateway = self.gateway
        with gateway.lock:
            if "faults" in wanted:
                gateway.plan.weigh(str(wanted["faults"]))
            if "callbacks" in wanted:
                gateway.receipts.habit = Habit.read(str(wanted["callbacks"]))
            gateway.plan.next += [FAULTS[name] for name in wanted.get("next", ())]  # type: ignore[attr-defined]
            sids = [self._arrive(text, deliver=bool(wanted.get("deliver", True))) for text in wanted.get("inbound", ())]  # type: ignore[attr-defined]
        self._json(200, {"sids": sids})

    def _arrive(self, text: Mapping[str, str], *, deliver: bool) -> str:
        """Let a text arrive at the account, and tell the webhook or not, as when it was down."""
        message = self.gateway.store.arrive(text)
        if deliver and self.gateway.deliver_to:
            told = {"MessageSid": str(message["sid"]), "From": text["from"], "To": str(message["to"]), "Body": text["body"]}
            url = text.get("url", f"{self.gateway.deliver_to}/in/twilio/sms")
            self.gateway.receipts.send(url, told | {"NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01"})
        return str(message["sid"])

    # ---- the wire

    def _json(self, status: int, value: object) -> None:
        self.answer(status, json.dumps(value).encode())

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def break_off(self) -> None:
        faults.break_off(self.connection)
        self.close_connection = True

    def hold(self, seconds: float) -> None:
        self.gateway.released.wait(seconds)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library calls it so
        """Keep quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError, OSError):
            self.close_connection = True  # whoever asked has gone, as it may

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True


class Batch:
    """The texts of one request of the browser phones' network, to a behaviour."""

    def __init__(self, handler: Handler, texts: list[dict[str, str]], fault: str) -> None:
        self._handler, self._texts, self._fault = handler, texts, fault
        self.taken = False
        self.answer, self.break_off, self.hold = handler.answer, handler.break_off, handler.hold

    def take(self, *, failed: str | None = None) -> dict[str, object]:
        del failed  # this network has no way to say so
        self.taken = True
        self.note()
        return {}

    def note(self) -> None:
        for text in self._texts:
            told = {"to": text["to"], "body": text["text"], "message": text["id"], "sid": f"sim-{text['id']}"}
            self._handler.gateway.note({"kind": "text", "api": "simulator", **told, "taken": self.taken, "fault": self._fault})

    def show(self, _: dict[str, object]) -> None:
        self.answer(200, b"[]")


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A gateway that fails in every way a provider can.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--record", type=Path, help="file to which each text and callback adds a line of JSON")
    parser.add_argument("--faults", default="", help=f"shares in per cent, e.g. 429:10,hang:5; of {', '.join(FAULTS)}")
    parser.add_argument("--callbacks", default="never", help="shares of shuffle, double, late, never and bad; - for none of them")
    parser.add_argument("--deliver-to", default="", help="address of the hotline's webhook listener; without it no callbacks")
    parser.add_argument("--token", default="", help="auth token: signs callbacks, and requests need it; empty takes any")
    parser.add_argument("--seed", type=int, default=0, help="which texts meet which fault")
    chosen = parser.parse_args()
    prefix = int(secrets.token_hex(6), 16)
    gateway = FakeGateway(chosen.token, chosen.deliver_to, chosen.record, chosen.seed, prefix, chosen.port)
    gateway.plan.weigh(chosen.faults)
    gateway.receipts.habit = Habit.read(chosen.callbacks)
    gateway.serve()


if __name__ == "__main__":
    main()
