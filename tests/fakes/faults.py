"""What the fake gateway does with a request: accept it, or fail in one of the ways a provider can.

A fault's name says what the other side sees; `…-sent` means that the text has gone out all the same, which only the fake's own
record knows. Which text meets which fault hangs on the seed and on the text alone, never on the order of requests.
"""

import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol


class Connection(Protocol):
    """What a behaviour may do: take the text for good, and answer or not."""

    def take(self, *, failed: str | None = None) -> dict[str, object]:
        """Take the text as Twilio would and return the resource to show; `failed` says with which code it ends at once."""

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer."""

    def show(self, taken: dict[str, object], /) -> None:
        """Answer as this API does when it has taken a text."""

    def break_off(self) -> None:
        """Break the connection with a reset."""

    def hold(self, seconds: float) -> None:
        """Say nothing for so long, or until the server ends."""


Behaviour = Callable[[Connection], None]

# twilio.com/docs/iam/test-credentials: what these numbers of Twilio's answer, as `To` and as `From`.
MAGIC_TO = {"+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
NOWHERE = "http://gateway.invalid"  # RFC 6761: a name that never resolves


def accept(connection: Connection) -> None:
    """Take the text and say so."""
    connection.show(connection.take())


def refuse(status: int, code: object, message: str = "invented refusal of +250 780 000 101", **headers: str) -> Behaviour:
    """Refuse as the REST API does, with a message that quotes the number."""
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return lambda connection: connection.answer(status, json.dumps(body).encode(), headers)


def too_many(retry_after: str) -> Behaviour:
    """Refuse for the rate, and say when to come back."""
    return refuse(429, 20429, "Too Many Requests", **{"Retry-After": retry_after})


def say(status: int, body: bytes, **headers: str) -> Behaviour:
    """Answer these very bytes."""
    return lambda connection: connection.answer(status, body, headers)


def reset(connection: Connection) -> None:
    """Read the request, then break the connection: nobody knows whether the text went out."""
    connection.break_off()


def hang(connection: Connection) -> None:
    """Read the request and say nothing."""
    connection.hold(60)


def slow(seconds: float) -> Behaviour:
    """Accept, and say so late."""

    def late(connection: Connection) -> None:
        taken = connection.take()
        connection.hold(seconds)
        connection.show(taken)

    return late


def sent_and(then: Behaviour) -> Behaviour:
    """Take the text, and then fail all the same: the doubt that only a look-up or a receipt can end."""

    def both(connection: Connection) -> None:
        connection.take()
        then(connection)

    return both


def failed(code: str) -> Behaviour:
    """Answer 201 with a message that has failed already."""
    return lambda connection: connection.show(connection.take(failed=code))


GARBAGE = say(200, b"<html>Sign in to this network</html>")
FAULTS: Mapping[str, Behaviour] = {
    "ok": accept,
    "slow": slow(8),
    "slowish": slow(0.4),
    "429": too_many("2"),
    "500": refuse(500, 20500),
    "502": say(502, b"<html>Bad gateway</html>"),
    "500-sent": sent_and(refuse(500, 20500)),
    "reset": reset,
    "reset-sent": sent_and(reset),
    "hang": hang,
    "hang-sent": sent_and(hang),
    "garbage": GARBAGE,
    "garbage-sent": sent_and(GARBAGE),
    "failed": failed("30008"),
    "401": refuse(401, 20003, "Authenticate"),
}


@dataclass
class Plan:
    """Which behaviour is next: the ones listed first, then by number, then by the weights, which leave the rest accepted."""

    next: list[Behaviour] = field(default_factory=list)
    weights: Sequence[tuple[str, float]] = ()
    seed: int = 0
    _tries: dict[tuple[str, str], int] = field(default_factory=dict)

    def weigh(self, faults: str) -> None:
        """Read weights in per cent, `429:10,hang-sent:5`; nothing accepts everything. Raises ValueError."""
        weights = [(name, float(share or 100)) for name, _, share in (part.partition(":") for part in faults.split(",") if part)]
        if unknown := {name for name, _ in weights} - FAULTS.keys():
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
        self.weights = weights

    def choose(self, to: str, body: str) -> tuple[str, Behaviour]:
        """Return the name and the behaviour for a text. The second try of the same text may meet another one."""
        if self.next:
            return "listed", self.next.pop(0)
        if to in MAGIC_TO:
            return str(MAGIC_TO[to]), refuse(400, MAGIC_TO[to])
        self._tries[to, body] = nth = self._tries.get((to, body), 0) + 1
        point = int.from_bytes(sha256(f"{self.seed}|{to}|{body}|{nth}".encode()).digest()[:6]) / 2**48 * 100
        for name, share in self.weights:
            if point < share:
                return name, FAULTS[name]
            point -= share
        return "ok", accept


def break_off(raw: socket.socket) -> None:
    """Close a connection with a reset instead of a farewell."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
