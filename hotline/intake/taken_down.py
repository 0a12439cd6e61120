"""Receives what officers took down: a report like any other, with who wrote it and whether the person may be texted.

It opens a case, or joins the open one of a number that is known. What the officer chose stands beside what triage reads, and the
higher urgency counts. Telling somebody opens no window in which a text may be sent: the person says whether one may.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hotline.intake.arrivals import Arrival
from hotline.intake.callers import Known
from hotline.intake.receive import Intake
from hotline.intake.received import Conversation, Grown, Received
from hotline.intake.told import Told
from hotline.intake.ussd.tree import Said
from hotline.models import MessageKind, MessageState, SafeContact
from hotline.outbound.compose import Draft
from hotline.phone import Sender

NO_TEXT_YET = datetime.fromtimestamp(0, UTC)


def said(told: Told) -> Said:
    """Return what the officer chose, in the words of triage."""
    return Said(told.category, told.urgency, told.minors)


class TakenDown(Intake):
    """One batch of what officers took down."""

    def take_down(self, arrivals: Sequence[Arrival]) -> Received:
        """Go through a batch in the order it came and write everything."""
        told = [(arrival, arrival.event) for arrival in arrivals if isinstance(arrival.event, Told)]
        senders = {arrival.inbox_id: self._sender(arrival.inbox_id, one) for arrival, one in told}
        indexes = {inbox_id: self.deployment.number_index(sender.address) for inbox_id, sender in senders.items()}
        self._load(set(indexes.values()))
        self._draw_handles(len(told))
        for arrival, one in told:
            self._take(replace(arrival, gateway=self.deployment.settings.gateway), one, indexes[arrival.inbox_id], senders)
        self._write()
        return self.received

    def _sender(self, inbox_id: str, told: Told) -> Sender:
        """Return who told it; nobody that can be written to, and nobody who told anything before, without a number."""
        return self.deployment.sender(told.number) if told.number else Sender(f"desk {inbox_id}", reachable=False)

    def _take(self, arrival: Arrival, told: Told, index: bytes, senders: dict[str, Sender]) -> None:
        caller = self.callers.get(index, senders[arrival.inbox_id], self.now)
        if caller.fresh and caller.id not in self.conversations:
            caller.row["last_inbound_at"] = NO_TEXT_YET
        if told.language:
            caller.row["language"] = told.language
        conversation = self.conversations.get(caller.id)
        if conversation is None:
            self.channel = told.way
            conversation = self._begin(arrival, caller, self.readings[arrival.inbox_id])
        else:
            self.touched[conversation.report_id] = conversation.case_id
            self.received.grown[conversation.case_id] = Grown(
                conversation.case_id, conversation.key, said(told), told.language or None
            )
        self._keep(arrival, told, caller, conversation)

    def _keep(self, arrival: Arrival, told: Told, caller: Known, conversation: Conversation) -> None:
        draft = Draft(
            kind=MessageKind.REPORT,
            body=told.words,
            gateway=arrival.gateway,
            case_id=conversation.case_id,
            caller_id=caller.id,
            officer_id=told.officer_id,
            inbox_id=arrival.inbox_id,
            state=MessageState.STORED,
        )
        self.rows["message"].append(draft.row(conversation.key, arrival.received_at))
        if told.safe is not SafeContact.UNKNOWN:
            caller.row["safe_contact"], caller.row["safe_hours"] = told.safe, told.hours
            if told.safe is not SafeContact.NEVER:
                caller.row |= {"opted_out_at": None, "panic_at": None}
