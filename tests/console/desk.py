"""A desk to test on: a real database with keys, officers of each role, and a browser that behaves like one."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
from flask import Flask
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hotline import handle
from hotline.deployment import Deployment
from hotline.models import (
    Agency,
    Assessed,
    Caller,
    Case,
    CaseKey,
    Contact,
    Direction,
    Message,
    MessageKind,
    MessageState,
    Officer,
    Referral,
    ReferralState,
    Report,
    new_id,
)
from hotline.officers import enrol
from hotline.outbound.compose import bound_to
from hotline.queue import QueueName, connect
from hotline.roles import Role

PASSWORD = "a long invented password"
NOBODY_THERE = "redis://127.0.0.1:1/0"
ORIGIN = "http://127.0.0.1:8001"


@dataclass
class ListeningBell:
    """Remembers which queues were rung for; nobody works at this desk."""

    rung: list[QueueName] = field(default_factory=list)
    redis: Redis = field(default_factory=lambda: connect(NOBODY_THERE))

    def ring(self, name: QueueName) -> None:
        self.rung.append(name)


class Browser:
    """One browser: keeps cookies, sends the CSRF token it was shown, and says which site it is on."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._shown = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def token(self) -> str:
        """The CSRF token of whatever page the browser can see."""
        page = self.client.get("/", follow_redirects=True).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        return found.group(1) if found else ""

    def post(self, path: str, *, origin: str = ORIGIN, token: str | None = None, **fields: str) -> TestResponse:
        if token is not None:
            return self._send(path, fields, origin, token)
        answer = self._send(path, fields, origin, self._shown) if self._shown else None
        if answer is None or answer.status_code == 400:  # a token lives as long as its session
            self._shown = self.token()
            answer = self._send(path, fields, origin, self._shown)
        return answer

    def _send(self, path: str, fields: dict[str, str], origin: str, token: str) -> TestResponse:
        return self.client.post(path, data=fields | {"csrf_token": token}, headers={"Origin": origin})


@dataclass
class Desk:
    """The desk, and the ways a test puts something on it."""

    site: Deployment
    app: Flask
    bell: ListeningBell
    seeds: dict[str, str] = field(default_factory=dict)

    def browser(self) -> Browser:
        return Browser(self.app)

    def later(self) -> None:
        """Let the three seconds pass for which the desk keeps what is the same for everybody."""
        self.app.extensions["lately"].forget()

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.seeds[name]).now()

    def enrol(self, name: str, role: Role, *, demo: bool = True) -> None:
        with self.site.db.transaction() as session:
            self.enrol_in(session, name, role, demo=demo)

    def enrol_in(self, session: Session, name: str, role: Role, *, demo: bool = True) -> None:
        address = enrol(session, self.site, name=name, display_name=name.title(), role=role, password=PASSWORD, demo=demo)
        self.seeds[name] = parse_qs(urlsplit(address).query)["secret"][0]

    def officer(self, name: str) -> Officer:
        with self.site.db.reading() as session:
            return session.scalars(select(Officer).where(Officer.name == name)).one()

    def signed_in(self, name: str) -> Browser:
        """A browser in which an invented officer has signed in with one click."""
        browser = self.browser()
        answer = browser.post(f"/demo/{self.officer(name).id}")
        assert answer.status_code == 303
        return browser

    def case(self, text: str = "they took our papers", *, ago: timedelta = timedelta(), **facts: object) -> Case:
        """A case whose caller wrote `text` some time ago. `facts` beginning with caller_ go to the caller."""
        now = datetime.now(UTC) - ago
        about_caller = {name.removeprefix("caller_"): value for name, value in facts.items() if name.startswith("caller_")}
        about_case = {name: value for name, value in facts.items() if not name.startswith("caller_")}
        with self.site.db.transaction() as session:
            caller = Caller(
                id=new_id(),
                number_index=new_id().encode()[:16] + new_id().encode()[-16:],
                number_sealed=b"",
                last_inbound_at=now,
                **about_caller,
            )
            plain = {"category": "trafficking", "urgency": "immediate", "rank": 0, "minors": "unknown", "language": "en"}
            case = Case(id=new_id(), handle=handle.make(), channel="sms", opened_at=now, updated_at=now, **plain | about_case)
            key, wrapped = self.site.keyring.new_case_key(case.id)
            message_id = new_id()
            session.add_all([caller, case])
            session.flush()
            session.add(CaseKey(case_id=case.id, kid=self.site.keyring.kid, wrapped=wrapped))
            session.add(
                Report(
                    case_id=case.id,
                    caller_id=caller.id,
                    channel="sms",
                    gateway="simulator",
                    opened_at=now,
                    last_inbound_at=now,
                )
            )
            session.add(
                Message(
                    id=message_id,
                    case_id=case.id,
                    direction=Direction.IN,
                    kind=MessageKind.REPORT,
                    caller_id=caller.id,
                    sealed=key.seal_text(text, bound_to(message_id)),
                    gateway="simulator",
                    state=MessageState.STORED,
                    created_at=now,
                )
            )
        return case

    def assess(self, case: Case, **whole: object) -> None:
        """Store what triage would have made of a case."""
        row_id = new_id()
        with self.site.db.transaction() as session:
            key = self.site.keyring.case_key(case.id, session.get_one(CaseKey, case.id).wrapped)
            session.add(
                Assessed(
                    id=row_id,
                    case_id=case.id,
                    category=case.category,
                    urgency=case.urgency,
                    minors=case.minors,
                    rules_version="invented",
                    sealed=key.seal_text(json.dumps(whole), f"assessment|sealed|{row_id}"),
                    at=datetime.now(UTC),
                )
            )

    def tell(self, case: Case, name: str = "Invented desk") -> Contact:
        """Record that a contact was told of a case."""
        now = datetime.now(UTC)
        with self.site.db.transaction() as session:
            agency = Agency(id=new_id(), name=f"{name} agency", kind="police")
            contact = Contact(
                id=new_id(),
                agency_id=agency.id,
                name=name,
                number_index=new_id().encode(),
                number_sealed=b"",
                areas=["*"],
                categories=["*"],
            )
            session.add(agency)
            session.flush()
            session.add(contact)
            session.flush()
            session.add(
                Referral(
                    case_id=case.id,
                    contact_id=contact.id,
                    state=ReferralState.TOLD,
                    why="on duty",
                    created_at=now,
                    told_at=now,
                )
            )
        return contact

    def change(self, case: Case, **values: object) -> Case:
        with self.site.db.transaction() as session:
            fresh = session.get_one(Case, case.id)
            for name, value in values.items():
                setattr(fresh, name, value)
        return fresh

    def again(self, case: Case) -> Case:
        """The case as it is now."""
        with self.site.db.reading() as session:
            return session.get_one(Case, case.id)

    def texts_to(self, case: Case) -> list[Message]:
        with self.site.db.reading() as session:
            found = select(Message).where(Message.case_id == case.id, Message.direction == Direction.OUT)
            return list(session.scalars(found.order_by(Message.created_at)))
