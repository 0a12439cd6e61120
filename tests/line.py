"""A phone line to a hotline under test: texts go in by the real door, signed; what would leave is kept, and time is ours.

The carrier stands where a gateway's sending stands and does as the test says; everything else is the real thing. All numbers
are invented.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import RowMapping, Table, insert, select, text
from sqlalchemy.orm import Session
from werkzeug.test import Client, TestResponse

from hotline import app, inbound
from hotline.casework.referral import take_back
from hotline.catalog import Catalog, shipped
from hotline.config import load
from hotline.demo import SHIPPED, seed
from hotline.deployment import Deployment
from hotline.gateways.bridging import Bridging
from hotline.gateways.contract import Certainty, Gateway, OutboundText, Sent, Webhook, form
from hotline.gateways.ringing import Ringing
from hotline.gateways.shelf import Shelf
from hotline.gateways.twilio import sign, signed_bytes
from hotline.gateways.voice import Calls, NotFetched
from hotline.intake.spool import Spool
from hotline.models import Base, Case, CaseKey, Contact, Lane, Message, table
from hotline.outbound.compose import bound_to
from hotline.privacy import Key
from hotline.routing import escalate
from workers import jobs, tapes

TOKEN = "invented-auth-token"
PUBLIC_URL = "https://hooks.example.org"
MONDAY_NIGHT = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)  # half past ten in Kigali
Outcome = Callable[[OutboundText], Sent]


@dataclass
class Carrier:
    """A gateway whose way out is ours: it keeps what it is given and answers as it is told, else it accepts.

    A look-up finds what stands in `kept`.
    """

    real: Gateway
    log: list[OutboundText]
    sent: list[OutboundText] = field(default_factory=list)
    next: list[Outcome] = field(default_factory=list)
    kept: list[OutboundText] = field(default_factory=list)
    recorded_in: dict[str, list[Webhook]] = field(default_factory=dict)
    tapes: dict[str, bytes] = field(default_factory=dict)
    tape_faults: list[NotFetched | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name, self.kinds, self.methods, self.per_request = self.real.name, self.real.kinds, self.real.methods, 100
        self.folds_copies = self.real.folds_copies
        self.secrets, self.address, self.lacking = self.real.secrets, self.real.address, self.real.lacking
        self.verify, self.external_id, self.answer = self.real.verify, self.real.external_id, self.real.answer
        self.read_text, self.read_status = self.real.read_text, self.real.read_status
        self.called: list[tuple[str, str]] = []
        if isinstance(self.real, Ringing):
            self.read_ring, self.ours, self.call = self.real.read_ring, self.real.ours, self._call
            self.turn_away = self.real.turn_away
        if isinstance(self.real, Bridging):
            self.ring_first, self.join, self.shown = self._call, self.real.join, self.real.shown
        self.voices: frozenset[str] = frozenset()
        if isinstance(self.real, Calls):
            self.recorded = lambda call: self.recorded_in.get(call, [])
            self.voices, self.read_call, self.speak = self.real.voices, self.real.read_call, self.real.speak

    def fetch(self, tape: str) -> tuple[bytes, str]:
        if self.tape_faults and (fault := self.tape_faults.pop(0)):
            raise fault
        if tape not in self.tapes:
            raise NotFetched("404", gone=True)
        return self.tapes[tape], "audio/wav"

    def remove(self, tape: str) -> None:
        if self.tape_faults and (fault := self.tape_faults.pop(0)):
            raise fault
        self.tapes.pop(tape, None)

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        self.sent += texts
        self.log += texts
        return [(self.next.pop(0) if self.next else accepted)(text) for text in texts]

    def _call(self, number: str, reference: str) -> Sent:
        self.called.append((number, reference))
        return Sent(reference, Certainty.ACCEPTED, provider_id=f"CA-{reference}")

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:
        del since
        return [f"SM-{kept.id}" for kept in self.kept if kept.id == text.id]


def accepted(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.ACCEPTED, provider_id=f"SM-{text.id}")


def unknown(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.UNKNOWN, code="no answer")


def refused(text: OutboundText) -> Sent:
    return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)


@dataclass
class Line:
    """One deployment with its door, its carriers and its clock. `sent` is everything that left, in order."""

    site: Deployment
    now: datetime = MONDAY_NIGHT
    texts: int = 0
    sent: list[OutboundText] = field(default_factory=list)

    def __post_init__(self) -> None:
        shelf = self.site.shelf
        self.carriers = {name: Carrier(gateway, self.sent) for name in shelf.names if (gateway := shelf.get(name))}
        self.site.__dict__["shelf"] = Shelf(self.carriers)
        self.site.__dict__["words"] = words_in(self.site.settings.default_language)
        self.site.db.__dict__["now"] = lambda _: self.now
        began = time.monotonic()  # two webhooks never come at the very same moment
        self.site.__dict__["clock"] = lambda: self.now + timedelta(seconds=time.monotonic() - began)
        web = app.bare(self.site, Spool.of(self.site.settings))
        inbound.install(web, self.site)
        self.client = Client(web)

    # ---- in

    def post(
        self,
        body: bytes | Mapping[str, str],
        *,
        kind: str = "sms",
        query: str = "",
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Post a webhook as Twilio would; `token` None leaves the signature away."""
        raw = body if isinstance(body, bytes) else urlencode(body, errors="surrogatepass").encode()
        target = f"/in/twilio/{kind}" + (f"?{query}" if query else "")
        signed = {} if token is None else {"X-Twilio-Signature": signature(target, raw, token)}
        kind_of_body = "application/x-www-form-urlencoded; charset=UTF-8"
        return self.client.post(target, data=raw, headers={"Content-Type": kind_of_body, **signed, **(headers or {})})

    def text(self, sender: str, body: str, *, sid: str | None = None, to: str = "7788") -> None:
        """Text the hotline; the door must take it."""
        self.texts += 1
        fields = {"MessageSid": sid or f"SM{self.texts:032x}", "From": sender, "To": to, "Body": body}
        assert self.post(fields).status_code == 200

    def receipt(self, text: OutboundText, status: str, **more: str) -> None:
        """Report what became of a text that was sent."""
        fields = {"MessageSid": f"SM-{text.id}", "MessageStatus": status, **more}
        assert self.post(fields, kind="status", query=f"message={text.id}").status_code == 200

    # ---- work

    def work(self) -> None:
        """Let every worker do what is there to be done at this moment."""
        while jobs.drain_batch(self.site):
            pass
        for lane in Lane:
            while jobs.deliver_batch(self.site, lane):
                pass
        while tapes.batch(self.site):
            pass

    def says(self, sender: str, *bodies: str) -> list[str]:
        """Text the hotline and let it work; returns what the sender's phone then gets, in order."""
        before = len(self.sent)
        for body in bodies:
            self.text(sender, body)
        self.work()
        return [text.body for text in self.sent[before:] if text.to == self.site.sender(sender).address]

    def later(self, **span: float) -> None:
        """Let time pass, without a clock that notices."""
        self.now += timedelta(**span)

    def tick(self, *, times: int = 1, **span: float) -> None:
        """Let time pass, and the clock climb every ladder that is due; several times, or until the first that was due."""
        with self.site.db.transaction() as session:
            for _ in range(times):
                self.later(**span)
                back = take_back(session, self.site, self.now)
                if (lanes := escalate.climb(session, self.site, self.now)) or back:
                    break
        if lanes or back:
            self.work()

    # ---- out

    def to(self, number: str) -> list[str]:
        """Everything one phone was sent."""
        return [text.body for text in self.sent if text.to == number]

    def forget(self) -> None:
        """Look only at what is sent from here on."""
        for kept in (self.sent, *(carrier.sent for carrier in self.carriers.values())):
            kept.clear()

    # ---- the rows

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self.site.db.reading() as session:
            yield session

    def rows(self, model: type[Base], **equal: object) -> list[RowMapping]:
        """Return a table's rows, oldest first."""
        of = table(model)
        with self.reading() as session:
            found = select(of).where(*(of.c[name] == value for name, value in equal.items()))
            return list(session.execute(found.order_by(*of.primary_key)).mappings())

    def case(self) -> RowMapping:
        """Return the one case there is."""
        (only,) = self.rows(Case)
        return only

    def told(self, case_id: str) -> list[str]:
        """Return what the caller of a case told, oldest first, as officers would read it."""
        key = self.key(case_id)
        rows = [row for row in self.rows(Message, case_id=case_id) if row["direction"] == "in"]
        return [key.open_text(row["sealed"], bound_to(row["id"])) for row in sorted(rows, key=lambda row: row["created_at"])]

    def key(self, case_id: str) -> Key:
        """Return the key of a case."""
        (row,) = self.rows(CaseKey, case_id=case_id)
        return self.site.keyring.case_key(case_id, row["wrapped"])

    def contact(self, name: str) -> RowMapping:
        """Return a contact of the directory."""
        (only,) = self.rows(Contact, name=name)
        return only


def signature(target: str, body: bytes, token: str = TOKEN) -> str:
    """Return what Twilio would sign a body with."""
    return sign(token, signed_bytes(PUBLIC_URL + target, form(body))).decode()


@cache
def words_in(language: str) -> Catalog:
    """Read and check the words once; it takes longer than most tests."""
    chosen = load(_env_file=None)
    names = {"cover": chosen.cover, "tips": chosen.tips_code, "radio": chosen.radio_code, "ussd": chosen.ussd_code}
    return shipped().with_deployment(**names, language=language)


Rows = Sequence[tuple[Table, Any]]
_furnished: dict[tuple[str, bytes, bool], Rows] = {}


def furnish(site: Deployment, kind: str, fill: Callable[[Session], object]) -> None:
    """Fill a deployment, or put in the rows that were made where another with the same keys was filled alike before."""
    known = (kind, site.number_index(""), site.db.sqlite)
    take, put = (_rows, _put_rows) if site.db.sqlite else (_rows_as_json, _put_json)
    with site.db.transaction() as session:
        if known in _furnished:
            for one, rows in _furnished[known]:
                put(session, one, rows)
            return
        there = {one.name for one in Base.metadata.sorted_tables if session.execute(select(one).limit(1)).first()}
        fill(session)
        session.flush()
        new = [one for one in Base.metadata.sorted_tables if one.name not in there]
        made = [(one, take(session, one)) for one in new]
    _furnished[known] = [(one, rows) for one, rows in made if rows]


def _rows(session: Session, of: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(select(of)).mappings()]


def _put_rows(session: Session, into: Table, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(into), rows)


def _rows_as_json(session: Session, of: Table) -> str | None:
    found: str | None = session.execute(text(f'SELECT json_agg(one)::text FROM "{of.name}" one')).scalar_one()  # noqa: S608  our own name
    return found


def _put_json(session: Session, into: Table, rows: str) -> None:
    """Put in all rows by one statement that PostgreSQL reads by itself: one by one they took longer than most tests."""
    statement = f'INSERT INTO "{into.name}" SELECT * FROM json_populate_recordset(NULL::"{into.name}", :rows)'  # noqa: S608  the same
    session.execute(text(statement), {"rows": rows})


def fill_directory(site: Deployment, folder: Path) -> None:
    """Fill the directory with the demo's invented contacts and none of its officers, whose passwords take a second to hash."""

    def fill(session: Session) -> None:
        story = folder / "contacts.toml"
        story.write_text("officer = []\n" + SHIPPED.read_text(encoding="utf-8").partition("[[officer]]")[0], encoding="utf-8")
        seed(session, site, MONDAY_NIGHT, story)

    furnish(site, "contacts", fill)


def in_three_sizes(everyday: object, faults: object, long: object) -> list[object]:
    """Return the sizes of one test: for every run, for `make stress` and for `make faults-long`."""
    return [everyday, pytest.param(faults, marks=pytest.mark.faults), pytest.param(long, marks=pytest.mark.long)]
