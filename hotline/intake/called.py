"""Receives the steps of calls: each key joins its caller's report as it comes, and a recording is noted to be fetched.

Every call is a report from its first ring on, whoever hangs up and when. One in which nothing was told stands in the queue as
unfinished and pages nobody; danger now is told at once, and anything else when the call is over or silent. What the caller
erases goes: its line, its sound, and the recording at the provider. A call in which somebody only joined a list or left them all
is none: reporters are never written to many at once, so that it would undo what was asked for.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, select, update

from hotline import subscribers
from hotline.catalog import REFERENCE
from hotline.db import insert_unless_there
from hotline.gateways.voice import Tape, many_of
from hotline.intake.arrivals import Arrival
from hotline.intake.beeps import numbers_of
from hotline.intake.callers import Known
from hotline.intake.dialled import Dialled
from hotline.intake.erase import remove_unseen
from hotline.intake.overheard import AFTER_BEGIN, AFTER_END
from hotline.intake.receive import CASE_KEY, MESSAGE, REPORT
from hotline.intake.received import Conversation, Received
from hotline.intake.ussd.tree import NOTHING
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.told import chose, lines, may_text, said, telling
from hotline.intake.voice.tree import LANGUAGE
from hotline.models import MessageKind, RecordedAudio, Recording, RecordingState, VoiceCall, new_id, table
from hotline.phone import Sender

AUDIO, CALL, RECORDING = table(RecordedAudio), table(VoiceCall), table(Recording)
SETTLES_AFTER = timedelta(seconds=60)  # of silence in a call: its prompts and its patience are shorter


class Called(Dialled):
    """One batch of calls' steps on its way from arrivals to rows. `unknown` are recordings of calls nothing is known of yet."""

    channel = "voice"

    def take_calls(self, arrivals: Sequence[Arrival]) -> Received:
        """Go through a batch in the order it came and write everything."""
        steps = [(arrival, arrival.event) for arrival in arrivals if isinstance(arrival.event, CallHeard)]
        self.unknown: set[str] = set()
        self.listed: set[str] = set()
        self.stopped_calls = self._known_stopped({step.call for _, step in steps})
        placed = [step.placed for _, step in steps if step.placed]
        rang = numbers_of(self.session, self.deployment, placed) | subscribers.called(self.session, self.deployment, placed)
        numbers = {arrival.inbox_id: rang.get(step.placed, step.sender) for arrival, step in steps if step.sender}
        senders = {inbox_id: self.deployment.sender(number) for inbox_id, number in numbers.items()}
        indexes = {inbox_id: self.deployment.number_index(sender.address) for inbox_id, sender in senders.items()}
        self._load(set(indexes.values()))
        self._load_calls({step.call for _, step in steps})
        self._draw_handles(len(steps))
        self.tapes: list[dict[str, object]] = []
        self.erased: set[str] = set()
        for arrival, step in steps:
            index = indexes.get(arrival.inbox_id)
            self._take(arrival, step, index, senders.get(arrival.inbox_id))
        self._write()
        self._write_calls()
        self._settle()
        self._take_back()
        return self.received

    def _load_calls(self, calls: set[str]) -> None:
        rows = self.session.execute(select(CALL).where(CALL.c.id.in_(calls))).mappings()
        self.calls: dict[str, dict[str, object]] = {row["id"]: dict(row) for row in rows}
        self.known_calls = set(self.calls)
        taped = select(RECORDING.c.reference).where(RECORDING.c.call_id.in_(calls))
        self.references = set(self.session.scalars(taped))
        cases = {str(row["case_id"]) for row in self.calls.values()}
        columns = (REPORT.c.id, REPORT.c.case_id, CASE_KEY.c.wrapped)
        reports = select(*columns).join(CASE_KEY, CASE_KEY.c.case_id == REPORT.c.case_id).where(REPORT.c.case_id.in_(cases))
        self.of_calls = {
            row.case_id: Conversation(row.case_id, row.id, self.deployment.keyring.case_key(row.case_id, row.wrapped))
            for row in self.session.execute(reports)
        }

    def _take(self, arrival: Arrival, step: CallHeard, index: bytes | None, sender: Sender | None) -> None:
        if step.placed and not step.reached and step.call not in self.calls:
            return  # nobody pressed the key of a call that we placed: there is nobody to tell of
        if step.call in self.stopped_calls:
            return
        caller = self._caller(index, sender) if index is not None and sender is not None else None
        if step.call not in self.calls:
            if caller is None:
                self.unknown.add(arrival.inbox_id)
                return
            self._answer_call(arrival, step, caller)
        call = self.calls[step.call]
        conversation = self._conversation(call)
        told = self._tell_step(arrival, step, str(call["caller_id"]), conversation)
        if caller is not None and index is not None and sender is not None:
            self._obey(step, caller, conversation)
            self.listed |= {step.call} if self._lists(arrival, step, index, sender, subscribers.BY_CALL) else set()
        if step.over and call["ended_at"] is None:
            call["ended_at"], call["ask_at"] = self.now, self.now + AFTER_END
        if told or (step.over and self._has_told(call)):
            call["told"] = True
            self.settles[conversation.report_id] = self.now + (timedelta() if step.over else SETTLES_AFTER)
            self.over |= {conversation.case_id} if step.over else set()

    def _obey(self, step: CallHeard, caller: Known, conversation: Conversation) -> None:
        """Take over what a step says about the caller's language and about writing to them."""
        if any(one.screen == LANGUAGE for one in step.steps):
            caller.row["language"] = step.language
        if (yes := may_text(step)) is not None:
            self._allow(caller, conversation, yes=yes)

    def _answer_call(self, arrival: Arrival, step: CallHeard, caller: Known) -> None:
        """Note a call from its first step on."""
        conversation = self.conversations.get(caller.id) or self._begin(arrival, caller, self.readings[arrival.inbox_id])
        self.calls[step.call] = {
            "id": step.call,
            "gateway": arrival.gateway,
            "case_id": conversation.case_id,
            "caller_id": caller.id,
            "began_at": arrival.received_at,
            "ended_at": None,
            "erased": False,
            "sealed": conversation.key.seal_text(step.named, f"voice_call|sealed|{step.call}"),
            "ask_at": self.now + AFTER_BEGIN,
        }
        self.of_calls[conversation.case_id] = conversation
        line = "called_many" if many_of(step.placed) else "called_back" if step.placed else "called"
        self._add(arrival, line, caller.id, conversation)

    def _conversation(self, call: dict[str, object]) -> Conversation:
        return self.of_calls[str(call["case_id"])]

    def _tell_step(self, arrival: Arrival, step: CallHeard, caller_id: str, conversation: Conversation) -> bool:
        for place, line in enumerate(lines(step, self.deployment.words)):
            in_turn = replace(arrival, received_at=arrival.received_at + timedelta(microseconds=place))
            self._write_down(in_turn, line, caller_id, conversation)
        if chose(step, "review", "erase"):
            self._erase(step.call)
        if step.tape is not None:
            self._tape(arrival, step, step.tape, caller_id)
        if not telling(step):
            return False
        self.touched[conversation.report_id] = conversation.case_id
        if said(step) != NOTHING:
            self._grow(conversation, said(step), step.language)
        return True

    def _tape(self, arrival: Arrival, step: CallHeard, tape: Tape, caller_id: str) -> None:
        """Note a recording, once: its step and the provider's own word of it both tell of it."""
        assert step.tape is not None  # noqa: S101  asked by the caller
        call, reference = (
            self.calls[step.call],
            self.deployment.keyring.repeat_index(arrival.gateway, "tape", step.tape.reference),
        )
        if reference in self.references:
            return
        self.references.add(reference)
        conversation, erased = self._conversation(call), bool(call["erased"])
        line = None if erased else self._add(arrival, "record_left", caller_id, conversation)
        row_id = new_id()
        self.tapes.append(
            {
                "id": row_id,
                "gateway": arrival.gateway,
                "reference": reference,
                "sealed": conversation.key.seal_text(tape.reference, f"recording|sealed|{row_id}"),
                "call_id": step.call,
                "case_id": conversation.case_id,
                "message_id": line,
                "seconds": tape.seconds,
                "state": RecordingState.ERASING if erased else RecordingState.WAITING,
                "attempts": 0,
                "due_at": self.now,
                "created_at": arrival.received_at,
                "left_there": False,
            }
        )

    def _erase(self, call: str) -> None:
        """Take back what was recorded in a call, in the rows there are and in those of this batch."""
        self.calls[call]["erased"] = True
        self.erased.add(call)
        mine = [row for row in self.tapes if row["call_id"] == call]
        gone = {row["message_id"] for row in mine}
        self.rows["message"] = [row for row in self.rows["message"] if row["id"] not in gone]
        for row in mine:
            row |= {"state": RecordingState.ERASING, "message_id": None}

    def _add(self, arrival: Arrival, line: str, caller_id: str, conversation: Conversation) -> str:
        return self._write_down(arrival, self.deployment.words.text(f"calls.{line}", REFERENCE), caller_id, conversation)

    def _write_down(self, arrival: Arrival, body: str, caller_id: str, conversation: Conversation) -> str:
        caller = Known({"id": caller_id}, fresh=False)
        return self._line(arrival, body, caller, conversation, MessageKind.ANSWER_IN)

    def _take_back(self) -> None:
        """Remove the cases of calls in which somebody did nothing but join a list or leave them all."""
        gone = {call for call in self.listed if not self._has_told(self.calls[call])}
        gone = {call for call in gone if remove_unseen(self.session, str(self.calls[call]["case_id"]))}
        self._stop(gone)
        cases = {self.calls[call]["case_id"] for call in gone}
        self.received.opened = [new for new in self.received.opened if new.case_id not in cases]

    def _has_told(self, call: dict[str, object]) -> bool:
        """Whether anything of a call is more than that it came."""
        if call.get("told"):
            return True
        told = select(MESSAGE.c.id).where(MESSAGE.c.case_id == call["case_id"], MESSAGE.c.direction == "in").limit(2)
        return len(self.session.scalars(told).all()) > 1

    def _write_calls(self) -> None:
        for row in self.calls.values():
            row.pop("told", None)
        connection = self.session.connection()
        fresh = [row for call, row in self.calls.items() if call not in self.known_calls]
        if fresh:
            insert_unless_there(connection, CALL, fresh)
        for call in self.known_calls:
            row = self.calls[call]
            state = {name: row[name] for name in ("ended_at", "erased", "ask_at")}
            connection.execute(update(CALL).where(CALL.c.id == call).values(**state))
        if self.tapes:
            insert_unless_there(connection, RECORDING, self.tapes)
        if self.erased:
            self._erase_known()

    def _erase_known(self) -> None:
        mine = (RECORDING.c.call_id.in_(self.erased), RECORDING.c.state.not_in((RecordingState.ERASED, RecordingState.ERASING)))
        rows = self.session.execute(select(RECORDING.c.id, RECORDING.c.message_id).where(*mine)).all()
        ids = [row.id for row in rows]
        again = {"state": RecordingState.ERASING, "message_id": None, "due_at": self.now, "attempts": 0}
        self.session.execute(update(RECORDING).where(RECORDING.c.id.in_(ids)).values(**again))
        self.session.execute(delete(AUDIO).where(AUDIO.c.recording_id.in_(ids)))
        self.session.execute(delete(MESSAGE).where(MESSAGE.c.id.in_([row.message_id for row in rows if row.message_id])))
