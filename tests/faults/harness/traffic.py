"""Texts as a gateway posts them: signed, several at once, each again under its own id until the webhook answers 2xx."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from benchmarks.load import whole
from hotline.deployment import Deployment
from hotline.gateways.contract import form, words
from hotline.gateways.twilio import sign, signed_bytes
from hotline.simulator.send import SIGNERS, fresh_id
from tests.faults.harness.facts import Acked
from tests.journeys.ledger import invented

AT_ONCE = 16
PATIENCE = 15.0  # seconds Twilio waits for an answer
PAUSE = 0.2
TARGET = "/in/twilio/sms"
NUMBERS = count(1_000_000)

NASTY = (
    b"",
    b"   ",
    b"nul \x00 inside, they took my papers",
    b"half a character \xed\xa0\x80 and they beat us",
    b"no UTF-8 \xff\xfe\xc0\x80 at all, help",
    b"cut off in mid-character, come quickly \xf0\x9f\x98",
    "\ufeffmark first, then: they locked us in".encode(),
    "right \u202e to left \u202c and \u200d joined, girl of 14 \U0001f469\u200d\U0001f467".encode(),
    ("e" + "\u0301" * 900 + " they sold my sister").encode(),
    b"'; DROP TABLE inbox; -- they keep our passports",
    b"<script>alert(1)</script> the boss locks the door",
    b"\x1b[31mred\x1b[0m \x07 \x08 they do not pay us",
    b"line\r\nbreaks\rof\nall\x0bkinds\x85 we are hungry",
    b"%00 %n %s {0} ${jndi:ldap://127.0.0.1/} we are five girls",
    "\ud7a3\uffff\U0010ffff noncharacters, one is 13".encode(),
    b"x" * 30_000 + b" they took my phone",
    "Bafungiraniye abana \u2028 mu nzu \u2029 i Bugarama".encode(),
)


@dataclass(frozen=True)
class Letter:
    """One text, ready to post."""

    external_id: str
    words: str
    body: bytes
    request: bytes
    readable: bool = True


@dataclass
class Postbox:
    """Posts letters to one deployment and keeps what was acknowledged. `answers` counts every answer by its status."""

    site: Deployment
    acked: list[Acked] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def post(self, act: str, letters: Iterable[Letter], *, rate: float, patience: float = 180.0) -> list[Acked]:
        """Post letters, so many a second, and return when each has been taken. Raises TimeoutError, naming how many were not."""
        waiting, before = _paced(letters, rate), len(self.acked)
        left = Counter[str]()
        threads = [threading.Thread(target=self._carry, args=(act, waiting, patience, left)) for _ in range(AT_ONCE)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            waiting.end()
        if left:
            raise TimeoutError(f"{act}: never taken: {dict(left)}")
        return self.acked[before:]

    def _carry(self, act: str, waiting: "Paced", patience: float, left: Counter[str]) -> None:
        wire = Wire(self.site.settings.web_port)
        for letter in waiting:
            started = time.monotonic()
            while (status := wire.post(letter.request)) != "200":
                with self._turn:
                    self.answers[status] += 1
                if status.startswith("4") or waiting.ended or time.monotonic() - started > patience:
                    left[status] += 1
                    break
                time.sleep(PAUSE)
            else:
                now, took = datetime.now(UTC), time.monotonic() - started
                taken = Acked(letter.external_id, letter.body, letter.words, now, took, act, letter.readable)
                with self._turn:
                    self.answers[status] += 1
                    self.acked.append(taken)
        wire.close()


class Wire:
    """One kept-alive connection of a gateway, opened again whenever it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def post(self, request: bytes) -> str:
        """Post a request and return the status of its answer, or what stood in its place."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
            return self._status()
        except TimeoutError:
            self.close()
            return "no answer"
        except OSError:
            self.close()
            return "broken"

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _status(self) -> str:
        assert self._socket is not None
        answer = b""
        while not whole(answer):
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError
            answer += more
        return answer[9:12].decode()


class Paced:
    """Hands letters to many threads, each at its time."""

    def __init__(self, letters: Iterator[Letter], every: float) -> None:
        self._letters, self._every = letters, every
        self._turn = threading.Lock()
        self._next = time.monotonic()
        self.ended = False

    def end(self) -> None:
        """Hand out no more."""
        self.ended = True

    def __iter__(self) -> Iterator[Letter]:
        while True:
            with self._turn:
                letter = next(self._letters, None)
                due, self._next = self._next, max(self._next + self._every, time.monotonic() - self._every)
            if letter is None or self.ended:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            yield letter


def _paced(letters: Iterable[Letter], rate: float) -> Paced:
    return Paced(iter(letters), 1 / rate)


def letters(site: Deployment, number: int, chance: random.Random, *, life: bool = False) -> Iterator[Letter]:
    """Yield invented texts, each from a number of its own, in four languages; `life` yields only dangers to life."""
    texts = LIFE if life else invented(120)
    for _ in range(number):
        text = chance.choice(texts)
        fields = {"id": fresh_id("twilio"), "from": f"+25078{next(NUMBERS):07d}", "to": "7788", "text": text}
        signed = SIGNERS["twilio"](site, fields)
        yield Letter(signed.external_id, text, signed.body, request(signed.target, signed.body, signed.headers))


def nasty(site: Deployment, number: int, chance: random.Random | None = None) -> Iterator[Letter]:
    """Yield texts of bytes that have broken others, and genuine webhooks that name no sender: all in turn, or as dice fall."""
    for place in range(number):
        which = chance.randrange(len(NASTY) + 1) if chance else place % (len(NASTY) + 1)
        if which == len(NASTY):
            yield _raw(site, [(b"To", b"7788"), (b"Body", b"no sender")], b"no sender", readable=False)
        else:
            sender = f"+25078{next(NUMBERS):07d}".encode()
            yield _raw(site, [(b"From", sender), (b"To", b"7788"), (b"Body", NASTY[which])], NASTY[which])


def _raw(site: Deployment, fields: list[tuple[bytes, bytes]], said: bytes, *, readable: bool = True) -> Letter:
    external_id = fresh_id("twilio")
    pairs = [(b"MessageSid", external_id.encode()), *fields]
    body = b"&".join(key + b"=" + b"".join(b"%%%02X" % byte for byte in value) for key, value in pairs)
    token = site.settings.twilio_auth_tokens[0].get_secret_value()
    proof = sign(token, signed_bytes(site.settings.public_url + TARGET, form(body))).decode()
    return Letter(external_id, words(said), body, request(TARGET, body, {"X-Twilio-Signature": proof}), readable)


def request(target: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a whole request, ready for the wire."""
    named = {
        "Host": "127.0.0.1",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


LIFE = (
    "They locked six girls in a house in Bugarama and took their passports, one is 14",
    "Une fille de 13 ans est enfermee dans une maison a Kamembe, le patron garde la cle, venez vite",
    "Bagiye kujyana abana batatu i Bukavu iri joro, babambuye ibyangombwa. Ni i Kamembe",
)
