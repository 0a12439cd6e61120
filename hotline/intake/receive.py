"""Receives texts: each becomes an officer's answer, a word we obey, or part of a report. None is ever turned away.

Takes a batch of arrivals with their readings, writes all rows together, and returns what the next stages must do. One text
more costs a few rows in bulk inserts, never a query of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from hotline import comeback, subscribers
from hotline.db import add_rows, among, insert_unless_there
from hotline.deployment import Deployment
from hotline.gateways.contract import InboundText
from hotline.gateways.ringing import carries
from hotline.intake import beeps
from hotline.intake.arrivals import Arrival
from hotline.intake.assessed import assessed_row
from hotline.intake.callers import Callers, Known
from hotline.intake.commands import Kind, officer_answer, recognise, return_code
from hotline.intake.dialog import ALWAYS, FREE_TEXT, INFO, INFO_OR_CALL, Reaction, going_on, react
from hotline.intake.handles import unused
from hotline.intake.on_air import Given, OnAir
from hotline.intake.opening import case_row, report_row
from hotline.intake.pieces import Joint, Pieces
from hotline.intake.prompted import Prompted
from hotline.intake.received import Conversation, Grown, OfficersAnswer, Opened, Received
from hotline.intake.twins import Twins
from hotline.models import (
    Assessed,
    Case,
    CaseKey,
    CaseState,
    Contact,
    Lane,
    Message,
    MessageKind,
    MessageState,
    Reading,
    Referral,
    Report,
    ReturnCode,
    SafeContact,
    new_id,
    table,
)
from hotline.outbound.compose import Draft
from hotline.phone import Sender

CASE, CASE_KEY, CODE, CONTACT, MESSAGE, REPORT = (table(m) for m in (Case, CaseKey, ReturnCode, Contact, Message, Report))
ASSESSED, REFERRAL = table(Assessed), table(Referral)


class Intake:
    """One batch on its way from arrivals to rows."""

    channel = "sms"
    opens_as = CaseState.NEW

    def __init__(
        self,
        session: Session,
        deployment: Deployment,
        readings: Mapping[str, Reading],
        now: datetime,
        first_step: Callable[[Reading], datetime | None] | None = None,
    ) -> None:
        self.session, self.deployment, self.readings, self.now = session, deployment, readings, now
        self.first_step = first_step or (lambda _: None)
        self.window = timedelta(minutes=deployment.settings.reply_window_minutes)
        self.callers = Callers(deployment)
        self.contacts: dict[bytes, str] = {}
        self.conversations: dict[str, Conversation] = {}
        self.rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("case", "key", "report", "assessed", "message")}
        self.touched: dict[str, str] = {}
        self.codes: list[dict[str, object]] = []
        self.listening: set[str] = set()
        self.received = Received()
        self.handles: list[str] = []

    def take(self, arrivals: Sequence[Arrival]) -> Received:
        """Go through a batch in the order it came and write everything."""
        texts = [(arrival, arrival.event) for arrival in arrivals if isinstance(arrival.event, InboundText)]
        senders = {arrival.inbox_id: self.deployment.sender(text.sender) for arrival, text in texts}
        indexes = {inbox_id: self.deployment.number_index(sender.address) for inbox_id, sender in senders.items()}
        self._load(set(indexes.values()))
        self.pieces = Pieces(self.session, {open_.case_id: open_.key for open_ in self.conversations.values()}, self.now)
        self._draw_handles(len(texts))
        self.twins = Twins(self.session, self.deployment, texts)
        self.on_air = OnAir(self.session, self.deployment, self.now, self._say_if_few)
        for arrival, text in texts:
            index = indexes[arrival.inbox_id]
            if self.twins.is_twin(arrival.inbox_id):
                self.received.obeyed[arrival.inbox_id] = "told twice"
            elif self._from_contact(index, text):
                self.received.obeyed[arrival.inbox_id] = "an officer's answer"
            else:
                self._from_caller(arrival, text, index, senders[arrival.inbox_id])
        self.twins.write()
        self.on_air.write()
        self.received.votes, self.received.obeyed = self.on_air.votes, self.received.obeyed | self.on_air.kept
        self._write()
        return self.received

    def _draw_handles(self, count: int) -> None:
        self.handles = unused(self.session, count)

    def _load(self, indexes: set[bytes]) -> None:
        self.callers.load(self.session, indexes)
        self.prompted = Prompted(self.session, indexes, self.now)
        theirs = among(self.session, CONTACT.c.number_index, indexes)
        found = select(CONTACT.c.number_index, CONTACT.c.id).where(theirs, CONTACT.c.active)
        self.contacts = {row.number_index: row.id for row in self.session.execute(found)}
        known = [caller.id for caller in self.callers.known.values()]
        since = self.now - timedelta(hours=self.deployment.settings.conversation_hours)
        open_ones = (
            select(REPORT.c.caller_id, REPORT.c.id, REPORT.c.case_id, CASE_KEY.c.wrapped)
            .join(CASE, CASE.c.id == REPORT.c.case_id)
            .join(CASE_KEY, CASE_KEY.c.case_id == REPORT.c.case_id)
            .where(REPORT.c.caller_id.in_(known), REPORT.c.last_inbound_at >= since, CASE.c.state != CaseState.CLOSED)
            .order_by(REPORT.c.last_inbound_at)
        )
        for row in self.session.execute(open_ones) if known else ():
            key = self.deployment.keyring.case_key(row.case_id, row.wrapped)
            self.conversations[row.caller_id] = Conversation(row.case_id, row.id, key)

    def _from_contact(self, index: bytes, text: InboundText) -> bool:
        contact_id = self.contacts.get(index)
        answer = officer_answer(text.body) if contact_id else None
        if contact_id is None or answer is None or (answer.says_more and not self._alerted(contact_id, answer.code)):
            return False  # what only looks like a code may be somebody's report
        words = text.body if answer.says_more else ""
        self.received.answers.append(OfficersAnswer(contact_id, answer.verb, answer.code, answer.choice, words))
        return True

    def _alerted(self, contact_id: str, code: str | None) -> bool:
        told = select(REFERRAL.c.id).join(CASE, CASE.c.id == REFERRAL.c.case_id)
        return self.session.execute(told.where(CASE.c.handle == code, REFERRAL.c.contact_id == contact_id)).first() is not None

    def _from_caller(self, arrival: Arrival, text: InboundText, index: bytes, sender: Sender) -> None:
        heard = arrival.received_at if arrival.late else self.now
        caller = self.callers.get(index, sender, heard)
        conversation = self.conversations.get(caller.id)
        joint = self.pieces.look(conversation.case_id if conversation else None, text, arrival.received_at)
        reaction = self._reaction(caller, text, joint, arrival.gateway)
        if self._asked_for_news(arrival, text, caller, sender, reaction) or self._joined(arrival, text, caller, sender):
            return
        if self._for_a_show(arrival, text, caller, sender, joint) or self._answered(arrival, text, caller):
            return
        reading = self.readings[arrival.inbox_id]
        if reaction.language or reading.language_confident:
            caller.row["language"] = reaction.language or reading.language
        if reaction.report and conversation is None:
            conversation = self._open(arrival, text, caller, reading, joint)
        elif conversation is not None:
            self._extend(arrival, text, caller, conversation, reaction, joint)
        else:
            self.received.obeyed[arrival.inbox_id] = "a word we obey"
        chosen = reaction.language or (None if reaction.stop else caller.chosen_language(self.now, self.window))
        caller.obey(reaction, heard, chosen)
        if reaction.call:
            beeps.ring(self.session, self.deployment, arrival, sender, self.now)
        if reaction.stop:
            self._silence(caller)
        if conversation is not None and not arrival.late:
            safe = caller.row["safe_contact"] != SafeContact.NEVER
            (self.listening.add if safe else self.listening.discard)(conversation.case_id)
        if not arrival.late:
            spoken = reading.language if reading.language_confident else self.deployment.settings.default_language
            self._answer(caller, reaction, chosen or spoken, conversation, arrival.gateway)

    def _asked_for_news(self, arrival: Arrival, text: InboundText, caller: Known, sender: Sender, reaction: Reaction) -> bool:
        """Answer a return code that stands for a case, and keep it nowhere. Ten digits that stand for none are words."""
        code = return_code(text.body) if not reaction.stop else None
        found = comeback.ask(self.session, self.deployment, code, sender.address, self.now) if code else comeback.UNKNOWN
        if found in {comeback.UNKNOWN, comeback.LATER}:
            return False
        self.received.obeyed[arrival.inbox_id] = "a return code"
        caller.row["last_inbound_at"] = self.now
        if not arrival.late:
            language = str(caller.row["language"] or self.deployment.settings.default_language)
            self._say(caller, f"news.{found}", language, None, arrival.gateway)
        return True

    def _joined(self, arrival: Arrival, text: InboundText, caller: Known, sender: Sender) -> bool:
        """Put whoever sends JOIN and the keyword of a list on it. With any other word it is a text like any."""
        command = recognise(text.body)
        if command is None or command.kind is not Kind.JOIN:
            return False
        reading = self.readings[arrival.inbox_id]
        language = str((reading.language if reading.language_confident else caller.row["language"]) or "") or None
        joining = subscribers.Joining(sender.address, subscribers.BY_TEXT, arrival.received_at, language)
        if not sender.reachable or not subscribers.join(self.session, self.deployment, command.value, joining, self.now):
            return False
        caller.welcome()
        self.received.obeyed[arrival.inbox_id] = "joined a list"
        caller.row["last_inbound_at"] = self.now
        if not arrival.late:
            self._say_if_few(caller, "sms.joined", language or self.deployment.settings.default_language, arrival.gateway)
        return True

    def _for_a_show(self, arrival: Arrival, text: InboundText, caller: Known, sender: Sender, joint: Joint | None) -> bool:
        """Leave to radio what is a vote or a question; of somebody who is telling, a question is a part of that too."""
        reading, question = self.readings[arrival.inbox_id], caller.open_question(self.now, self.window)
        telling = self.conversations.get(caller.id)
        taken = self.on_air.takes(Given(arrival, text, caller, sender.address, reading, question, telling is not None, joint))
        if taken and telling is not None and arrival.inbox_id in self.on_air.also_told:
            self._extend(arrival, text, caller, telling, FREE_TEXT, joint)
        return taken

    def _answered(self, arrival: Arrival, text: InboundText, caller: Known) -> bool:
        """Count a digit that answers a broadcast's question, of somebody with whom nothing else is open."""
        talking = caller.id in self.conversations or caller.open_question(self.now, self.window)
        if talking or not self.prompted.answered(caller.row["number_index"], text.body):
            return False
        self.received.obeyed[arrival.inbox_id] = "an answer to a broadcast"
        caller.row["last_inbound_at"] = self.now
        return True

    def _say_if_few(self, caller: Known, template: str, language: str, gateway: str, **values: str) -> None:
        """Say something that is about no case, unless too much was said to this phone today."""
        day, cap = f"{self.deployment.local(self.now):%Y-%m-%d}", self.deployment.settings.auto_reply_daily_cap
        if caller.may_get_automatic_answer(day, cap):
            self._say(caller, template, language, None, gateway, **values)

    def _reaction(self, caller: Known, text: InboundText, joint: Joint | None, gateway: str) -> Reaction:
        """Return what a text does. A later piece goes on telling: it answers nothing, and nothing is said back to it."""
        question, command = caller.open_question(self.now, self.window), recognise(text.body)
        if joint is None:
            reaction = react(question, command)
            via = self.deployment.settings.voice_gateway or gateway
            return INFO_OR_CALL if reaction is INFO and carries(self.deployment.shelf.get(via)) else reaction
        stops = command is not None and command.kind in ALWAYS and not joint.sure
        return react(question, command) if stops else going_on(question, first=joint.joined_to is None)

    def _silence(self, caller: Known) -> None:
        """Take back every automatic answer to this caller, also those this very batch has just written."""
        self.callers.silenced.append(caller.id)
        answers = (caller.id, MessageKind.AUTO)
        self.rows["message"] = [row for row in self.rows["message"] if (row["caller_id"], row["kind"]) != answers]

    def _open(self, arrival: Arrival, text: InboundText, caller: Known, reading: Reading, joint: Joint | None) -> Conversation:
        conversation = self._begin(arrival, caller, reading)
        self._store(arrival, text, caller, conversation, MessageKind.REPORT, joint)
        return conversation

    def _begin(self, arrival: Arrival, caller: Known, reading: Reading) -> Conversation:
        """Open a case with its report; the words are stored by whoever has them."""
        case_id, report_id, code = new_id(), new_id(), self.handles.pop()
        key, wrapped = self.deployment.keyring.new_case_key(case_id)
        conversation = self.conversations[caller.id] = Conversation(case_id, report_id, key)
        climbs_at = self.first_step(reading)
        self.rows["case"].append(case_row(case_id, code, reading, self.now, climbs_at, state=self.opens_as, channel=self.channel))
        self.rows["key"].append({"case_id": case_id, "kid": self.deployment.keyring.kid, "wrapped": wrapped})
        after = self.prompted.by(caller.row["number_index"])
        self.rows["report"].append(report_row(conversation, caller.id, self.channel, arrival.gateway, self.now, after))
        self.rows["assessed"].append(assessed_row(case_id, key, reading, self.now))
        begun = climbs_at is not None
        self.received.opened.append(Opened(case_id, code, key, reading, self.channel, arrival, begun))
        return conversation

    def _extend(
        self,
        arrival: Arrival,
        text: InboundText,
        caller: Known,
        conversation: Conversation,
        reaction: Reaction,
        joint: Joint | None,
    ) -> None:
        kind = MessageKind.REPORT if reaction.report else MessageKind.ANSWER_IN
        self._store(arrival, text, caller, conversation, kind, joint)
        self.touched[conversation.report_id] = conversation.case_id
        if reaction.report:
            self.received.grown[conversation.case_id] = Grown(conversation.case_id, conversation.key)

    def _store(
        self,
        arrival: Arrival,
        text: InboundText,
        caller: Known,
        conversation: Conversation,
        kind: MessageKind,
        joint: Joint | None,
    ) -> None:
        draft = Draft(
            kind=kind,
            body=text.body,
            gateway=arrival.gateway,
            case_id=conversation.case_id,
            caller_id=caller.id,
            inbox_id=arrival.inbox_id,
            state=MessageState.STORED,
            joined_to=joint.joined_to if joint else None,
            piece=joint.piece if joint else None,
            reference=joint.reference if joint else None,
        )
        row = draft.row(conversation.key, arrival.received_at)
        self.rows["message"].append(row)
        self.pieces.note(conversation.case_id, str(row["id"]), joint, text, arrival.received_at)

    def _answer(self, caller: Known, reaction: Reaction, language: str, conversation: Conversation | None, gateway: str) -> None:
        settings = self.deployment.settings
        if reaction.reply is None or not settings.auto_reply:
            return
        if not caller.may_get_automatic_answer(f"{self.deployment.local(self.now):%Y-%m-%d}", settings.auto_reply_daily_cap):
            return
        self._say(caller, reaction.reply, language, conversation, gateway)

    def _say(
        self, caller: Known, template: str, language: str, conversation: Conversation | None, gateway: str, **values: str
    ) -> None:
        gives_code = template == comeback.GIVES_CODE
        values |= {"number": comeback.HIDDEN} if gives_code else {}
        draft = Draft(
            kind=MessageKind.AUTO,
            lane=Lane.REPLY,
            body=self.deployment.words.text(template, language, **values),
            gateway=gateway,
            case_id=conversation.case_id if conversation else None,
            caller_id=caller.id,
            template=template,
            valid_for=timedelta(seconds=self.deployment.settings.auto_reply_validity_seconds),
        )
        key = conversation.key if conversation else self.deployment.keyring.fields
        row = draft.row(key, self.now)
        if gives_code and conversation:
            row = self._with_code(draft, conversation, row)
        self.rows["message"].append(row)
        self.received.lanes.add(Lane.REPLY)

    def _with_code(self, draft: Draft, conversation: Conversation, row: dict[str, object]) -> dict[str, object]:
        """Return the row of a text whose code is not taken, and let that code stand for the case."""
        while comeback.taken(self.session, self.deployment, code := comeback.digits(self.deployment, str(row["id"]))):
            row = draft.row(conversation.key, self.now)
        self.codes.append(comeback.row(self.deployment, code, conversation.case_id, self.now))
        return row

    def _write(self) -> None:
        self.callers.write(self.session, self.now)
        tables = {"case": CASE, "key": CASE_KEY, "report": REPORT, "assessed": ASSESSED, "message": MESSAGE}
        for name, table_ in tables.items():
            add_rows(self.session, table_, self.rows[name])
        if self.codes:
            insert_unless_there(self.session.connection(), CODE, self.codes)
        if self.touched:
            self._touch()

    def _touch(self) -> None:
        """Move reports that grew to the front, and let go answers that waited for their caller to write again.

        They stay held where the caller has said that it is never safe, or the case is frozen: let go, they would be dropped.
        """
        heard = update(REPORT).where(REPORT.c.id == bindparam("of")).values(last_inbound_at=self.now)
        self.session.connection().execute(heard, [{"of": report_id} for report_id in self.touched])
        cases = set(self.touched.values())
        self.session.execute(update(CASE).where(CASE.c.id.in_(cases)).values(updated_at=self.now))
        resting = (CASE.c.id.in_(cases), CASE.c.state.in_((CaseState.WAITING, CaseState.PASSED_ON)))
        self.session.execute(update(CASE).where(*resting).values(state=CaseState.OPEN))
        open_ones = select(CASE.c.id).where(CASE.c.id.in_(cases & self.listening), CASE.c.state != CaseState.FROZEN)
        held = (MESSAGE.c.case_id.in_(open_ones), MESSAGE.c.state == MessageState.HELD)
        life = self.now + timedelta(minutes=self.deployment.settings.answer_validity_minutes)
        let_go = {"state": MessageState.QUEUED, "due_at": self.now, "valid_until": life}
        if self.session.connection().execute(update(MESSAGE).where(*held).values(**let_go)).rowcount:
            self.received.lanes.add(Lane.REPLY)


def receive(
    session: Session,
    deployment: Deployment,
    arrivals: Sequence[Arrival],
    readings: Mapping[str, Reading],
    now: datetime,
    first_step: Callable[[Reading], datetime | None] | None = None,
) -> Received:
    """Receive a batch. `readings` holds triage's reading of each text by the id of its inbox row.

    `first_step` says when the ladder of a new case climbs first, where that is known before anybody is chosen: the row is
    written once then, and not changed in all its indexes a moment later.
    """
    return Intake(session, deployment, readings, now, first_step).take(arrivals)
