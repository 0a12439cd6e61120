"""Receives hops of the dialled code: each answer joins its caller's report as it comes, so that a session cut off has told.

A report begun by dialling is `unfinished` until its session comes to an end; who must know of a danger to life is told at once,
of anything else when the session is over or silent. Whoever dialled is not texted unless they said that it is safe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from hotline import subscribers
from hotline.comeback import digits, drawn, row
from hotline.deployment import Deployment
from hotline.gateways.contract import HopsEnd
from hotline.intake.arrivals import Arrival
from hotline.intake.callers import Known
from hotline.intake.erase import erase
from hotline.intake.receive import CASE, REPORT, Intake
from hotline.intake.received import Conversation, Grown, Received
from hotline.intake.ussd.heard import Heard
from hotline.intake.ussd.told import finished, lines, may_text, said, telling, words
from hotline.intake.ussd.tree import LEAVE, NOTHING, Said
from hotline.intake.ussd.walk import Kept
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.tree import JOIN_CALL, NO_LIST_CALL
from hotline.models import CaseState, DialledSession, MessageKind, MessageState, Reach, Reading, SafeContact, table
from hotline.outbound.compose import Draft
from hotline.phone import Sender

SESSION = table(DialledSession)
NO_TEXT_YET = datetime.fromtimestamp(0, UTC)  # dialling opens no window in which a text may be sent back


class Dialled(Intake):
    """One batch of hops on its way from arrivals to rows."""

    channel = "ussd"
    opens_as = CaseState.UNFINISHED

    def __init__(self, session: Session, deployment: Deployment, readings: Mapping[str, Reading], now: datetime) -> None:
        super().__init__(session, deployment, readings, now)
        self.settles: dict[str, datetime] = {}
        self.over: set[str] = set()
        self.stopped: set[tuple[str, str]] = set()

    def take_hops(self, arrivals: Sequence[Arrival]) -> Received:
        """Go through a batch in the order it came and write everything. Hops of a session that was stopped are not read."""
        hops = [(arrival, arrival.event) for arrival in arrivals if isinstance(arrival.event, Heard | HopsEnd)]
        senders = {arrival.inbox_id: self.deployment.sender(hop.sender) for arrival, hop in hops}
        indexes = {inbox_id: self.deployment.number_index(sender.address) for inbox_id, sender in senders.items()}
        self._load(set(indexes.values()))
        self._draw_handles(len(hops))
        stopped = self._stopped([hop for _, hop in hops if isinstance(hop, Heard)])
        for arrival, hop in hops:
            index = indexes[arrival.inbox_id]
            if isinstance(hop, HopsEnd):
                self._end(index)
            elif hop.session not in stopped:
                self._hear(arrival, hop, index, senders[arrival.inbox_id])
        self._write()
        self._settle()
        for arrival, hop in hops:
            if isinstance(hop, Heard) and hop.session in stopped:
                self.stopped.add((arrival.gateway, hop.session))
                self._read_again(erase(self.session, arrival.gateway, hop.session, indexes[arrival.inbox_id], self.now))
        return self.received

    def _stopped(self, heard: Sequence[Heard]) -> set[str]:
        now = {hop.session for hop in heard if hop.stopped}
        self._stop(now)
        return now | self._known_stopped({hop.session for hop in heard})

    def _stop(self, sessions: set[str]) -> None:
        """Let whatever still comes of these sessions or calls not be read."""
        if sessions:
            mark = self.deployment.db.insert_or_replace(SESSION, "stopped", "at")
            rows = [{"id": one, "sealed": b"", "stopped": True, "at": self.now} for one in sessions]
            self.session.connection().execute(mark, rows)

    def _known_stopped(self, sessions: set[str]) -> set[str]:
        return set(self.session.scalars(select(SESSION.c.id).where(SESSION.c.id.in_(sessions), SESSION.c.stopped)))

    def _hear(self, arrival: Arrival, heard: Heard, index: bytes, sender: Sender) -> None:
        self._lists(arrival, heard, index, sender, subscribers.BY_USSD)
        if telling(heard):
            self._tell(arrival, heard, self._caller(index, sender))
        known = self.callers.known.get(index)
        conversation = self.conversations.get(known.id) if known else None
        if conversation is not None:
            if finished(heard):
                self._grow(conversation, said(heard), heard.language)
            silence = timedelta(seconds=0 if heard.over else self.deployment.settings.ussd_silence_seconds)
            self.settles[conversation.report_id] = self.now + silence
            if heard.over:
                self.over.add(conversation.case_id)
                code = digits(self.deployment, drawn(heard.session, heard.draw))
                self.codes.append(row(self.deployment, code, conversation.case_id, self.now))

    def _lists(self, arrival: Arrival, heard: Heard | CallHeard, index: bytes, sender: Sender, source: str) -> bool:
        """Put somebody on a list, or let them go from all, in the order they asked for it. Returns whether they did."""
        asked = [step for step in heard.steps if step.answer in {LEAVE, Kept.LIST}]
        for step in asked:
            reach = Reach.CALL if step.screen in {JOIN_CALL, NO_LIST_CALL} else Reach.TEXT
            joining = subscribers.Joining(sender.address, source, arrival.received_at, heard.language, reach=reach)
            if step.answer == LEAVE:
                subscribers.leave(self.session, self.now, numbers=[index])
                continue
            joined = sender.reachable and subscribers.join(self.session, self.deployment, step.words, joining, self.now)
            if joined and (known := self.callers.known.get(index)):
                known.welcome()
        return bool(asked)

    def _end(self, index: bytes) -> None:
        known = self.callers.known.get(index)
        if known is not None and (conversation := self.conversations.get(known.id)) is not None:
            self.settles[conversation.report_id] = self.now

    def _caller(self, index: bytes, sender: Sender) -> Known:
        known = self.callers.get(index, sender, self.now)
        if known.fresh and known.id not in self.conversations:
            known.row["last_inbound_at"] = NO_TEXT_YET
        return known

    def _tell(self, arrival: Arrival, heard: Heard, caller: Known) -> None:
        caller.row["language"] = heard.language
        reading = self.readings[arrival.inbox_id]
        conversation = self.conversations.get(caller.id) or self._begin(arrival, caller, reading)
        for place, (kind, body) in enumerate(lines(heard, self.deployment.words)):
            in_turn = replace(arrival, received_at=arrival.received_at + timedelta(microseconds=place))
            self._line(in_turn, body, caller, conversation, kind)
        self.touched[conversation.report_id] = conversation.case_id
        if words(heard) or said(heard) != NOTHING:
            self._grow(conversation, said(heard), heard.language)
        if (yes := may_text(heard)) is not None:
            self._allow(caller, conversation, yes=yes)

    def _line(self, arrival: Arrival, body: str, caller: Known, conversation: Conversation, kind: MessageKind) -> str:
        draft = Draft(
            kind=kind,
            body=body,
            gateway=arrival.gateway,
            case_id=conversation.case_id,
            caller_id=caller.id,
            inbox_id=arrival.inbox_id,
            state=MessageState.STORED,
        )
        row = draft.row(conversation.key, arrival.received_at)
        self.rows["message"].append(row)
        return str(row["id"])

    def _grow(self, conversation: Conversation, told: Said, language: str) -> None:
        before = self.received.grown.get(conversation.case_id)
        whole = before.said.with_(told) if before else told
        self.received.grown[conversation.case_id] = Grown(conversation.case_id, conversation.key, whole, language)

    def _allow(self, caller: Known, conversation: Conversation, *, yes: bool) -> None:
        """Take over what the person said about being texted; a yes also takes back an earlier stop, and lets out what waited."""
        caller.row["safe_contact"], caller.row["safe_hours"] = SafeContact.ANY if yes else SafeContact.NEVER, None
        if yes:
            caller.row |= {"opted_out_at": None, "panic_at": None, "last_inbound_at": self.now}
        (self.listening.add if yes else self.listening.discard)(conversation.case_id)

    def _read_again(self, case_ids: Sequence[str]) -> None:
        keys = {one.case_id: one.key for one in self.conversations.values()}
        for case_id in keys.keys() & set(case_ids):
            self.received.grown.setdefault(case_id, Grown(case_id, keys[case_id]))

    def _settle(self) -> None:
        if self.settles:
            due = update(REPORT).where(REPORT.c.id == bindparam("of")).values(settles_at=bindparam("due"))
            rows = [{"of": report_id, "due": at} for report_id, at in self.settles.items()]
            self.session.connection().execute(due, rows)
        finished = (CASE.c.id.in_(self.over), CASE.c.state == CaseState.UNFINISHED)
        self.session.execute(update(CASE).where(*finished).values(state=CaseState.NEW, updated_at=self.now))
