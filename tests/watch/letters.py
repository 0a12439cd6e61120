"""Puts things among the dead letters of a deployment, as failures would. All people and numbers are invented."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from hotline import handle
from hotline.deployment import Deployment
from hotline.models import (
    Agency,
    Case,
    CaseKey,
    Contact,
    Direction,
    Inbox,
    InboxKind,
    InboxState,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Quarantine,
    Referral,
    new_id,
    table,
)
from hotline.outbound.compose import bound_to

WORDS = "They locked us in at the invented house"
NUMBER = "+250780000101"


@dataclass
class Letters:
    """Makes dead letters. Each call returns the name of what it made."""

    site: Deployment
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def case(self, *, ago: timedelta = timedelta(minutes=5), **facts: object) -> Case:
        """A case with nobody told and a ladder that is due later."""
        plain = {"category": "trafficking", "urgency": "immediate", "rank": 0, "minors": "unknown", "language": "en"}
        at = self.now - ago
        made = Case(
            id=new_id(),
            handle=handle.make(),
            channel="sms",
            opened_at=at,
            updated_at=at,
            ladder_from=at,
            next_step_at=self.now + timedelta(minutes=5),
            **plain | facts,
        )
        _, wrapped = self.site.keyring.new_case_key(made.id)
        with self.site.db.transaction() as session:
            session.add(made)
            session.flush()
            session.add(CaseKey(case_id=made.id, kid=self.site.keyring.kid, wrapped=wrapped))
        return made

    def told(self) -> Case:
        """A case of which somebody is to be told."""
        made = self.case()
        with self.site.db.transaction() as session:
            agency = Agency(id=new_id(), name=f"Invented agency {made.handle}", kind="police")
            session.add(agency)
            session.flush()
            number, everything = new_id().encode(), ["*"]
            contact = Contact(
                id=new_id(),
                agency_id=agency.id,
                name=f"Invented desk {made.handle}",
                number_index=number,
                number_sealed=b"",
                areas=everything,
                categories=everything,
            )
            session.add(contact)
            session.flush()
            session.add(Referral(case_id=made.id, contact_id=contact.id, why="on duty", created_at=made.opened_at))
        return made

    def message(
        self,
        kind: MessageKind = MessageKind.ALERT,
        state: MessageState = MessageState.DEAD,
        lane: Lane = Lane.LIFE,
        *,
        ago: timedelta = timedelta(minutes=5),
        case: Case | None = None,
        **facts: object,
    ) -> str:
        """A message that did not get out, of a case of its own."""
        of, row_id, at = case or self.told(), new_id(), self.now - ago
        row = {
            "id": row_id,
            "case_id": of.id,
            "direction": Direction.OUT,
            "kind": kind,
            "lane": lane,
            "sealed": self.site.keyring.fields.seal_text(WORDS, bound_to(row_id)),
            "gateway": "simulator",
            "state": state,
            "created_at": at,
            "due_at": at,
            "settled_at": at,
            "valid_until": at + timedelta(minutes=1),
            "attempts": 5,
            "reason": "30003",
            "claim_token": "first",
        }
        self._insert(Message, row | facts)
        return row_id

    def webhook(
        self, state: InboxState = InboxState.POISON, kind: InboxKind = InboxKind.SMS, *, ago: timedelta = timedelta(minutes=5)
    ) -> str:
        """A genuine webhook that could not be read, or broke whoever read it."""
        row_id = new_id()
        body = f"MessageSid=SM{row_id}&From={NUMBER.replace('+', '%2B')}&Body={WORDS.replace(' ', '+')}".encode()
        row = {
            "id": row_id,
            "gateway": "twilio",
            "kind": kind,
            "external_id": f"SM{row_id}",
            "sealed": self.site.keyring.inbox_seal().seal(body, f"inbox|sealed|{row_id}"),
            "received_at": self.now - ago,
            "state": state,
            "attempts": 5 if state is InboxState.POISON else 1,
            "reason": "worker vanished" if state is InboxState.POISON else "without From",
            "claim_token": "first",
        }
        self._insert(Inbox, row)
        return row_id

    def forged(self, *, reason: str = "signature") -> str:
        """A webhook that was refused at the door."""
        row = {
            "id": new_id(),
            "gateway": "twilio",
            "kind": "sms",
            "reason": reason,
            "sealed": b"sealed",
            "size": 6,
            "received_at": self.now - timedelta(hours=3),
            "state": "held",
        }
        self._insert(Quarantine, row)
        return f"twilio.sms.{reason}"

    def bad_file(self) -> Path:
        """A file the spool could not store."""
        folder = self.site.settings.instance / "spool" / "bad"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{new_id()}.row"
        file.write_bytes(b"torn " + WORDS.encode())
        return file

    def one_of_each(self) -> None:
        """Everything the list can hold."""
        self.message()
        self.message(state=MessageState.FAILED, reason="21211", ago=timedelta(hours=2))
        self.message(MessageKind.REPLY, MessageState.UNKNOWN, Lane.REPLY, reason="no answer")
        self.message(MessageKind.REPLY, MessageState.DEAD, Lane.REPLY, reason="unreachable")
        self.message(MessageKind.AUTO, MessageState.FAILED, Lane.REPLY)
        self.message(MessageKind.NOTICE, MessageState.UNKNOWN, reason="worker vanished")
        self.webhook()
        self.webhook(InboxState.PARKED)
        self.webhook(InboxState.POISON, InboxKind.STATUS)
        self.forged()
        self.forged()
        self.forged(reason="unsigned")
        self.bad_file()
        self.case(urgency="soon", rank=1, category="labour_abuse")

    def _insert(self, model: type[Message | Inbox | Quarantine], row: dict[str, object]) -> None:
        with self.site.db.transaction() as session:
            session.execute(insert(table(model)), [row])
