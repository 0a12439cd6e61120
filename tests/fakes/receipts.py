"""Status callbacks of the fake gateway: signed as Twilio signs, and then shuffled, doubled, late or left out.

Signatures are made by Twilio's own validator, so that our check is tried against theirs. Like Twilio it does not send again
what was answered with an error; each answer is on the record.
"""

import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import urllib3
from twilio.request_validator import RequestValidator

Record = Callable[[Mapping[str, object]], None]
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
STEPS = {"delivered": ("sending", "sent", "delivered"), "undelivered": ("sending", "sent", "undelivered")}
LATE_SECONDS = 20.0


@dataclass(frozen=True)
class Habit:
    """How callbacks come, shares in per cent: `shuffle:100,double:20,late:5,never:5,bad:3` (bad: it ends undelivered)."""

    shuffle: float = 0
    double: float = 0
    late: float = 0
    never: float = 100
    bad: float = 0
    after: float = 0.05

    @classmethod
    def read(cls, words: str) -> "Habit":
        """Read the words of the command line; what is not named is 0, so `-` means that all come, once and in order."""
        shares = {
            name: float(share or 100) for name, _, share in (part.partition(":") for part in words.split(",")) if name != "-"
        }
        return cls(**{"never": 0.0, **shares})


@dataclass
class Receipts:
    """Sends callbacks from threads of its own. `deliver_to` is where to connect; the signature covers the URL as it was given."""

    token: str
    deliver_to: str
    record: Record
    habit: Habit = field(default_factory=Habit)
    seed: int = 0
    _due: list[tuple[float, int, str, Mapping[str, str]]] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _number: "itertools.count[int]" = field(default_factory=itertools.count)
    _ended: bool = False
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=8, timeout=15.0, retries=False))

    def start(self, threads: int = 4) -> None:
        """Begin."""
        for _ in range(threads):
            threading.Thread(target=self._work, name="receipts", daemon=True).start()

    def stop(self) -> None:
        """End; what is not out yet stays unsent."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._http.clear()

    def about(self, url: str, fields: Mapping[str, str]) -> None:
        """Plan the callbacks of one message that was taken. `fields` lacks the status alone."""
        chance = random.Random(f"{self.seed}|{fields['MessageSid']}")
        if self._met(chance, self.habit.never):
            return
        steps = list(STEPS["undelivered" if self._met(chance, self.habit.bad) else "delivered"])
        steps += [step for step in tuple(steps) if self._met(chance, self.habit.double)]
        if self._met(chance, self.habit.shuffle):
            chance.shuffle(steps)
        wait = self.habit.after + (LATE_SECONDS if self._met(chance, self.habit.late) else 0)
        for place, step in enumerate(steps):
            self.send(url, fields | state(step), after=wait * (1 + place))

    def send(self, url: str, fields: Mapping[str, str], *, after: float = 0) -> None:
        """Post one signed webhook, after so many seconds."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + after, next(self._number), url, dict(fields)))
            self._changed.notify()

    @staticmethod
    def _met(chance: random.Random, share: float) -> bool:
        return chance.random() * 100 < share

    def _work(self) -> None:
        while (due := self._next()) is not None:
            self._post(*due)

    def _next(self) -> tuple[str, Mapping[str, str]] | None:
        with self._changed:
            while not self._ended:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2:]
                self._changed.wait(wait)
        return None

    def _post(self, url: str, fields: Mapping[str, str]) -> None:
        asked = urlsplit(url)
        target = asked.path + (f"?{asked.query}" if asked.query else "")
        headers = {"Content-Type": FORM, "X-Twilio-Signature": self.signature(url, fields)}
        try:
            reply = self._http.request("POST", self.deliver_to + target, body=urlencode(fields), headers=headers)
            heard: object = reply.status
        except urllib3.exceptions.HTTPError as error:
            heard = type(error).__name__
        self.record({"kind": "callback", "sid": fields.get("MessageSid"), "status": fields.get("MessageStatus"), "heard": heard})

    def signature(self, url: str, fields: Mapping[str, str]) -> str:
        """Return X-Twilio-Signature, as Twilio's own SDK computes it."""
        return str(RequestValidator(self.token).compute_signature(url, dict(fields)))


def state(step: str) -> dict[str, str]:
    """Return the fields that tell a step."""
    told = {"MessageStatus": step, "SmsStatus": step}
    return told | {"ErrorCode": "30003"} if step == "undelivered" else told
